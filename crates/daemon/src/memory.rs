//! Memory limits: looked at now and then, only while some app has one.

use ostler_core::ProcId;

use crate::daemon::Daemon;
use crate::jobs::{Job, Style};
use crate::logbook;
use ostler_wire::control;

/// Time between two looks, ms, unless `PM2_WORKER_INTERVAL` says otherwise (PM2: runtime behaviour
/// §8).
const INTERVAL: u64 = 30_000;

impl Daemon {
    /// Looks at every app with a limit; one above it is reloaded (a plain process is restarted).
    pub fn check_memory(&mut self, now: u64) {
        let limited = |id: &ProcId| {
            let slot = self.core.slot(*id)?;
            let limit = self.book.versions.get(&slot.process().spec())?.spec.max_memory?;
            let cluster = slot.process().is_cluster();
            matches!(slot.process().phase(), ostler_core::Phase::Online { .. }).then_some((
                *id,
                slot.process().run()?,
                limit,
                cluster,
            ))
        };
        let all: Vec<_> = self.book.procs.keys().filter_map(limited).collect();
        for (id, run, limit, cluster) in all {
            let (_, memory) = self.measure(run, now);
            if memory <= limit {
                continue;
            }
            logbook::log(format!(
                "[PM2][WORKER] Process {} restarted because it exceeds --max-memory-restart value \
                 (current_memory={memory} max_memory_limit={limit} [octets])",
                id.0
            ));
            if cluster {
                let options =
                    control::ReloadOptions { wait: true, ..control::ReloadOptions::default() };
                self.on_reload(usize::MAX, &[id.0], &control::Change::default(), options, None);
            } else {
                let mut job = Job::new(usize::MAX, Style::Act);
                job.todo.push_back((id, control::Action::Restart));
                self.begin_job(job);
            }
        }
        self.arm_memory(now);
    }

    /// Looks again later if any app has a limit.
    pub fn arm_memory(&mut self, now: u64) {
        let any = self.book.versions.values().any(|version| version.spec.max_memory.is_some());
        let interval = std::env::var(ostler_env::PM2_WORKER_INTERVAL)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(INTERVAL);
        let next = now + interval.max(100);
        self.memory_at = any.then(|| self.memory_at.filter(|at| now < *at).unwrap_or(next));
    }
}
