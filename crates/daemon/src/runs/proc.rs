//! Processes, and who descends from a run's first one: also what forked twice or left its session.
//!
//! Signalling a number is a race: the process may be gone and its number given to a stranger. So
//! descendants are found in `/proc` by parent, session, or the variable [`RUN_VARIABLE`] in their
//! environment, each is opened as a pidfd first, checked again through it, and only then signalled.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ostler_core::RunId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::daemon_log;

/// What a dead keeper's last children may take to die of SIGKILL before their run is started again,
/// all of them.
const ORPHANS_LIMIT: Duration = Duration::from_millis(500);

/// Marks every process of a run, in its environment: `HOME_MARK:RUN`.
pub const RUN_VARIABLE: &str = ostler_env::OSTLER_RUN;

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// One letter; `Z` and `X` are dead.
    pub state: char,
    /// Number of its parent.
    pub ppid: u32,
    /// Number of its session.
    pub session: u32,
    /// CPU time, clock ticks.
    pub cpu: u64,
    /// Clock ticks after boot.
    pub start_time: u64,
    /// Resident memory, pages.
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

    /// Parses the line. The name may hold blanks and parentheses: what counts comes after
    /// the last one.
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
pub struct ProcessRef {
    /// Number of the process.
    pub pid: u32,
    /// Descriptor of the process.
    pub fd: OwnedFd,
}

impl AsFd for ProcessRef {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Every live process of the machine but the manager's own, and which of them carry the mark
/// of a home.
#[derive(Debug)]
pub struct Processes {
    /// What `/proc` says of each.
    pub(super) all: BTreeMap<u32, Stat>,
    /// The run that each belongs to, as its environment says.
    pub(super) marked: BTreeMap<u32, RunId>,
}

/// Looks at all processes.
///
/// # Errors
/// It cannot be found out, mostly for lack of file descriptors.
pub fn processes_with_marks(mark: &str) -> io::Result<Processes> {
    let mut all = processes()?;
    leave_out_manager(&mut all, std::process::id(), std::os::unix::process::parent_id());
    let marked = all.keys().filter_map(|pid| Some((*pid, run_of(*pid, mark)?))).collect();
    Ok(Processes { all, marked })
}

/// Takes the daemon and its parent, which is the keeper, out of all processes. An app that called a
/// command may have started them, and an earlier version of them inherited the app's mark.
fn leave_out_manager(all: &mut BTreeMap<u32, Stat>, daemon: u32, parent: u32) {
    all.retain(|pid, _| ![daemon, parent].contains(pid));
}

/// Every live process that descends from `leader` or carries the run's mark, deepest first, without
/// the leader itself.
///
/// # Errors
/// One cannot be opened, mostly for lack of file descriptors.
pub fn descendants(leader: u32, run: RunId, processes: &Processes) -> io::Result<Vec<ProcessRef>> {
    let Processes { all, marked } = processes;
    let mut found = relatives(leader, all);
    let of_run = marked.iter().filter(|(pid, of)| **of == run && **pid != leader);
    found.extend(of_run.map(|(pid, _)| *pid));
    let starts = found.into_iter().filter_map(|pid| Some((pid, all.get(&pid)?.start_time)));
    let held: io::Result<Vec<Option<ProcessRef>>> =
        starts.map(|(pid, start_time)| hold(pid, start_time)).collect();
    let mut held: Vec<ProcessRef> = held?.into_iter().flatten().collect();
    held.sort_by_key(|held| std::cmp::Reverse(held.pid));
    Ok(held)
}

/// Who descends from a process or is in its session, without itself. One that ended before its
/// number was known has no relatives: 0 is the kernel.
fn relatives(leader: u32, all: &BTreeMap<u32, Stat>) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([leader]);
    if leader != 0 {
        loop {
            let is_new = |pid: &u32, stat: &Stat| {
                !found.contains(pid) && (found.contains(&stat.ppid) || stat.session == leader)
            };
            let more: Vec<u32> =
                all.iter().filter(|(pid, stat)| is_new(pid, stat)).map(|(pid, _)| *pid).collect();
            if more.is_empty() {
                break;
            }
            found.extend(more);
        }
    }
    found.remove(&leader);
    found
}

