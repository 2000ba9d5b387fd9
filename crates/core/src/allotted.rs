//! Runs that were told to the keeper in advance, and may have begun.

use std::sync::Arc;

use crate::ending::Ending;
use crate::preparation::Preparation;
use crate::run::{ProcId, RunId};
use crate::spec::Version;
use crate::{Action, Millis};

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
