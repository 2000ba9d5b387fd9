//! The manager of a home, where its socket is not to be found.
//!
//! Problem: whoever deletes the socket, or the whole home, makes the manager deaf and not dead. A
//! command that took it for dead would say that nothing runs, or start a second one. Rule: where
//! nobody answers, its processes are looked for; the daemon is asked for a socket (SIGHUP) and has
//! a moment to make one, and nothing is said to be gone that is there.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::{Client, Error, Home};

/// How long a daemon may take to make a socket.
const LIMIT: Duration = Duration::from_secs(5);
/// The time between two looks, ns.
const PAUSE: i64 = 20_000_000;

/// A process of a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    pid: u32,
    daemon: bool,
}

/// Connects to the daemon of a home also where its socket is gone; `None` when nothing of
/// a manager lives.
///
/// # Errors
/// As [`Client::connect`], and [`Error::Unreachable`] when a manager lives and makes no socket.
pub fn connect_living(home: &Home) -> Result<Option<Client>, Error> {
    let until = Instant::now() + LIMIT;
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
            return Err(Error::Unreachable { home: home.path().to_owned(), pid: first.pid });
        }
        for daemon in parts.iter().filter(|part| part.daemon) {
            if !asked.contains(&daemon.pid) {
                asked.push(daemon.pid);
                ask(daemon.pid, home.path());
            }
        }
        // A signal ends the pause, which does no harm.
        _ = poll(&mut [], Some(&Timespec { tv_sec: 0, tv_nsec: PAUSE }));
    }
}

/// Whether a part of the manager of this home lives.
pub(crate) fn is_there(home: &Path) -> bool {
    !parts_of(home).is_empty()
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

/// The processes of the manager of this home.
fn parts_of(home: &Path) -> Vec<Part> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| part(pid, home)).collect()
}

/// What a process is in the manager of this home. A manager in a container may have a home of
/// the same path.
fn part(pid: u32, home: &Path) -> Option<Part> {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
    let daemon = role(&read("cmdline")?)?;
    let place = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let here = is_of(&read("environ")?, daemon, home) && place(&pid.to_string()) == place("self");
    here.then_some(Part { pid, daemon })
}

/// Whether a command line is a daemon's (`true`), a keeper's, or nobody's of ours.
fn role(command: &[u8]) -> Option<bool> {
    match command.split(|byte| *byte == 0).nth(1)? {
        b"daemon" => Some(true),
        b"keeper" => Some(false),
        _ => None,
    }
}

/// Whether an environment is one that a manager of this home was given. An app may have the home in
/// its environment and a first argument of our words.
fn is_of(environment: &[u8], daemon: bool, home: &Path) -> bool {
    let variable = |name: &str| {
        let mut entries = environment.split(|byte| *byte == 0);
        entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    };
    let of_daemon = variable(ostler_env::OSTLER_KEEPER_FD).is_some();
    let of_app = variable(ostler_env::OSTLER_RUN).is_some();
    let same = |other: &[u8]| Path::new(OsStr::from_bytes(other)) == home;
    daemon == of_daemon && !of_app && variable(ostler_env::OSTLER_HOME).is_some_and(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_manager_are_told_from_apps_and_other_homes() {
        assert_eq!(role(b"/usr/bin/ostler\0daemon\0"), Some(true));
        assert_eq!(role(b"ostler\0keeper\0--resume\x005\0"), Some(false));
        assert_eq!(role(b"ostler\0list\0"), None);
        assert_eq!(role(b""), None);
        let home = Path::new("/srv/home");
        let check = |environment: &str, daemon: bool, expected: bool| {
            let bytes = environment.replace(' ', "\0");
            assert_eq!(is_of(bytes.as_bytes(), daemon, home), expected, "{environment}");
        };
        check("TZ=UTC OSTLER_HOME=/srv/home/ OSTLER_KEEPER_FD=3", true, true);
        check("OSTLER_HOME=/srv/home", false, true);
        check("OSTLER_HOME=/srv/home", true, false);
        check("OSTLER_HOME=/srv/other", false, false);
        check("OSTLER_HOME=/srv/home OSTLER_RUN=0123456789abcdef:7", false, false);
        check("", false, false);
    }
}
