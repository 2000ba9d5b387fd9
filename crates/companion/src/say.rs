//! Standard output and standard error, which may be closed.

use std::io::Write as _;

use crate::failed::Failed;

/// Writes the text.
///
/// # Errors
/// It cannot be written.
pub(crate) fn say(text: &str) -> Result<(), Failed> {
    let written = std::io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failed::new(format!("cannot write to standard output: {error}")))
}

/// Writes a warning to the log of this app. There is no other place to say that it cannot be.
pub(crate) fn warn(text: &str) {
    let _ = writeln!(std::io::stderr(), "warning: {text}");
}
