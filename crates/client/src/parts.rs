//! The processes of a home's manager, as `/proc` shows them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags, open};

/// Bytes that are read at first: more than most command lines and environments have.
const FIRST_READ: usize = 4096;

/// A process of a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) pid: u32,
    /// Whether it is the daemon, and not the keeper.
    pub(crate) daemon: bool,
}

/// Whether a part of the manager of this home lives.
pub(crate) fn is_there(home: &Path) -> bool {
    !parts_of(home).is_empty()
}

/// The processes of the manager of this home.
pub(crate) fn parts_of(home: &Path) -> Vec<Part> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| part(pid, home)).collect()
}

/// Whose a process is that a manager has started, or that is a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Managed {
    /// The home of the manager, as this process sees it.
    In(PathBuf),
    /// A manager whose home is in a container, out of reach.
    Apart,
}

/// Returns which manager of ours a process belongs to: as its daemon or keeper, or as an app of it.
#[must_use]
pub fn managed_by(pid: u32) -> Option<Managed> {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).ok();
    let home = home_in(&read("cmdline")?, &read("environ")?)?;
    let place = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let here = place(&pid.to_string()) == place("self");
    Some(if here { Managed::In(home) } else { Managed::Apart })
}

/// The home that is in the environment of a part of a manager, or of an app of one.
fn home_in(command: &[u8], environment: &[u8]) -> Option<PathBuf> {
    let of = |name: &str| variable(environment, name);
    let name = if of(ostler_env::OSTLER_RUN).is_some() {
        ostler_env::PM2_HOME
    } else {
        let daemon = role(command)?;
        let is_part = daemon == of(ostler_env::OSTLER_KEEPER_FD).is_some();
        is_part.then_some(ostler_env::OSTLER_HOME)?
    };
    of(name).map(|home| PathBuf::from(OsStr::from_bytes(home)))
}

/// The home of the manager of the container that this process is in: of a daemon that is for a
/// process in the foreground, which is the first process or started by it.
#[must_use]
pub fn home_of_container() -> Option<PathBuf> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(container_home).next()
}

fn container_home(pid: u32) -> Option<PathBuf> {
    if !role(&read(pid, "cmdline")?)? {
        return None;
    }
    let environment = read(pid, "environ")?;
    let foreground = variable(&environment, ostler_env::OSTLER_FOREGROUND)?;
    let foreground = std::str::from_utf8(foreground).ok()?.split_once(':')?.0;
    let is_first = foreground == "1" || parent(foreground) == Some(1);
    let home = variable(&environment, ostler_env::OSTLER_HOME).filter(|_| is_first)?;
    let home = PathBuf::from(OsStr::from_bytes(home));
    part(pid, &home).map(|_| home)
}

/// The parent of a process.
fn parent(pid: &str) -> Option<u32> {
    stat(pid, 1)?.parse().ok()
}

/// Whether a signal has stopped a process.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat(&pid.to_string(), 0).is_some_and(|state| state == "T")
}

/// Whether SIGHUP does not end a process: it reads it, or will. One that has just begun does not
/// yet, and would be ended by it.
pub(crate) fn hears_hangup(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    hears(&status)
}

/// The same, of the text that `/proc` has of it. The first bit of a mask stands for SIGHUP.
fn hears(status: &str) -> bool {
    let is_in = |mask: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(mask));
        let mask = found.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 1 == 1)
    };
    ["SigBlk:", "SigCgt:", "SigIgn:"].into_iter().any(is_in)
}

/// A field that `/proc` has of a process behind its name, which may hold blanks and parentheses.
fn stat(pid: &str, field: usize) -> Option<String> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(line.rsplit_once(") ")?.1.split_ascii_whitespace().nth(field)?.to_owned())
}

/// What a process is in the manager of this home. A manager in a container may have a home of
/// the same path.
pub(crate) fn part(pid: u32, home: &Path) -> Option<Part> {
    let daemon = role(&read(pid, "cmdline")?)?;
    let place = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    let here =
        is_of(&read(pid, "environ")?, daemon, home) && place(&pid.to_string()) == place("self");
    here.then_some(Part { pid, daemon })
}

/// What `/proc` has of a process under this name, by as few calls as it takes: a machine has
/// hundreds of processes.
fn read(pid: u32, name: &str) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = open(format!("/proc/{pid}/{name}"), flags, Mode::empty()).ok()?;
    let mut text = Vec::with_capacity(FIRST_READ);
    loop {
        let room = text.capacity() - text.len();
        let read = rustix::io::read(&file, spare_capacity(&mut text)).ok()?;
        if read < room {
            return Some(text);
        }
        text.reserve(text.capacity());
    }
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
    let variable = |name: &str| variable(environment, name);
    let of_daemon = variable(ostler_env::OSTLER_KEEPER_FD).is_some();
    let of_app = variable(ostler_env::OSTLER_RUN).is_some();
    let same = |other: &[u8]| Path::new(OsStr::from_bytes(other)) == home;
    daemon == of_daemon && !of_app && variable(ostler_env::OSTLER_HOME).is_some_and(same)
}

/// The value of a variable in the environment of a process.
fn variable<'e>(environment: &'e [u8], name: &str) -> Option<&'e [u8]> {
    let mut entries = environment.split(|byte| *byte == 0);
    entries.find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_environment_is_read_to_its_end() {
        let long = "x".repeat(3 * FIRST_READ);
        let mut child = std::process::Command::new("cat")
            .env_clear()
            .envs([("LONG", long.as_str()), ("Z", "last")])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let environment = read(child.id(), "environ").unwrap();
        assert_eq!(variable(&environment, "LONG"), Some(long.as_bytes()));
        assert_eq!(variable(&environment, "Z"), Some(b"last".as_slice()));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(read(child.id(), "environ"), None);
    }

    /// A command that looked while another started the daemon ended it, for it asked for a socket.
    #[test]
    fn a_daemon_that_would_die_of_a_hangup_is_not_sent_one() {
        let status = |blocked: &str, caught: &str| {
            format!("SigPnd:\t0000000000000001\nSigBlk:\t{blocked}\nSigCgt:\t{caught}\n")
        };
        assert!(hears(&status("0000000000004003", "0000000000000000")));
        assert!(hears(&status("0000000000000000", "0000000180000001")));
        assert!(!hears(&status("0000000000000000", "0000000180000002")));
        assert!(!hears_hangup(u32::MAX), "nobody");
    }

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

    #[test]
    fn a_process_of_a_manager_is_known_by_the_home_it_was_given() {
        let check = |command: &str, environment: &str, home: Option<&str>| {
            let bytes = |text: &str| text.replace(' ', "\0").into_bytes();
            let found = home_in(&bytes(command), &bytes(environment));
            assert_eq!(found.as_deref(), home.map(Path::new), "{command} {environment}");
        };
        check("ostler daemon", "OSTLER_HOME=/srv/h OSTLER_KEEPER_FD=3", Some("/srv/h"));
        check("ostler keeper", "OSTLER_HOME=/srv/h", Some("/srv/h"));
        check("node app.js", "OSTLER_RUN=0123:7 PM2_HOME=/srv/h", Some("/srv/h"));
        check("node daemon", "PM2_HOME=/srv/h", None);
        check("ostler list", "OSTLER_HOME=/srv/h", None);
    }
}
