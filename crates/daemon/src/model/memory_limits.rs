//! When memory limits are looked at: now and then, only while some app has one.

use ostler_core::{Millis, Phase, RunId};

use super::input::Effect;
use super::known::Known;

/// When memory limits are looked at.
#[derive(Debug, Default)]
pub struct MemoryLimits {
    /// The next time.
    next: Option<Millis>,
}

impl MemoryLimits {
    /// When they are looked at next.
    pub(super) fn due(&self) -> Option<Millis> {
        self.next
    }

    /// It is time to measure every run with a limit; the core decides what follows.
    pub(super) fn look(&mut self, known: &Known, out: &mut Vec<Effect>) {
        if self.next.is_none_or(|at| known.at.now < at) {
            return;
        }
        self.next = None;
        let limited = known.core.slots().filter_map(|(_, slot)| {
            let version = known.registry.version(slot.process().spec())?;
            version.policy.max_memory?;
            match slot.process().phase() {
                Phase::Online { run, .. } => Some(run),
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. } => None,
            }
        });
        let runs: Vec<RunId> = limited.collect();
        out.push(Effect::Measure(runs));
        self.arm(known);
    }

    /// Looks again later if any app has a limit.
    pub(super) fn arm(&mut self, known: &Known) {
        let any = known.registry.versions().any(|(_, of)| of.policy.max_memory.is_some());
        let next = known.at.now + known.settings.memory_interval;
        self.next = any.then(|| self.next.unwrap_or(next));
    }
}
