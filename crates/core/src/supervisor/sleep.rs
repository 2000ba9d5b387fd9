//! Letting workers go that nobody wants.

use super::Supervisor;
use crate::run::ProcId;
use crate::{Action, Millis};

impl Supervisor {
    /// A slot is to sleep. Where a reload looks at it, this changes nothing.
    pub(super) fn sleep(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&id).filter(|slot| !slot.removing) else { return };
        if slot.candidate.is_some() || self.reloads.contains_key(&slot.app) {
            return;
        }
        slot.leaving.extend(slot.process.on_sleep(now, &self.runs, out));
        self.settle(now, id, out);
    }
}
