//! The keeper's log: lines on standard error, which the daemon's home collects in a file.

use std::io::{self, Write as _};

/// Writes a line to standard error. There is no place left to tell of a failure of this.
pub(crate) fn log(line: &str) {
    let _ = writeln!(io::stderr(), "keeper: {line}");
}
