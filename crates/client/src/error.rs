//! Why a command could not talk to the daemon, and what to do about it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_wire::control::FrameError;

use crate::holder::Holder;
use crate::last_words;
use crate::silence::{Silence, show_log};

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
    /// Somebody else could have us run whatever they like.
    #[error("refusing to use `{}` as home directory: {why}", home.display())]
    HomeOfOthers {
        /// The home directory.
        home: PathBuf,
        /// Who can write it.
        why: String,
        /// It belongs to this user: the mode is wrong.
        is_own: bool,
    },
    /// A PM2 answers in the home directory.
    #[error("PM2 runs in `{}` (its `rpc.sock` answers): nothing is changed there", home.display())]
    Pm2Runs {
        /// The home directory.
        home: PathBuf,
    },
    /// The path of the socket would not fit into a socket address.
    #[error("the socket path `{}` has {length} bytes, the system allows {limit}", path.display())]
    HomeTooLong {
        /// The path of the socket.
        path: PathBuf,
        /// The length of the path in bytes.
        length: usize,
        /// The bytes that fit.
        limit: usize,
    },
    /// The socket or something on the way to it belongs to someone else.
    #[error("no permission to use the daemon's socket `{}`", socket.display())]
    PermissionDenied {
        /// The path of the socket.
        socket: PathBuf,
    },
    /// Nobody listens, and none was to be started.
    #[error("no daemon answers on `{}`", socket.display())]
    NotRunning {
        /// The path of the socket.
        socket: PathBuf,
    },
    /// A manager lives, and nothing listens where its socket should be.
    #[error(
        "process {pid} manages `{}`, and makes no socket at which it could be asked",
        home.display()
    )]
    Unreachable {
        /// The home that it manages.
        home: PathBuf,
        /// Its daemon, else its keeper.
        pid: u32,
        /// The path of its log.
        log: PathBuf,
    },
    /// The daemon was started and said why it cannot run, or ended without saying anything.
    #[error("the daemon could not be started: {reason}")]
    NotStarted {
        /// The reason that it gave, or the end of its log.
        reason: String,
        /// The path of its log.
        log: PathBuf,
    },
    /// The daemon was started and did not say in time that it is ready.
    #[error("the daemon was started but is not ready after {} s", limit.as_secs())]
    NotReady {
        /// How long was waited.
        limit: Duration,
        /// The path of its log.
        log: PathBuf,
    },
    /// One daemon after the other ends before it answers.
    #[error("one daemon after the other ends before it answers{last}")]
    DaemonsEnd {
        /// The last lines of their log, as the rest of a sentence.
        last: String,
        /// The path of the log.
        log: PathBuf,
    },
    /// The daemon accepted the request and does not answer.
    #[error("the daemon does not answer within {} s", limit.as_secs())]
    Timeout {
        /// How long was waited.
        limit: Duration,
    },
    /// Another command is starting a daemon, and does not get on with it.
    #[error("{0}; that goes on for too long")]
    Locked(Holder),
    /// A daemon that is there answers nobody.
    #[error("{0}")]
    Silent(Silence),
    /// The daemon speaks another version of the protocol.
    #[error("the running daemon (version {version}) speaks protocol {theirs}, this program {ours}")]
    Mismatch {
        /// The version of this program's protocol.
        ours: u32,
        /// The version of the daemon's protocol.
        theirs: u32,
        /// The version of the daemon's program.
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
        /// The thing that was being done, and to what.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Returns what to do, if anything is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::HomeUnusable { .. } => "set OSTLER_HOME to a directory that you may write to",
            Self::HomeOfOthers { home, is_own: true, .. } => {
                let home = home.to_string_lossy();
                let pasted = ostler_shell::word(&home);
                return Some(format!("run `chmod go-w {pasted}`"));
            }
            Self::HomeOfOthers { is_own: false, .. } => {
                "run it as that user, or set OSTLER_HOME to a directory of your own"
            }
            Self::Pm2Runs { .. } => {
                "to switch, run PM2's own `pm2 save` and `pm2 kill` (its apps stop), then \
                 `resurrect` here; to have both, set OSTLER_HOME to another directory"
            }
            Self::HomeTooLong { .. } => {
                "set OSTLER_HOME to a shorter path, for example /tmp/ostler"
            }
            Self::PermissionDenied { .. } => {
                "run it as the user who started the daemon, \
                 or set OSTLER_HOME to a home of your own"
            }
            Self::NotRunning { .. } => {
                "`ostler logs daemon --nostream` shows why; `ostler ping` starts one"
            }
            Self::Unreachable { log, .. } => return Some(show_log(log)),
            Self::Locked(holder) => return holder.hint(),
            Self::Silent(silence) => return Some(silence.hint()),
            Self::NotStarted { log, .. }
            | Self::NotReady { log, .. }
            | Self::DaemonsEnd { log, .. } => return Some(show_log(log)),
            Self::Timeout { .. } => "try again; `ostler logs daemon` shows what the daemon does",
            Self::Mismatch { .. } => {
                "run `ostler update` to replace the running daemon, apps untouched"
            }
            Self::Broken => "try again; `ostler logs daemon` shows why it ended",
            Self::Frame(_) | Self::Malformed(_) => {
                "run `ostler update` so that daemon and command are the same version"
            }
            Self::Io { .. } => return None,
        };
        Some(text.to_owned())
    }

    /// The error of an answer that is not what belongs there.
    #[must_use]
    pub fn not_understood(error: &serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => "it is of another version",
            _ => "it is no JSON",
        };
        Self::Malformed(what.to_owned())
    }

    /// The error of a home whose daemons do not stay; `log` is their log.
    pub(crate) fn daemons_end(log: &Path) -> Self {
        Self::DaemonsEnd { last: last_words(log), log: log.to_owned() }
    }

    /// Returns what makes an error of what the system said; `what` says what was being done.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
