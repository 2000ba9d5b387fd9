//! Why a command ends early, and with which code.

use ostler_wire::control::Failure;

/// The early end of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The exit code.
    pub(crate) code: u8,
    /// The message; none when it was printed already.
    pub(crate) message: Option<String>,
    /// What to do about it, if anything is known.
    pub(crate) hint: Option<String>,
}

impl Failed {
    /// A failure with code 1 and this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { code: 1, message: Some(message.into()), hint: None }
    }

    /// A failure that has nothing more to say.
    pub(crate) fn quiet(code: u8) -> Self {
        Self { code, message: None, hint: None }
    }

    /// Adds advice to the failure.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ostler_client::Error> for Failed {
    fn from(error: ostler_client::Error) -> Self {
        Self { code: 1, hint: error.hint(), message: Some(error.to_string()) }
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { code: 1, message: Some(failure.message), hint: failure.hint }
    }
}
