//! What is answered to a call once the model is done with it.

use std::collections::BTreeSet;

use ostler_core::ProcId;
use ostler_pm2::rpc::Answer;
use ostler_wire::control::{Code, Event, Failure, Reply};

use crate::model::Model;

/// What a call asked for, and what is known of it so far.
#[derive(Clone, Debug)]
pub struct Then {
    what: What,
    failure: Option<Failure>,
}

#[derive(Clone, Debug)]
enum What {
    /// The processes of an app that were added, beside those that were there.
    Added { name: String, before: BTreeSet<ProcId> },
    /// The process that was added.
    Duplicate(Option<ProcId>),
    /// The process as it is after a start.
    Spawned(ProcId),
    /// The process as it is.
    Element(ProcId),
    /// The process as it was before it was forgotten.
    Gone(String),
    /// A file that was written.
    File(String),
    /// The whole list.
    List,
    /// Nothing is answered.
    Silence,
}

impl Then {
    /// An app of this name is added, beside processes of the name.
    pub fn added(name: String, before: BTreeSet<ProcId>) -> Self {
        Self::of(What::Added { name, before })
    }

    /// A process is added to an app.
    pub fn duplicate() -> Self {
        Self::of(What::Duplicate(None))
    }

    /// A process is started.
    pub fn spawned(id: ProcId) -> Self {
        Self::of(What::Spawned(id))
    }

    /// A process is stopped.
    pub fn element(id: ProcId) -> Self {
        Self::of(What::Element(id))
    }

    /// A process is forgotten, which was this.
    pub fn gone(element: String) -> Self {
        Self::of(What::Gone(element))
    }

    /// This file is written.
    pub fn file(path: String) -> Self {
        Self::of(What::File(path))
    }

    /// Whoever asks wants the list.
    pub fn list() -> Self {
        Self::of(What::List)
    }

    /// Whoever asks wants no answer.
    pub fn silence() -> Self {
        Self::of(What::Silence)
    }

    fn of(what: What) -> Self {
        Self { what, failure: None }
    }

    /// Something on the way to the reply.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::Acted { error: Some(error), .. } | Event::Failed { error, .. } => {
                self.failure.get_or_insert_with(|| error.clone());
            }
            Event::Acted { id, added: true, error: None, .. } => {
                if let What::Duplicate(found) = &mut self.what {
                    *found = Some(ProcId(*id));
                }
            }
            Event::Acted { .. }
            | Event::Started { .. }
            | Event::Starting { .. }
            | Event::Doing { .. }
            | Event::Restoring { .. }
            | Event::Step { .. }
            | Event::Log(_)
            | Event::Following { .. }
            | Event::Process { .. }
            | Event::Own { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Restored { .. }
            | Event::Warning { .. } => {}
        }
    }

    /// The answer, now that there is a reply.
    pub fn answer(self, reply: &Reply, model: &Model) -> Option<Answer> {
        let Self { what, failure } = self;
        let failure = match reply {
            Reply::Error(failure) => Some(failure.clone()),
            Reply::Hello { .. }
            | Reply::List { .. }
            | Reply::Found { .. }
            | Reply::Describe(_)
            | Reply::Metrics { .. }
            | Reply::Env { .. }
            | Reply::Listens { .. }
            | Reply::LastLines { .. }
            | Reply::Unwritten { .. }
            | Reply::Saved { .. }
            | Reply::Done => failure,
        };
        // An app that was started and ended is there, and its state tells of it: as in PM2, a
        // program that asks for its start has started it.
        let started = matches!(what, What::Added { .. } | What::Spawned(_) | What::Duplicate(_));
        if let Some(failure) = failure.filter(|of| !(started && of.code == Code::Ended)) {
            return (!matches!(what, What::Silence)).then(|| Answer::Error(in_one(failure)));
        }
        let found = match what {
            What::Silence => return None,
            What::List => Some(model.known().jlist()),
            What::Gone(element) => Some(element),
            What::File(path) => Some(serde_json::json!({ "file": path }).to_string()),
            What::Element(id) => model.known().element(id),
            What::Spawned(id) | What::Duplicate(Some(id)) => spawned(model, id),
            What::Duplicate(None) => None,
            What::Added { name, before } => {
                let of_name = model.registry().procs().filter(|(_, proc)| proc.name == name);
                let new = of_name.map(|(id, _)| id).filter(|id| !before.contains(id));
                let all: Vec<String> = new.filter_map(|id| spawned(model, id)).collect();
                Some(format!("[{}]", all.join(",")))
            }
        };
        let gone = || Answer::Error("the process was deleted meanwhile".to_owned());
        Some(found.map_or_else(gone, Answer::Value))
    }
}

/// A process as PM2 tells of one that it has started: with what is left of its object of Node's.
fn spawned(model: &Model, id: ProcId) -> Option<String> {
    let mut element = model.known().element(id)?;
    let pid = model.known().pid_of(id);
    if element.pop().is_some() {
        element.push_str(&format!(",\"process\":{{\"pid\":{pid}}}}}"));
    }
    Some(element)
}

/// A failure as one text: PM2's clients show no other.
fn in_one(failure: Failure) -> String {
    match failure.hint {
        Some(hint) => format!("{}\nhint: {hint}", failure.message),
        None => failure.message,
    }
}
