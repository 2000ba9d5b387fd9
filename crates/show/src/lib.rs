//! What is shown of processes under the name `ostler`: by the command, and by programs beside it.
//!
//! Two readers want different things. A person looks at a window: what matters fits it, an app is
//! one row, and nothing is cut silently. A program reads a pipe: a line per app, tabs between the
//! values, and each value whole.

#![forbid(unsafe_code)]

mod amount;
mod app;
mod blocks;
mod bytes;
mod cells;
mod describe;
mod facts;
mod grid;
mod history;
mod hosts;
mod last_hour;
mod list;
mod numbered;
mod of_file;
mod paint;
mod ports;
mod reason;
#[cfg(any(test, feature = "sample"))]
pub mod sample;
mod seen;
mod spark;
mod tree;
mod why;
mod width;
mod words;
mod wrap;

pub use amount::{cpu, duration, size};
pub use app::{App, SORT_FIELDS, fold, order};
pub use blocks::blocks;
pub use bytes::in_units;
pub use cells::Look;
pub use describe::{describe, plain, summary};
pub use facts::facts;
pub use grid::Cell;
pub use history::History;
pub use hosts::of_hosts;
pub use last_hour::LastHour;
pub use list::{Row, list, piped, table};
pub use of_file::{OfFile, Unlike};
pub use ostler_logs::now_ms as now;
pub use paint::{Ink, Paint};
pub use ports::{UNKNOWN, note_ports};
pub use reason::{OUT_OF_MEMORY, PORT_IN_USE, last_lines, reasons, said};
pub use seen::Seen;
pub use spark::spark;
pub use tree::{Tree, tree};
pub use why::{advice, is_without_interpreter, why};
pub use width::{columns, cut};
pub use words::{own_end, short_end, status};
pub use wrap::{folded, unbroken, wrap};
