//! The engine from outside: pipes in, files and events out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

mod files;
mod ledger;
mod lines;
mod rig;
mod subscribers;
mod sys;
mod trouble;
