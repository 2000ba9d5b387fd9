//! Why a command ends early, and with which code.

use ostler_wire::control::Failure;

use crate::voice::Problem;

/// The early end of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The exit code.
    pub(crate) code: u8,
    /// Why; none when it was told already.
    pub(crate) problem: Option<Problem>,
}

impl Failed {
    /// A failure with code 1 and this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Problem::new(message).into()
    }

    /// A failure that has nothing more to say.
    pub(crate) fn quiet(code: u8) -> Self {
        Self { code, problem: None }
    }

    /// Adds the rest of the sentence to a failure with a message of its own.
    pub(crate) fn more(mut self, text: &str) -> Self {
        if let Some(Problem::Other { message, .. }) = &mut self.problem {
            message.push_str(text);
        }
        self
    }

    /// Adds advice to a failure with a message of its own.
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Some(Problem::Other { hint, .. }) = &mut self.problem {
            *hint = Some(text.into());
        }
        self
    }
}

#[cfg(test)]
impl Failed {
    /// Returns what to do, where the failure has a message of its own.
    pub(crate) fn advice(&self) -> Option<&str> {
        match &self.problem {
            Some(Problem::Other { hint, .. }) => hint.as_deref(),
            Some(_) | None => None,
        }
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { code: 1, problem: Some(problem) }
    }
}

impl From<ostler_client::Error> for Failed {
    fn from(error: ostler_client::Error) -> Self {
        Problem::Other { hint: error.hint(), message: error.to_string() }.into()
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Problem::from(failure).into()
    }
}
