//! Memory limits: looked at now and then, only while some app has one.

use ostler_core::{Phase, ProcId, RunId};
use ostler_wire::control::{self, Action};

use super::Model;
use super::input::Effect;
use super::operations::{Operation, Reporting};

impl Model {
    /// It is time to look at every app with a limit.
    pub(super) fn look_at_memory(&mut self, out: &mut Vec<Effect>) {
        if self.memory_at.is_none_or(|at| self.at.now < at) {
            return;
        }
        self.memory_at = None;
        let limited = |id: ProcId| self.memory_limit(id).map(|(run, _)| run);
        let runs: Vec<RunId> = self.registry.procs().filter_map(|(id, _)| limited(id)).collect();
        out.push(Effect::Measure(runs));
        self.arm_memory();
    }

    /// Looks again later if any app has a limit.
    pub(super) fn arm_memory(&mut self) {
        let any = self.registry.versions().any(|(_, version)| version.spec.max_memory.is_some());
        let next = self.at.now + self.settings.memory_interval;
        self.memory_at = any.then(|| self.memory_at.unwrap_or(next));
    }

    /// What a run uses: above its limit, a worker is reloaded and a plain process restarted.
    pub(super) fn on_measured(&mut self, run: RunId, memory: u64, out: &mut Vec<Effect>) {
        let Some(id) = self.facts.get(&run).map(|facts| facts.proc) else { return };
        let Some((_, limit)) = self.memory_limit(id).filter(|(of, _)| *of == run) else { return };
        if memory <= limit {
            return;
        }
        out.push(Effect::Log(format!(
            "[PM2][WORKER] Process {} restarted because it exceeds --max-memory-restart value \
             (current_memory={memory} max_memory_limit={limit} [octets])",
            id.0
        )));
        if self.core.slot(id).is_some_and(|slot| slot.process().is_cluster()) {
            let options =
                control::ReloadOptions { wait: true, ..control::ReloadOptions::default() };
            let change = control::Change::default();
            self.on_reload(None, &[id.0], &change, options, None, out);
        } else {
            let mut operation = Operation::new(None, Reporting::Slots);
            operation.todo.push_back((id, Action::Restart));
            self.begin(operation, out);
        }
    }

    /// The run of a slot that is online, and the memory that it may use.
    fn memory_limit(&self, id: ProcId) -> Option<(RunId, u64)> {
        let process = self.core.slot(id)?.process();
        let Phase::Online { run, .. } = process.phase() else { return None };
        Some((run, self.registry.version(process.spec())?.spec.max_memory?))
    }
}
