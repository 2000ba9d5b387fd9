//! Runs that the keeper began and nobody knows any more.
//!
//! Problem: such a run is to end, but its descriptors may not have arrived, and there may be none
//! left to hold it by. Rule: it is ended as soon as it can be held. The daemon does not end before
//! that has been done.

use std::io;

use ostler_core::{Millis, RunId};

use super::proc::{self, ProcessRef};
use crate::daemon_log;

/// For how long it is tried, ms. Who cannot be held for so long will not be.
pub(super) const GIVEN_UP: u64 = 30_000;

/// The processes that could not be held yet.
#[derive(Debug, Default)]
pub(super) struct Unknown(pub(super) Vec<Process>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) run: RunId,
    pub(super) pid: u32,
    pub(super) start_time: u64,
    pub(super) until: Millis,
}

impl Unknown {
    /// Ends whom it can hold. Returns whether it is to be tried again.
    pub(super) fn try_all(
        &mut self,
        now: Millis,
        hold: impl Fn(u32, u64) -> io::Result<Option<ProcessRef>>,
    ) -> bool {
        self.0.retain(|process| match hold(process.pid, process.start_time) {
            Ok(held) => {
                held.iter().for_each(proc::kill);
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, Command};

    use super::super::stat::Stat;
    use super::*;

    fn sleeper() -> (Child, (u32, u64)) {
        let child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        (child, (pid, Stat::read(pid).unwrap().start_time))
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
