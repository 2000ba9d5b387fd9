//! Restarts because of memory.

use ostler_core::ProcId;
use ostler_wire::control::OverMemory;

use super::Model;
use super::input::Effect;
use super::operations::{Operation, Reporting, Target};

impl Model {
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
        if let Some(proc) = self.known.registry.proc_mut(id) {
            proc.over_memory = Some(OverMemory { at: self.known.at.wall, memory, limit });
        }
        self.alert_over_memory(id, memory, limit);
        self.known.unsaved = true;
        // A reload tells of itself; nobody else tells when a restart is done.
        if self.known.core.slot(id).is_some_and(|slot| !slot.process().is_cluster()) {
            let mut operation = Operation::new(None, Reporting::Slots);
            operation.active.insert(id, self.known.pending(id, Target::Up, false));
            self.begin(operation, out);
        }
    }
}
