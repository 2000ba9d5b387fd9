//! What is shown of processes: the list in three widths and as lines, and one process in full.

mod cells;
mod describe;
mod list;
mod mini;
mod sort;
mod table;

pub(crate) use describe::describe;
pub(crate) use list::{list, modules, not_yet, width};
pub(crate) use mini::mini;
#[cfg(test)]
pub(crate) use ostler_show::sample;
pub(crate) use ostler_show::{columns, cut, now};
pub(crate) use sort::{SORT_FIELDS, sort};
