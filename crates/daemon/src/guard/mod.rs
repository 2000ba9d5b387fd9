//! Accepted connections outlive the daemon.
//!
//! The problem: between `accept` and the worker's answer a connection is nowhere but in our
//! descriptor table. SIGKILL at that instant closes it, and the client, whose connection was
//! already up, gets a reset.
//!
//! The rule: a second process, the guard, shares our descriptor table (`CLONE_FILES`), so what is
//! open stays open when we die. It does nothing but wait for that; then it sends the connections
//! into a socket whose other end the keeper holds for our successor, and goes, and with it the
//! table. Which of its descriptors are connections, and what was about to become of them, it reads
//! in the [`Ledger`], memory that both see. Nothing is written anywhere and nobody is asked for a
//! connection: a few stores to memory are all that it costs.
//!
//! It also writes the lines of our log that were waiting to be written.
//!
//! A guard that dies is replaced. Only if guard and daemon are killed in the same instant is the
//! connection lost that was in our hands at that moment.

mod ledger;
mod recover;
mod watch;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use ostler_keeper::proto::ToKeeper;
use ostler_poll::{Interest, Poll, Watched};
use rustix::io::retry_on_intr;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, pidfd_open, pidfd_send_signal, waitpid,
};

pub use ledger::Ledger;
pub use recover::{Left, PREFIX, recover};

use crate::sys::SharedText;
use crate::tokens::Polled;
use crate::{clock, daemon_log, sys};

/// Room for lines of the log, bytes.
const LINES: usize = 64 << 10;
/// Pause before another guard, ms, if the last one died younger than this; doubled each time that
/// none can be started.
const PAUSE: u64 = 1000;
/// The longest pause, ms.
const LONGEST_PAUSE: u64 = 60_000;

/// The guard as the daemon sees it.
#[derive(Debug)]
pub struct Guard {
    /// What it will read.
    pub ledger: Ledger,
    /// Lines of the log that were not written yet.
    lines: SharedText,
    /// Our own process, for it to wait for.
    ourselves: OwnedFd,
    /// Its end of the way to our successor.
    from: OwnedFd,
    /// The end that the keeper holds for our successor.
    to: OwnedFd,
    name: String,
    /// Number and descriptor of its process.
    process: Option<(Pid, Watched<OwnedFd>)>,
    poll: Rc<Poll<Polled>>,
    since: u64,
    /// Before the next try.
    pause: u64,
    /// There is none; another is started then.
    pub due: Option<u64>,
}

impl Guard {
    /// Makes everything that a guard needs, and starts one. To be called while the process is
    /// small: the guard keeps a copy of it as it is now.
    ///
    /// # Errors
    /// The system refuses memory or descriptors. (That no process could be started is told in the
    /// log: it is tried again.)
    pub fn start(poll: Rc<Poll<Polled>>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (from, to) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let mut guard = Self {
            ledger: Ledger::new()?,
            lines: SharedText::new(LINES)?,
            ourselves: pidfd_open(getpid(), PidfdFlags::empty())?,
            from,
            to,
            name: format!("{PREFIX}{}-{}", std::process::id(), clock::wall()),
            process: None,
            poll,
            since: 0,
            pause: PAUSE,
            due: None,
        };
        daemon_log::wait_in(guard.lines);
        guard.spawn();
        Ok(guard)
    }

    /// Starts a guard.
    pub fn spawn(&mut self) {
        self.due = None;
        self.since = clock::monotonic();
        let (ourselves, from) = (self.ourselves.as_raw_fd(), self.from.as_raw_fd());
        let (ledger, lines) = (&self.ledger, self.lines);
        let started = sys::fork_with_our_descriptors(|| {
            if watch::watch(ourselves, from, ledger) == watch::Reason::Death {
                lines.write_out();
            }
        });
        match started.and_then(|pid| Ok((pid, pidfd_open(pid, PidfdFlags::empty())?))) {
            Ok((pid, pidfd)) => {
                let mut pidfd = self.poll.unwatched(pidfd, Polled::Guard);
                if let Err(error) = pidfd.set_or_owe(Interest::READ.edge()) {
                    daemon_log::error(format!(
                        "the guard of connections cannot be watched: {error}"
                    ));
                }
                self.process = Some((pid, pidfd));
                self.pause = PAUSE;
            }
            Err(error) => {
                daemon_log::error(format!(
                    "could not start a guard for connections: {error}; trying again in {} ms",
                    self.pause
                ));
                self.due = Some(self.since + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// It is dead: the next one is due.
    pub fn on_exited(&mut self) {
        let Some((pid, _)) = self.process.take() else { return };
        daemon_log::error(format!(
            "the guard of connections (pid {pid}) is gone; starting another"
        ));
        if let Err(error) = waitpid(Some(pid), WaitOptions::NOHANG) {
            daemon_log::error(format!("could not reap the guard: {error}"));
        }
        let now = clock::monotonic();
        self.due = Some(if now < self.since + PAUSE { now + PAUSE } else { now });
    }

    /// Has it send the connections now, though we live; it ends then, and is not replaced.
    pub fn release(&mut self) {
        if self.process.is_none() {
            self.spawn();
        }
        self.due = None;
        if let Err(error) = send(&self.to, b"now", SendFlags::NOSIGNAL) {
            daemon_log::error(format!("could not tell the guard to send connections: {error}"));
        }
    }

    /// Ends it: nobody is to come after us whom a connection could be sent to.
    pub fn end(&mut self) {
        self.due = None;
        let Some((pid, pidfd)) = self.process.take() else { return };
        let ended = pidfd_send_signal(&*pidfd, Signal::KILL)
            .and_then(|()| retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty())));
        if let Err(error) = ended {
            daemon_log::error(format!(
                "could not end the guard of connections (pid {pid}): {error}"
            ));
        }
    }

    /// What the keeper is to hold for our successor.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn for_keeper(&self) -> io::Result<(ToKeeper, OwnedFd)> {
        let process =
            self.process.as_ref().map(|(pid, _)| pid.as_raw_nonzero().get().unsigned_abs());
        let meta = process.map_or_else(Vec::new, recover::meta_of);
        Ok((ToKeeper::Put { name: self.name.clone(), meta }, self.to.try_clone()?))
    }
}

#[cfg(test)]
mod tests;
