//! What was counted of a slot, as it is noted with its runs.

use ostler_core::RunId;

/// Counters of a slot. They are saved seldom and noted with each run, together with the last end
/// that is in them: a daemon that finds that end neither counts it again nor takes it for one that
/// is told to nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counters {
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// The last run whose end is in them.
    pub ended: Option<RunId>,
}
