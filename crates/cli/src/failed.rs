//! Why a command ends early, and with which code.

use ostler_wire::control::Failure;

use crate::program::Program;
use crate::voice::Problem;

/// What was asked for could not be done.
pub(crate) const FAILED: u8 = 1;
/// The command line cannot be meant, whatever runs: nothing was asked of the daemon. Under PM2's
/// name this is [`FAILED`] as well.
pub(crate) const MISUSED: u8 = 2;

/// The early end of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The exit code.
    pub(crate) code: u8,
    /// Why; none when it was told already.
    pub(crate) problem: Option<Problem>,
    /// The code is that of something else than this command, and stays what it is.
    pub(crate) passed_on: bool,
}

impl Failed {
    /// A failure with code 1 and this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Problem::new(message).into()
    }

    /// A command line that cannot be meant, with this message.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self { code: MISUSED, ..Self::new(message) }
    }

    /// Returns the exit code under a name of the program.
    pub(crate) fn exit(&self, program: Program) -> u8 {
        let is_ours = program == Program::Pm2 && !self.passed_on;
        if is_ours && self.code == MISUSED { FAILED } else { self.code }
    }

    /// A failure that has nothing more to say.
    pub(crate) fn quiet(code: u8) -> Self {
        Self { code, problem: None, passed_on: false }
    }

    /// The end of a command that ends with a code that is not its own, such as an app's.
    pub(crate) fn passed_on(code: u8) -> Self {
        Self { passed_on: true, ..Self::quiet(code) }
    }

    /// Adds the rest of the sentence to a failure with a message of its own.
    pub(crate) fn more(mut self, text: &str) -> Self {
        if let Some(Problem::Other { message, .. }) = &mut self.problem {
            message.push_str(text);
        }
        self
    }

    /// Asks for the line that was probably meant, before the advice that there is.
    pub(crate) fn asks(mut self, line: &str) -> Self {
        if let Some(Problem::Other { hint, .. }) = &mut self.problem {
            let rest = hint.take().map_or_else(String::new, |hint| format!(" {hint}"));
            *hint = Some(format!("did you mean `{line}`?{rest}"));
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
        let misused =
            matches!(problem, Problem::EnvWithoutFile { .. } | Problem::BadPattern { .. });
        Self { problem: Some(problem), ..Self::quiet(if misused { MISUSED } else { FAILED }) }
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
