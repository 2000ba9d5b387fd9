//! What the API says of processes: names with their units, which stay as they are.

use std::collections::BTreeMap;

use ostler_text::{MASK, is_secret_name};
use ostler_wire::control::{self, Details, Phase, ProcView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::mask;

/// What is true of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It does not run, and is not to run.
    Stopped,
    /// It does not run: it was given up.
    Errored,
    /// It was started and is not ready yet.
    Starting,
    /// It runs and is ready.
    Online,
    /// It is being brought to its end.
    Stopping,
    /// It does not run; its next run waits for its time.
    Waiting,
    /// It does not run, since nobody wanted it; the next connection starts it.
    Sleeping,
}

impl Status {
    /// Every status there is.
    pub(crate) const ALL: [Self; 7] = [
        Self::Stopped,
        Self::Errored,
        Self::Starting,
        Self::Online,
        Self::Stopping,
        Self::Waiting,
        Self::Sleeping,
    ];

    /// The status in which a process is.
    pub(crate) fn of(phase: Phase) -> Self {
        match phase {
            Phase::Stopped => Self::Stopped,
            Phase::Errored => Self::Errored,
            Phase::Starting => Self::Starting,
            Phase::Online => Self::Online,
            Phase::Stopping => Self::Stopping,
            Phase::Backoff { .. } | Phase::Waiting => Self::Waiting,
            Phase::Sleeping => Self::Sleeping,
        }
    }

    /// Returns the word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Errored => "errored",
            Self::Starting => "starting",
            Self::Online => "online",
            Self::Stopping => "stopping",
            Self::Waiting => "waiting",
            Self::Sleeping => "sleeping",
        }
    }
}

/// How an app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Its processes share what they listen on.
    Cluster,
    /// Each is by itself.
    Fork,
}

/// A process, as the list has it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Process {
    /// The number by which commands name it (PM2's `pm_id`).
    id: u32,
    /// Name of the app.
    name: String,
    /// Namespace of the app.
    namespace: String,
    /// Its place among the processes of the app, from 0.
    instance: u32,
    /// Version of the app, from `package.json`.
    version: Option<String>,
    mode: Mode,
    status: Status,
    /// When the next run is due; while it waits.
    next_start_in_ms: Option<u64>,
    /// Its process, if it runs.
    pid: Option<u32>,
    /// When the current run began, ms since 1970.
    started_at_ms: Option<u64>,
    /// Restarts so far.
    restarts: u32,
    /// CPU use, percent of one processor.
    cpu_percent: f32,
    /// Resident memory, bytes.
    memory_bytes: u64,
    /// The user that it runs as.
    user: String,
    /// Path of the script.
    script: String,
    /// What it listens on, where that is known.
    listens: Vec<String>,
    /// What is being rolled out to it: `reloading`, `canary`.
    rollout: Option<String>,
    /// It is of a module, which watches apps.
    module: bool,
    /// How its last run that is over ended.
    last_end: Option<End>,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct End {
    /// When, ms since 1970.
    at_ms: u64,
    /// It was asked to end.
    asked: bool,
    /// The kernel ended it for want of memory.
    out_of_memory: bool,
    /// How, in words: `exit code 1`, `signal SIGSEGV`.
    how: String,
}

impl End {
    fn of(ended: &control::Ended) -> Self {
        let control::Ended { at, asked, oom, how, own_at: _ } = ended;
        Self { at_ms: *at, asked: *asked, out_of_memory: *oom, how: how.to_string() }
    }
}

impl Process {
    /// The processes of a list.
    pub(crate) fn all(views: &[ProcView]) -> Vec<Self> {
        let mut seen: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let mut all = Vec::with_capacity(views.len());
        for view in views {
            let next = seen.entry((&view.namespace, &view.name)).or_default();
            all.push(Self::of(view, *next));
            *next += 1;
        }
        all
    }

    /// The process of a view, with its place in the app.
    fn of(view: &ProcView, instance: u32) -> Self {
        let next_start_in_ms = match view.phase {
            Phase::Backoff { due_in } => Some(due_in),
            Phase::Stopped
            | Phase::Errored
            | Phase::Starting
            | Phase::Online
            | Phase::Stopping
            | Phase::Sleeping
            | Phase::Waiting => None,
        };
        Self {
            id: view.id,
            name: view.name.clone(),
            namespace: view.namespace.clone(),
            instance,
            version: view.version.clone(),
            mode: if view.cluster { Mode::Cluster } else { Mode::Fork },
            status: Status::of(view.phase),
            next_start_in_ms,
            pid: Some(view.pid).filter(|pid| *pid != 0),
            started_at_ms: Some(view.since).filter(|since| *since != 0),
            restarts: view.restarts,
            cpu_percent: view.cpu,
            memory_bytes: view.memory,
            user: view.user.clone(),
            script: view.script.clone(),
            listens: view.listens.clone(),
            rollout: view.rollout.clone(),
            module: view.module,
            last_end: view.ended.as_ref().map(End::of),
        }
    }
}

/// Everything about one process.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Described {
    #[serde(flatten)]
    process: Process,
    /// Arguments of the script.
    args: Vec<String>,
    /// `none` when the script is executed itself.
    interpreter: String,
    interpreter_args: Vec<String>,
    /// Its working directory.
    cwd: String,
    /// Paths of the log files.
    logs: Vec<String>,
    /// Unstable restarts in a row.
    unstable_restarts: u32,
    /// The number of them at which it is given up.
    max_unstable_restarts: u32,
    /// When it was added or last reset, ms since 1970.
    created_at_ms: u64,
    /// Memory above which it is restarted.
    max_memory_bytes: Option<u64>,
    /// When it is restarted, a pattern of cron.
    cron_restart: Option<String>,
    node_version: Option<String>,
    /// What it was given as its environment. Secrets are `***` unless the token permits more.
    env: BTreeMap<String, String>,
    /// What it measures of itself: values with their units.
    metrics: BTreeMap<String, String>,
    /// What it can be asked to do.
    actions: Vec<String>,
}

impl Described {
    /// Everything about the process of these details.
    pub(crate) fn of(details: Details, instance: u32, secrets: bool) -> Self {
        let shown = |word: String| match secrets {
            true => word,
            false => mask::text_of(&word).into_owned(),
        };
        let variable = |(name, value): (String, String)| match is_secret_name(&name) {
            true if !secrets => (name, MASK.to_owned()),
            true | false => (name, shown(value)),
        };
        let args = if secrets { details.args } else { mask::words(details.args) };
        Self {
            process: Process::of(&details.view, instance),
            args,
            interpreter: details.interpreter,
            interpreter_args: details.interpreter_args.into_iter().map(shown).collect(),
            cwd: details.cwd,
            logs: details.view.logs.into_iter().flatten().collect(),
            unstable_restarts: details.unstable,
            max_unstable_restarts: details.max_unstable,
            created_at_ms: details.created_at,
            max_memory_bytes: details.max_memory,
            cron_restart: details.cron_restart,
            node_version: details.node_version,
            env: details.env.into_iter().map(variable).collect(),
            metrics: details.metrics.into_iter().collect(),
            actions: details.actions,
        }
    }
}

/// Every process there is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Processes {
    /// Every process, by its number.
    pub(crate) processes: Vec<Process>,
}

/// What a word means.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AllDescribed {
    /// Each process that is meant.
    pub(crate) processes: Vec<Described>,
}
