//! The primary with real Nodes as workers: `node` in the path, or those of `OSTLER_TEST_NODES`
//! (paths with `:` between).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod connections;
mod driver;
mod listeners;
mod messages;
