//! Descriptors kept free for bad days.
//!
//! A daemon without a free descriptor can accept nobody, read nothing of `/proc` or a control
//! group, and so stop nothing: it could not even be told to make room. So a few are held back. They
//! are let go when a client comes and none is left, and taken again when it has gone. A daemon that
//! takes over holds them before it is given anything.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Resource, getrlimit};

/// How many for clients: one, and what it takes to look at processes and control groups, with
/// room to spare.
const CLIENTS: usize = 10;
/// How many for the start of another keeper. Whatever else is let go may be taken by log files
/// that wait for room.
pub const KEEPER: usize = 6;
/// How many in all.
pub const COUNT: usize = CLIENTS + KEEPER;
/// Connections that are always allowed.
const LEAST_CLIENTS: usize = 8;

/// What is held back.
#[derive(Debug, Default)]
pub struct Reserve {
    held: Vec<OwnedFd>,
}

impl Reserve {
    /// Holds as many as are held back for clients while all is well.
    pub fn filled() -> Self {
        let mut reserve = Self::default();
        reserve.refill();
        reserve
    }

    /// Holds so many, as far as there are any.
    pub fn of(count: usize) -> Self {
        let mut reserve = Self::default();
        reserve.fill(count);
        reserve
    }

    /// Takes what is missing for clients, as far as there is any.
    pub fn refill(&mut self) {
        self.fill(CLIENTS);
    }

    /// Lets so many go.
    pub fn lend(&mut self, count: usize) {
        self.held.truncate(self.held.len().saturating_sub(count));
    }

    /// Takes what is missing of so many, as far as there is any.
    pub fn fill(&mut self, count: usize) {
        while self.held.len() < count {
            match open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
                Ok(fd) => self.held.push(fd),
                // It will be tried again.
                Err(_) => return,
            }
        }
    }

    /// Lets everything go. `false`: there was nothing.
    pub fn release(&mut self) -> bool {
        let any = !self.held.is_empty();
        self.held = Vec::new();
        any
    }
}

/// How many clients may be connected: a part of all descriptors, so that clients alone can never
/// take the last one.
pub fn most_clients() -> usize {
    let all = getrlimit(Resource::Nofile)
        .current
        .and_then(|soft| usize::try_from(soft).ok())
        .unwrap_or(usize::MAX);
    (all / 4).max(LEAST_CLIENTS)
}

/// Whether there are so many free descriptors that this one, which only saves time, may stay open:
/// half of all are for what is needed more. A new descriptor gets the lowest free number, so
/// its number tells.
pub fn is_plentiful(fd: &OwnedFd) -> bool {
    let all = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    u64::try_from(fd.as_raw_fd()).is_ok_and(|number| number < all / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_taken_again() {
        let mut reserve = Reserve::default();
        assert!(!reserve.release());
        for _ in 0..2 {
            reserve.refill();
            assert_eq!(reserve.held.len(), CLIENTS);
            assert!(reserve.release());
        }
    }
}
