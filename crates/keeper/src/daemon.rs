//! The daemon as the keeper sees it: a process that is to run, and a link to it.
//!
//! A daemon that dies is started again at once. One that dies again and again within a second of
//! its start is given growing pauses, in which the keeper goes on reaping. A daemon that closes its
//! link or writes garbage is of no use and is killed, after a moment in which it may end by itself:
//! two daemons must never run.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use crate::link::KeeperEnd;

/// A daemon that lived this long was well.
const WELL: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// How long a daemon may live without a link.
pub(crate) const UNLINKED_GRACE: Duration = Duration::from_secs(1);

/// How long a daemon may live without saying hello: it hangs.
pub(crate) const HELLO_LIMIT: Duration = Duration::from_secs(15);

/// The daemon, or the pause before the next.
#[allow(clippy::large_enum_variant, reason = "there is exactly one, and it nearly always runs")]
pub(crate) enum Daemon {
    /// The next one starts then.
    Waiting { start_at: Instant },
    /// One runs.
    Running(Running),
}

/// The daemon that runs.
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    /// Whether it is our child; else its pidfd tells of its end.
    pub(crate) child: bool,
    pub(crate) started: Instant,
    /// `None` once it is broken.
    pub(crate) link: Option<KeeperEnd>,
    pub(crate) phase: Phase,
    /// When it is killed for living without a link.
    pub(crate) kill_at: Option<Instant>,
    /// It was killed for saying nothing.
    pub(crate) mute: bool,
}

/// How much a daemon has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has not said hello: it is told nothing unasked.
    Silent,
    /// The inventory is told up to this run.
    Runs { told: Option<u64> },
    /// All runs are told, and the items up to this name.
    Items { told: Option<String> },
    /// The inventory is complete; ends are reported as they come.
    Served,
}

impl Running {
    pub(crate) fn new(pid: u32, pidfd: OwnedFd, child: bool, link: KeeperEnd) -> Self {
        Self {
            pid,
            pidfd,
            child,
            started: Instant::now(),
            link: Some(link),
            phase: Phase::Silent,
            kill_at: None,
            mute: false,
        }
    }

    /// Sends a signal; a daemon that is gone already is seen elsewhere.
    pub(crate) fn signal(&self, number: i32) {
        if let Some(signal) = Signal::from_named_raw(number)
            && let Err(error) = pidfd_send_signal(self.pidfd.as_fd(), signal)
            && error != rustix::io::Errno::SRCH
        {
            crate::keeper::log(&format!(
                "cannot send signal {number} to the daemon (pid {}): {error}",
                self.pid
            ));
        }
    }

    /// When a daemon that has not said hello within `limit` is killed.
    pub(crate) fn hello_by(&self, limit: Duration) -> Option<Instant> {
        (self.phase == Phase::Silent && !self.mute).then(|| self.started + limit)
    }

    /// The link is of no use any more.
    pub(crate) fn unlink(&mut self, kill_at: Option<Instant>) {
        self.link = None;
        self.kill_at = kill_at;
    }
}

/// How many daemons in a row died young or had to be killed for saying nothing, this one counted.
pub(crate) fn count_failures(before: u32, lived: Duration, mute: bool) -> u32 {
    if lived < WELL || mute { before.saturating_add(1) } else { 0 }
}

/// The pause before the next daemon: none after the first early death, then 10 ms, doubled up to 5
/// s.
pub(crate) fn pause(failures: u32) -> Duration {
    match failures.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_PAUSE.saturating_mul(1 << doublings.min(16)).min(LAST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_nothing_to_five_seconds_and_a_long_life_forgives() {
        let pauses: Vec<u128> = (0..14).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5000, 5000, 5000]);
        assert_eq!(pause(u32::MAX), LAST_PAUSE);
        assert_eq!(count_failures(7, Duration::from_millis(999), false), 8);
        assert_eq!(count_failures(7, WELL, false), 0);
        assert_eq!(count_failures(7, HELLO_LIMIT, true), 8, "it lived long, but it was of no use");
    }
}
