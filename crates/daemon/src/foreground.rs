//! The process in the foreground that a manager is for: `ostler run`, PID 1 of a container.
//!
//! Problem: whoever runs apps in the foreground wants nothing left when it is gone, however it
//! went. Rule: each daemon of such a manager holds that process by a pidfd, and its end is the end
//! of everything. Number and start are in an environment variable that daemon and keeper pass on
//! to each other, so that nothing need be saved.

use std::os::fd::OwnedFd;

use ostler_poll::{Interest, Poll, Watched};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::runs::Stat;
use crate::tokens::Polled;

/// The process in the foreground, as the daemon sees it.
#[derive(Debug)]
pub enum Foreground {
    /// There is none: the manager is for itself.
    None,
    /// It lives, as far as is known.
    Lives(#[expect(dead_code, reason = "it is held to be polled")] Watched<OwnedFd>),
    /// It has ended.
    Gone,
}

impl Foreground {
    /// Finds the process that our environment names.
    ///
    /// # Errors
    /// The variable is not understood, or the process cannot be watched.
    pub fn of_environment(poll: &Poll<Polled>) -> Result<Self, String> {
        Self::find(std::env::var(ostler_env::OSTLER_FOREGROUND).ok().as_deref(), poll)
    }

    /// Finds the process that the variable names.
    ///
    /// # Errors
    /// The variable is not understood, or the process cannot be watched.
    fn find(variable: Option<&str>, poll: &Poll<Polled>) -> Result<Self, String> {
        let Some(word) = variable.filter(|word| !word.is_empty()) else { return Ok(Self::None) };
        let Some((pid, start)) = parse(word) else {
            return Err(format!("`{word}` in OSTLER_FOREGROUND is no process"));
        };
        let unwatched = |error: std::io::Error| {
            format!("could not watch the process in the foreground (pid {pid}): {error}")
        };
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let Some(number) = number else { return Ok(Self::Gone) };
        let pidfd = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(Errno::SRCH) => return Ok(Self::Gone),
            Err(error) => return Err(unwatched(error.into())),
        };
        // Another process may have got the number before it was held.
        if Stat::read(pid).is_none_or(|stat| stat.start_time != start || stat.is_dead()) {
            return Ok(Self::Gone);
        }
        poll.watch(pidfd, Polled::Foreground, Interest::READ).map(Self::Lives).map_err(unwatched)
    }

    /// Whether the manager is for a process in the foreground.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether it is known to have ended.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }
}

/// Number and start of a process.
fn parse(word: &str) -> Option<(u32, u64)> {
    let (pid, start) = word.split_once(':')?;
    Some((pid.parse().ok()?, start.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_number_and_start() {
        let poll = Poll::new().unwrap();
        let find = |word: &str| Foreground::find(Some(word), &poll);
        let own = std::process::id();
        let start = Stat::read(own).unwrap().start_time;
        assert!(matches!(find(&format!("{own}:{start}")), Ok(Foreground::Lives(_))));
        assert!(matches!(find(&format!("{own}:{}", start + 1)), Ok(Foreground::Gone)));
        assert!(matches!(find(""), Ok(Foreground::None)));
        for word in ["7", "x:1", "1:y"] {
            assert!(find(word).is_err(), "{word}");
        }
    }
}
