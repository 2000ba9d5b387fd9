//! How runs of the world end, as the keeper and the kernel tell it.

use ostler_core::{Event, Exit, ProcId, Role, RunId};

use super::super::Input;
use super::nature::{Nature, signal};
use super::reports::holds;
use super::sim::SimRun;
use super::world::World;

impl World {
    pub(super) fn mark_ending(&mut self, run: RunId) {
        if let Some(sim) = self.runs.get_mut(&run)
            && !std::mem::replace(&mut sim.seen.ending, true)
        {
            self.note(run);
        }
    }

    pub(super) fn nature(&self, run: RunId) -> Nature {
        self.runs.get(&run).map(|sim| sim.nature).unwrap_or_default()
    }

    /// All first processes end now, also those that begin by it.
    pub fn end_all(&mut self) {
        let alive = |(run, sim): (&RunId, &SimRun)| sim.alive.then_some(*run);
        while let Some(run) = self.runs.iter().find_map(alive) {
            self.end(run, Exit::Code(1));
        }
    }

    /// The run's first process ends now; the daemon hears of it later.
    pub fn end(&mut self, run: RunId, exit: Exit) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        if !std::mem::take(&mut sim.alive) {
            return;
        }
        sim.seen.exit = Some(exit);
        let child = sim.child;
        self.note_end(run, exit);
        let candidate = matches!(self.model.core().owner(run), Some((_, Role::Candidate)));
        let stderr_tail = if candidate { vec!["it is broken".to_owned()] } else { Vec::new() };
        let prepared = self.prepared.remove(&run).filter(|(_, of, _)| holds(of, self.at.now, exit));
        let next = prepared.as_ref().map(|(_, of, _)| of.run);
        self.runs.entry(run).and_modify(|sim| sim.seen.next = next);
        self.reports.push_back(Input::Exited { run, exit, next, stderr_tail });
        if !child {
            self.reports.push_back(Input::Core(Event::TreeGone(run)));
        }
        if let Some((proc, of, counters)) = prepared {
            self.begin_prepared(proc, &of, counters);
        }
    }

    pub(super) fn die_of_sigkill(&mut self, run: RunId) {
        if self.runs.get(&run).is_some_and(|sim| sim.killed && !sim.nature.hangs) {
            self.end(run, signal(9));
            self.end_child(run);
        }
    }

    /// Nothing hangs in the kernel any more: whatever was sent SIGKILL dies of it.
    pub fn thaw(&mut self) {
        let hanging = self.runs.values_mut().filter(|sim| sim.nature.hangs);
        let thawed = hanging.map(|sim| {
            sim.nature.hangs = false;
            sim.seen.run
        });
        for run in thawed.collect::<Vec<_>>() {
            self.die_of_sigkill(run);
        }
    }

    pub(super) fn end_child(&mut self, run: RunId) {
        let Some(sim) = self.runs.get_mut(&run) else { return };
        if std::mem::take(&mut sim.child) && !sim.alive {
            self.reports.push_back(Input::Core(Event::TreeGone(run)));
        }
    }

    /// The current run of a slot crashes.
    pub fn crash(&mut self, id: u32, exit: Exit) {
        let run = self.model.core().slot(ProcId(id)).and_then(|slot| slot.process().run());
        self.end(run.unwrap(), exit);
    }

    /// Memory that the current run of a slot uses from now on.
    pub fn use_memory(&mut self, id: u32, memory: u64) {
        let run = self.model.core().slot(ProcId(id)).and_then(|slot| slot.process().run());
        self.runs.get_mut(&run.unwrap()).unwrap().memory = memory;
    }
}
