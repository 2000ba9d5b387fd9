//! Memory limits: looked at about once a second, only while an app with one runs.
//!
//! Problem: a limit that is passed must be noticed within a second, and a hundred limits must cost
//! nothing that can be measured. Rule: all runs with a limit are looked at together, which is one
//! turn of the loop and one `pread` for each. The next look comes [`LOOK`] after the earliest time
//! at which one of them can be at its limit if it takes [`GROWTH`] bytes a millisecond from now on.
//! Where `PM2_WORKER_INTERVAL` is set, it comes after that time, as PM2's does.

use ostler_core::{Event, Millis, Phase, ProcId, RunId};
use ostler_wire::control::OverMemory;

use super::Model;
use super::input::Effect;
use super::operations::{Operation, Reporting, Target};

/// From the first moment at which a limit may be passed to the look that sees it, ms.
const LOOK: Millis = 900;
/// Bytes that a process takes at most in a millisecond: a kernel zeroes 1 GiB/s for a thread.
const GROWTH: u64 = 1 << 20;
/// From one restart of a slot for its memory to the next, ms, at least.
const SPACING: u64 = 5000;
/// No look is put off for longer, ms: PM2's own interval.
const LONGEST: Millis = 30_000;

impl Model {
    /// It is time to measure every run with a limit; the core decides what follows.
    pub(super) fn look_at_memory(&mut self, out: &mut Vec<Effect>) {
        if self.memory_at.is_none_or(|at| self.at.now < at) {
            return;
        }
        self.memory_at = None;
        let mut runs = Vec::new();
        let mut later = false;
        for (_, slot) in self.core.slots() {
            if self.limit_of(slot.process().spec()).is_none() {
                continue;
            }
            match slot.process().phase() {
                Phase::Online { run, .. } => runs.push(run),
                Phase::Starting { .. } | Phase::Stopping(_) | Phase::Backoff { .. } => later = true,
                // Whoever starts it arms the next look.
                Phase::Stopped | Phase::Errored => {}
            }
        }
        if later || !runs.is_empty() {
            self.arm_memory();
        }
        if !runs.is_empty() {
            out.push(Effect::Measure(runs));
        }
    }

    /// Looks soon if any app has a limit: nobody knows yet what a run that has just begun uses.
    pub(super) fn arm_memory(&mut self) {
        let any = self.registry.versions().any(|(_, of)| of.policy.max_memory.is_some());
        let next = self.at.now + self.settings.memory_interval.unwrap_or(LOOK);
        self.memory_at = any.then(|| self.memory_at.map_or(next, |at| at.min(next)));
    }

    /// Runs with a limit were measured.
    pub(super) fn on_measured(&mut self, measured: &[(RunId, u64)]) {
        let mut least = u64::MAX;
        for (run, memory) in measured {
            let slot = self.facts.get(run).and_then(|facts| self.core.slot(facts.proc));
            let limit = slot.and_then(|slot| self.limit_of(slot.process().spec()));
            let Some(limit) = limit else { continue };
            least = least.min(limit.saturating_sub(*memory));
            if limit < *memory && !self.was_replaced_just_now(*run) {
                self.ask(Event::Measured { run: *run, memory: *memory });
            }
        }
        if self.settings.memory_interval.is_none() && self.memory_at.is_some() {
            self.memory_at = Some(self.at.now + (LOOK + least / GROWTH).min(LONGEST));
        }
    }

    /// Whether the slot of the run was replaced for its memory a moment ago. Where an app needs
    /// more than its limit from its start on, its restarts must not be all that the machine does.
    fn was_replaced_just_now(&self, run: RunId) -> bool {
        let proc = self.facts.get(&run).and_then(|facts| self.registry.proc(facts.proc));
        let before = proc.and_then(|proc| proc.over_memory).map(|over| over.at);
        let since = before.and_then(|at| self.at.wall.checked_sub(at));
        self.settings.memory_interval.is_none() && since.is_some_and(|ms| ms < SPACING)
    }

    /// Whether a look at memory is all that is due.
    #[must_use]
    pub fn only_looks_at_memory(&self) -> bool {
        self.memory_at.is_some_and(|at| Some(at) == self.deadline() && Some(at) != self.others_at())
    }

    fn limit_of(&self, spec: ostler_core::SpecId) -> Option<u64> {
        self.registry.version(spec)?.policy.max_memory
    }

    /// A run is replaced because of its memory.
    pub(super) fn on_over_memory(
        &mut self,
        id: ProcId,
        memory: u64,
        limit: u64,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::Log(format!(
            "[PM2][WORKER] Process {} restarted because it exceeds --max-memory-restart value \
             (current_memory={memory} max_memory_limit={limit} [octets])",
            id.0
        )));
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.over_memory = Some(OverMemory { at: self.at.wall, memory, limit });
        }
        self.unsaved = true;
        // A reload tells of itself; nobody else tells when a restart is done.
        if self.core.slot(id).is_some_and(|slot| !slot.process().is_cluster()) {
            let mut operation = Operation::new(None, Reporting::Slots);
            operation.active.insert(id, self.pending(id, Target::Up, false));
            self.begin(operation, out);
        }
    }
}
