//! The user's order: one application, validated and with every default filled in.
//!
//! An [`AppSpec`] that exists is valid: `ostler-config` is the only maker, and everything that can
//! be wrong is reported there, with a place in the file. The daemon checks nothing a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

pub use crate::alerts::{AlertKind, AlertTarget, AlertTo, Alerts};
pub use crate::depends::{Condition, Dependency};
pub use crate::health_check::{Health, Probe};
pub use crate::hooks::{Hook, Hooks, Secret};
pub use crate::limits::Limits;
pub use crate::ready::Ready;
pub use crate::rotation::{LogCompress, LogRotate, LogRotation};
pub use crate::rules::{LogRule, RuleAction};
use crate::run::SpecId;
pub use crate::sinks::{LogSink, SinkTarget, SyslogAddress};
use crate::{Millis, Texts};

/// One application as resolved from options, a process file or a saved dump.
#[derive(Clone, Debug, PartialEq)]
pub struct AppSpec {
    /// Name shown to the user and used in selectors; need not be unique.
    pub name: String,
    /// Group of apps that can be selected together; `default` when not given.
    pub namespace: String,
    /// Absolute path of the script or binary (`pm_exec_path`).
    pub script: PathBuf,
    /// Arguments after the script.
    pub args: Vec<String>,
    /// Program that runs the script: an absolute path or a name found in `PATH`; `None` executes
    /// the script itself. Where it is the script, its arguments say what it runs.
    pub interpreter: Option<String>,
    /// Arguments between interpreter and script (`node_args`).
    pub interpreter_args: Vec<String>,
    /// Working directory (`pm_cwd`), absolute.
    pub cwd: PathBuf,
    /// One process that binds by itself, or workers of a shared port.
    pub exec_mode: ExecMode,
    /// How many processes to start; at least 1.
    pub instances: u32,
    /// Whether the instance count was given (decides PM2's words and the log suffix).
    pub instances_given: bool,
    /// The application's environment, complete (the daemon adds only its own run-time variables).
    pub env: Texts,
    /// Those of its variables that were written as a number or a truth, and are shown so.
    pub env_typed: BTreeSet<String>,
    /// Names of those that its process file gives; in a record they stand beside the file's path.
    pub file_variables: BTreeSet<String>,
    /// Variable that carries the instance number; `NODE_APP_INSTANCE` by default.
    pub instance_var: String,
    /// Variable incremented for each instance, if any.
    pub increment_var: Option<String>,
    /// Where output goes.
    pub logs: LogSpec,
    /// Pid file before the `-<id>` suffix is put in (`pm_pid_path`).
    pub pid_file: PathBuf,
    /// User id to run as.
    pub uid: Option<u32>,
    /// Group id to run as.
    pub gid: Option<u32>,
    /// Name of the user shown in lists.
    pub username: String,
    /// What each process may take of the machine.
    pub limits: Limits,
    /// Start when added; `false` registers the app as stopped.
    pub autostart: bool,
    /// Restart, stop and readiness rules.
    pub policy: Policy,
    /// What becomes of a promise that is rejected and handled by nobody, in an app of Node.
    pub unhandled_rejections: Rejections,
    /// How connections are spread over cluster workers.
    pub balance: Balance,
    /// Workers to which nobody has had a connection for so long leave until there is one.
    pub idle_stop: Option<Millis>,
    /// Listeners that workers may name by a number in `listen({ fd })`.
    pub fds: BTreeMap<u32, Address>,
    /// Ports that workers may listen on although the user they run as may not.
    pub privileged_ports: BTreeSet<u16>,
    /// Apps that must have come to something before this one begins.
    pub depends_on: Vec<Dependency>,
    /// Check that a worker must pass before it replaces another.
    pub health: Option<Health>,
    /// What makes a run ready; where it is said, `policy.readiness` is [`Readiness::Message`].
    pub ready: Option<Ready>,
    /// A run that serves and sends no `WATCHDOG=1` for so long is restarted.
    pub watchdog: Option<Millis>,
    /// Commands at moments of its life.
    pub hooks: Option<Box<Hooks>>,
    /// Variables that each run is given and that stand nowhere, by name.
    pub secrets: BTreeMap<String, Secret>,
    /// Who is told when something happens to it, besides those whom the home names.
    pub alerts: Alerts,
    /// Version of the application from the nearest `package.json`, if one was found.
    pub version: Option<String>,
    /// Keys of PM2's record that are kept for others and not acted on, as JSON text per key
    /// (`vizion`, `pmx`, `automation`, `watch`, …): shown in `jlist`, and written to the dump.
    pub passthrough: Texts,
}

