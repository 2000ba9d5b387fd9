//! Memory limits: looked at about once a second, only while an app with one runs.
//!
//! Problem: a limit that is passed must be noticed within a second, and a hundred limits must cost
//! nothing that can be measured. Rule: all runs with a limit are looked at together, which is one
//! turn of the loop and one `pread` for each. The next look comes [`LOOK`] after the earliest time
//! at which one of them can be at its limit if it takes [`GROWTH`] bytes a millisecond from now on.
//! Where `PM2_WORKER_INTERVAL` is set, it comes after that time, as PM2's does.

use ostler_core::{Millis, Phase, RunId, SpecId};

use super::input::Effect;
use super::known::Known;

/// From the first moment at which a limit may be passed to the look that sees it, ms.
const LOOK: Millis = 900;
/// Bytes that a process takes at most in a millisecond: a kernel zeroes 1 GiB/s for a thread.
const GROWTH: u64 = 1 << 20;
/// From one restart of a slot for its memory to the next, ms, at least.
const SPACING: u64 = 5000;
/// No look is put off for longer, ms: PM2's own interval.
const LONGEST: Millis = 30_000;

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
        let mut runs = Vec::new();
        let mut later = false;
        for (_, slot) in known.core.slots() {
            let Some(limit) = limit_of(known, slot.process().spec()) else { continue };
            match slot.process().phase() {
                Phase::Online { run, .. } => {
                    // PM2's way is to look at the first process.
                    runs.push((run, known.settings.memory_interval.is_none().then_some(limit)));
                }
                Phase::Starting { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. }
                | Phase::Held => later = true,
                // Whoever starts it arms the next look.
                Phase::Stopped | Phase::Errored | Phase::Sleeping { .. } => {}
            }
        }
        if later || !runs.is_empty() {
            self.arm(known);
        }
        if !runs.is_empty() {
            out.push(Effect::Measure(runs));
        }
    }

    /// Looks soon if any app has a limit: nobody knows yet what a run that has just begun uses.
    pub(super) fn arm(&mut self, known: &Known) {
        let any = known.registry.versions().any(|(_, of)| of.policy.max_memory.is_some());
        let next = known.at.now + known.settings.memory_interval.unwrap_or(LOOK);
        self.next = any.then(|| self.next.map_or(next, |at| at.min(next)));
    }

    /// Runs with a limit were measured. Returns those that are to be told of: they are above it.
    pub(super) fn on_measured(
        &mut self,
        known: &Known,
        measured: &[(RunId, u64)],
    ) -> Vec<(RunId, u64)> {
        let mut above = Vec::new();
        let mut least = u64::MAX;
        for (run, memory) in measured {
            let slot = known.facts.get(run).and_then(|facts| known.core.slot(facts.proc));
            let limit = slot.and_then(|slot| limit_of(known, slot.process().spec()));
            let Some(limit) = limit else { continue };
            least = least.min(limit.saturating_sub(*memory));
            if limit < *memory && !was_replaced_just_now(known, *run) {
                above.push((*run, *memory));
            }
        }
        if known.settings.memory_interval.is_none() && self.next.is_some() {
            self.next = Some(known.at.now + (LOOK + least / GROWTH).min(LONGEST));
        }
        above
    }
}

/// Whether the slot of the run was replaced for its memory a moment ago. Where an app needs more
/// than its limit from its start on, its restarts must not be all that the machine does.
fn was_replaced_just_now(known: &Known, run: RunId) -> bool {
    let proc = known.facts.get(&run).and_then(|facts| known.registry.proc(facts.proc));
    let before = proc.and_then(|proc| proc.over_memory).map(|over| over.at);
    let since = before.and_then(|at| known.at.wall.checked_sub(at));
    known.settings.memory_interval.is_none() && since.is_some_and(|ms| ms < SPACING)
}

fn limit_of(known: &Known, spec: SpecId) -> Option<u64> {
    known.registry.version(spec)?.policy.max_memory
}
