//! The next time at which the clock restarts a slot.

use ostler_core::SpecId;

/// The next restart of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The version whose time it is.
    pub spec: SpecId,
    /// When, ms since 1970.
    pub at: u64,
}
