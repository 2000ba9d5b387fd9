//! What is shown of processes: the list, the details, the environment.

use std::borrow::Cow;
use std::cell::OnceCell;

use ostler_config::attributes::given;
use ostler_config::cron::pattern_of;
use ostler_core::process::Process;
use ostler_core::spec::{ExecMode, Probe, Readiness, Ready};
use ostler_core::{AppId, Phase, ProcId, RunId};
use ostler_pm2::files::log_texts;
use ostler_pm2::in_app::InApp;
use ostler_pm2::words::status;
use ostler_wire::control::{self, Details, ListenerView, ProcView};
use serde::{Serialize, Serializer};

use super::Model;
use super::depends::Look;
use super::facts::RunFacts;
use super::known::Known;
use super::listed::Listed;
use super::outcome::Outcome;
use super::registry::Registry;
use super::registry::{Proc, Rollout, Version};
use crate::environment::{self, Particulars};

/// The reply to a request for the list, [`Reply::List`](ostler_wire::control::Reply::List), which
/// goes from the model into the connection without a copy of its own.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ListReply<'a> {
    List { processes: Rows<'a> },
}

/// Processes, by id.
struct Rows<'a>(&'a Known, &'a Listed);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(known, which) = self;
        let look = OnceCell::new();
        let rows = known.registry.procs().filter_map(|(id, proc)| {
            let spec = &known.version_of(id)?.spec;
            which.holds(id, proc, spec).then(|| known.row(id, proc, &look))?
        });
        serializer.collect_seq(rows)
    }
}

/// A process as the list shows it: a [`ProcView`] that borrows.
#[derive(Serialize)]
struct Row<'a> {
    id: u32,
    name: &'a str,
    namespace: &'a str,
    version: Option<&'a str>,
    cluster: bool,
    pid: u32,
    since: u64,
    restarts: u32,
    #[serde(skip_serializing_if = "is_zero")]
    asked_restarts: u32,
    #[serde(skip_serializing_if = "is_zero")]
    dropped_lines: u64,
    #[serde(skip_serializing_if = "is_zero")]
    log_bytes: u64,
    phase: control::Phase,
    cpu: f32,
    memory: u64,
    user: &'a str,
    #[serde(skip_serializing_if = "is_false")]
    module: bool,
    #[serde(skip_serializing_if = "is_false")]
    watching: bool,
    not_yet: &'a [&'static str],
    rollout: Option<&'static str>,
    script: Cow<'a, str>,
    logs: [Option<Cow<'a, str>>; 3],
    // Most have none of these, and a list may be long.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<control::Ended>,
    #[serde(skip_serializing_if = "Option::is_none")]
    over_memory: Option<control::OverMemory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unhealthy: Option<control::Unhealthy>,
    #[serde(skip_serializing_if = "is_false")]
    completed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<control::Waits>,
    #[serde(skip_serializing_if = "Addresses::is_empty")]
    listens: Addresses<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leaving: Vec<u32>,
}

/// Hardly any process is of a module.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Most restarts are nobody's wish, and few apps lose lines.
fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a run listens on, or what wakes an app that has none.
enum Addresses<'a> {
    Serves(&'a [ListenerView]),
    Sleeps(&'a [String]),
}

impl Addresses<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Serves(all) => all.is_empty(),
            Self::Sleeps(all) => all.is_empty(),
        }
    }

    fn each(&self) -> impl Iterator<Item = &String> {
        let (serves, sleeps) = match self {
            Self::Serves(all) => (*all, &[][..]),
            Self::Sleeps(all) => (&[][..], *all),
        };
        serves.iter().map(|listener| &listener.address).chain(sleeps)
    }
}

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each())
    }
}

impl From<Row<'_>> for ProcView {
    fn from(row: Row<'_>) -> Self {
        Self {
            id: row.id,
            name: row.name.to_owned(),
            namespace: row.namespace.to_owned(),
            version: row.version.map(str::to_owned),
            cluster: row.cluster,
            pid: row.pid,
            since: row.since,
            restarts: row.restarts,
            asked_restarts: row.asked_restarts,
            dropped_lines: row.dropped_lines,
            log_bytes: row.log_bytes,
            phase: row.phase,
            cpu: row.cpu,
            memory: row.memory,
            user: row.user.to_owned(),
            module: row.module,
            watching: row.watching,
            not_yet: row.not_yet.iter().map(|name| (*name).to_owned()).collect(),
            rollout: row.rollout.map(str::to_owned),
            script: row.script.into_owned(),
            logs: row.logs.map(|path| path.map(Cow::into_owned)),
            ended: row.ended,
            over_memory: row.over_memory,
            unhealthy: row.unhealthy,
            completed: row.completed,
            waits_for: row.waits_for,
            listens: row.listens.each().cloned().collect(),
            candidate: row.candidate,
            leaving: row.leaving,
        }
    }
}