impl AppSpec {
    /// An app of which nothing is known but its script and where it runs: no name, and every other
    /// attribute at its default. Whoever reads an app starts with this.
    #[must_use]
    pub fn new(script: PathBuf, cwd: PathBuf) -> Self {
        Self {
            name: String::new(),
            namespace: "default".to_owned(),
            pid_file: cwd.join("app.pid"),
            script,
            args: Vec::new(),
            interpreter: None,
            interpreter_args: Vec::new(),
            cwd,
            exec_mode: ExecMode::Fork,
            instances: 1,
            instances_given: false,
            env: Texts::new(),
            env_typed: BTreeSet::new(),
            file_variables: BTreeSet::new(),
            instance_var: "NODE_APP_INSTANCE".to_owned(),
            increment_var: None,
            logs: LogSpec::default(),
            uid: None,
            gid: None,
            username: String::new(),
            limits: Limits::default(),
            autostart: true,
            policy: Policy::default(),
            unhandled_rejections: Rejections::default(),
            balance: Balance::default(),
            idle_stop: None,
            fds: BTreeMap::new(),
            privileged_ports: BTreeSet::new(),
            depends_on: Vec::new(),
            health: None,
            ready: None,
            watchdog: None,
            hooks: None,
            secrets: BTreeMap::new(),
            alerts: Alerts::default(),
            version: None,
            passthrough: Texts::new(),
        }
    }

    /// Returns the command that is run at this moment.
    #[must_use]
    pub fn hook(&self, hook: Hook) -> Option<&str> {
        self.hooks.as_ref()?.command(hook)
    }

    /// Whether something is to be done before each run begins.
    #[must_use]
    pub fn has_prelude(&self) -> bool {
        !self.secrets.is_empty() || self.hook(Hook::PreStart).is_some()
    }

    /// Whether its runs are given a socket for messages such as `READY=1`.
    #[must_use]
    pub fn notifies(&self) -> bool {
        self.ready == Some(Ready::Notifies) || self.watchdog.is_some()
    }

    /// Puts variables over those that are there; `typed` are those that are no texts.
    pub fn put_env(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
        typed: &BTreeSet<String>,
    ) {
        for (name, value) in variables {
            if typed.contains(&name) {
                self.env_typed.insert(name.clone());
            } else {
                self.env_typed.remove(&name);
            }
            self.env.insert(name, value);
        }
    }
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port of TCP.
    Tcp {
        /// `None` is every address of the machine.
        host: Option<IpAddr>,
        /// Never 0 in what a user would write, but then any.
        port: u16,
    },
    /// A UNIX socket, by its absolute path.
    Unix(PathBuf),
}

/// As `ostler-config` reads it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host: None, port } => port.fmt(f),
            Self::Tcp { host: Some(host), port } => SocketAddr::new(*host, *port).fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// PM2's execution modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecMode {
    /// Any program; it binds its own ports.
    Fork,
    /// A worker of Node's cluster; the daemon is the primary.
    Cluster,
}

/// Processes one app may have; more is a mistake that would take the machine down.
pub const MOST_INSTANCES: u32 = 4096;

/// Where and how output is written; by default nowhere, in files of each process's own, as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSpec {
    /// File for standard output, before the `-<id>` suffix; `None` writes none.
    pub out: Option<PathBuf>,
    /// File for standard error, before the `-<id>` suffix; `None` writes none.
    pub err: Option<PathBuf>,
    /// File that gets both, if wanted.
    pub combined: Option<PathBuf>,
    /// `true`: instances share the files (no `-<id>` suffix).
    pub merge: bool,
    /// `true`: write nothing and publish nothing.
    pub disabled: bool,
    /// Form of each line.
    pub format: LogFormat,
    /// Date format (dayjs tokens, as PM2) put before each line.
    pub date_format: Option<String>,
    /// What becomes of output that cannot be written.
    pub full: LogFull,
    /// How long lines may wait before they are written, many at once; 0: not at all.
    pub buffer: Option<Millis>,
    /// When the files are rotated, and what is kept of them.
    pub rotation: LogRotation,
    /// Who receives the lines besides the files.
    pub sinks: Vec<LogSink>,
    /// What is done when lines of some kind are written.
    pub rules: Vec<LogRule>,
}

/// What becomes of output whose file cannot be written, because the disk is full for instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFull {
    /// The application goes on; lines that find no room to wait are dropped, and counted.
    #[default]
    DropNewest,
    /// The same, but those that came first are dropped.
    DropOldest,
    /// The application waits as soon as its pipe is full.
    Block,
}