/// The user that a process runs as; root, where it may not be looked into.
pub(super) fn user_of(pid: u32) -> Option<u32> {
    fs::metadata(format!("/proc/{pid}")).ok().map(|meta| meta.uid())
}

/// The run that a process belongs to, if it carries the mark of a home.
fn run_of(pid: u32, mark: &str) -> Option<RunId> {
    let value = variable(pid, RUN_VARIABLE)?;
    value.strip_prefix(mark)?.strip_prefix(':')?.parse().ok().map(RunId)
}

/// Opens the process and makes sure that it is still the one that began at `start_time`; `None`
/// when it is gone.
pub(super) fn hold(pid: u32, start_time: u64) -> io::Result<Option<ProcessRef>> {
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
    let fd = match pidfd_open(number, PidfdFlags::empty()) {
        Ok(fd) => fd,
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let stat = Stat::try_read(pid)?;
    Ok(stat
        .is_some_and(|stat| stat.start_time == start_time && !stat.is_dead())
        .then_some(ProcessRef { pid, fd }))
}

/// Whether the error says that there is no such process or group any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
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

/// Kills processes and waits a moment until they are gone: their ports and files must be free for
/// what comes next. Never on the loop: only before it begins, or in a helper thread.
pub fn end_orphans(orphans: &[ProcessRef]) {
    for orphan in orphans {
        daemon_log::log(format!("process {} is an orphan: killed", orphan.pid));
        if let Err(error) = signal(&orphan.fd, libc::SIGKILL) {
            daemon_log::error(format!("could not kill process {}: {error}", orphan.pid));
        }
    }
    let until = Instant::now() + ORPHANS_LIMIT;
    for orphan in orphans {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(left.subsec_nanos()) };
        match poll(&mut [PollFd::new(&orphan.fd.as_fd(), PollFlags::IN)], Some(&limit)) {
            Ok(0) => {
                daemon_log::error(format!("process {} has not exited yet; continuing", orphan.pid));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                daemon_log::error(format!("could not wait for process {}: {error}", orphan.pid));
            }
        }
    }
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
    fn a_process_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a ) b) S 7 42 41 0 -1 4194560 97 0 0 0 3 4 0 0 20 0 1 0 1234 2437120 55 \
                    18446744073709551615 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.state, stat.ppid, stat.session, stat.cpu), ('S', 7, 41, 7));
        assert_eq!((stat.start_time, stat.rss), (1234, 55));
    }

    #[test]
    fn a_run_whose_first_process_is_not_known_has_no_relatives() {
        let processes = processes_with_marks("0123456789abcdef").unwrap();
        assert!(!processes.all.is_empty() && processes.marked.is_empty());
        assert_eq!(descendants(0, RunId(7), &processes).unwrap().len(), 0);
    }

    #[test]
    fn the_manager_is_never_among_the_descendants_of_an_app_that_started_it() {
        let stat = |ppid| Stat { state: 'S', ppid, session: 7, cpu: 0, start_time: 1, rss: 0 };
        // The app, a command of its, the keeper, the daemon, the guard, and another run.
        let mut all = BTreeMap::from([7, 8, 20, 21, 22, 30].map(|pid| (pid, stat(1))));
        for (pid, parent, session) in
            [(8, 7, 7), (20, 8, 7), (21, 20, 21), (22, 21, 21), (30, 20, 30)]
        {
            all.insert(pid, Stat { session, ..stat(parent) });
        }
        leave_out_manager(&mut all, 21, 20);
        assert_eq!(relatives(7, &all), BTreeSet::from([8]));
        assert_eq!(relatives(30, &all), BTreeSet::new());
    }

    #[test]
    fn we_find_ourselves_but_not_a_process_that_never_was() {
        assert!(Stat::read(std::process::id()).is_some_and(|stat| !stat.is_dead()));
        assert_eq!(Stat::read(u32::MAX), None);
    }
}
