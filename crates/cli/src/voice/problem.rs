//! Why a command does not do what was asked. Those that PM2 has words of its own for have a name.

use ostler_wire::control::Failure;

use super::Act;

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// `all` or an expression, and there is no process.
    NoProcess { word: String },
    /// No process has this name or namespace.
    NoSuch {
        /// As it was typed.
        word: String,
        /// The name or namespace that was probably meant.
        near: Option<String>,
    },
    /// No process has this id.
    NoSuchId {
        /// As it was typed.
        word: String,
        /// What was to be done with it, which PM2's words depend on.
        act: Option<Act>,
    },
    /// It is not a regular expression.
    BadPattern {
        /// The expression and what is wrong with it.
        text: String,
    },
    /// No app has this name.
    NoApp {
        /// As it was typed.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
    },
    /// There is no process of this id whose environment could be shown.
    NoEnvironment { word: String },
    /// There is no process of this name or id that could be described.
    NotDescribed { word: String },
    /// There is no process of this name whose counters could be reset.
    NotReset { word: String },
    /// There is no process of this id whose counters could be reset.
    NotResetId { id: u32 },
    /// The app has as many processes as it is to have.
    NothingToScale {
        /// Name of the app.
        name: String,
        /// How many it has.
        count: usize,
    },
    /// The script runs already.
    AlreadyRuns {
        /// Name of the app.
        name: String,
    },
    /// `--env` was given, and no process file.
    EnvWithoutFile,
    /// No init system was found.
    NoInit {
        /// The names of those that are known.
        known: String,
    },
    /// What PM2 says without its prefix.
    Bare {
        /// The words that PM2 has for it.
        pm2: String,
        /// Ours: what is wrong, with the values.
        message: String,
        /// What to do, if anything is known.
        hint: Option<String>,
    },
    /// What PM2 and we say in the same words.
    Other {
        /// What is wrong, with the values.
        message: String,
        /// What to do, if anything is known.
        hint: Option<String>,
    },
}

impl Problem {
    /// A problem without advice.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: None }
    }

    /// Returns our words for it, without the advice.
    pub(crate) fn text(&self) -> String {
        super::ostler::words(self).0
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::Other { message: failure.message, hint: failure.hint }
    }
}
