//! The order in which the runs of a slot came to be its current one.
//!
//! Problem: a run has its number from its spawn, and of two runs the one with the higher number is
//! the later one, except where a candidate took the slot over: runs that followed crashes while it
//! was verified have higher numbers, and it came after them. Rule: such a run has the place of the
//! last number that was given out when it took over, behind the run of that number. What is noted
//! of a slot up to some run (ends that are counted, counters that begin anew) names a place.

use crate::run::RunId;

/// A candidate that took its slot over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Number of its run.
    pub run: RunId,
    /// The place that it has.
    pub at: RunId,
}

impl Taken {
    /// Returns the place of a run of the slot, of which this one, if any, took over last.
    #[must_use]
    pub fn place(taken: Option<Self>, run: RunId) -> RunId {
        taken.filter(|taken| taken.run == run).map_or(run, |taken| taken.at)
    }

    /// Returns what orders the runs of the slot: the run of the same number came before.
    pub(crate) fn order(taken: Option<Self>, run: RunId) -> (RunId, bool) {
        (Self::place(taken, run), taken.is_some_and(|taken| taken.run == run))
    }
}
