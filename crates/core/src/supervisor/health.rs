//! Replacing runs that have lost their health.

use super::Supervisor;
use crate::reload::Reload;
use crate::run::{Role, RunId};
use crate::{Action, Millis};

impl Supervisor {
    /// A run is to be replaced. Where a reload is about to do that, or looks at what comes after
    /// it, this changes nothing.
    pub(super) fn on_unhealthy(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        let Some((id, Role::Current)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let open = |reload: &Reload| reload.is_open(id);
        if slot.candidate.is_some() || self.reloads.get(&slot.app).is_some_and(open) {
            return;
        }
        slot.process.on_unhealthy(now, out);
        self.settle(now, id, out);
    }
}
