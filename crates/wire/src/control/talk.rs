//! What is said to processes while they run.

use serde::{Deserialize, Serialize};

/// Something for a process that runs; nothing in the list changes by it but a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Talk {
    /// A signal for its first process.
    Signal {
        /// Number of the signal.
        number: i32,
    },
    /// Text for its standard input, whole or not at all; [`Code::Busy`](super::Code::Busy) when it
    /// has not read enough of what was there before.
    Input {
        /// The text, at most [`MAX_INPUT`] bytes.
        text: String,
    },
    /// An action that it declared: [`Event::Asked`](super::Event::Asked), then an
    /// [`Event::Answered`](super::Event::Answered) of each.
    Action {
        /// Name of the action.
        name: String,
        /// What the action is called with.
        params: Option<String>,
    },
    /// Shows it as monitored, or not.
    Monitor {
        /// Whether it is from now on.
        on: bool,
    },
}

/// Bytes that may be written to a standard input at once: what a pipe holds.
pub const MAX_INPUT: usize = 64 << 10;
