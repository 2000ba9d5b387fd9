//! Starts that are decided before the end that they follow.
//!
//! An app that crashed will crash again, and what is done then is known in advance. So the keeper
//! is told beforehand, and the app does not wait for the daemon. It stays one start for one
//! decision: the number of the run is given out with the decision, and whatever makes the decision
//! untrue revokes it first. A revocation may come too late; then the end of the run names what was
//! begun, which is either what would be begun now, or is ended.
//!
//! The descendants of a run that is followed in this way are swept just after the next has begun,
//! not just before.

use crate::Millis;
use crate::run::{RunId, SpecId};

/// What is to be begun when a run ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// The run whose end is waited for.
    pub after: RunId,
    /// The run to begin then.
    pub run: RunId,
    /// The specification of that run.
    pub spec: SpecId,
    /// Restarts of the slot, with this one.
    pub restarts: u32,
    /// Short runs in a row, with the one that will have ended.
    pub unstable: u32,
    /// The first moment at which the end may come.
    pub not_before: Millis,
    /// The first moment at which it may come no more; [`Millis::MAX`] for any time.
    pub not_after: Millis,
    /// Exit codes that are followed by nothing.
    pub except_codes: Vec<i32>,
}

impl Preparation {
    /// Returns when another one takes its place, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        (self.not_after < Millis::MAX).then_some(self.not_after)
    }
}
