//! Starts that a dead keeper left open, among all runs.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::RunId;

use super::Runs;
use super::clearing::Clearing;
use super::run::Run;
use crate::starts::Start;

impl Runs {
    /// What a dead keeper had begun of these runs is to go.
    pub fn want_cleared(
        &mut self,
        runs: BTreeSet<RunId>,
        starts: BTreeMap<RunId, Start>,
        users: BTreeSet<u32>,
    ) {
        let (mark, groups) = (self.mark.clone(), self.groups.clone());
        self.clearings.want(Clearing { mark, groups, starts, users, runs });
    }

    /// Whether a dead keeper may have begun what is not known to us.
    pub fn has_open_starts(&self) -> bool {
        let asked = self.all.values().any(Run::is_asked);
        asked || !self.next.is_empty() || self.clearings.is_under_way()
    }

    /// Whether what a dead keeper began of the run is not gone yet.
    pub fn is_to_be_cleared(&self, run: RunId) -> bool {
        self.clearings.covers(run)
    }

    /// Returns what is to be carried out now, if nothing is under way.
    pub fn begin_clearing(&mut self) -> Option<Clearing> {
        self.clearings.begin()
    }

    /// It was carried out. Returns the runs of which nothing is left; `None` when they are to be
    /// looked for again.
    pub fn end_clearing(&mut self, runs: BTreeSet<RunId>) -> Option<BTreeSet<RunId>> {
        self.clearings.end(runs)
    }
}
