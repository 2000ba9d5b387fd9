//! What is under way before and after runs and reloads.

use std::collections::BTreeMap;

use ostler_core::{AppId, ProcId, RunId, SpecId};

/// What is under way before and after runs and reloads.
#[derive(Debug, Default)]
pub struct HooksUnderWay {
    /// Runs that are not asked for yet.
    pub(super) preludes: BTreeMap<RunId, Prelude>,
    /// Runs that are not asked to end yet, and those that `pre_stop` is over for.
    pub(super) stops: BTreeMap<RunId, PreStop>,
    /// Reloads that have a `pre_reload`.
    pub(super) reloads: BTreeMap<AppId, PreReload>,
    /// Commands that are not waited for, but at the end of everything.
    pub(super) others: usize,
}

/// A run that something comes before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prelude {
    pub(super) proc: ProcId,
    pub(super) spec: SpecId,
    /// It is not wanted any more.
    pub(super) cancelled: bool,
}

/// How far `pre_stop` of a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PreStop {
    /// It is under way.
    Runs,
    /// It is over, or was ended.
    Over,
}

/// How far `pre_reload` of a reload has come.
#[derive(Debug)]
pub(super) enum PreReload {
    /// It runs, told by this run; these runs wait for it.
    Runs { by: RunId, waiting: Vec<(ProcId, RunId, SpecId)> },
    /// It is over, or there is none.
    Over,
}

impl HooksUnderWay {
    /// Whether nothing is under way that the end of everything waits for.
    pub(super) fn is_empty(&self) -> bool {
        self.others == 0 && self.preludes.is_empty()
    }

    /// Whether nothing is kept.
    #[cfg(test)]
    pub(super) fn is_forgotten(&self) -> bool {
        self.is_empty() && self.stops.is_empty() && self.reloads.is_empty()
    }
}
