//! What was counted of a slot, as it is noted with its runs.

use ostler_core::RunId;

/// Counters of a slot. They are saved seldom and noted with each run, together with the last end
/// that is in them and the last one that was told: a daemon that finds these ends neither counts
/// nor tells them again, and tells those between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counters {
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// The place of the last run whose end is in them.
    pub ended: Option<RunId>,
    /// The place of the last run whose end has been told.
    pub told: Option<RunId>,
}
