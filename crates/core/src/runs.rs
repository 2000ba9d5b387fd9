//! Which runs there are, of which slots, and what is noted about them.

use std::collections::BTreeMap;

use crate::run::{ProcId, RunId};

/// Gives out run numbers, never one twice, and remembers each run until nothing of it is left.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    last: u64,
    known: BTreeMap<RunId, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    slot: ProcId,
    /// It has a listener.
    listens: bool,
    /// It is to be replaced for its memory when the reload of its app is over.
    over_memory: bool,
}

impl Runs {
    /// Numbers from the one after `last`.
    pub fn after(last: u64) -> Self {
        Self { last, known: BTreeMap::new() }
    }

    /// Returns the last number given out.
    pub fn last(&self) -> RunId {
        RunId(self.last)
    }

    /// Returns a new run of the slot.
    pub fn allot(&mut self, slot: ProcId) -> RunId {
        self.last += 1;
        let run = RunId(self.last);
        self.adopt(run, slot);
        run
    }

    /// Leaves a number out, so that no run has it.
    pub fn skip(&mut self) {
        self.last += 1;
    }

    /// Takes back a run that another daemon began.
    pub fn adopt(&mut self, run: RunId, slot: ProcId) {
        self.known.insert(run, Known { slot, listens: false, over_memory: false });
    }

    /// Returns the slot that the run belongs to.
    pub fn owner(&self, run: RunId) -> Option<ProcId> {
        self.known.get(&run).map(|known| known.slot)
    }

    /// Whether the run has a listener.
    pub fn listens(&self, run: RunId) -> bool {
        self.known.get(&run).is_some_and(|known| known.listens)
    }

    /// Whether the run is to be replaced for its memory.
    pub fn is_over_memory(&self, run: RunId) -> bool {
        self.known.get(&run).is_some_and(|known| known.over_memory)
    }

    /// Notes that the run has a listener. Returns whether that is news.
    pub fn note_listening(&mut self, run: RunId) -> bool {
        self.known.get_mut(&run).is_some_and(|known| !std::mem::replace(&mut known.listens, true))
    }

    /// Notes whether the run is to be replaced for its memory. Returns whether that is news.
    pub fn note_over_memory(&mut self, run: RunId, over: bool) -> bool {
        let known = self.known.get_mut(&run);
        known.is_some_and(|known| std::mem::replace(&mut known.over_memory, over) != over)
    }

    /// Forgets a run of which nothing is left.
    pub fn forget(&mut self, run: RunId) {
        self.known.remove(&run);
    }

    /// Forgets every run of a slot.
    pub fn forget_all_of(&mut self, slot: ProcId) {
        self.known.retain(|_, known| known.slot != slot);
    }

    /// Returns every run with its slot.
    pub fn iter(&self) -> impl Iterator<Item = (RunId, ProcId)> {
        self.known.iter().map(|(run, known)| (*run, known.slot))
    }
}
