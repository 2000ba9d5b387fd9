//! What the table has to tell a daemon: first the inventory, then ends as they come.

use std::collections::TryReserveError;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::daemon::Progress;
use crate::proto::{FdMask, FromKeeper};
use crate::table::{Fd, Liveness, Next, Run, Table};

/// A message with its descriptors, and how much the daemon has been told after it.
pub(crate) struct Report {
    pub(crate) message: FromKeeper,
    pub(crate) fds: Vec<Fd>,
    pub(crate) progress: Progress,
    /// The message that follows at once.
    pub(crate) then: Option<(FromKeeper, Vec<Fd>)>,
}

/// Returns the next message that a daemon is owed. Its descriptors may come out of the reserve.
///
/// # Errors
/// No memory for it now; it is still owed.
pub(crate) fn next_report(
    table: &mut Table,
    reserve: &mut Vec<OwnedFd>,
    progress: &Progress,
) -> Result<Option<Report>, TryReserveError> {
    match progress {
        Progress::Silent => Ok(None),
        Progress::Runs { up_to } => next_run(table, reserve, *up_to).map(Some),
        Progress::Items { up_to } => next_item(table, up_to.as_deref()).map(Some),
        Progress::Served => Ok(table.take_unreported().map(|(run, status, next)| Report {
            message: FromKeeper::Exited { run, status, next: next.map(|next| next.run) },
            fds: Vec::new(),
            progress: Progress::Served,
            then: next.and_then(|next| began(table, reserve, next)),
        })),
    }
}

/// Returns how the start of a prepared run is told.
fn began(table: &Table, reserve: &mut Vec<OwnedFd>, next: Next) -> Option<(FromKeeper, Vec<Fd>)> {
    if let Some((stage, errno)) = next.failed {
        return Some((FromKeeper::SpawnFailed { run: next.run, stage, errno }, Vec::new()));
    }
    table.get(next.run).map(|entry| spawned(table, reserve, (next.run, entry), None))
}

/// Returns how the start of a run is told; `pidfd` is there when it has just begun.
pub(crate) fn spawned(
    table: &Table,
    reserve: &mut Vec<OwnedFd>,
    (run, entry): (u64, &Run),
    pidfd: Option<OwnedFd>,
) -> (FromKeeper, Vec<Fd>) {
    let (mask, fds) = fds_of(table, reserve, (run, entry), pidfd);
    let (pid, start_time) = (entry.pid, entry.start_time);
    (FromKeeper::Spawned { run, pid, start_time, mask }, fds)
}

/// Returns a run's descriptors as a daemon gets them, and the mask that announces them: with a
/// pidfd of a child that was not reaped. When that cannot be opened, it is announced all the same
/// and nothing is sent: so the daemon notices, and asks again.
fn fds_of(
    table: &Table,
    reserve: &mut Vec<OwnedFd>,
    (run, entry): (u64, &Run),
    pidfd: Option<OwnedFd>,
) -> (FdMask, Vec<Fd>) {
    let mut fds = entry.fds.clone();
    if entry.liveness == Liveness::Child && table.run_of_pid(entry.pid) == Some(run) {
        match pidfd.map_or_else(|| open_pidfd(entry.pid, reserve), Ok) {
            Ok(pidfd) => fds.pidfd = Some(Arc::new(pidfd)),
            Err(_) => return (FdMask(fds.mask().0 | FdMask::PIDFD), Vec::new()),
        }
    }
    (fds.mask(), fds.iter().cloned().collect())
}

fn open_pidfd(pid: u32, reserve: &mut Vec<OwnedFd>) -> Result<OwnedFd, Errno> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::MFILE) if reserve.pop().is_some() => pidfd_open(pid, PidfdFlags::empty()),
        opened => opened,
    }
}

fn next_run(
    table: &mut Table,
    reserve: &mut Vec<OwnedFd>,
    up_to: Option<u64>,
) -> Result<Report, TryReserveError> {
    let Some((run, entry)) = table.run_after(up_to) else { return next_item(table, None) };
    let (pid, start_time, status) = (entry.pid, entry.start_time, entry.status());
    let meta = try_clone(&entry.meta)?;
    let (mask, fds) = fds_of(table, reserve, (run, entry), None);
    let next = entry.next.map(|next| next.run);
    table.mark_reported(run);
    let message = FromKeeper::Run { run, pid, start_time, status, meta, mask, next };
    Ok(Report { message, fds, progress: Progress::Runs { up_to: Some(run) }, then: None })
}

fn next_item(table: &Table, up_to: Option<&str>) -> Result<Report, TryReserveError> {
    let Some((name, item)) = table.item_after(up_to) else {
        let (message, fds) = (FromKeeper::InventoryEnd, Vec::new());
        return Ok(Report { message, fds, progress: Progress::Served, then: None });
    };
    let message = FromKeeper::Item { name: name.to_owned(), meta: try_clone(&item.meta)? };
    let progress = Progress::Items { up_to: Some(name.to_owned()) };
    Ok(Report { message, fds: vec![Arc::clone(&item.fd)], progress, then: None })
}

fn try_clone(bytes: &[u8]) -> Result<Vec<u8>, TryReserveError> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::proto::RunFds;

    #[test]
    fn a_child_is_told_with_a_pidfd_until_it_is_reaped() {
        let mut child = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
        let fds = RunFds::default();
        let mut table = Table::default();
        let (pid, liveness) = (child.id(), Liveness::Child);
        let entry = Run { pid, start_time: 1, liveness, meta: Vec::new(), next: None, fds };
        table.insert(5, entry).unwrap();
        let told = |table: &mut Table| {
            let report = next_report(table, &mut Vec::new(), &Progress::Runs { up_to: None });
            report.unwrap().unwrap().fds.len()
        };
        assert_eq!(told(&mut table), 1);
        child.kill().unwrap();
        assert_eq!(told(&mut table), 1, "its number is its own");

        child.wait().unwrap();
        assert_eq!(table.take_pid(pid), Some(5));
        assert_eq!(told(&mut table), 0, "its number may be another's");
    }
}
