//! What is shown of processes under the name `ostler`; what PM2 shows is in `view`.
//!
//! Two readers want different things. A person looks at a window: what matters fits it, an app is
//! one row, and nothing is cut silently. A program reads a pipe: a line per app, tabs between the
//! values, and each value whole; or the fields that it names.

mod amount;
mod app;
mod blocks;
mod cells;
mod describe;
mod fields;
mod grid;
mod list;
pub(crate) mod ports;
mod reason;
#[cfg(test)]
mod sample;
mod tree;
mod why;
mod words;

pub(crate) use app::{App, SORT_FIELDS, fold, order};
pub(crate) use blocks::blocks;
pub(crate) use cells::Look;
pub(crate) use describe::{Seen, describe, plain};
pub(crate) use fields::{Known, Shape, field_names};
pub(crate) use list::{list, piped};
pub(crate) use reason::{last_lines, reasons};
pub(crate) use tree::tree;
pub(crate) use words::status;
