//! Processes as `/proc` shows them: who lives, whose child, of which home.
//!
//! A pid may be reused between looking and killing. [`kill_if`] therefore takes a pidfd first,
//! looks again, and signals through the pidfd.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use rustix::process::Signal;
use rustix::process::pidfd_send_signal;

use crate::wait::{pidfd, try_wait};

/// `true` when the process exists and has not ended (a zombie has).
pub fn alive(pid: u32) -> bool {
    stat(pid).is_some_and(|s| !matches!(s.state, 'Z' | 'X'))
}

/// The part of `/proc/PID/stat` that tests need.
#[derive(Clone, Copy, Debug)]
pub struct Stat {
    /// `R`, `S`, `Z`, …
    pub state: char,
    /// Pid of the parent.
    pub parent: u32,
    /// Id of the session.
    pub session: u32,
    /// User and system time of the process, in clock ticks.
    pub cpu_ticks: u64,
    /// Start time in clock ticks since boot: with the pid it identifies a process.
    pub start: u64,
}

/// Reads `/proc/PID/stat`; `None` when there is no such process.
pub fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name may hold anything, also spaces and `)`.
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |i: usize| fields.get(i)?.parse::<u64>().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(1)?).ok()?,
        session: u32::try_from(number(3)?).ok()?,
        cpu_ticks: number(11)? + number(12)?,
        start: number(19)?,
    })
}

/// Every pid with its parent's.
pub fn parents() -> BTreeMap<u32, u32> {
    pids().into_iter().filter_map(|pid| Some((pid, stat(pid)?.parent))).collect()
}

/// `roots` and everything below them.
pub fn with_descendants(roots: &BTreeSet<u32>) -> BTreeSet<u32> {
    let parents = parents();
    let mut found = roots.clone();
    loop {
        let more: Vec<u32> = parents
            .iter()
            .filter(|(pid, up)| found.contains(up) && !found.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Every live process that carries `root` in its environment, on its command line or as its working
/// directory, and everything below those. The caller itself and its ancestors are never among them.
pub fn of_home(root: &Path) -> BTreeSet<u32> {
    let mark = root.as_os_str().as_bytes();
    let has = |pid: u32, file: &str| {
        fs::read(format!("/proc/{pid}/{file}")).is_ok_and(|text| contains(&text, mark))
    };
    let inside =
        |pid: u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(root));
    let us = ancestors(std::process::id());
    let marked: BTreeSet<u32> = pids()
        .into_iter()
        .filter(|pid| {
            !us.contains(pid) && (has(*pid, "environ") || has(*pid, "cmdline") || inside(*pid))
        })
        .collect();
    with_descendants(&marked).into_iter().filter(|pid| !us.contains(pid) && alive(*pid)).collect()
}

/// The program a process runs, without the ` (deleted)` of a replaced file.
pub fn exe(pid: u32) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let bytes = path.as_os_str().as_bytes();
    Some(
        bytes
            .strip_suffix(b" (deleted)")
            .map_or(path.clone(), |cut| PathBuf::from(OsStr::from_bytes(cut))),
    )
}

/// How long a process takes at most to become another program.
const BECOMES: Duration = Duration::from_secs(10);

/// What a process was started with. One that is becoming another program has nothing for a moment,
/// which is waited for; one that has ended has none.
fn of_program(pid: u32, file: &str) -> Vec<u8> {
    let told = try_wait(BECOMES, || {
        let raw = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        (!raw.is_empty() || exe(pid).is_none()).then_some(raw)
    });
    told.unwrap_or_default()
}

/// Arguments of a process, lossily as text; empty when it has ended.
pub fn args(pid: u32) -> Vec<String> {
    let raw = of_program(pid, "cmdline");
    raw.split(|b| *b == 0)
        .filter(|a| !a.is_empty())
        .map(|a| String::from_utf8_lossy(a).into_owned())
        .collect()
}

/// One variable of a process's environment as it was at its start.
pub fn env_of(pid: u32, name: &str) -> Option<String> {
    let raw = of_program(pid, "environ");
    let var =
        raw.split(|b| *b == 0).find_map(|v| v.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    Some(String::from_utf8_lossy(var).into_owned())
}

/// Open descriptors of a process; 0 when it has ended.
pub fn open_fds(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// The processes whose end a process waits for: its epoll watches their pidfds.
pub fn watched(pid: u32) -> BTreeSet<u32> {
    let dir = format!("/proc/{pid}/fdinfo");
    let Ok(entries) = fs::read_dir(&dir) else { return BTreeSet::new() };
    let infos: BTreeMap<String, String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        // It may be closed by now.
        .filter_map(|fd| Some((fs::read_to_string(format!("{dir}/{fd}")).ok()?, fd)))
        .map(|(info, fd)| (fd, info))
        .collect();
    let targets = infos
        .values()
        .flat_map(|info| info.lines())
        .filter_map(|line| line.strip_prefix("tfd:")?.split_ascii_whitespace().next());
    let pid_of = |info: &String| {
        info.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
    };
    targets.filter_map(|fd| pid_of(infos.get(fd)?)).collect()
}

/// Resident memory in KiB; 0 when the process has ended.
pub fn resident_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or(0)
}

/// Sends a signal to a process that the test knows is its own. `false` when it had ended.
pub fn signal(pid: u32, signal: Signal) -> bool {
    kill_if(pid, signal, || true)
}

/// Sends a signal when `still` holds after the process was pinned by a pidfd. Returns `false` when
/// none was sent.
pub fn kill_if(pid: u32, signal: Signal, still: impl FnOnce() -> bool) -> bool {
    assert!(1 < pid, "never a signal to pid {pid}");
    let Some(fd) = pidfd(pid) else { return false };
    still() && pidfd_send_signal(fd, signal).is_ok()
}

/// A line about a process for a failure message: pid, parent, state, command line.
pub fn describe(pid: u32) -> String {
    match stat(pid) {
        Some(s) => {
            format!("pid {pid} (parent {}, state {}): {}", s.parent, s.state, args(pid).join(" "))
        }
        None => format!("pid {pid}: gone"),
    }
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap_or_else(|e| panic!("cannot read /proc: {e}"));
    entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn ancestors(pid: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([0]);
    let mut at = pid;
    while found.insert(at) {
        at = stat(at).map_or(0, |s| s.parent);
    }
    found
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_becomes_another_program_has_arguments_at_every_moment() {
        let script = std::env::temp_dir().join(format!("o-again-{}", std::process::id()));
        fs::write(&script, "exec sh \"$0\"\n").unwrap();
        let mut child = Command::new("sh").arg(&script).stdout(Stdio::null()).spawn().unwrap();
        // One look in thirty meets it without.
        let without = (0..2000).filter(|_| args(child.id()).is_empty()).count();
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(&script).unwrap();
        assert_eq!((without, args(child.id())), (0, Vec::new()));
    }
}
