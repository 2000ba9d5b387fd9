//! All processes of a run: the first one and whatever descends from it, also what forked twice or
//! left its session.
//!
//! Signalling a number is a race: the process may be gone and its number given to a stranger. Where
//! control groups of version 2 can be had, each run has one: `cgroup.kill` ends everything in it in
//! one step, and `cgroup.events` tells when it is empty. Elsewhere descendants are found in `/proc`
//! by parent, session, or the variable [`RUN_VARIABLE`] in their environment, each is opened as a
//! pidfd first, checked again through it, and only then signalled.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use ostler_core::RunId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Marks every process of a run, in its environment: `HOME_MARK:RUN`.
pub const RUN_VARIABLE: &str = ostler_env::OSTLER_RUN;

/// With the value `off` in the environment of the command that starts the daemon, no control groups
/// are made: some hosts reserve them for another manager.
pub const GROUPS_VARIABLE: &str = ostler_env::OSTLER_CGROUP;

/// Where runs get control groups of their own.
#[derive(Debug)]
pub struct Groups {
    base: PathBuf,
    /// The group that was made in advance.
    prepared: Option<RunId>,
}

impl Groups {
    /// A folder below our own control group, when version 2 is mounted, we may write there, and the
    /// user did not forbid it by [`GROUPS_VARIABLE`].
    pub fn find(mark: &str) -> Option<Self> {
        if std::env::var_os(GROUPS_VARIABLE).is_some_and(|value| value == "off") {
            return None;
        }
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mount = mounts.lines().find_map(|line| {
            let (fields, kind) = line.split_once(" - ")?;
            kind.starts_with("cgroup2 ")
                .then(|| fields.split(' ').nth(4).map(PathBuf::from))
                .flatten()
        })?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        // A daemon started by one of its own apps must not put its groups below that app's.
        let own = outside(own);
        let base = mount.join(own).join(format!("ostler-{mark}"));
        match fs::create_dir(&base) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(_) => return None,
        }
        base.join("cgroup.kill").exists().then_some(Self { base, prepared: None })
    }

    /// The group of a run, made.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn create(&mut self, run: RunId) -> io::Result<PathBuf> {
        let path = self.path(run);
        if self.prepared.take_if(|prepared| *prepared == run).is_some() {
            return Ok(path);
        }
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(path),
        }
    }

    /// Makes the group of a run that may come next, while nobody waits for it: where one crashed,
    /// another will be started.
    pub fn prepare(&mut self, run: RunId) {
        if self.prepared != Some(run) {
            // It is made when it is needed, if it cannot be made now.
            self.prepared = self.create(run).ok().map(|_| run);
        }
    }

    /// Makes the group of a run that vanished; `false` when it did not, or cannot be made.
    pub fn make_again(&self, run: RunId) -> bool {
        fs::create_dir(self.path(run)).is_ok()
    }

    /// The group of a run, made anew: what is in it is killed. A group that `cgroup.kill` was
    /// written to once is of no use again: the kernel (6.18) kills whatever is born into it.
    /// `false` when there can be none.
    pub fn renew(&self, run: RunId) -> bool {
        if self.is_populated(run) && self.kill(run).is_err() {
            return false;
        }
        self.remove(run);
        fs::create_dir(self.path(run)).is_ok()
    }

    /// Where the group of a run is.
    pub fn path(&self, run: RunId) -> PathBuf {
        self.base.join(format!("run-{}", run.0))
    }

    /// Whether any process is in it; `false` also when there is no such group, and `true` when
    /// nobody can tell.
    pub fn is_populated(&self, run: RunId) -> bool {
        match self.open_events(run) {
            Ok(events) => is_populated(&events),
            Err(error) => !is_gone(&error),
        }
    }

    /// What tells whether the group of a run is populated, for [`is_populated`].
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open_events(&self, run: RunId) -> io::Result<OwnedFd> {
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        Ok(rustix::fs::open(
            self.path(run).join("cgroup.events"),
            flags,
            rustix::fs::Mode::empty(),
        )?)
    }

    /// SIGKILL for everything in it.
    pub fn kill(&self, run: RunId) -> io::Result<()> {
        match fs::write(self.path(run).join("cgroup.kill"), "1") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Takes an empty group away.
    pub fn remove(&self, run: RunId) {
        // A group that is still populated stays; whoever empties it calls again.
        _ = fs::remove_dir(self.path(run));
    }

    /// Takes empty groups of other runs away, which nobody will empty any more.
    pub fn remove_others(&self, known: impl Fn(RunId) -> bool) {
        for entry in fs::read_dir(&self.base).into_iter().flatten().flatten() {
            let run = entry
                .file_name()
                .to_str()
                .and_then(|name| name.strip_prefix("run-")?.parse().ok())
                .map(RunId);
            if let Some(run) = run.filter(|run| !known(*run)) {
                self.remove(run);
            }
        }
    }

    /// Takes the folder of all groups away.
    pub fn remove_base(&self) {
        for entry in fs::read_dir(&self.base).into_iter().flatten().flatten() {
            // Prepared for a run that never came; the system's own files are not removed by this.
            _ = fs::remove_dir(entry.path());
        }
        _ = fs::remove_dir(&self.base);
    }

    /// Processes in the group of a run.
    pub fn members(&self, run: RunId) -> Vec<u32> {
        let text = fs::read_to_string(self.path(run).join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

/// Whether any process is in the group whose events these are; `true` when nobody can tell.
pub fn is_populated(events: &OwnedFd) -> bool {
    let mut text = [0; 256];
    match rustix::io::pread(events, &mut text, 0).map_err(io::Error::from) {
        Ok(length) => text
            .get(..length)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .any(|line| line == b"populated 1"),
        Err(error) => !is_gone(&error),
    }
}

/// The part of a control group's path before the first group that a daemon made. A service may be
/// called `ostler-ann` too: ours have 16 hexadecimal digits.
fn outside(path: &str) -> &str {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let ours = |part: &str| {
        part.strip_prefix("ostler-")
            .is_some_and(|mark| mark.len() == 16 && mark.bytes().all(is_digit))
    };
    let mut end = 0;
    for part in path.split_inclusive('/') {
        if ours(part.trim_end_matches('/')) {
            return path.get(..end).unwrap_or_default().trim_end_matches('/');
        }
        end += part.len();
    }
    path
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// One letter; `Z` and `X` are dead.
    pub state: char,
    /// Parent.
    pub ppid: u32,
    /// Session.
    pub session: u32,
    /// CPU time, clock ticks.
    pub cpu: u64,
    /// Clock ticks after boot.
    pub start_time: u64,
    /// Resident pages.
    pub rss: u64,
}

impl Stat {
    /// Reads it; `None` when there is no such process. One `read`: a list of a thousand processes
    /// asks a thousand times.
    pub fn read(pid: u32) -> Option<Self> {
        Self::try_read(pid).ok().flatten()
    }

    /// The same, telling a process that is gone (`None`) from one that cannot be looked at.
    fn try_read(pid: u32) -> io::Result<Option<Self>> {
        let path = format!("/proc/{pid}/stat");
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
        let mut line = [0; 1024];
        let read = rustix::fs::open(path.as_str(), flags, rustix::fs::Mode::empty())
            .and_then(|file| rustix::io::read(&file, &mut line))
            .map_err(io::Error::from);
        match read {
            // A name is whatever bytes a program likes; what is read of it is not used.
            Ok(length) => {
                Ok(Self::parse(&String::from_utf8_lossy(line.get(..length).unwrap_or_default())))
            }
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Parses the line. The name may hold blanks and parentheses: what counts comes after the last
    /// one.
    pub fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        // What is left out between two of these: process group; terminal to children's faults; and
        // so on.
        let mut skip = |count: usize| fields.nth(count)?.parse::<u64>().ok();
        let ppid = u32::try_from(skip(0)?).ok()?;
        let session = u32::try_from(skip(1)?).unwrap_or(0);
        let cpu = skip(7)? + skip(0)?;
        let (start_time, rss) = (skip(6)?, skip(1)?);
        Some(Self { state, ppid, session, cpu, start_time, rss })
    }

    /// Dead: a zombie counts as gone, whoever forgets to reap it.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// A process that is held fast: its number cannot be given to another while this is open.
#[derive(Debug)]
pub struct Held {
    /// Its number.
    pub pid: u32,
    /// Its descriptor.
    pub fd: OwnedFd,
}

/// Every live process that descends from `leader` or carries the run's mark, deepest first, without
/// the leader itself.
///
/// # Errors
/// It cannot be found out, mostly for want of descriptors.
pub fn descendants(leader: u32, mark: &str, run: RunId) -> io::Result<Vec<Held>> {
    let all = processes()?;
    let mut found: BTreeSet<u32> = BTreeSet::from([leader]);
    loop {
        let more: Vec<u32> = all
            .iter()
            .filter(|(pid, stat)| {
                !found.contains(pid) && (found.contains(&stat.ppid) || stat.session == leader)
            })
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let own = std::process::id();
    let value = format!("{mark}:{}", run.0);
    let marked = |pid: &u32| !found.contains(pid) && *pid != own && has_mark(*pid, &value);
    let strays: Vec<u32> = all.keys().copied().filter(marked).collect();
    found.extend(strays);
    found.remove(&leader);
    let starts = found.into_iter().filter_map(|pid| Some((pid, all.get(&pid)?.start_time)));
    let held: io::Result<Vec<Option<Held>>> =
        starts.map(|(pid, start_time)| hold(pid, start_time)).collect();
    let mut held: Vec<Held> = held?.into_iter().flatten().collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.pid));
    Ok(held)
}

/// The members of a run's control group without its leader, each held fast and then found in the
/// group once more.
pub fn hold_members(groups: &Groups, run: RunId, leader: u32) -> Vec<Held> {
    let hold_live = |pid: u32| hold(pid, Stat::read(pid)?.start_time).ok().flatten();
    let held: Vec<Held> = groups
        .members(run)
        .into_iter()
        .filter(|pid| *pid != leader)
        .filter_map(hold_live)
        .collect();
    let still = groups.members(run);
    let mut held: Vec<Held> = held.into_iter().filter(|one| still.contains(&one.pid)).collect();
    held.sort_by_key(|one| std::cmp::Reverse(one.pid));
    held
}

/// Every live process that carries the mark of a home, with the run it belongs to.
pub fn marked(mark: &str) -> Vec<(RunId, Held)> {
    let prefix = format!("{mark}:");
    let own = std::process::id();
    let run_of =
        |pid: u32| variable(pid, RUN_VARIABLE)?.strip_prefix(&prefix)?.parse().ok().map(RunId);
    let held = |(pid, stat): (u32, Stat)| {
        if pid == own { None } else { Some((run_of(pid)?, hold(pid, stat.start_time).ok()??)) }
    };
    processes().unwrap_or_default().into_iter().filter_map(held).collect()
}

/// Opens the process and makes sure that it is still the one that began at `start_time`; `None`
/// when it is gone.
fn hold(pid: u32, start_time: u64) -> io::Result<Option<Held>> {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    let fd = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = Stat::try_read(pid)?;
    Ok(stat
        .is_some_and(|stat| stat.start_time == start_time && !stat.is_dead())
        .then_some(Held { pid, fd }))
}

/// Whether the error says that there is no such process or group any more.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || matches!(error.raw_os_error(), Some(code) if code == libc::ESRCH || code == libc::ENODEV)
}

/// Signals through the descriptor. A process that is gone already is no error.
///
/// # Errors
/// Whatever else the system says.
pub fn signal(fd: &OwnedFd, number: i32) -> io::Result<()> {
    let Some(signal) = Signal::from_named_raw(number) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{number}` is not a signal"),
        ));
    };
    match pidfd_send_signal(fd, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// All live processes.
fn processes() -> io::Result<BTreeMap<u32, Stat>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        if let Some(stat) = Stat::try_read(pid)?.filter(|stat| !stat.is_dead()) {
            all.insert(pid, stat);
        }
    }
    Ok(all)
}

fn has_mark(pid: u32, value: &str) -> bool {
    variable(pid, RUN_VARIABLE).is_some_and(|found| found == value)
}

/// A variable of another process's environment.
pub fn variable_of(pid: u32, name: &str) -> Option<String> {
    variable(pid, name)
}

fn variable(pid: u32, name: &str) -> Option<String> {
    let bytes = fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).ok()?;
    let found = bytes.split(|byte| *byte == 0).find_map(|entry| {
        let entry = entry.strip_prefix(name.as_bytes())?;
        entry.strip_prefix(b"=")
    })?;
    let text: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(found);
    text.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_the_same_name_is_not_a_group_of_ours() {
        let unit = "system.slice/ostler-root.service";
        assert_eq!(outside(unit), unit);
        assert_eq!(outside(&format!("{unit}/ostler-0123456789abcdef/run-7")), unit);
        assert_eq!(outside("ostler-0123456789abcdef/run-7"), "");
        assert_eq!(outside("user.slice/x"), "user.slice/x");
        assert_eq!(outside(""), "");
    }

    #[test]
    fn a_process_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b) S 7 42 41 0 -1 4194560 97 0 0 0 3 4 0 0 20 0 1 0 1234 2437120 55 18446744073709551615 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.ppid, stat.session, stat.cpu), ('S', 7, 41, 7));
        assert_eq!((stat.start_time, stat.rss), (1234, 55));
    }

    #[test]
    fn we_find_ourselves_but_not_a_process_that_never_was() {
        assert!(Stat::read(std::process::id()).is_some_and(|stat| !stat.is_dead()));
        assert_eq!(Stat::read(u32::MAX), None);
    }
}