impl Model {
    /// Everything about one process.
    pub(super) fn details(&self, id: ProcId) -> Option<Details> {
        let proc = self.known.registry.proc(id)?;
        let view = self.known.row(id, proc, &OnceCell::new())?.into();
        let process = self.known.core.slot(id)?.process();
        let spec = &self.known.registry.version(process.spec())?.spec;
        let facts = process.run().and_then(|run| self.known.facts.get(&run));
        let in_app = facts.and_then(|facts| facts.in_app.as_deref());
        Some(Details {
            args: spec.args.clone(),
            pid_file: environment::pid_file(spec, id).display().to_string(),
            interpreter: spec.interpreter.clone().unwrap_or_else(|| "none".to_owned()),
            interpreter_args: spec.interpreter_args.clone(),
            cwd: spec.cwd.display().to_string(),
            unstable: process.unstable(),
            max_unstable: spec.policy.max_unstable,
            due_in: process.phase().deadline().map(|at| at.saturating_sub(self.known.at.now)),
            late: facts.is_some_and(|facts| facts.late),
            health: spec.health.as_ref().map(|health| probe(&health.probe)),
            created_at: proc.created_at,
            last: proc.last.as_ref().map(Outcome::fact),
            max_memory: spec.policy.max_memory,
            settings: given(spec)
                .map(|(of, value)| (of.name.to_owned(), value.to_string()))
                .collect(),
            cron_restart: pattern_of(spec),
            next_restart: proc.scheduled.map(|next| next.at),
            node_env: spec.env.get("NODE_ENV").map(str::to_owned),
            env: spec.env.to_map(),
            listeners: facts.map_or_else(Vec::new, |facts| facts.listeners.clone()),
            node_version: proc.node_version.clone(),
            unwritten: self.unwritten.of(&self.known, id),
            unwatched: self.watches.why_not(&self.known, id, proc),
            rejections: facts.map_or(0, |facts| facts.rejections),
            readiness: control::Readiness {
                run: process.run().map(|run| run.0),
                by_message: spec.policy.readiness == Readiness::Message,
                to_do: spec.ready.as_ref().map(Ready::to_do),
                late: facts.is_some_and(|facts| facts.late),
                limit: spec.policy.ready_timeout,
                stable_after: spec.policy.min_uptime,
            },
            notified: facts.and_then(RunFacts::said).cloned(),
            metrics: in_app.map_or_else(Vec::new, InApp::metrics),
            actions: in_app.map_or_else(Vec::new, InApp::action_names),
            restarted: proc.restarted.clone(),
            failed_reload: proc.failed_reload.clone(),
            view,
        })
    }
}

impl Known {
    /// The reply to a request for the list, or for some of it, as of now.
    pub fn list_reply<'a>(&'a self, which: &'a Listed) -> impl Serialize + 'a {
        ListReply::List { processes: Rows(self, which) }
    }

    /// The version of a process that is shown.
    fn version_of(&self, id: ProcId) -> Option<&Version> {
        self.registry.version(self.core.slot(id)?.process().spec())
    }

