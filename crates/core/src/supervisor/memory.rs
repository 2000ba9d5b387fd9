//! Replacing runs that use too much memory.
//!
//! A plain process is restarted. A worker is reloaded, so that no connection is lost; since an app
//! has one reload at a time, it may have to wait for another to end. That it waits is not saved: it
//! will be measured again.
//!
//! # Invariants
//! - A run is replaced once, however often it is measured.
//!   Tested by `a_worker_over_its_limit_during_a_reload_waits_for_its_end`.

use super::{Slot, Supervisor};
use crate::event::Notice;
use crate::phase::Phase;
use crate::reload::ReloadOptions;
use crate::run::{AppId, ProcId, Role, RunId};
use crate::{Action, Millis};

impl Supervisor {
    pub(super) fn on_measured(
        &mut self,
        now: Millis,
        run: RunId,
        memory: u64,
        out: &mut Vec<Action>,
    ) {
        let Some((id, Role::Current)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get(&id) else { return };
        let Some(limit) = slot.process.limit_exceeded(run, memory) else { return };
        let (app, cluster) = (slot.app, slot.process.is_cluster());
        if self.reloads.get(&app).is_some_and(|reload| reload.is_open(id)) {
            return; // It is about to be replaced.
        }
        if cluster && !self.runs.note_over_memory(run, true) {
            return; // It waits for the end of another reload.
        }
        out.push(Action::Tell(Notice::OverMemory { proc: id, run, memory, limit }));
        if cluster {
            self.reload_over_memory(now, app, out);
        } else {
            self.restart(now, id, None, out);
        }
    }

    /// Reloads the app's workers that use too much memory, unless a reload is under way. Those of
    /// another version than the first are left for the next time.
    pub(super) fn reload_over_memory(&mut self, now: Millis, app: AppId, out: &mut Vec<Action>) {
        if self.reloads.contains_key(&app) {
            return;
        }
        let is_over = |slot: &&Slot| match slot.process.phase() {
            Phase::Online { run, .. } => slot.app == app && self.runs.is_over_memory(run),
            Phase::Stopped
            | Phase::Errored
            | Phase::Starting { .. }
            | Phase::Stopping(_)
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Backoff { .. } => false,
        };
        let over: Vec<&Slot> = self.slots.values().filter(is_over).collect();
        let Some(first) = over.first().map(|slot| &slot.process) else { return };
        let version = first.next_version().unwrap_or(first.version()).clone();
        let alike = over.iter().filter(|slot| slot.process.next_spec() == version.0);
        let procs: Vec<ProcId> = alike.map(|slot| slot.process.id()).collect();
        for run in procs.iter().filter_map(|id| self.slots.get(id)?.process.run()) {
            self.runs.note_over_memory(run, false);
        }
        // Whoever looks after the room for runs is not asked: it takes as little as can be.
        let options = ReloadOptions { surge: Some(1), ..ReloadOptions::default() };
        self.begin_reload(now, app, &procs, version, options, out);
    }
}
