//! What the table has to tell a daemon: first the inventory, then ends as they come.

use std::collections::TryReserveError;
use std::sync::Arc;

use crate::daemon::Progress;
use crate::proto::FromKeeper;
use crate::table::{Fd, Next, Run, Table};

/// A message with its descriptors, and how much the daemon has been told after it.
pub(crate) struct Report {
    pub(crate) message: FromKeeper,
    pub(crate) fds: Vec<Fd>,
    pub(crate) progress: Progress,
    /// The message that follows at once.
    pub(crate) then: Option<(FromKeeper, Vec<Fd>)>,
}

/// Returns the next message that a daemon is owed.
///
/// # Errors
/// No memory for it now; it is still owed.
pub(crate) fn next_report(
    table: &mut Table,
    progress: &Progress,
) -> Result<Option<Report>, TryReserveError> {
    match progress {
        Progress::Silent => Ok(None),
        Progress::Runs { up_to } => next_run(table, *up_to).map(Some),
        Progress::Items { up_to } => next_item(table, up_to.as_deref()).map(Some),
        Progress::Served => Ok(table.take_unreported().map(|(run, status, next)| Report {
            message: FromKeeper::Exited { run, status, next: next.map(|next| next.run) },
            fds: Vec::new(),
            progress: Progress::Served,
            then: next.and_then(|next| began(table, next)),
        })),
    }
}

/// Returns how the start of a prepared run is told.
fn began(table: &Table, next: Next) -> Option<(FromKeeper, Vec<Fd>)> {
    if let Some((stage, errno)) = next.failed {
        return Some((FromKeeper::SpawnFailed { run: next.run, stage, errno }, Vec::new()));
    }
    table.get(next.run).map(|entry| spawned(next.run, entry))
}

/// Returns how the start of a run is told.
pub(crate) fn spawned(run: u64, entry: &Run) -> (FromKeeper, Vec<Fd>) {
    let (pid, start_time, mask) = (entry.pid, entry.start_time, entry.fds.mask());
    (FromKeeper::Spawned { run, pid, start_time, mask }, entry.fds.iter().cloned().collect())
}

fn next_run(table: &mut Table, up_to: Option<u64>) -> Result<Report, TryReserveError> {
    let Some((run, entry)) = table.run_after(up_to) else { return next_item(table, None) };
    let (pid, start_time, status) = (entry.pid, entry.start_time, entry.status());
    let (meta, mask) = (try_clone(&entry.meta)?, entry.fds.mask());
    let fds = entry.fds.iter().cloned().collect();
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
