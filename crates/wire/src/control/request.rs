//! What a client may ask.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::talk::Talk;

/// What a client may ask.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Who is there? → [`Reply::Hello`].
    Hello,
    /// Every process → [`Reply::List`].
    List,
    /// The processes that a word may mean, and perhaps others, as the list shows them but for what
    /// they use, which nobody looks at → [`Reply::List`].
    Meant {
        /// A name, a namespace, both with a slash between them, or an id; without
        /// one, every process.
        word: Option<String>,
        /// The script that the word may mean, an absolute path.
        script: Option<String>,
    },
    /// Which processes have this name or id → [`Reply::Found`].
    Find {
        /// Name or id.
        word: String,
    },
    /// Every process in PM2's `jlist` shape → [`FrameKind::Raw`].
    Jlist,
    /// Everything about one process → [`Reply::Describe`], or [`Reply::Error`] for an unknown id.
    Describe {
        /// Number of the process.
        id: u32,
    },
    /// What apps measure in themselves, of every process that does → [`Reply::Metrics`].
    Metrics,
    /// Flattened environment of one process → [`Reply::Env`].
    Env {
        /// Number of the process.
        id: u32,
    },
    /// What a process of a cluster listens on, as soon as it does → [`Reply::Listens`].
    Listens {
        /// Number of the process.
        id: u32,
        /// How long to wait for it, ms; then the answer is empty.
        within: u32,
    },
    /// Adds apps and starts them. One [`Event::Started`] or [`Event::Failed`] per
    /// app, then [`Reply::Done`].
    Start {
        /// One record per app, in the shape that `ostler_config::record` writes.
        apps: Vec<Box<RawValue>>,
        /// Nothing is started where an app of the same name and script is in the list: another
        /// command was faster.
        #[serde(default)]
        only_new: bool,
        /// Of each process an [`Event::Starting`] tells that it is being started, or is up.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        each: bool,
        /// What is under way with each process is told, too: [`Event::Doing`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        doing: bool,
        /// As in [`Request::Reload`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Does something with existing processes. One [`Event::Acted`] per process in the order they
    /// end, then [`Reply::Done`].
    Act {
        /// What to do.
        action: Action,
        /// Process ids, in the order to take them.
        ids: Vec<u32>,
        /// What to change first.
        #[serde(default)]
        change: Change,
        /// As in [`Request::Reload`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Brings an app to a number of instances → [`Event::Acted`] per process added or
    /// removed, then [`Reply::Done`].
    Scale {
        /// Name of the app.
        name: String,
        /// `4`, `+2` or `-1`.
        target: ScaleTo,
        /// Fewer instances: those with the lowest numbers go first, as in PM2, and not the newest.
        #[serde(default)]
        lowest_first: bool,
        /// As in [`Request::Start`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        doing: bool,
        /// As in [`Request::Reload`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// A reload of whole apps as a transaction → [`Event::Step`]s, then
    /// [`Reply::Done`] or [`Reply::Error`].
    Reload {
        /// Processes to replace, in order; the daemon groups them by app.
        ids: Vec<u32>,
        /// What to change first.
        #[serde(default)]
        change: Change,
        /// Parallelism, surge, canary, rollback.
        #[serde(default)]
        options: ReloadOptions,
        /// A word that no other request has. The same request with the same word, after the
        /// connection has ended, begins nothing twice: it waits for what was begun, or is told
        /// how it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Ends a canary: keep the new version everywhere, or go back → as [`Request::Reload`].
    Promote {
        /// Name of the app.
        name: String,
        /// `true`: roll the new version out; `false`: back to the old.
        keep: bool,
        /// As in [`Request::Reload`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Streams output: [`Event::Log`]s until the client leaves.
    Logs {
        /// Process ids; empty = all, also those started later.
        ids: Vec<u32>,
        /// Standard output wanted.
        out: bool,
        /// Standard error wanted.
        err: bool,
        /// What happens to these processes wanted too: [`Event::Process`].
        #[serde(default)]
        events: bool,
        /// The daemon's own lines wanted too: [`Event::Own`].
        #[serde(default)]
        own: bool,
        /// [`Event::Following`] wanted as the first event.
        #[serde(default)]
        confirm: bool,
        /// Applications wait when this client does not read: it misses nothing.
        #[serde(default)]
        patient: bool,
        /// Where each line is in its file wanted too: [`LogLine::place`](super::LogLine::place).
        #[serde(default)]
        places: bool,
    },
    /// What the last run of a process wrote last that is over, as soon as all of it is in the
    /// files → [`Reply::LastLines`].
    LastLines {
        /// Number of the process.
        id: u32,
    },
    /// Which files of these processes cannot be written, as soon as all that were started have been
    /// tried → [`Reply::Unwritten`].
    Unwritten {
        /// Numbers of the processes.
        ids: Vec<u32>,
    },
    /// Says something to processes that run. One [`Event::Acted`] per process that it went wrong
    /// with or that it was done to, then [`Reply::Done`].
    Talk {
        /// Numbers of the processes.
        ids: Vec<u32>,
        /// What is said.
        talk: Talk,
    },
    /// Empties log files of these processes → [`Reply::Done`]. Empty `ids` = all, and the
    /// daemon's own log.
    Flush {
        /// Numbers of the processes.
        ids: Vec<u32>,
    },
    /// Takes a profile of a process of Node into a file → `Done` when it is written.
    Profile {
        /// Number of the process.
        id: u32,
        /// What of it: processor or memory.
        kind: ProfileKind,
        /// For how long, ms.
        ms: u64,
        /// Absolute path of the file.
        file: String,
    },
    /// Opens all log files again → [`Reply::Done`].
    ReloadLogs,
    /// Writes the process list to the dump file → [`Reply::Saved`].
    Save {
        /// Also when the list is empty.
        force: bool,
    },
    /// Starts what the dump file holds and is not running → [`Event::Restored`] per
    /// app, then [`Reply::Done`].
    Resurrect,
    /// The same, first what is brought back, and what is under way with each process:
    /// [`Event::Restoring`], [`Event::Starting`], [`Event::Doing`].
    ResurrectTold,
    /// The list as `save` writes it → [`FrameKind::Raw`].
    Export,
    /// Starts what a list in the form of [`Request::Export`] holds and is not running → what
    /// [`Request::Resurrect`] answers.
    Import {
        /// The processes of the list; `pm_id` in one is the number that it gets where it is free.
        elements: Vec<Box<RawValue>>,
        /// The pid of another manager, whose list it is. Where it listens on what a cluster app
        /// wants, its socket is shared with it, until the client leaves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heir_of: Option<u32>,
        /// As in [`Request::ResurrectTold`].
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        told: bool,
    },
    /// Replaces the running daemon and keeper by this program, apps untouched → [`Reply::Done`].
    Update {
        /// Absolute path of the new program.
        exe: String,
    },
    /// Stops and forgets everything, then ends daemon and keeper → [`Event::Acted`]s,
    /// [`Reply::Done`], end of connection.
    Kill,
    /// The same, and what is under way with each process is told, too: [`Event::Doing`].
    KillTold,
}

/// What to do with a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stop it and keep it in the list.
    Stop,
    /// Stop it if it runs, start it.
    Restart,
    /// Stop it and forget it.
    Delete,
    /// Zero the restart counters.
    Reset,
}

/// Changes to a process before it is started again.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Whole new records by app name (restart/reload of a process file): each replaces
    /// the app's specification.
    pub records: Vec<Box<RawValue>>,
    /// Keys to overwrite in the record (options given on the command line).
    pub patch: Option<Box<RawValue>>,
    /// Variables to merge into the environment (`--update-env`).
    pub env: Option<std::collections::BTreeMap<String, String>>,
    /// How many at a time; PM2's default is 2.
    pub parallel: Option<u32>,
    /// Whether its files are watched from then on; `None`: as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Whether it is to be told how many connections are dropped by it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub connections: bool,
    /// Whether what is under way with each process is told, too: [`Event::Doing`].
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub doing: bool,
}

/// Whether files of a process are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// They are watched.
    On,
    /// They are not watched.
    Off,
    /// They are if they were not, and the other way round.
    Toggle,
    /// As the configuration of the app says.
    Configured,
}

/// A number of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleTo {
    /// Exactly so many.
    Exactly(u32),
    /// So many more.
    Add(u32),
    /// So many fewer.
    Remove(u32),
}

