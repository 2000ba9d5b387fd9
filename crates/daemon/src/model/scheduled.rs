//! Times at which the clock restarts something, as values.

use std::collections::BTreeMap;

use ostler_config::cron::Schedule;
use ostler_core::SpecId;

/// When something is restarted next.
#[derive(Debug, Default)]
pub struct Schedules {
    /// The times of each version that has some.
    pub of_version: BTreeMap<SpecId, Schedule>,
    /// The first time of all, ms since 1970.
    pub first: Option<u64>,
}

/// The next restart of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The version whose time it is.
    pub spec: SpecId,
    /// When, ms since 1970.
    pub at: u64,
}
