//! Why a command could not talk to the daemon, and what to do about it.

use std::path::PathBuf;
use std::time::Duration;

use ostler_wire::control::FrameError;

/// Why a command could not talk to the daemon. [`Error::hint`] has the advice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The home directory cannot be made or written to.
    #[error("cannot use `{}` as home directory: {source}", home.display())]
    HomeUnusable {
        /// The home directory.
        home: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path of the socket would not fit into a socket address.
    #[error("the socket path `{}` has {length} bytes, the system allows {limit}", path.display())]
    HomeTooLong {
        /// The path of the socket.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
        /// What fits.
        limit: usize,
    },
    /// The socket or something on the way to it belongs to someone else.
    #[error("no permission to use the daemon's socket `{}`", socket.display())]
    PermissionDenied {
        /// The socket.
        socket: PathBuf,
    },
    /// Nobody listens, and none was to be started.
    #[error("no daemon answers on `{}`", socket.display())]
    NotRunning {
        /// The socket.
        socket: PathBuf,
    },
    /// The daemon was started and said why it cannot run, or ended without a word.
    #[error("the daemon could not be started: {reason}")]
    NotStarted {
        /// Its words, or the end of its log.
        reason: String,
        /// Its log.
        log: PathBuf,
    },
    /// The daemon was started and does not say that it is ready.
    #[error("the daemon was started but is not ready after {} s", limit.as_secs())]
    NotReady {
        /// How long was waited.
        limit: Duration,
        /// Its log.
        log: PathBuf,
    },
    /// The daemon accepted the request and does not answer.
    #[error("the daemon does not answer within {} s", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// The daemon speaks another version of the protocol.
    #[error(
        "the running daemon (version {version}) speaks protocol {theirs}, this program speaks {ours}"
    )]
    Mismatch {
        /// Version of this program's protocol.
        ours: u32,
        /// Version of the daemon's.
        theirs: u32,
        /// Program version of the daemon.
        version: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to the daemon ended before it had answered")]
    Broken,
    /// The daemon sent something that is no frame.
    #[error("the daemon's answer is not understood: {0}")]
    Frame(#[from] FrameError),
    /// The daemon sent a frame that is not what belongs there.
    #[error("the daemon's answer is not understood: {0}")]
    Malformed(String),
    /// A call to the system failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, to what.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// What to do, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::HomeUnusable { .. } => "set OSTLER_HOME to a directory that you may write to".to_owned(),
            Self::HomeTooLong { .. } => "set OSTLER_HOME to a shorter path, for example /tmp/ostler".to_owned(),
            Self::PermissionDenied { .. } => {
                "run it as the user who started the daemon, or set OSTLER_HOME to a home of your own".to_owned()
            }
            Self::NotRunning { .. } => "any command, such as `ostler list`, starts a daemon".to_owned(),
            Self::NotStarted { log, .. } | Self::NotReady { log, .. } => format!("see {}", log.display()),
            Self::Timeout { .. } => "try again; if it stays so, see pm2.log in the home directory".to_owned(),
            Self::Mismatch { .. } => "run `ostler update` to replace the running daemon, apps untouched".to_owned(),
            Self::Broken => "try again; why it ended is in pm2.log in the home directory".to_owned(),
            Self::Frame(_) | Self::Malformed(_) => {
                "run `ostler update` so that daemon and command are the same version".to_owned()
            }
            Self::Io { .. } => return None,
        })
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
