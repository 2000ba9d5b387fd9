//! Process files, scripts, options and records, seen from outside.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod bad;
mod files;
mod options;
mod programs;
mod schema;
mod scripts;
mod world;
