//! Memory limits: looked at now and then, only while some app has one.

use ostler_core::{Event, Phase, ProcId, RunId};

use crate::daemon::Daemon;
use crate::jobs::{Job, Style, Wanted};
use crate::logbook;

/// Time between two looks, ms, unless `PM2_WORKER_INTERVAL` says otherwise (PM2: runtime behaviour
/// §8).
const INTERVAL: u64 = 30_000;

impl Daemon {
    /// Measures every run with a limit; the core decides what follows.
    pub fn check_memory(&mut self, now: u64) {
        let limited = |(_, slot): (ProcId, &ostler_core::supervisor::Slot)| {
            let version = self.book.versions.get(&slot.process().spec())?;
            match slot.process().phase() {
                Phase::Online { run, .. } => version.policy.max_memory.map(|_| run),
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. } => None,
            }
        };
        let runs: Vec<RunId> = self.core.slots().filter_map(limited).collect();
        for run in runs {
            let (_, memory) = self.measure(run, now);
            let before = self.actions.len();
            self.handle_now(Event::Measured { run, memory });
            self.dirty |= before < self.actions.len();
        }
        self.arm_memory(now);
    }

    /// A run is replaced because of its memory.
    pub fn on_over_memory(&mut self, id: ProcId, memory: u64, limit: u64) {
        logbook::log(format!(
            "[PM2][WORKER] Process {} restarted because it exceeds --max-memory-restart value \
             (current_memory={memory} max_memory_limit={limit} [octets])",
            id.0
        ));
        // A reload tells of itself; nobody else tells when a restart is done.
        if self.core.slot(id).is_some_and(|slot| !slot.process().is_cluster()) {
            let mut job = Job::new(usize::MAX, Style::Act);
            job.active.insert(id, self.waiting_for(id, Wanted::Up, false));
            self.begin_job(job);
        }
    }

    /// Looks again later if any app has a limit.
    pub fn arm_memory(&mut self, now: u64) {
        let any = self.book.versions.values().any(|version| version.policy.max_memory.is_some());
        let interval = std::env::var("PM2_WORKER_INTERVAL")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(INTERVAL);
        let next = now + interval.max(100);
        self.memory_at = any.then(|| self.memory_at.filter(|at| now < *at).unwrap_or(next));
    }
}
