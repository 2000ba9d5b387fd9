//! What is shown of processes: the list in three widths and as lines, and one process in full.

mod cells;
mod describe;
mod list;
mod mini;
#[cfg(test)]
pub(crate) mod sample;
mod sort;
mod table;

pub(crate) use describe::describe;
pub(crate) use list::{list, modules, not_yet, width};
pub(crate) use mini::mini;
pub(crate) use sort::{SORT_FIELDS, sort};
pub(crate) use table::{columns, cut};

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time, in ms since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
