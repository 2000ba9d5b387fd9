//! The daemon's disk, the loss of its memory, and how another takes up its work.

use std::sync::Arc;

use ostler_core::{Event, Notice, SavedProcess, SavedReload, SeenRun, SpecId, Supervisor};

use super::{SimRun, World};

/// Everything that a daemon has saved.
#[derive(Clone, Default)]
pub struct Disk {
    processes: Vec<SavedProcess>,
    reloads: Vec<SavedReload>,
    last_run: u64,
}

impl World {
    /// Saves what must survive, as the daemon does: after wishes and notices that change it, but
    /// before any action.
    pub(super) fn save(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.disk = Disk {
                processes: self.supervisor.saved_processes(),
                reloads: self.supervisor.saved_reloads(),
                last_run: self.supervisor.last_run(),
            };
        }
    }

    /// Returns what the next daemon reads: the last save, with newer counters where a run has them.
    fn read(&self) -> Disk {
        let mut disk = self.disk.clone();
        for saved in &mut disk.processes {
            let of_slot = self.runs.values().filter(|sim| sim.seen.proc == saved.id);
            let counted = saved.ended.max(saved.renewed);
            let uncounted = of_slot.filter(|sim| counted < Some(sim.seen.run));
            if let Some((restarts, unstable)) = uncounted.map(|sim| sim.counters).max() {
                saved.restarts = saved.restarts.max(restarts);
                saved.unstable = unstable;
            }
        }
        disk
    }

    /// The daemon dies and another takes up the work.
    pub fn forget(&mut self) {
        // Reports on their way are not lost: what they say is in the keeper's table.
        self.reports.clear();
        // The next daemon says hello.
        self.prepared.clear();
        let Disk { processes, reloads, last_run } = self.read();
        self.dirty = true;
        let seen: Vec<SeenRun> = self
            .runs
            .values()
            .filter(|run| run.alive() || run.seen.exit.is_some())
            .map(|run| run.seen)
            .collect();
        let versions = self.versions.clone();
        let version_of = |spec: SpecId| Some((spec, Arc::clone(&versions.get(&spec)?.0)));
        let mut out = Vec::new();
        self.supervisor = Supervisor::recover(
            self.now, last_run, &processes, reloads, &seen, version_of, &mut out,
        );
        self.save();
        self.carry_out(out);
        self.save();
        // The driver asks again what is true of every run.
        let runs: Vec<SimRun> = self.runs.values().cloned().collect();
        for run in runs {
            let id = run.seen.run;
            if run.leader {
                self.reports.push_back(Event::Spawned(id));
                self.announce(id, run.seen.spec);
            } else if !run.child {
                self.reports.push_back(Event::TreeGone(id));
            }
        }
    }
}

/// A wish of the user's is saved before it has any effect.
pub fn is_wish(event: &Event) -> bool {
    matches!(
        event,
        Event::Add { .. }
            | Event::Start(_)
            | Event::Stop(_)
            | Event::Restart { .. }
            | Event::Hold { .. }
            | Event::Sleep(_)
            | Event::Wake(_)
            | Event::Delete(_)
            | Event::Retire(_)
            | Event::Reset(_)
            | Event::Reload { .. }
            | Event::Promote { .. }
    )
}

/// Notices after which the daemon saves.
pub fn must_survive(notice: &Notice) -> bool {
    match notice {
        Notice::WillRestart { delay, .. } => 0 < *delay,
        Notice::OverMemory { .. }
        | Notice::Unhealthy { .. }
        | Notice::GaveUp { .. }
        | Notice::Refused { .. }
        | Notice::Held { .. }
        | Notice::Sleeps { .. }
        | Notice::Wakes { .. }
        | Notice::Stopped { .. }
        | Notice::Removed { .. }
        | Notice::Replaced { .. }
        | Notice::CanaryWaits { .. }
        | Notice::RollingBack { .. }
        | Notice::ReloadEnded { .. } => true,
        Notice::Online { .. }
        | Notice::Ended { .. }
        | Notice::Verifying { .. }
        | Notice::Failed { .. }
        | Notice::Left { .. } => false,
    }
}
