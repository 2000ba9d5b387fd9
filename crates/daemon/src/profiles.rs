//! Profiles that apps of Node take of themselves, for whoever asked for one.
//!
//! The agent in the app takes it, writes the file, and says so by a number. A run that ends in
//! between says nothing any more; an app whose loop is blocked says it late, or never.

use std::collections::BTreeMap;

use ostler_core::{ProcId, RunId};
use ostler_wire::control::{Code, Failure, ProfileKind, Reply};
use serde::Deserialize;
use serde_json::json;

use crate::clock;
use crate::model::Model;

/// The beginning of the message by which an agent says that it is done.
const DONE: &str = r#"{"type":"ostler:profiled""#;
/// So much longer than the profile takes it may be to write it, ms.
const TO_WRITE: u64 = 30_000;
/// So often it is looked whether the runs are still there, ms.
const LOOK: u64 = 500;
/// The longest profile, ms.
const LONGEST: u64 = 3_600_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The process that is looked at.
    pub id: ProcId,
    /// What of it: processor or memory.
    pub kind: ProfileKind,
    /// For how long, ms.
    pub ms: u64,
    /// The file that the profile is written to.
    pub file: String,
}

/// All profiles that are being taken.
#[derive(Debug, Default)]
pub struct Profiles {
    next: u64,
    open: BTreeMap<u64, Open>,
    look_at: u64,
}

#[derive(Debug)]
struct Open {
    client: usize,
    run: RunId,
    until: u64,
}

impl Profiles {
    /// A client wants one: the run, and the line that it is to be sent.
    ///
    /// # Errors
    /// There is nobody who could take it.
    pub fn begin(
        &mut self,
        client: usize,
        wanted: &Wanted,
        model: &Model,
    ) -> Result<(RunId, Vec<u8>), Failure> {
        let Wanted { id, kind, ms, file } = wanted;
        let run = model.core().slot(*id).and_then(|slot| slot.process().run());
        let run = run.ok_or_else(|| failure(format!("process {} does not run", id.0)))?;
        if !model.known().in_app_of(run).is_some_and(ostler_pm2::in_app::InApp::has_agent) {
            return Err(failure(format!("there is no agent in process {}", id.0)).hint(
                "it is in apps of Node a second after their begin, unless `pmx` is false or the \
                 app brings PM2's own along",
            ));
        }
        if LONGEST < *ms {
            return Err(failure(format!("a profile takes {LONGEST} ms at most, not {ms}")));
        }
        // None is used again by the next daemon either.
        self.next = (self.next + 1).max(clock::wall());
        let now = clock::monotonic();
        self.look_at = now + LOOK;
        self.open.insert(self.next, Open { client, run, until: now + ms + TO_WRITE });
        let message = json!({
            "cmd": "NODE_OSTLER", "act": "profile", "token": self.next,
            "kind": kind.as_str(), "ms": ms, "file": file,
        });
        Ok((run, format!("{message}\n").into_bytes()))
    }

    /// An app says something: who is to be told what, if it is that a profile is done.
    pub fn on_message(&mut self, run: RunId, text: &str) -> Option<(usize, Reply)> {
        #[derive(Deserialize)]
        struct Said {
            data: Done,
        }
        #[derive(Deserialize)]
        struct Done {
            token: u64,
            error: Option<String>,
        }
        let Said { data: Done { token, error } } = serde_json::from_str(text).ok()?;
        self.open.get(&token).filter(|open| open.run == run)?;
        let open = self.open.remove(&token)?;
        let reply = match error {
            None => Reply::Done,
            Some(error) => Reply::Error(failure(format!("the app cannot take it: {error}"))),
        };
        Some((open.client, reply))
    }

    /// When [`give_up`](Self::give_up) is due.
    pub fn due(&self) -> Option<u64> {
        (!self.open.is_empty()).then_some(self.look_at)
    }

    /// Who is told that there will be no profile any more.
    pub fn give_up(&mut self, now: u64, model: &Model) -> Vec<(usize, Reply)> {
        self.look_at = now + LOOK;
        let mut told = Vec::new();
        self.open.retain(|_, open| {
            let why = if model.known().proc_of_run(open.run).is_none() {
                "the app ended before its profile was written"
            } else if open.until <= now {
                "the app does not write its profile: its event loop may be blocked"
            } else {
                return true;
            };
            told.push((open.client, Reply::Error(failure(why))));
            false
        });
        told
    }
}

/// Whether a message says that a profile is done.
pub fn is_done(text: &str) -> bool {
    text.starts_with(DONE)
}

fn failure(message: impl Into<String>) -> Failure {
    Failure::new(Code::Other, message)
}
