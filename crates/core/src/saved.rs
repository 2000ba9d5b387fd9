//! The form in which a slot is saved: all that a daemon must know that knows nothing else.

use std::sync::Arc;

use crate::Millis;
use crate::phase::Goal;
use crate::place::Taken;
use crate::run::{AppId, ProcId, RunId, SpecId};
use crate::spec::{Policy, Version};

/// A slot as it was saved.
#[derive(Clone, Debug)]
pub struct SavedProcess {
    /// Number of the slot.
    pub id: ProcId,
    /// App that it belongs to.
    pub app: AppId,
    /// Specification of the current run.
    pub spec: SpecId,
    /// The rules in that specification.
    pub policy: Arc<Policy>,
    /// Specification of the next run, where it differs.
    pub next: Option<Version>,
    /// Whether it is a cluster worker.
    pub cluster: bool,
    /// The user's wish.
    pub goal: Goal,
    /// Whether it had been given up.
    pub errored: bool,
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// Last pause of the growing back-off, ms.
    pub backoff: Millis,
    /// Whether the slot is to be removed.
    pub removing: bool,
    /// The place of the last run whose end is in these counters.
    pub ended: Option<RunId>,
    /// Whether that run was asked to end, where that is known.
    pub asked: Option<bool>,
    /// The place of the last run whose end is known to have been told.
    pub told: Option<RunId>,
    /// What is noted with the run of this place and those before it is older than these counters:
    /// the user had them begin anew.
    pub renewed: Option<RunId>,
    /// The candidate that took over last.
    pub taken: Option<Taken>,
    /// Whether no run is to begin for now.
    pub held: bool,
    /// The run that is on its way out. It may not have been asked to end yet.
    pub stopping: Option<RunId>,
    /// When the next run is due, if it waits for that.
    pub due: Option<Millis>,
    /// The last run that was given out before it began to sleep, if it did.
    pub sleeping_after: Option<RunId>,
}

impl SavedProcess {
    /// Returns the last run before the sleep, if it still sleeps unless there is a later one.
    pub(crate) fn sleeps_after(&self) -> Option<RunId> {
        self.sleeping_after.filter(|_| self.goal == Goal::Up && !self.removing)
    }
}
