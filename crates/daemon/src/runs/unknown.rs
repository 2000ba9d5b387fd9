//! Runs that the keeper began and nobody knows any more.
//!
//! Problem: such a run is to end, but its descriptors may not have arrived, and there may be none
//! left to hold it by. Rule: it is ended as soon as it can be held, and the daemon does not end
//! before that.

use std::io;
use std::os::fd::OwnedFd;

use ostler_core::{Millis, RunId};
use ostler_keeper::proto::{FdMask, RunFds};

use super::Runs;
use super::proc::{self, ProcessRef, signal};
use crate::{clock, daemon_log};

/// For how long it is tried, ms. Who cannot be held for so long will not be.
const GIVEN_UP: u64 = 30_000;

/// The processes that could not be held yet.
#[derive(Debug, Default)]
pub(super) struct Unknown(Vec<Process>);

#[derive(Clone, Copy, Debug)]
struct Process {
    run: RunId,
    pid: u32,
    start_time: u64,
    until: Millis,
}

impl Runs {
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
            return end(&ProcessRef { pid, fd: pidfd });
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

impl Unknown {
    /// Ends whom it can hold. Returns whether it is to be tried again.
    fn try_all(
        &mut self,
        now: Millis,
        hold: impl Fn(u32, u64) -> io::Result<Option<ProcessRef>>,
    ) -> bool {
        self.0.retain(|process| match hold(process.pid, process.start_time) {
            Ok(held) => {
                held.iter().for_each(end);
                false
            }
            Err(_) if now < process.until => true,
            Err(error) => {
                let (run, pid) = (process.run.0, process.pid);
                let why = format!("process {pid} of run {run} goes on unwatched: {error}");
                daemon_log::error(why);
                false
            }
        });
        !self.0.is_empty()
    }
}

fn end(process: &ProcessRef) {
    if let Err(error) = signal(&process.fd, libc::SIGKILL) {
        daemon_log::error(format!("could not kill process {}: {error}", process.pid));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command};
    use std::rc::Rc;

    use ostler_poll::Poll;

    use super::super::stat::Stat;
    use super::*;

    fn sleeper() -> (Child, (u32, u64)) {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        (child, (pid, Stat::read(pid).unwrap().start_time))
    }

    #[test]
    fn a_run_that_nobody_knows_is_ended_also_where_its_descriptors_did_not_arrive() {
        let (mut child, process) = sleeper();
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        runs.end_unknown(RunId(17), process, FdMask(FdMask::ALL), Vec::new());
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert!(!runs.has_unknown());
    }

    #[test]
    fn a_run_that_nobody_knows_and_cannot_be_held_yet_is_ended_later() {
        let (mut child, (pid, start_time)) = sleeper();
        let of = |until| Process { run: RunId(17), pid, start_time, until };
        let mut unknown = Unknown(vec![of(100)]);
        let short = |_, _| Err(io::Error::from_raw_os_error(libc::EMFILE));
        assert!(unknown.try_all(99, short), "it is tried again");
        assert!(child.try_wait().unwrap().is_none());
        assert!(!unknown.try_all(99, proc::hold));
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
        // It is not waited for by the end of the daemon for ever.
        let mut unknown = Unknown(vec![of(100)]);
        assert!(!unknown.try_all(100, short));
    }

    #[test]
    fn whoever_has_the_number_of_an_unknown_run_by_now_is_left_alone() {
        let (mut child, (pid, start_time)) = sleeper();
        let other = Process { run: RunId(17), pid, start_time: start_time - 1, until: 100 };
        assert!(!Unknown(vec![other]).try_all(0, proc::hold));
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
