//! What the daemon is told when it starts.

use std::path::PathBuf;

/// Where the daemon lives, and what it is.
#[derive(Debug, Clone)]
pub struct Config {
    /// The home directory.
    pub home: PathBuf,
    /// The program, to start keepers from.
    pub exe: PathBuf,
    /// Version of the program.
    pub version: &'static str,
    /// Log files are rotated unless somebody says otherwise.
    pub rotates_logs: bool,
}
