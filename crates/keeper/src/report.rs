//! What the table has to tell a daemon: first the inventory, then ends as they come.

use std::sync::Arc;

use crate::daemon::{Progress, Running};
use crate::proto::FromKeeper;
use crate::table::{Fd, Table};

/// Returns the next message that a daemon is owed, with its descriptors.
pub(crate) fn next_report(
    table: &mut Table,
    running: &mut Running,
) -> Option<(FromKeeper, Vec<Fd>)> {
    match &running.progress {
        Progress::Silent => None,
        Progress::Runs { up_to } => Some(match table.run_after(*up_to) {
            Some((run, entry)) => {
                running.progress = Progress::Runs { up_to: Some(run) };
                let (pid, start_time, status) = (entry.pid, entry.start_time, entry.status());
                let (meta, mask) = (entry.meta.clone(), entry.fds.mask());
                let fds = entry.fds.iter().cloned().collect();
                table.mark_reported(run);
                (FromKeeper::Run { run, pid, start_time, status, meta, mask }, fds)
            }
            None => {
                running.progress = Progress::Items { up_to: None };
                return next_report(table, running);
            }
        }),
        Progress::Items { up_to } => Some(match table.item_after(up_to.as_deref()) {
            Some((name, item)) => {
                running.progress = Progress::Items { up_to: Some(name.to_owned()) };
                (
                    FromKeeper::Item { name: name.to_owned(), meta: item.meta.clone() },
                    vec![Arc::clone(&item.fd)],
                )
            }
            None => {
                running.progress = Progress::Served;
                (FromKeeper::InventoryEnd, Vec::new())
            }
        }),
        Progress::Served => table
            .take_unreported()
            .map(|(run, status)| (FromKeeper::Exited { run, status }, Vec::new())),
    }
}
