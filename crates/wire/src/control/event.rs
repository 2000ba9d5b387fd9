//! What a client is told on the way to its reply.

use serde::{Deserialize, Serialize};

use super::connections::Connections;
use super::doing::Doing;
use super::facts::Step;
use super::reply::Failure;

/// Something on the way to the reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An app was added and its processes are up (as far as its readiness rule says).
    Started {
        /// Name of the app.
        name: String,
        /// Ids of its processes.
        ids: Vec<u32>,
        /// `true` when the time for readiness ran out and it is taken as up all the same.
        late: bool,
    },
    /// How it stands with a process of an app that is being started; only for who asked for each.
    Starting {
        /// Number of the process.
        id: u32,
        /// Name of the app.
        name: String,
        /// It is up; before that it was told that it is being started.
        up: bool,
    },
    /// What is under way with a process that a request does something with, when that is another
    /// thing than before; only for who asked for it.
    Doing {
        /// Number of the process.
        id: u32,
        /// Name of the app.
        name: String,
        /// What is under way.
        what: Doing,
    },
    /// An app could not be started.
    Failed {
        /// Name of the app.
        name: String,
        /// What went wrong, and where.
        error: Failure,
    },
    /// An action on a process ended.
    Acted {
        /// Number of the process.
        id: u32,
        /// Name of the process.
        name: String,
        /// `None` = success.
        error: Option<Failure>,
        /// A scale: `true` added, `false` removed. Otherwise as the action.
        added: bool,
        /// What became of its connections, where that was to be told.
        #[serde(default)]
        connections: Connections,
    },
    /// One step of a reload.
    Step {
        /// Name of the app.
        name: String,
        /// Process id of the slot.
        id: u32,
        /// The step that was done.
        step: Step,
    },
    /// A line of output.
    Log(LogLine),
    /// Lines and news are told from now on; only for who asked for it. What was written before is
    /// in the files.
    Following {
        /// Where in the files the current runs began to write, or the last ones that are over.
        starts: Vec<LogStart>,
    },
    /// Something happened to a process; only for who asked for it.
    Process {
        /// Number of the process.
        id: u32,
        /// Name of the app.
        name: String,
        /// The thing that happened.
        what: Lifecycle,
        /// When, ms since 1970.
        at: u64,
    },
    /// A line of the daemon's own log, without date and kind; only for who asked for it.
    Own {
        /// When, ms since 1970.
        at: u64,
        /// Text of the line.
        text: String,
    },
    /// What is brought back of a list; only for who asked for it.
    Restoring {
        /// The processes that are started: number, and name of the app.
        started: Vec<(u32, String)>,
        /// The same of those that were saved stopped, and are only put in the list.
        stopped: Vec<(u32, String)>,
        /// How many processes the list has.
        saved: usize,
        /// It is the list before the last one (`.bak`), since that one cannot be read.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        before: bool,
    },
    /// A saved app was started again.
    Restored {
        /// Name of the app.
        name: String,
        /// Script of the app.
        script: String,
        /// `None` = success.
        error: Option<Failure>,
    },
    /// So many processes were asked for an action; each answers, or ends.
    Asked {
        /// How many were asked.
        count: usize,
    },
    /// A process answered to an action.
    Answered {
        /// Number of the process.
        id: u32,
        /// Name of the process.
        name: String,
        /// Namespace of its app.
        namespace: String,
        /// What the action returned, JSON text; nothing where it returned nothing.
        answer: Option<String>,
    },
    /// Something the user should know that is no failure.
    Warning {
        /// The sentence for the user.
        text: String,
        /// The process that did not say `ready` in time, where that is what is said. Who waits for
        /// it to be ready is told so by the wait.
        #[serde(default)]
        unready: Option<u32>,
    },
}

impl Event {
    /// What became of something that was said to a process.
    #[must_use]
    pub fn said(id: u32, name: String, error: Option<Failure>) -> Self {
        Self::Acted { id, name, error, added: false, connections: Connections::Unknown }
    }
}

/// Where the output of the current run of a process begins in its log files, in bytes. Lines of
/// other processes may come after it, where several write into one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogStart {
    /// Number of the process.
    pub id: u32,
    /// In the file of standard output.
    pub out: u64,
    /// In the file of standard error.
    pub err: u64,
}

/// What may happen to a process, in the words of PM2's bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// A run is online.
    Online,
    /// Its process ended.
    Exit,
    /// A user's `start` of it is done.
    Start,
    /// A user's `restart` of it is done.
    Restart,
    /// A new worker took its place.
    Reload,
    /// A user's `stop` of it is done.
    Stop,
    /// It was deleted.
    Delete,
    /// It ended too often at once and is given up.
    #[serde(rename = "restart overlimit")]
    RestartOverlimit,
}

impl Lifecycle {
    /// PM2's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Exit => "exit",
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::Delete => "delete",
            Self::RestartOverlimit => "restart overlimit",
        }
    }
}

/// One line of an app's output, without its line end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Number of the process.
    pub id: u32,
    /// Name of the app.
    pub name: String,
    /// `true` = standard error.
    pub err: bool,
    /// When the daemon read it, ms since 1970.
    pub at: u64,
    /// The text; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Lines left out before this one because this reader was too slow.
    #[serde(default)]
    pub dropped: u64,
    /// Where it is in its file, if the reader wants to know and it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<LinePlace>,
}

/// Where a line is in a log file, as `ostler_logs::LinePlace` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinePlace {
    /// The number by which places name the log.
    pub log: u32,
    /// The inode of its file.
    pub inode: u64,
    /// Where it begins, bytes.
    pub start: u64,
    /// Where it ends, bytes.
    pub end: u64,
    /// How many of its last bytes the check is of, and the check.
    pub check: (u8, u32),
}