/// Form of a log file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As the application wrote it.
    #[default]
    Raw,
    /// One JSON object a line.
    Json,
    /// Pairs of a key and a value.
    Logfmt,
}

/// Rules the supervision machine follows. All times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Start again after an exit that nobody asked for.
    pub autorestart: bool,
    /// Exit codes after which it stays stopped.
    pub stop_exit_codes: Vec<i32>,
    /// It is a job: it is not started again when it has ended with success.
    pub oneshot: bool,
    /// Exit codes besides 0 that are a success.
    pub success_exit_codes: Vec<i32>,
    /// Unstable runs in a row after which it is given up (`max_restarts`).
    pub max_unstable: u32,
    /// A run shorter than this is unstable.
    pub min_uptime: Millis,
    /// Pause before a restart.
    pub restart_delay: Millis,
    /// First pause of the growing back-off; replaces `restart_delay` when set.
    pub backoff: Option<Millis>,
    /// Restart when resident memory exceeds this many bytes (`max_memory_restart`).
    pub max_memory: Option<u64>,
    /// Signal that asks it to end (number).
    pub stop_signal: i32,
    /// Ask by the message `shutdown` on the IPC channel instead of a signal.
    pub stop_by_message: bool,
    /// Time between the request to end and SIGKILL (`kill_timeout`).
    pub stop_grace: Millis,
    /// Signal and kill the descendants too.
    pub tree_kill: bool,
    /// When a run counts as ready.
    pub readiness: Readiness,
    /// How long to wait for readiness (`listen_timeout`).
    pub ready_timeout: Millis,
    /// In a reload: how long a ready worker must live on before it takes over.
    pub stable_for: Millis,
    /// In a reload: how long a new worker may take to become ready and to listen. `listen_timeout`
    /// where the user gave one, else 30 s (a slow start is no reason to give up a version).
    pub verify_timeout: Millis,
    /// In a reload: how long the health check may take in all; `None` when there is no
    /// check to pass.
    pub health_budget: Option<Millis>,
    /// In a reload: how long the old worker may finish open connections before it is asked to end.
    pub drain_timeout: Millis,
    /// Load into a Node worker what makes it answer with `Connection: close` while it leaves.
    pub drain_hook: bool,
}

impl Policy {
    /// Whether an exit code says that all went well.
    #[must_use]
    pub fn is_success(&self, code: i32) -> bool {
        code == 0 || self.success_exit_codes.contains(&code)
    }

    /// Exit codes after which no other run follows.
    pub(crate) fn final_codes(&self) -> impl Iterator<Item = i32> {
        let success = self.success_exit_codes.iter().copied().chain([0]);
        self.stop_exit_codes.iter().copied().chain(success.filter(|_| self.oneshot))
    }
}

/// A specification and the rules in it.
pub type Version = (SpecId, Arc<Policy>);

/// The event that makes a run ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Spawned is ready (fork mode) or the runtime said `online` (cluster mode).
    Started,
    /// The application sends the message `ready` (`wait_ready`), or does what makes it ready, as
    /// its attribute `ready` says.
    Message,
}

/// How connections are spread over the workers of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// The workers with the fewest connections that they have not acknowledged, in turn; exactly
    /// even at low load.
    #[default]
    RoundRobin,
    /// By a hash of the peer's address: a client stays with its worker.
    Sticky,
    /// Workers accept for themselves from one shared socket.
    Shared,
}

/// What becomes of a rejected promise that nobody handles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rejections {
    /// It is written to standard error and counted, and the app goes on: PM2's way.
    #[default]
    Log,
    /// What the runtime does by itself: Node ends the app.
    Crash,
}

impl Default for Policy {
    /// PM2's defaults: 16 unstable runs, 1 s, SIGINT, 1.6 s, tree kill, 3 s for readiness.
    fn default() -> Self {
        Self {
            autorestart: true,
            stop_exit_codes: Vec::new(),
            oneshot: false,
            success_exit_codes: Vec::new(),
            max_unstable: 16,
            min_uptime: 1000,
            restart_delay: 0,
            backoff: None,
            max_memory: None,
            stop_signal: 2,
            stop_by_message: false,
            stop_grace: 1600,
            tree_kill: true,
            readiness: Readiness::Started,
            ready_timeout: 3000,
            stable_for: 0,
            verify_timeout: 30_000,
            health_budget: None,
            drain_timeout: 8000,
            drain_hook: true,
        }
    }
}
