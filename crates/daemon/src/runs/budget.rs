//! How many runs there may be at once: what each needs of the daemon's descriptors, and how many
//! it may have.
//!
//! Problem: a daemon that has used its last descriptor for an app seems well, until it is killed:
//! its successor needs as many at least, and a few more until everything is taken over. Rule: what
//! the daemon itself needs is never given to apps, and an app for which nothing is left is refused
//! at its start, with what is in the way.

use std::fmt;

use rustix::process::{Resource, getrlimit};

use crate::reserve;

/// Descriptors of a run: its process, its output, its channel, and two log files.
const RUN: usize = 6;
/// The daemon's own, while it takes over or works: sockets, polls, memory that it shares, its log,
/// what it opens for a moment.
const OWN: usize = 30 + reserve::COUNT;
/// Runs above the number that are allowed where one takes the place of another: a candidate, one
/// that finishes its connections, and one of the old version when that is taken back. What is held
/// back for bad days has room for their pipes.
const CANDIDATES: usize = 3;

/// What descriptors are needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most that the daemon may have.
    limit: usize,
    /// Runs that have theirs.
    runs: usize,
    /// How many sockets listen.
    listeners: usize,
    /// What is open to save time.
    caches: usize,
}

/// Why a run has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full(Budget);

impl Budget {
    /// The needs of so many runs and listening sockets, under the limit that is in force.
    pub fn of(runs: usize, listeners: usize, caches: usize) -> Self {
        let limit = getrlimit(Resource::Nofile).current;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        Self { limit, runs, listeners, caches }
    }

    /// Whether there is room for another run.
    ///
    /// # Errors
    /// There is none.
    pub fn check(self, candidate: bool) -> Result<(), Full> {
        let most = self.limit.saturating_sub(OWN + self.listeners + self.caches) / RUN;
        let allowed = if candidate { most + CANDIDATES } else { most };
        if self.runs < allowed { Ok(()) } else { Err(Full(self)) }
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget { limit, runs, listeners, .. } = self.0;
        write!(
            f,
            "could not be started: out of file descriptors (the manager may have {limit}, and \
             needs {RUN} for each of {runs} running processes, {listeners} for listening sockets, \
             {OWN} for itself); raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of a service) \
             and start the manager anew"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limit: usize, runs: usize, listeners: usize) -> Budget {
        Budget { limit, runs, listeners, caches: 0 }
    }

    fn most(limit: usize, listeners: usize) -> usize {
        let has_room = |runs: &usize| budget(limit, *runs, listeners).check(false).is_ok();
        (0..).take_while(has_room).count()
    }

    #[test]
    fn so_many_runs_fit_into_a_limit() {
        assert_eq!([64, 256, 1024].map(|limit| most(limit, 0)), [3, 35, 163]);
        assert_eq!(most(256, 12), 33);
        assert_eq!(most(10, 0), 0);
    }

    #[test]
    fn a_reload_has_room_where_everything_is_used() {
        for runs in 35..35 + CANDIDATES {
            assert_eq!(budget(256, runs, 0).check(true), Ok(()));
        }
        let full = budget(256, 35 + CANDIDATES, 0);
        assert_eq!(full.check(true), Err(Full(full)));
    }

    #[test]
    fn what_is_open_to_save_time_counts_until_it_is_closed() {
        let full = Budget { caches: 30, ..budget(256, 34, 0) };
        assert_eq!(full.check(false), Err(Full(full)));
        assert_eq!(Budget { caches: 0, ..full }.check(false), Ok(()));
    }

    #[test]
    fn a_refusal_says_the_limit_what_is_used_and_what_to_do() {
        assert_eq!(
            budget(256, 33, 12).check(false).unwrap_err().to_string(),
            "could not be started: out of file descriptors (the manager may have 256, and needs 6 \
             for each of 33 running processes, 12 for listening sockets, 46 for itself); raise the \
             hard limit (`ulimit -Hn`, `LimitNOFILE=` of a service) and start the manager anew"
        );
    }
}
