//! What became of a run: it ended, it was never there, or it was not accepted.

use ostler_core::Exit;
pub use ostler_pm2::words::signal as signal_name;

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

    /// The outcome in words.
    pub fn text(&self) -> String {
        match self {
            Self::NotSpawned { why } | Self::NotVerified { why } => why.clone(),
            Self::Ended(Exit::Code(code)) => format!("exit code {code}"),
            Self::Ended(Exit::Signal { number, core }) => {
                let dumped = if *core { " (core dumped)" } else { "" };
                format!("signal {}{dumped}", signal_name(*number))
            }
            Self::Ended(Exit::Unknown) => {
                "unknown (its parent was killed and the kernel does not tell)".to_owned()
            }
            Self::Ended(Exit::NotSpawned) => "it could not be started".to_owned(),
        }
    }
}
