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

use std::sync::Arc;

use crate::ending::Ending;
use crate::run::{ProcId, RunId, SpecId};
use crate::spec::Version;
use crate::{Action, Millis};

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

/// A run that has its number and begins, if at all, in the moment in which another ends.
#[derive(Clone, Debug)]
pub(crate) struct Allotted {
    pub(crate) after: RunId,
    pub(crate) run: RunId,
    pub(crate) version: Version,
}

impl Allotted {
    /// Keeps in mind what a preparation may begin, also after it was revoked.
    pub(crate) fn new(preparation: &Preparation, version: &Version) -> Self {
        let version = (version.0, Arc::clone(&version.1));
        Self { after: preparation.after, run: preparation.run, version }
    }

    /// It was begun, and is not wanted any more. Returns how it is brought to its end.
    pub(crate) fn end(&self, now: Millis, proc: ProcId, out: &mut Vec<Action>) -> Ending {
        out.push(Action::Begun { proc, run: self.run, spec: self.version.0 });
        Ending::ask(now, self.run, &self.version.1, out)
    }
}
