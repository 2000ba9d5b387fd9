//! Descriptors kept free while everything is taken in, for what a daemon cannot be without.
//!
//! Problem: the limit may be lower than it was, or an earlier version may have used up all that
//! there was. What the keeper sends is lost where there is no room for it: of a run that is asked
//! for again, but without its lock or its socket a daemon ends, and so does the next one. Rule:
//! there is always room for the next message, which may be of any kind; a run, or a listening
//! socket, that would take the last room is taken in without descriptors.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use ostler_keeper::proto::FromKeeper;
use rustix::process::{Resource, getrlimit};

use crate::reserve::Reserve;

/// Descriptors that a message may bring.
const SPARE: usize = 4;
/// What the lock, the socket, the guard, the log engine and the loop itself take.
const NEEDED: usize = 16;
/// What the names of listening sockets begin with.
const LISTENER: &str = "listener/";

/// So many descriptors are open above those that came last, at most.
const ABOVE: u64 = 128;

/// The room that is kept.
pub(super) struct Room {
    kept: Reserve,
    /// Every descriptor has a smaller number.
    limit: u64,
}

impl Room {
    /// Keeps it free from now on.
    pub fn keep() -> Self {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        Self { kept: Reserve::of(NEEDED), limit }
    }

    /// Whether there is room for another message than the one that brought these. A listening
    /// socket that is taken in without is lost, so a refusal is believed when it comes twice.
    pub fn has_spare(&self, any: &impl AsFd, brought: &[OwnedFd]) -> bool {
        // The lowest number that is free is given out: far from the limit nothing is to be tried.
        let highest = brought.iter().map(|fd| fd.as_raw_fd().unsigned_abs().into()).max();
        if highest.is_some_and(|highest: u64| highest.saturating_add(ABOVE) < self.limit) {
            return true;
        }
        let copies = || -> Result<Vec<_>, _> {
            (0..SPARE).map(|_| rustix::io::fcntl_dupfd_cloexec(any, 3)).collect()
        };
        copies().is_ok() || copies().is_ok()
    }

    /// Gives room to what came with a message and took the last; `false` when that must do without.
    pub fn make_for(&mut self, message: &FromKeeper) -> bool {
        let essential = matches!(
            message,
            FromKeeper::Item { name, .. } if !name.starts_with(LISTENER)
        );
        if essential {
            self.kept.lend(SPARE);
        }
        essential
    }
}