impl ScaleTo {
    /// Reads a number of instances, or `+N` or `-N` for so many more or fewer.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        };
        match text.split_at_checked(1)? {
            ("+", count) => digits(count).map(Self::Add),
            ("-", count) => digits(count).map(Self::Remove),
            _ => digits(text).map(Self::Exactly),
        }
    }
}

/// How a reload goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReloadOptions {
    /// Workers replaced at the same time; default 1.
    pub parallel: Option<u32>,
    /// Further workers above the number of instances while it runs.
    pub surge: Option<u32>,
    /// Replace one worker, then wait for `promote` or `rollback`.
    pub canary: bool,
    /// PM2's way: carry on when a new worker fails.
    pub no_rollback: bool,
    /// The new version may listen elsewhere than the old one.
    pub port_change: bool,
    /// Queue behind a reload of the same app that is under way, instead of being refused.
    pub wait: bool,
}

/// What a profile is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileKind {
    /// Where the time goes.
    Cpu,
    /// Where memory is allocated.
    Heap,
}

impl ProfileKind {
    /// Returns the word for it, in messages and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Heap => "heap",
        }
    }

    /// Returns the end of its file's name, by which tools know it.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Cpu => "cpuprofile",
            Self::Heap => "heapprofile",
        }
    }
}

/// Returns the first version of the protocol in which the same request may be sent again to the
/// daemon after the one that was asked, and begins nothing twice; `None` where there is none.
#[must_use]
pub fn resumable_since(request: &Request) -> Option<u32> {
    match request {
        Request::Start { ticket: Some(_), .. }
        | Request::Act { ticket: Some(_), .. }
        | Request::Scale { ticket: Some(_), .. } => Some(4),
        Request::Reload { ticket: Some(_), .. } | Request::Promote { ticket: Some(_), .. } => {
            Some(1)
        }
        // What the list holds and runs already is not started again.
        Request::Resurrect | Request::Kill | Request::KillTold => Some(1),
        Request::Import { .. } => Some(5),
        Request::ResurrectTold => Some(8),
        Request::Start { .. }
        | Request::Act { .. }
        | Request::Scale { .. }
        | Request::Reload { .. }
        | Request::Promote { .. }
        | Request::Hello
        | Request::List
        | Request::Meant { .. }
        | Request::Find { .. }
        | Request::Jlist
        | Request::LastLines { .. }
        | Request::Unwritten { .. }
        | Request::Describe { .. }
        | Request::Metrics
        | Request::Talk { .. }
        | Request::Export
        | Request::Env { .. }
        | Request::Listens { .. }
        | Request::Save { .. }
        | Request::Logs { .. }
        | Request::Flush { .. }
        | Request::ReloadLogs
        | Request::Profile { .. }
        | Request::Update { .. } => None,
    }
}
