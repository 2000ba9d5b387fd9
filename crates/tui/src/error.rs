//! What keeps the view from being shown.

use std::io;

/// What keeps the view from being shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Input or output is no terminal.
    #[error("`monit` needs a terminal, and {what} is none")]
    NoTerminal {
        /// Which of them.
        what: &'static str,
    },
    /// The terminal cannot be used.
    #[error("cannot use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

impl Error {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTerminal { .. } => {
                Some("in a pipe, `ostler list --watch` and `ostler logs` show the same")
            }
            Self::Terminal(_) => None,
        }
    }
}
