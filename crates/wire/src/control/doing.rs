//! What is under way with a process that a request does something with, as a fact. Whoever shows it
//! makes the sentence.

use serde::{Deserialize, Serialize};

use super::waits::Waits;

/// What is under way with a process. Times are ms from when it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Its worker gets no new connections and finishes those it has.
    Drains {
        /// After so long it is asked to end all the same.
        within: u64,
    },
    /// A command of the user (`pre_stop`) runs before it is asked to end.
    PreStop {
        /// After so long it is killed.
        within: u64,
    },
    /// It was asked to end.
    Asked {
        /// By this: the name of a signal; nothing where it was asked by a message.
        signal: Option<String>,
        /// After so long it is killed.
        within: u64,
    },
    /// It was killed, and is still there.
    Killed,
    /// Its run is there no more; workers that it has replaced are.
    OldLeave,
    /// Its next run was begun and is not up yet.
    Starts,
    /// Its next run waits for apps that it depends on.
    Waits {
        /// What it waits for.
        waits_for: Vec<Waits>,
    },
}

impl Doing {
    /// Whether it is the same thing, however much time is left for it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Drains { .. }, Self::Drains { .. })
            | (Self::PreStop { .. }, Self::PreStop { .. })
            | (Self::Asked { .. }, Self::Asked { .. }) => true,
            _ => self == other,
        }
    }
}
