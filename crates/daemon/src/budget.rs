//! How many runs there may be at once: what each needs of the daemon's descriptors, and how many
//! it may have.
//!
//! Problem: a daemon that has used its last descriptor for an app seems well, until it is killed:
//! its successor needs as many at least, and a few more until everything is taken over; and a
//! reload that has none left half way can neither go on nor back. Rule: what the daemon itself
//! needs is never given to apps, there is always room for one run that takes the place of another,
//! and what does not fit is refused before anything of it is begun, with what is in the way.

use std::fmt;

use rustix::process::{Resource, getrlimit};

use crate::reserve;

/// Descriptors of a slot that is up: the process of its run, its output, its channel, and
/// two log files.
const SLOT: usize = 6;
/// Those of a run beside the one that its slot shows: a candidate, or one that finishes its
/// connections. The log files are the slot's.
const EXTRA: usize = 4;
/// A listening socket, and a connection on its way from it to a worker.
const LISTENER: usize = 2;
/// The daemon's own, while it takes over or works: sockets, polls, memory that it shares, its log,
/// what it opens for a moment.
const OWN: usize = 26 + reserve::COUNT;

/// What the daemon has descriptors for, and what it has opened by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The most that it may have.
    pub limit: usize,
    /// How many sockets listen.
    pub listeners: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { limit: usize::MAX, listeners: 0 }
    }
}

impl Capacity {
    /// Under the limit that is in force, with so many listening sockets.
    pub fn now(listeners: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { limit, listeners }
    }
}

/// What descriptors are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most that the daemon may have.
    pub limit: usize,
    /// Slots that are up.
    pub slots: usize,
    /// Runs beside those that slots show.
    pub extras: usize,
    /// Sockets that listen, or will.
    pub listeners: usize,
    /// What is open to save time.
    pub caches: usize,
}

/// Why something has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(Budget);

impl Budget {
    /// Finds out whether all of it has room.
    ///
    /// # Errors
    /// It has none.
    pub fn check(self) -> Result<(), Full> {
        let extras = self.extras.max(1) * EXTRA;
        if self.without_extras() + extras <= self.limit { Ok(()) } else { Err(Full(self)) }
    }

    /// How many more runs fit beside those that slots show.
    pub fn free_extras(self) -> usize {
        let room = self.limit.saturating_sub(self.without_extras()) / EXTRA;
        room.saturating_sub(self.extras)
    }

    fn without_extras(self) -> usize {
        OWN + self.slots * SLOT + self.listeners * LISTENER + self.caches
    }
}

impl Full {
    /// What can be done about it.
    pub const HINT: &str = "raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of a service) and \
                            start the manager anew";
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget { limit, slots, extras, listeners, .. } = self.0;
        let extras = extras.max(1);
        write!(
            f,
            "out of file descriptors (the manager may have {limit}, and would need {SLOT} for each \
             of {slots} processes, {EXTRA} for each of {extras} beside them in reloads, {LISTENER} \
             for each of {listeners} listening sockets, {OWN} for itself)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limit: usize, slots: usize, listeners: usize) -> Budget {
        Budget { limit, slots, extras: 0, listeners, caches: 0 }
    }

    fn most(limit: usize, listeners: usize) -> usize {
        (1..).take_while(|slots| budget(limit, *slots, listeners).check().is_ok()).count()
    }

    #[test]
    fn so_many_slots_fit_into_a_limit() {
        assert_eq!([64, 128, 256, 1024].map(|limit| most(limit, 0)), [3, 13, 35, 163]);
        assert_eq!([64, 128, 256].map(|limit| most(limit, 1)), [2, 13, 34]);
        assert_eq!(most(10, 0), 0);
    }

    #[test]
    fn a_reload_has_room_where_every_slot_is_given_away() {
        for limit in 64..300 {
            let full = budget(limit, most(limit, 1), 1);
            assert!(1 <= full.free_extras(), "{limit}");
            assert!(Budget { extras: full.free_extras(), ..full }.check().is_ok(), "{limit}");
        }
    }

    #[test]
    fn what_is_taken_for_a_reload_is_not_given_again() {
        let taken = Budget { extras: 3, ..budget(256, 30, 1) };
        assert_eq!(budget(256, 30, 1).free_extras(), taken.free_extras() + 3);
        let all = Budget { extras: 3 + taken.free_extras(), ..taken };
        assert_eq!((all.check(), all.free_extras()), (Ok(()), 0));
        let more = Budget { slots: 31, ..all };
        assert_eq!(more.check(), Err(Full(more)));
    }

    #[test]
    fn what_is_open_to_save_time_counts_until_it_is_closed() {
        let full = Budget { caches: 30, ..budget(256, 34, 0) };
        assert_eq!(full.check(), Err(Full(full)));
        assert_eq!(Budget { caches: 0, ..full }.check(), Ok(()));
    }

    #[test]
    fn a_refusal_says_the_limit_and_what_is_used() {
        assert_eq!(
            budget(256, 33, 12).check().unwrap_err().to_string(),
            "out of file descriptors (the manager may have 256, and would need 6 for each of 33 \
             processes, 4 for each of 1 beside them in reloads, 2 for each of 12 listening \
             sockets, 42 for itself)"
        );
    }
}