    /// `look`: made for the first one that needs it.
    fn row<'a>(&'a self, id: ProcId, proc: &'a Proc, look: &OnceCell<Look<'a>>) -> Option<Row<'a>> {
        let slot = self.core.slot(id)?;
        let process = slot.process();
        let version = self.version_of(id)?;
        let spec = &version.spec;
        let pid_of = |run: RunId| self.facts.get(&run).map(|facts| facts.pid);
        let facts = process.run().and_then(|run| self.facts.get(&run));
        let usage = facts.map(|facts| facts.usage).unwrap_or_default();
        Some(Row {
            id: id.0,
            name: &proc.name,
            namespace: &spec.namespace,
            version: spec.version.as_deref(),
            cluster: spec.exec_mode == ExecMode::Cluster,
            pid: facts.map_or(0, |facts| facts.pid),
            since: facts.map_or(0, |facts| facts.since),
            restarts: process.restarts(),
            asked_restarts: proc.asked_restarts,
            dropped_lines: proc.dropped.total(),
            log_bytes: self.log_bytes.get(&id.0).copied().unwrap_or(0),
            phase: self.phase_of(process),
            cpu: usage.cpu,
            memory: usage.memory,
            user: &spec.username,
            module: version.is_module,
            watching: self.is_watched(id, proc),
            not_yet: &version.not_yet,
            rollout: proc.rollout.map(Rollout::as_str),
            script: spec.script.to_string_lossy(),
            logs: log_texts(spec, id),
            ended: proc.ended.and_then(|of| {
                let how = proc.last.as_ref()?.fact();
                Some(control::Ended {
                    at: of.at,
                    asked: of.asked,
                    oom: of.oom,
                    own_at: of.own_at,
                    how,
                })
            }),
            over_memory: proc.over_memory,
            unhealthy: proc.unhealthy.clone(),
            completed: spec.policy.oneshot && self.is_completed(id, proc),
            waits_for: self.waits_for(id, look),
            listens: self.addresses_of(process, proc.app, facts),
            candidate: slot.candidate().and_then(|(run, _)| pid_of(run)),
            leaving: slot.leaving().filter_map(pid_of).collect(),
        })
    }

    /// Where a process is reached, as far as it is by us.
    fn addresses_of<'a>(
        &'a self,
        process: &Process,
        app: AppId,
        facts: Option<&'a RunFacts>,
    ) -> Addresses<'a> {
        if process.sleeps() {
            Addresses::Sleeps(self.asleep.get(&app).map_or(&[], Vec::as_slice))
        } else {
            Addresses::Serves(facts.map_or(&[], |facts| &facts.listeners))
        }
    }

    /// The phase of a process, without what only the core needs of it.
    pub(super) fn phase_of(&self, process: &Process) -> control::Phase {
        match process.phase() {
            Phase::Stopped => control::Phase::Stopped,
            Phase::Errored => control::Phase::Errored,
            Phase::Starting { .. } => control::Phase::Starting,
            Phase::Online { .. } => control::Phase::Online,
            Phase::Stopping(_) => control::Phase::Stopping,
            Phase::Held => control::Phase::Waiting,
            Phase::Sleeping { .. } => control::Phase::Sleeping,
            Phase::Backoff { until } => {
                control::Phase::Backoff { due_in: until.saturating_sub(self.at.now) }
            }
        }
    }

    /// The environment of a process, newest variable first, as PM2's `env`.
    pub(super) fn env_of(&self, id: ProcId) -> Option<Vec<(String, String)>> {
        let process = self.core.slot(id)?.process();
        let spec = &self.registry.version(process.spec())?.spec;
        let run = process.run().unwrap_or(RunId(0));
        let mut env = environment::environment(spec, self.particulars(id, run)?);
        env.insert("status".to_owned(), status(self.phase_of(process)).to_owned());
        Some(env.into_iter().rev().collect())
    }

    /// What a run of a slot gets beside its specification.
    pub fn particulars(&self, id: ProcId, run: RunId) -> Option<Particulars<'_>> {
        let given = self.registry.proc(id)?.given();
        let process = self.core.slot(id).map(|slot| slot.process());
        Some(Particulars {
            id,
            given,
            run,
            since: self.facts.get(&run).map_or(0, |facts| facts.since),
            restarts: process.map_or(0, |process| process.restarts()),
            unstable: process.map_or(0, |process| process.unstable()),
            inspect_port: None,
            home: &self.settings.home,
            mark: &self.settings.mark,
        })
    }
}

impl Registry {
    /// The processes of this name or id.
    pub(super) fn find(&self, word: &str) -> Vec<u32> {
        let number = word.parse().ok().filter(|number: &u32| number.to_string() == word);
        let meant = |(id, proc): &(ProcId, &Proc)| Some(id.0) == number || proc.name == word;
        self.procs().filter(meant).map(|(id, _)| id.0).collect()
    }
}

/// The question of a health check, in words.
fn probe(probe: &Probe) -> String {
    match probe {
        Probe::Http { url } => format!("GET {url}"),
        Probe::Tcp { address } => format!("connect to {address}"),
        Probe::Grpc { address, service } if service.is_empty() => format!("gRPC {address}"),
        Probe::Grpc { address, service } => format!("gRPC {address}, {service}"),
        Probe::Exec { command } => format!("sh -c '{command}'"),
    }
}
