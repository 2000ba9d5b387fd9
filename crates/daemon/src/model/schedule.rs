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

use std::collections::BTreeSet;

use ostler_config::cron::Schedule;
use ostler_core::{Millis, Phase, ProcId, SpecId};
use ostler_wire::control::{Action, Change, ReloadOptions};

use super::Model;
use super::input::Effect;
use super::operations::{Operation, Reporting};
use super::scheduled::Scheduled;

impl Model {
    /// When the clock restarts something next, on the monotonic clock.
    pub(super) fn scheduled_at(&self) -> Option<Millis> {
        let wait = self.schedules.first?.saturating_sub(self.at.wall);
        Some(self.at.now.saturating_add(wait))
    }

    /// The same on the calendar, ms since 1970.
    pub fn scheduled_for(&self) -> Option<u64> {
        self.schedules.first
    }

    /// Gives each slot its next time, or none, as its version and its user want it.
    pub(super) fn arm_schedules(&mut self) {
        let versions = self.registry.versions();
        let with: BTreeSet<SpecId> =
            versions.filter(|(_, of)| of.is_scheduled).map(|(id, _)| id).collect();
        if with.is_empty() && self.schedules.of_version.is_empty() {
            return;
        }
        self.read_schedules(&with);
        let slots = self.core.slots().map(|(id, slot)| {
            let spec = slot.process().next_spec();
            (id, (!self.closing && !slot.removing()).then_some(spec))
        });
        let wanted: Vec<(ProcId, Option<SpecId>)> = slots.collect();
        for (id, spec) in wanted {
            let Some(proc) = self.registry.proc_mut(id) else { continue };
            let schedule =
                spec.and_then(|spec| Some((spec, self.schedules.of_version.get(&spec)?)));
            proc.scheduled = match (schedule, proc.scheduled) {
                _ if proc.halted => None,
                (None, _) => None,
                (Some((spec, _)), Some(same)) if same.spec == spec => Some(same),
                (Some((spec, schedule)), _) => {
                    schedule.next_after(self.at.wall).map(|at| Scheduled { spec, at })
                }
            };
        }
        let times = self.registry.procs().filter_map(|(_, proc)| proc.scheduled);
        self.schedules.first = times.map(|next| next.at).min();
    }

    fn read_schedules(&mut self, with: &BTreeSet<SpecId>) {
        let schedules = &mut self.schedules.of_version;
        schedules.retain(|id, _| with.contains(id));
        for id in with {
            if !schedules.contains_key(id)
                && let Some(version) = self.registry.version(*id)
                && let Some(schedule) = Schedule::of(&version.spec, self.settings.zone)
            {
                schedules.insert(*id, schedule);
            }
        }
    }

    /// The clock of the machine was set: what is due by it is due, and all else is counted anew.
    pub(super) fn on_clock_set(&mut self, out: &mut Vec<Effect>) {
        let wall = self.at.wall;
        self.restart_scheduled(out);
        let ids: Vec<ProcId> = self.registry.procs().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(proc) = self.registry.proc_mut(id) {
                proc.scheduled.take_if(|next| wall < next.at);
            }
        }
        self.unsaved = true;
    }

    /// Restarts what is due by the clock.
    pub(super) fn restart_scheduled(&mut self, out: &mut Vec<Effect>) {
        let wall = self.at.wall;
        if self.closing || self.schedules.first.is_none_or(|at| wall < at) {
            return;
        }
        let is_due = |proc: &super::registry::Proc| proc.scheduled.is_some_and(|of| of.at <= wall);
        let due = self.registry.procs().filter(|(_, proc)| is_due(proc));
        let due: Vec<ProcId> = due.map(|(id, _)| id).collect();
        for id in &due {
            let label = self.registry.label(*id);
            if let Some(proc) = self.registry.proc_mut(*id) {
                proc.scheduled = None;
            }
            out.push(Effect::Log(format!("App [{label}] is restarted by its `cron_restart`")));
        }
        self.unsaved = true;
        self.restart_by_itself(&due, true, out);
    }

    /// Restarts processes for which nobody asked; or, where that may be, replaces workers that
    /// serve without a gap.
    pub(super) fn restart_by_itself(
        &mut self,
        ids: &[ProcId],
        may_reload: bool,
        out: &mut Vec<Effect>,
    ) {
        let mut restart = Operation::new(None, Reporting::Slots);
        let mut reload = Vec::new();
        for id in ids.iter().copied() {
            let app = self.registry.app_of(id);
            if !may_reload || !self.is_replaceable(id) {
                restart.todo.push_back((id, Action::Restart));
            } else if app.is_some_and(|app| !self.reload_goes_on(app)) {
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
            let options = ReloadOptions { wait: true, ..ReloadOptions::default() };
            self.on_reload(None, &reload, &Change::default(), options, None, out);
        }
    }

    /// Whether it is a worker that serves, and is to go on doing so.
    fn is_replaceable(&self, id: ProcId) -> bool {
        let Some(process) = self.core.slot(id).map(|slot| slot.process()) else { return false };
        let serves = matches!(process.phase(), Phase::Online { .. });
        let version = self.registry.version(process.next_spec());
        serves && process.is_cluster() && version.is_some_and(|of| of.policy.autorestart)
    }
}
