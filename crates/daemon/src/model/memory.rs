//! Memory limits: looked at now and then, only while some app has one.

use ostler_core::{Phase, ProcId, RunId};
use ostler_wire::control::OverMemory;

use super::Model;
use super::input::Effect;
use super::operations::{Operation, Reporting, Target};

impl Model {
    /// It is time to measure every run with a limit; the core decides what follows.
    pub(super) fn look_at_memory(&mut self, out: &mut Vec<Effect>) {
        if self.memory_at.is_none_or(|at| self.at.now < at) {
            return;
        }
        self.memory_at = None;
        let limited = self.core.slots().filter_map(|(_, slot)| {
            let version = self.registry.version(slot.process().spec())?;
            version.policy.max_memory?;
            match slot.process().phase() {
                Phase::Online { run, .. } => Some(run),
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. } => None,
            }
        });
        let runs: Vec<RunId> = limited.collect();
        out.push(Effect::Measure(runs));
        self.arm_memory();
    }

    /// Looks again later if any app has a limit.
    pub(super) fn arm_memory(&mut self) {
        let any = self.registry.versions().any(|(_, of)| of.policy.max_memory.is_some());
        let next = self.at.now + self.settings.memory_interval;
        self.memory_at = any.then(|| self.memory_at.unwrap_or(next));
    }

    /// A run is replaced because of its memory.
    pub(super) fn on_over_memory(
        &mut self,
        id: ProcId,
        memory: u64,
        limit: u64,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::Log(format!(
            "[PM2][WORKER] Process {} restarted because it exceeds --max-memory-restart value \
             (current_memory={memory} max_memory_limit={limit} [octets])",
            id.0
        )));
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.over_memory = Some(OverMemory { at: self.at.wall, memory, limit });
        }
        self.unsaved = true;
        // A reload tells of itself; nobody else tells when a restart is done.
        if self.core.slot(id).is_some_and(|slot| !slot.process().is_cluster()) {
            let mut operation = Operation::new(None, Reporting::Slots);
            operation.active.insert(id, self.pending(id, Target::Up, false));
            self.begin(operation, out);
        }
    }
}
