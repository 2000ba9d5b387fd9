//! Restarts by the clock.
//!
//! Each slot of an app with a schedule has the time at which it is restarted next, which is saved:
//! a time that passes while no daemon runs, or that the clock is set beyond, counts once, as soon
//! as somebody looks. A slot that the user stopped has none, until it is started again; one that
//! ended by itself has, which makes it a job.
//!
//! # Invariants
//! - What the user stopped stays so. Test: `what_was_stopped_is_not_started_by_the_clock`.
//! - A time counts once, whenever a daemon dies over it: that is tested by
//!   the test `a_time_counts_once_though_the_daemon_dies`.

use ostler_core::{Phase, ProcId};
use ostler_wire::control::{Action, Change, ReloadOptions};

use super::Model;
use super::input::Effect;
use super::known::Known;
use super::operations::{Operation, Reporting};
use super::registry::Proc;

impl Model {
    /// The clock of the machine was set: what is due by it is due, and all else is counted anew.
    pub(super) fn on_clock_set(&mut self, out: &mut Vec<Effect>) {
        let wall = self.known.at.wall;
        self.restart_scheduled(out);
        let ids: Vec<ProcId> = self.known.registry.procs().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(proc) = self.known.registry.proc_mut(id) {
                proc.scheduled.take_if(|next| wall < next.at);
            }
        }
        self.known.unsaved = true;
    }

    /// Restarts what is due by the clock.
    pub(super) fn restart_scheduled(&mut self, out: &mut Vec<Effect>) {
        let wall = self.known.at.wall;
        if self.known.closing || self.schedules.first().is_none_or(|at| wall < at) {
            return;
        }
        let is_due = |proc: &Proc| proc.scheduled.is_some_and(|of| of.at <= wall);
        let due = self.known.registry.procs().filter(|(_, proc)| is_due(proc));
        let due: Vec<ProcId> = due.map(|(id, _)| id).collect();
        for id in &due {
            let label = self.known.registry.label(*id);
            if let Some(proc) = self.known.registry.proc_mut(*id) {
                proc.scheduled = None;
            }
            if self.known.sleeps(*id) {
                self.known.unsaved = true;
                continue; // Its next run is a fresh one.
            }
            out.push(Effect::Log(format!("App [{label}] is restarted by its `cron_restart`")));
        }
        self.restart_by_itself(&due, "by its `cron_restart`", true, out);
    }

    /// Restarts processes for which nobody asked; or, where that may be, replaces workers that
    /// serve without a gap.
    pub(super) fn restart_by_itself(
        &mut self,
        ids: &[ProcId],
        why: &str,
        may_reload: bool,
        out: &mut Vec<Effect>,
    ) {
        // What sleeps has nothing that could be restarted.
        let ids: Vec<ProcId> = ids.iter().copied().filter(|id| !self.known.sleeps(*id)).collect();
        self.known.note_restart(&ids, why);
        let mut restart = Operation::new(None, Reporting::Slots);
        let mut reload = Vec::new();
        for id in ids {
            let app = self.known.registry.app_of(id);
            if !may_reload || !self.known.is_replaceable(id) {
                restart.todo.push_back((id, Action::Restart));
            } else if app.is_some_and(|app| !self.failures.reload_goes_on(&self.known, app)) {
                reload.push(id.0);
            }
            // One that is being reloaded is about to be replaced.
        }
        if !restart.todo.is_empty() {
            let ids: Vec<ProcId> = restart.todo.iter().map(|(id, _)| *id).collect();
            self.cut_reloads_short("restart", &ids);
            self.begin(restart, out);
        }
        if !reload.is_empty() {
            let options = ReloadOptions::default();
            self.on_reload(None, &reload, &Change::default(), options, None, out);
        }
    }
}

impl Known {
    /// Whether it is a worker that serves, and is to go on doing so.
    fn is_replaceable(&self, id: ProcId) -> bool {
        let Some(process) = self.core.slot(id).map(|slot| slot.process()) else { return false };
        let serves = matches!(process.phase(), Phase::Online { .. });
        let version = self.registry.version(process.next_spec());
        serves && process.is_cluster() && version.is_some_and(|of| of.policy.autorestart)
    }
}
