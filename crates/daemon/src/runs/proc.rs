//! Processes, and who descends from a run's first one: also what forked twice or left its session.
//!
//! Signalling a number is a race: the process may be gone and its number given to a stranger. So
//! descendants are found in `/proc` by parent, session, or their mark in the environment
//! ([`marks`]), each is opened as a pidfd first, checked again through it, and only then signalled.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use ostler_core::RunId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::marks;
use super::stat::Stat;
use crate::daemon_log;

/// What a dead keeper's last children may take to die of SIGKILL before their run is started again,
/// all of them.
const ORPHANS_LIMIT: Duration = Duration::from_millis(500);

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
    let marked = marks::of(&all, mark);
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

/// Kills a process.
pub(super) fn kill(process: &ProcessRef) {
    if let Err(error) = signal(&process.fd, libc::SIGKILL) {
        daemon_log::error(format!("could not kill process {}: {error}", process.pid));
    }
}

/// Kills processes and waits a moment until they are gone: their ports and files must be free for
/// what comes next. Never on the loop: only before it begins, or in a helper thread.
pub fn end_orphans(orphans: &[ProcessRef]) {
    for orphan in orphans {
        daemon_log::log(format!("process {} is an orphan: killed", orphan.pid));
        kill(orphan);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_first_process_is_not_known_has_no_relatives() {
        let processes = processes_with_marks("0123456789abcdef").unwrap();
        assert!(!processes.all.is_empty() && processes.marked.is_empty());
        assert_eq!(descendants(0, RunId(7), &processes).unwrap().len(), 0);
    }

    #[test]
    fn the_manager_is_never_among_the_descendants_of_an_app_that_started_it() {
        let like = Stat::read(std::process::id()).unwrap();
        let stat = |ppid| Stat { ppid, session: 7, ..like };
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
}
