//! The end of the processes behind a socket.
//!
//! A connection ends before the process that had it: whoever sees only that may still find the
//! home in use. What ends last is a process itself, and a pidfd tells it.

use std::os::fd::OwnedFd;

use ostler_wire::control::{Reply, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::waits::ANSWER_LIMIT;
use crate::{Answer, Client, Error, Heard};

/// Daemon and keeper, held so that no other process is taken for them.
#[derive(Debug)]
pub struct Manager {
    processes: Vec<OwnedFd>,
}

impl Client {
    /// Asks who is there, and holds the processes. To be called before their end is asked for.
    ///
    /// # Errors
    /// Those of [`request_heard`](Self::request_heard), and [`Error::Io`] where the system refuses.
    pub fn hold_manager(&mut self, on: impl FnMut(Heard)) -> Result<Manager, Error> {
        match self.request_heard(&Request::Hello, None, None, on)? {
            Answer::Reply(Reply::Hello { pid, keeper_pid, .. }) => {
                Manager::hold(&[keeper_pid, pid])
            }
            other => Err(Error::Malformed(format!("{other:?} instead of a greeting"))),
        }
    }
}

impl Manager {
    /// Holds those of the processes that there are.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn hold(pids: &[u32]) -> Result<Self, Error> {
        let mut processes = Vec::new();
        let pids = pids.iter().filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
        for pid in pids {
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => processes.push(pidfd),
                Err(Errno::SRCH) => {}
                Err(error) => return Err(Error::io("cannot wait for the daemon")(error.into())),
            }
        }
        Ok(Self { processes })
    }

    /// Waits until they are gone.
    ///
    /// # Errors
    /// [`Error::Timeout`] when one of them does not go.
    pub fn wait_end(&self) -> Result<(), Error> {
        let limit = Timespec::try_from(ANSWER_LIMIT).ok();
        for pidfd in &self.processes {
            let wait = || poll(&mut [PollFd::new(pidfd, PollFlags::IN)], limit.as_ref());
            match retry_on_intr(wait) {
                Ok(0) => return Err(Error::Timeout { limit: ANSWER_LIMIT }),
                Ok(_) => {}
                Err(error) => return Err(Error::io("cannot wait for the daemon")(error.into())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn an_end_is_waited_for_and_who_is_gone_is_not() {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut input = cat.stdin.take().unwrap();
        let held = Manager::hold(&[cat.id()]).unwrap();
        input.write_all(b"last words\n").unwrap();
        drop(input);
        held.wait_end().unwrap();
        let pid = cat.id();
        assert!(cat.try_wait().unwrap().is_some_and(|status| status.success()));
        let held = Manager::hold(&[0, pid]).unwrap();
        assert!(held.processes.is_empty(), "nobody has these numbers");
    }
}
