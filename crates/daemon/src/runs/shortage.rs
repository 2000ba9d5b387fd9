//! Runs for which descriptors are short: what failed is tried again.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use ostler_core::{Millis, RunId};
use ostler_keeper::proto::{FdMask, RunFds};

use super::Runs;
use super::proc::{self, ProcessRef};
use super::retries::Retries;
use super::unknown::{GIVEN_UP, Process};
use crate::{clock, daemon_log};

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

    /// The run is asked for now. Asked for twice, it could fail once and begin once: nobody would
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

    /// Ends a run that the keeper began and nobody knows.
    pub fn end_unknown(
        &mut self,
        run: RunId,
        (pid, start_time): (u32, u64),
        mask: FdMask,
        fds: Vec<OwnedFd>,
    ) {
        daemon_log::error(format!("the keeper began run {}, which is not known: killed", run.0));
        if let Some(pidfd) = RunFds::from_list(mask, fds).and_then(|fds| fds.pidfd) {
            return proc::kill(&ProcessRef { pid, fd: pidfd });
        }
        let until = clock::monotonic() + GIVEN_UP;
        self.unknown.0.push(Process { run, pid, start_time, until });
        self.end_rest_of_unknown();
    }

    /// Ends those that could not be held before.
    pub fn end_rest_of_unknown(&mut self) {
        if self.unknown.try_all(clock::monotonic(), proc::hold) {
            self.retries.soon();
        }
    }

    /// Whether one is to be ended yet.
    pub fn has_unknown(&self) -> bool {
        !self.unknown.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;
    use std::rc::Rc;

    use ostler_poll::Poll;

    use super::super::stat::Stat;
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

    #[test]
    fn a_run_that_nobody_knows_is_ended_also_where_its_descriptors_did_not_arrive() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = (child.id(), Stat::read(child.id()).unwrap().start_time);
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        runs.end_unknown(RunId(17), process, FdMask(FdMask::ALL), Vec::new());
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(!runs.has_unknown());
    }
}
