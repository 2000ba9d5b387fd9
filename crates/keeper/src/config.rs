//! What a keeper is told when it starts.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

/// The environment variable that names the daemon's end of the link.
pub const KEEPER_FD_VAR: &str = ostler_env::OSTLER_KEEPER_FD;

/// The environment variable that names the ready descriptor; only the first daemon gets one.
pub const READY_FD_VAR: &str = ostler_env::OSTLER_READY_FD;

/// What a keeper is told when it starts.
#[derive(Debug, Default)]
pub struct Config {
    /// The daemon's program.
    pub program: PathBuf,
    /// The daemon's arguments, without the zeroth.
    pub daemon_args: Vec<OsString>,
    /// The directory that keeper and daemon work in.
    pub home: PathBuf,
    /// Variables that the daemon gets in addition to those of the keeper's that are for a manager.
    pub daemon_env: Vec<(OsString, OsString)>,
    /// Passed to the first daemon, which tells through it that it answers.
    pub ready_fd: Option<OwnedFd>,
    /// The file to which the standard output and error of keeper and daemon are appended;
    /// `None` leaves them.
    pub log: Option<PathBuf>,
    /// The link to a living daemon whose keeper died: that one is served, and a new one started
    /// only when it dies.
    pub adopt: Option<OwnedFd>,
    /// The soft and hard limit of open files that programs get; `None` for those of this process. A
    /// daemon that starts a keeper passes the ones of the Welcome of the earlier keeper.
    pub nofile: Option<(u64, u64)>,
    /// How long a daemon may live without saying hello before it is killed as one that hangs;
    /// `None` = 15 s. A keeper that takes over by an upgrade has the default again.
    pub hello_limit: Option<Duration>,
    /// How long a daemon may take to answer whether it is well before it is killed as one that
    /// hangs; `None` = 10 s.
    pub answer_limit: Option<Duration>,
}
