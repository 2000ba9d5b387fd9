//! What failed for lack of file descriptors, and is tried again.

use std::collections::BTreeSet;

use ostler_core::{Millis, RunId};

use super::Runs;
use crate::{clock, daemon_log};

/// It is tried again after this, ms.
const RETRY: u64 = 250;

/// What is to be tried again, and when.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Runs whose descriptors are to be asked for again: there was no room for them.
    refetch: BTreeSet<RunId>,
    /// Dead runs whose descendants are to be looked for again.
    relook: BTreeSet<RunId>,
    at: Option<Millis>,
}

impl Retries {
    pub(super) fn soon(&mut self) {
        self.at.get_or_insert(clock::monotonic() + RETRY);
    }
}

impl Runs {
    /// There was no room for a run's descriptors: the keeper is asked for them again
    /// a little later.
    pub fn fetch_again(&mut self, run: RunId) {
        self.retries.refetch.insert(run);
        self.retries.soon();
        // It is said once, however long it lasts.
        if self.get_mut(run).is_some_and(|held| !std::mem::replace(&mut held.short, true)) {
            daemon_log::error(format!(
                "no room for the descriptors of run {} (see `ulimit -n`); trying again",
                run.0
            ));
        }
    }

    /// The run is asked for now. Asked for twice, it could fail once and begin once, and nobody would
    /// know what has begun.
    pub fn asked_now(&mut self, run: RunId) {
        self.retries.refetch.remove(&run);
    }

    /// Looks for the descendants of a dead run again a little later.
    pub(super) fn look_again(&mut self, run: RunId) {
        self.retries.relook.insert(run);
        self.retries.soon();
    }

    /// When [`take_retries`](Self::take_retries) is due.
    pub fn retry_due(&self) -> Option<Millis> {
        self.retries.at
    }

    /// Returns what is to be tried again: runs that the keeper is to be asked for, and dead runs
    /// whose descendants are to be looked for.
    pub fn take_retries(&mut self) -> (BTreeSet<RunId>, BTreeSet<RunId>) {
        let Retries { refetch, relook, .. } = std::mem::take(&mut self.retries);
        (refetch, relook)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use ostler_poll::Poll;

    use super::*;

    #[test]
    fn a_run_that_is_asked_for_meanwhile_is_not_asked_for_twice() {
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        runs.fetch_again(RunId(1));
        runs.fetch_again(RunId(2));
        // What a dead keeper had begun of it is gone.
        runs.asked_now(RunId(1));
        assert_eq!(runs.take_retries().0, BTreeSet::from([RunId(2)]));
        assert_eq!(runs.retry_due(), None);
    }
}
