//! What is shown of a process.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::facts::{Outcome, Phase};
use super::waits::Waits;

/// A process as the list shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcView {
    /// Process id (`pm_id`).
    pub id: u32,
    /// Name of the process.
    pub name: String,
    /// Namespace of the app.
    pub namespace: String,
    /// Version of the app, from `package.json`.
    pub version: Option<String>,
    /// `true` = cluster mode.
    pub cluster: bool,
    /// Pid; 0 when none runs.
    pub pid: u32,
    /// When the current run began, ms since 1970; 0 when none runs.
    pub since: u64,
    /// Restarts so far.
    pub restarts: u32,
    /// How many of them were asked for, by a restart, a reload, or the clock, or were tries after
    /// one that did not even begin.
    #[serde(default)]
    pub asked_restarts: u32,
    /// Lines that its log files have not got, since it was added or reset: the disk was full.
    #[serde(default)]
    pub dropped_lines: u64,
    /// What is true of it.
    pub phase: Phase,
    /// CPU use, percent of one core.
    pub cpu: f32,
    /// Resident memory, bytes.
    pub memory: u64,
    /// User it runs as.
    pub user: String,
    /// It is of a module, which watches apps: `all` does not mean it.
    #[serde(default)]
    pub module: bool,
    /// Its files are watched.
    #[serde(default)]
    pub watching: bool,
    /// Attributes of the app that ask for something that is not done yet: `trace`.
    #[serde(default)]
    pub not_yet: Vec<String>,
    /// A reload under way: what is being rolled out to this process (`reloading`, `canary`).
    #[serde(default)]
    pub rollout: Option<String>,
    /// Absolute path of the script; with the name it decides whether it is `already launched`, and
    /// selectors match it.
    pub script: String,
    /// Log files: out, err, combined.
    #[serde(default)]
    pub logs: [Option<String>; 3],
    /// How the last run that is over ended.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// The last restart for its memory.
    #[serde(default)]
    pub over_memory: Option<OverMemory>,
    /// Its last run was ended, or is, for want of health.
    #[serde(default)]
    pub unhealthy: Option<Unhealthy>,
    /// It is a job that has done its work.
    #[serde(default)]
    pub completed: bool,
    /// Apps that it waits for before its next run begins.
    #[serde(default)]
    pub waits_for: Vec<Waits>,
    /// What it listens on, as far as it is a cluster worker, as in [`ListenerView::address`].
    #[serde(default)]
    pub listens: Vec<String>,
    /// Pid of a worker that is verified to take its place.
    #[serde(default)]
    pub candidate: Option<u32>,
    /// Pids of workers that it has replaced and that are on their way out.
    #[serde(default)]
    pub leaving: Vec<u32>,
}

/// A restart of a process for its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverMemory {
    /// When it was begun, ms since 1970.
    pub at: u64,
    /// How much it had, bytes.
    pub memory: u64,
    /// How much it may have, bytes.
    pub limit: u64,
}

/// The end of a run for want of health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unhealthy {
    /// The number of the run.
    pub run: u64,
    /// When it was asked to end, ms since 1970.
    pub at: u64,
    /// So many checks in a row had failed; 0 where its watchdog ended it.
    pub failures: u32,
    /// Why the last one did, or what it did not say to its watchdog.
    pub why: String,
    /// Its watchdog ended it, and no health check.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub watchdog: bool,
}

impl Unhealthy {
    /// Returns what ended the run, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        if self.watchdog { "watchdog" } else { "unhealthy" }
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, why, .. } = self;
        if self.watchdog {
            return f.write_str(why);
        }
        let times = if self.failures == 1 { "" } else { " in a row" };
        let count = if *failures == 1 { "once".to_owned() } else { format!("{failures} times") };
        write!(f, "its health check failed {count}{times}: {why}")
    }
}

/// What a run says of itself on the socket for that (`NOTIFY_SOCKET`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// It reloads its configuration, or is on its way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<NotifiedState>,
    /// Its own words (`STATUS=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The time of its watchdog where it has set another, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watchdog: Option<u64>,
}

/// What a run is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifiedState {
    /// `RELOADING=1`, until `READY=1`.
    Reloading,
    /// `STOPPING=1`, until its end.
    Stopping,
}

/// `reloading: its own words`.
impl fmt::Display for Notified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            Some(NotifiedState::Reloading) => "reloading",
            Some(NotifiedState::Stopping) => "stopping",
            None => "",
        };
        let status = self.status.as_deref().unwrap_or_default();
        let colon = if state.is_empty() || status.is_empty() { "" } else { ": " };
        write!(f, "{state}{colon}{status}")
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When, ms since 1970.
    pub at: u64,
    /// It was being brought to its end, for a command or for its memory.
    pub asked: bool,
    /// The kernel ended it for want of memory.
    #[serde(default)]
    pub oom: bool,
    /// It was at rest, or waited, when a command stopped it: when its last run had ended by itself,
    /// ms since 1970.
    #[serde(default)]
    pub own_at: Option<u64>,
    /// How it ended.
    pub how: Outcome,
}

