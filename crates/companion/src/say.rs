//! Standard output, which may be closed.

use std::io::Write as _;

use crate::refusal::Refusal;

/// Writes the text.
///
/// # Errors
/// It cannot be written.
pub(crate) fn say(text: &str) -> Result<(), Refusal> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Refusal::new(format!("cannot write to standard output: {error}")))
}
