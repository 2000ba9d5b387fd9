//! The daemon as the keeper sees it: a process that is to run, and a link to it.
//!
//! A daemon that dies is started again at once. One that dies again and again within a second of
//! its start is given growing pauses, in which the keeper goes on reaping. A daemon that closes its
//! link or writes garbage is useless and is killed, after a moment in which it may end by itself:
//! two daemons must never run.

use std::os::fd::{AsFd, OwnedFd};

use ostler_poll::{Watched, now};
use rustix::process::{Signal, pidfd_send_signal};

use crate::link::KeeperEnd;
use crate::log::log;
use crate::pulse::Pulse;

/// A daemon that lived this long was well, ms.
const WELL: u64 = 1000;
/// The first pause before the next daemon, and the longest, ms.
const FIRST_PAUSE: u64 = 10;
const LAST_PAUSE: u64 = 5000;

/// How long a daemon may live without a link, ms.
pub(crate) const UNLINKED_GRACE: u64 = 1000;

/// How long a daemon may live without saying hello, ms: it hangs.
pub(crate) const HELLO_LIMIT: u64 = 15_000;

/// The daemon, or the pause before the next.
#[expect(clippy::large_enum_variant, reason = "there is exactly one, and it nearly always runs")]
pub(crate) enum Daemon {
    /// The next one starts at this time, monotonic ms.
    Waiting { start_at: u64 },
    /// A daemon runs.
    Running(Running),
}

/// The daemon that runs.
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) pidfd: Watched<OwnedFd>,
    /// Whether it is our child; else its pidfd is polled for its end.
    pub(crate) child: bool,
    pub(crate) started: u64,
    /// `None` once it is broken.
    pub(crate) link: Option<KeeperEnd<Watched<OwnedFd>>>,
    pub(crate) progress: Progress,
    /// When it is killed for living without a link.
    pub(crate) kill_at: Option<u64>,
    /// Whether it was killed for saying nothing.
    pub(crate) mute: bool,
    /// Whether it still answers, where it knows how to.
    pub(crate) pulse: Option<Pulse>,
}

/// How much a daemon has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has not said hello: it is told nothing unasked.
    Silent,
    /// The inventory is told up to this run.
    Runs { up_to: Option<u64> },
    /// All runs are told, and the items up to this name.
    Items { up_to: Option<String> },
    /// The inventory is complete; ends are reported as they come.
    Served,
}

impl Running {
    pub(crate) fn new(
        pid: u32,
        pidfd: Watched<OwnedFd>,
        child: bool,
        link: KeeperEnd<Watched<OwnedFd>>,
    ) -> Self {
        Self {
            pid,
            pidfd,
            child,
            started: now(),
            link: Some(link),
            progress: Progress::Silent,
            kill_at: None,
            mute: false,
            pulse: None,
        }
    }

    /// Sends a signal; a daemon that is gone already is seen elsewhere.
    pub(crate) fn signal(&self, number: i32) {
        if let Some(signal) = Signal::from_named_raw(number)
            && let Err(error) = pidfd_send_signal(self.pidfd.as_fd(), signal)
            && error != rustix::io::Errno::SRCH
        {
            log(&format!("cannot send signal {number} to the daemon (pid {}): {error}", self.pid));
        }
    }

    /// When a daemon that has not said hello within `limit` is killed.
    pub(crate) fn hello_by(&self, limit: u64) -> Option<u64> {
        (self.progress == Progress::Silent && !self.mute).then(|| self.started + limit)
    }

    /// Gives up a link that is broken.
    pub(crate) fn unlink(&mut self, kill_at: Option<u64>) {
        self.link = None;
        self.kill_at = kill_at;
    }
}

/// Returns how many daemons in a row died young or had to be killed for saying nothing,
/// this one counted.
pub(crate) fn count_failures(before: u32, lived: u64, mute: bool) -> u32 {
    if lived < WELL || mute { before.saturating_add(1) } else { 0 }
}

/// Returns the pause before the next daemon, ms: none after the first early death, then 10, doubled
/// up to 5000.
pub(crate) fn pause(failures: u32) -> u64 {
    match failures.checked_sub(2) {
        None => 0,
        Some(doublings) => FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).min(LAST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_nothing_to_five_seconds_and_a_long_life_resets_them() {
        let pauses: Vec<u64> = (0..14).map(pause).collect();
        assert_eq!(pauses, [0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000]);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
        assert_eq!(count_failures(7, 999, false), 8);
        assert_eq!(count_failures(7, WELL, false), 0);
        assert_eq!(count_failures(7, HELLO_LIMIT, true), 8, "it lived long, but it hung");
    }
}
