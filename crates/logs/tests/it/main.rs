//! The engine from outside: pipes in, files and events out.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod account;
mod buffered;
mod devices;
mod files;
mod full;
mod ledger;
mod lines;
mod pieces;
mod rig;
mod rotated;
mod small;
mod subscribers;
mod sys;
mod timed;
mod trouble;
mod written;
