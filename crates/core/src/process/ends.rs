//! Ends of the slot's runs: which are counted, and what they leave behind.

use super::Process;
use crate::Action;
use crate::place::Taken;
use crate::run::RunId;

impl Process {
    /// Returns the place of the last run whose end was counted.
    #[must_use]
    pub fn ended(&self) -> Option<RunId> {
        self.ended
    }

    /// Returns the place of the run in which the counters last began anew.
    pub(crate) fn renewed(&self) -> Option<RunId> {
        self.renewed
    }

    /// Returns the place of one of the slot's runs in their order.
    #[must_use]
    pub fn place(&self, run: RunId) -> RunId {
        Taken::place(self.taken, run)
    }

    /// Returns the candidate that took over last.
    pub(crate) fn taken(&self) -> Option<Taken> {
        self.taken
    }

    /// What is noted with the current run is out of date.
    pub(super) fn renew(&mut self) {
        let place = self.run().map(|run| self.place(run));
        self.renewed = place.max(self.renewed);
    }

    /// Notes that descendants of a run that ended by itself may be left. Those of the newest run
    /// are left for the next spawn to sweep, those of any other are swept now.
    pub(crate) fn leave_orphans(&mut self, run: RunId, out: &mut Vec<Action>) {
        let older = match self.orphans {
            Some(kept) if run < kept => Some(run),
            Some(_) | None => self.orphans.replace(run),
        };
        out.extend(older.map(Action::Sweep));
    }

    /// The run ended, and the one after it was begun while nobody listened: that one is in the
    /// counters. Nobody has swept yet.
    pub(crate) fn note_followed(&mut self, run: RunId, out: &mut Vec<Action>) {
        self.ended = self.ended.max(Some(self.place(run)));
        out.push(Action::Sweep(run));
    }

    pub(super) fn sweep_orphans(&mut self, out: &mut Vec<Action>) {
        out.extend(self.orphans.take().map(Action::Sweep));
    }
}
