//! What can be done with processes, and how it is asked for and told.

use ostler_wire::control::{Action, Change, Phase, ProcView, ReloadOptions, Request, ScaleTo};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Reload,
    Restart,
    Start,
    Stop,
    Delete,
    /// One instance more.
    Add,
    /// One instance fewer.
    Remove,
}

impl Act {
    /// Returns what is done, what is being done, and what was done.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::Reload => ["reload", "reloading", "reloaded"],
            Self::Restart => ["restart", "restarting", "restarted"],
            Self::Start => ["start", "starting", "started"],
            Self::Stop => ["stop", "stopping", "stopped"],
            Self::Delete => ["delete", "deleting", "deleted"],
            Self::Add => ["add", "adding an instance to", "added an instance to"],
            Self::Remove => ["remove", "removing an instance of", "removed an instance of"],
        }
    }
}

/// Something to be done with processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// What is done.
    pub(crate) act: Act,
    /// Name of the app.
    pub(crate) app: String,
    /// Numbers of the processes.
    pub(crate) ids: Vec<u32>,
    /// Whether they are all that the app has.
    pub(crate) is_whole: bool,
}

impl Deed {
    /// Returns what is to be done with these processes of an app, or why there is nothing to do.
    /// What runs is not started, and what does not run is not stopped.
    pub(crate) fn plan(
        act: Act,
        app: &str,
        of: &[&ProcView],
        is_whole: bool,
    ) -> Result<Self, String> {
        let is_meant = |process: &&&ProcView| {
            let runs = !matches!(process.phase, Phase::Stopped | Phase::Errored);
            match act {
                Act::Start => !runs,
                Act::Stop => runs,
                Act::Reload | Act::Restart | Act::Delete | Act::Add | Act::Remove => true,
            }
        };
        let ids: Vec<u32> = of.iter().filter(is_meant).map(|process| process.id).collect();
        match act {
            Act::Start if ids.is_empty() => Err(format!("{app} runs already")),
            Act::Stop if ids.is_empty() => Err(format!("{app} does not run")),
            Act::Start
            | Act::Stop
            | Act::Reload
            | Act::Restart
            | Act::Delete
            | Act::Add
            | Act::Remove => Ok(Self { act, app: app.to_owned(), ids, is_whole }),
        }
    }

    /// Returns the request for it, under a word that no other request has.
    pub(crate) fn request(&self, ticket: String) -> Request {
        let (ids, ticket, change) = (self.ids.clone(), Some(ticket), Change::default());
        let act = |action| {
            let (ids, ticket) = (self.ids.clone(), ticket.clone());
            Request::Act { action, ids, change: Change::default(), ticket }
        };
        match self.act {
            Act::Reload => {
                Request::Reload { ids, change, options: ReloadOptions::default(), ticket }
            }
            Act::Restart | Act::Start => act(Action::Restart),
            Act::Stop => act(Action::Stop),
            Act::Delete => act(Action::Delete),
            Act::Add => scale(&self.app, ScaleTo::Add(1), ticket),
            Act::Remove => scale(&self.app, ScaleTo::Remove(1), ticket),
        }
    }

    /// Returns the question whether it is meant.
    pub(crate) fn question(&self) -> String {
        let [word, ..] = self.act.words();
        format!("{word} {}?", self.target())
    }

    /// Returns what is told when it begins.
    pub(crate) fn begun(&self) -> String {
        let [_, word, _] = self.act.words();
        format!("{word} {} …", self.target())
    }

    /// Returns what is told when it is done.
    pub(crate) fn done(&self) -> String {
        let [.., word] = self.act.words();
        let undo = match self.act {
            Act::Stop => "; S starts it again",
            Act::Reload | Act::Restart | Act::Start | Act::Delete | Act::Add | Act::Remove => "",
        };
        format!("{word} {}{undo}", self.target())
    }

    /// Returns what is told when it fails.
    pub(crate) fn failed(&self, why: &str) -> String {
        let [_, word, _] = self.act.words();
        format!("{word} {}: {why}", self.target())
    }

    fn target(&self) -> String {
        match (self.is_whole, self.ids.as_slice()) {
            (false, [id]) => format!("process {id} of {}", self.app),
            (true, [_]) => self.app.clone(),
            (_, ids) => format!("{} ({} processes)", self.app, ids.len()),
        }
    }
}

fn scale(name: &str, target: ScaleTo, ticket: Option<String>) -> Request {
    Request::Scale { name: name.to_owned(), target, lowest_first: false, doing: false, ticket }
}
