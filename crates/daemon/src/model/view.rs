//! What is shown of processes: the list, the details, the environment.

use ostler_core::spec::ExecMode;
use ostler_core::{Phase, ProcId, RunId};
use ostler_pm2::words::status;
use ostler_wire::control::{Details, ProcView};

use super::Model;
use super::outcome::Outcome;
use super::registry::{Proc, Rollout};
use crate::environment::{self, Particulars};

impl Model {
    /// Every process, by id.
    pub(super) fn list(&self) -> Vec<ProcView> {
        self.registry.procs().filter_map(|(id, _)| self.view(id)).collect()
    }

    /// The processes of this name or id.
    pub(super) fn find(&self, word: &str) -> Vec<u32> {
        let number = word.parse().ok().filter(|number: &u32| number.to_string() == word);
        let meant = |(id, proc): &(ProcId, &Proc)| Some(id.0) == number || proc.name == word;
        self.registry.procs().filter(meant).map(|(id, _)| id.0).collect()
    }

    fn view(&self, id: ProcId) -> Option<ProcView> {
        let process = self.core.slot(id)?.process();
        let proc = self.registry.proc(id)?;
        let spec = &self.registry.version(process.spec())?.spec;
        let facts = process.run().and_then(|run| self.facts.get(&run));
        let usage = facts.map(|facts| facts.usage).unwrap_or_default();
        Some(ProcView {
            id: id.0,
            name: proc.name.clone(),
            namespace: spec.namespace.clone(),
            version: spec.version.clone(),
            cluster: spec.exec_mode == ExecMode::Cluster,
            pid: facts.map_or(0, |facts| facts.pid),
            since: facts.map_or(0, |facts| facts.since),
            restarts: process.restarts(),
            status: status(process.phase()).to_owned(),
            cpu: usage.cpu,
            memory: usage.memory,
            user: spec.username.clone(),
            watching: spec.passthrough.get("watch").is_some_and(|watch| watch != "false"),
            rollout: proc.rollout.map(|rollout| Rollout::as_str(rollout).to_owned()),
            script: spec.script.display().to_string(),
            logs: environment::log_files(spec, id)
                .map(|path| path.map(|path| path.display().to_string())),
        })
    }

    /// Everything about one process.
    pub(super) fn details(&self, id: ProcId) -> Option<Details> {
        let view = self.view(id)?;
        let process = self.core.slot(id)?.process();
        let proc = self.registry.proc(id)?;
        let spec = &self.registry.version(process.spec())?.spec;
        let facts = process.run().and_then(|run| self.facts.get(&run));
        Some(Details {
            args: spec.args.clone(),
            pid_file: environment::pid_file(spec, id).display().to_string(),
            interpreter: spec.interpreter.clone().unwrap_or_else(|| "none".to_owned()),
            interpreter_args: spec.interpreter_args.clone(),
            cwd: spec.cwd.display().to_string(),
            unstable: process.unstable(),
            created_at: proc.created_at,
            last: proc.last.as_ref().map(Outcome::fact),
            due_in: match process.phase() {
                Phase::Backoff { until } => Some(until.saturating_sub(self.at.now)),
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_) => None,
            },
            max_memory: spec.policy.max_memory,
            node_env: spec.env.get("NODE_ENV").cloned(),
            env: spec.env.clone(),
            listeners: facts.map_or_else(Vec::new, |facts| facts.listeners.clone()),
            view,
        })
    }

    /// The environment of a process, newest variable first, as PM2's `env`.
    pub(super) fn env_of(&self, id: ProcId) -> Option<Vec<(String, String)>> {
        let process = self.core.slot(id)?.process();
        let spec = &self.registry.version(process.spec())?.spec;
        let run = process.run().unwrap_or(RunId(0));
        let mut env = environment::environment(spec, self.particulars(id, run)?);
        env.insert("status".to_owned(), status(process.phase()).to_owned());
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
            home: &self.settings.home,
            mark: &self.settings.mark,
        })
    }
}
