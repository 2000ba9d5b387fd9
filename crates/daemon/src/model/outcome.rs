//! What became of a run: it ended, it was never there, or it was not accepted.

use ostler_core::Exit;
pub use ostler_pm2::words::signal as signal_name;
use ostler_wire::control;

/// What became of a run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The process ended.
    Ended(Exit),
    /// No process could be started.
    NotSpawned {
        /// What failed, in words.
        why: String,
    },
    /// It ran, but a check that it had to pass failed.
    NotVerified {
        /// Which check, and how it failed.
        why: String,
    },
}

impl Outcome {
    /// Why there is nothing of the run to show, where it is not how a process ended.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ended(_) => None,
            Self::NotSpawned { why } | Self::NotVerified { why } => Some(why),
        }
    }

    /// The outcome as clients are told it.
    pub fn fact(&self) -> control::Outcome {
        match self {
            Self::NotSpawned { why } => control::Outcome::NotSpawned { why: Some(why.clone()) },
            Self::NotVerified { why } => control::Outcome::NotVerified { why: why.clone() },
            Self::Ended(exit) => exit_fact(*exit),
        }
    }
}

/// How a process ended, as clients are told it.
pub fn exit_fact(exit: Exit) -> control::Outcome {
    match exit {
        Exit::Code(code) => control::Outcome::Code(code),
        Exit::Signal { number, core } => {
            control::Outcome::Signal { name: signal_name(number).into_owned(), core }
        }
        Exit::Unknown => control::Outcome::Unknown,
        Exit::NotSpawned | Exit::Refused => control::Outcome::NotSpawned { why: None },
    }
}
