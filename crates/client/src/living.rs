//! The manager of a home, where its socket is not to be found.
//!
//! Problem: whoever deletes the socket, or the whole home, makes the manager deaf and not dead. A
//! command that took it for dead would say that nothing runs, or start a second one. Rule: where
//! nobody answers, its processes are looked for; the daemon is asked for a socket (SIGHUP) and has
//! a moment to make one, and nothing is said to be gone that is there.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::parts::{hears_hangup, part, parts_of};
use crate::quiet::LATE;
use crate::{Client, Error, Home, Silence};

/// How long a daemon may take to make a socket.
const LIMIT: Duration = Duration::from_secs(5);
/// The time between two looks, ns.
const PAUSE: i64 = 20_000_000;

/// Connects to the daemon of a home also where its socket is gone; `None` when nothing of
/// a manager lives.
///
/// # Errors
/// As [`Client::connect`], and [`Error::Unreachable`] when a manager lives and makes no socket.
pub fn connect_living(home: &Home) -> Result<Option<Client>, Error> {
    connect_living_heard(home, |_| ())
}

/// As [`connect_living`], told once when the daemon takes its time.
///
/// # Errors
/// Those of [`connect_living`].
pub fn connect_living_heard(
    home: &Home,
    mut late: impl FnMut(Silence),
) -> Result<Option<Client>, Error> {
    let begun = Instant::now();
    let until = begun + LIMIT;
    let mut late_at = Some(begun + LATE);
    let mut asked = Vec::new();
    loop {
        match Client::connect(home) {
            Err(Error::NotRunning { .. }) => {}
            other => return other.map(Some),
        }
        let parts = parts_of(home.path());
        let Some(first) = parts.iter().find(|part| part.daemon).or(parts.first()) else {
            return Ok(None);
        };
        if until <= Instant::now() {
            let (home, log) = (home.path().to_owned(), home.log());
            return Err(Error::Unreachable { home, pid: first.pid, log });
        }
        if late_at.take_if(|at| *at <= Instant::now()).is_some() {
            late(Silence::of(home.path(), home.log(), LIMIT));
        }
        for daemon in parts.iter().filter(|part| part.daemon) {
            if !asked.contains(&daemon.pid) && hears_hangup(daemon.pid) {
                asked.push(daemon.pid);
                ask(daemon.pid, home.path());
            }
        }
        // A signal ends the pause, which does no harm.
        _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: PAUSE }));
    }
}

/// Asks a daemon for a socket, if the process is still one.
fn ask(pid: u32, home: &Path) {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(pidfd) = number.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return;
    };
    if part(pid, home).is_some_and(|part| part.daemon) {
        // One that has ended needs no asking; one that does not hear is told of by the caller.
        _ = pidfd_send_signal(pidfd, Signal::HUP);
    }
}
