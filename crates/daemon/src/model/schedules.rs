//! The times of apps that the clock restarts.

use std::collections::{BTreeMap, BTreeSet};

use ostler_config::cron::Schedule;
use ostler_core::{Millis, ProcId, SpecId};

use super::known::Known;
use super::scheduled::Scheduled;

/// When something is restarted next.
#[derive(Debug, Default)]
pub struct Schedules {
    /// The times of each version that has some.
    of_version: BTreeMap<SpecId, Schedule>,
    /// The first time of all, ms since 1970.
    first: Option<u64>,
}

impl Schedules {
    /// When the clock restarts something next, on the monotonic clock.
    pub(super) fn due(&self, known: &Known) -> Option<Millis> {
        let wait = self.first?.saturating_sub(known.at.wall);
        Some(known.at.now.saturating_add(wait))
    }

    /// The same on the calendar, ms since 1970.
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// Gives each slot its next time, or none, as its version and its user want it.
    pub(super) fn arm(&mut self, known: &mut Known) {
        let versions = known.registry.versions();
        let with: BTreeSet<SpecId> =
            versions.filter(|(_, of)| of.is_scheduled).map(|(id, _)| id).collect();
        if with.is_empty() && self.of_version.is_empty() {
            return;
        }
        self.read(known, &with);
        let slots = known.core.slots().map(|(id, slot)| {
            let spec = slot.process().next_spec();
            (id, (!known.closing && !slot.removing()).then_some(spec))
        });
        let wanted: Vec<(ProcId, Option<SpecId>)> = slots.collect();
        for (id, spec) in wanted {
            let Some(proc) = known.registry.proc_mut(id) else { continue };
            let schedule = spec.and_then(|spec| Some((spec, self.of_version.get(&spec)?)));
            proc.scheduled = match (schedule, proc.scheduled) {
                _ if proc.halted => None,
                (None, _) => None,
                (Some((spec, _)), Some(same)) if same.spec == spec => Some(same),
                (Some((spec, schedule)), _) => {
                    schedule.next_after(known.at.wall).map(|at| Scheduled { spec, at })
                }
            };
        }
        let times = known.registry.procs().filter_map(|(_, proc)| proc.scheduled);
        self.first = times.map(|next| next.at).min();
    }

    fn read(&mut self, known: &Known, with: &BTreeSet<SpecId>) {
        let schedules = &mut self.of_version;
        schedules.retain(|id, _| with.contains(id));
        for id in with {
            if !schedules.contains_key(id)
                && let Some(version) = known.registry.version(*id)
                && let Some(schedule) = Schedule::of(&version.spec, known.settings.zone)
            {
                schedules.insert(*id, schedule);
            }
        }
    }
}