impl Ended {
    /// When the run ended by itself, ms since 1970, if it did, also where a command has stopped
    /// the process since then.
    #[must_use]
    pub fn by_itself(&self) -> Option<u64> {
        if self.asked { self.own_at } else { Some(self.at) }
    }

    /// Whether the run ended by itself, and not before this time, ms since 1970.
    #[must_use]
    pub fn is_own_since(&self, since: u64) -> bool {
        !self.asked && since <= self.at
    }

    /// Whether it ended with the code of success.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.how == Outcome::Code(0)
    }
}

/// A process as `describe` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// What the list shows.
    pub view: ProcView,
    /// Arguments of the script.
    pub args: Vec<String>,
    /// Path of the pid file.
    pub pid_file: String,
    /// Interpreter, `none` when the script is executed itself.
    pub interpreter: String,
    /// Arguments of the interpreter.
    pub interpreter_args: Vec<String>,
    /// Working directory of the app.
    pub cwd: String,
    /// Unstable restarts in a row.
    pub unstable: u32,
    /// The number of unstable restarts at which it is given up.
    #[serde(default)]
    pub max_unstable: u32,
    /// It starts or stops: when that is taken as done or forced at the latest, ms from now.
    #[serde(default)]
    pub due_in: Option<u64>,
    /// It is online only because the time for its readiness ran out.
    #[serde(default)]
    pub late: bool,
    /// The check that a worker must pass before it replaces another.
    #[serde(default)]
    pub health: Option<String>,
    /// When the process was added or last reset, ms since 1970.
    pub created_at: u64,
    /// What became of the last run that is over.
    pub last: Option<Outcome>,
    /// Memory limit, bytes.
    pub max_memory: Option<u64>,
    /// What it was given that is not usual: names of attributes, and values as JSON text.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
    /// When it is to be restarted, a pattern of cron.
    #[serde(default)]
    pub cron_restart: Option<String>,
    /// When that is next, ms since 1970; `None` while it is stopped.
    #[serde(default)]
    pub next_restart: Option<u64>,
    /// The version of Node that runs it, where that is known.
    #[serde(default)]
    pub node_version: Option<String>,
    /// `NODE_ENV` of the app.
    pub node_env: Option<String>,
    /// Environment given to the app, for the comparison with the caller's.
    pub env: std::collections::BTreeMap<String, String>,
    /// What the worker listens on and what it was handed.
    pub listeners: Vec<ListenerView>,
    /// Promises that were rejected in this run and handled by nobody.
    #[serde(default)]
    pub rejections: u64,
    /// Why its files are not watched although they are to be.
    #[serde(default)]
    pub unwatched: Option<String>,
    /// Its files that cannot be written.
    #[serde(default)]
    pub unwritten: Vec<UnwrittenFile>,
    /// By what it is ready.
    #[serde(default)]
    pub readiness: Readiness,
    /// What it says of itself, `reloading` or its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<Notified>,
    /// What the app measures of itself: names, and values with their units.
    #[serde(default)]
    pub metrics: Vec<(String, String)>,
    /// Names of what it can be asked to do.
    #[serde(default)]
    pub actions: Vec<String>,
    /// Its last restart for which nobody asked, and why.
    #[serde(default)]
    pub restarted: Option<Happened>,
    /// Its worker of a new version that was not accepted, until one is.
    #[serde(default)]
    pub failed_reload: Option<Happened>,
}

/// Something that happened to a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// When, ms since 1970.
    pub at: u64,
    /// What, in words.
    pub what: String,
}

/// A file of a process that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnwrittenFile {
    /// Name of the process.
    pub name: String,
    /// Path of the file.
    pub path: String,
    /// It is the pid file, and no log.
    pub is_pid: bool,
    /// What the system says.
    pub error: String,
}

/// What is known of a process for whoever waits for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Number of the current run, if there is one.
    pub run: Option<u64>,
    /// It says by a message that it is ready (`wait_ready`), or is found to be (`ready`).
    pub by_message: bool,
    /// What makes it ready, where its app says it (`ready`): `listen on port 3000`.
    #[serde(default)]
    pub to_do: Option<String>,
    /// It is online only because the time for that ran out.
    pub late: bool,
    /// How long a run has for it, ms (`listen_timeout`).
    pub limit: u64,
    /// A run that lives so long is a stable one, ms (`min_uptime`).
    pub stable_after: u64,
}

/// One listener of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerView {
    /// `*:3000`, `127.0.0.1:3000`, `[::1]:3000`, `udp:*:53`, `/run/x.sock`, `@abstract`.
    pub address: String,
    /// `round-robin`, `sticky`, `least`, `shared`.
    pub balance: String,
    /// Connections handed to this worker.
    pub handed: u64,
    /// Connections it gave back.
    pub refused: u64,
    /// Connections taken from it when it died.
    pub redistributed: u64,
}
