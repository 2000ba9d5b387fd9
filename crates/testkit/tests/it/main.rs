//! The test kit is what every other promise rests on: here it is shown that it can fail.
// In a test a panic is the report.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod load;
mod sandbox;
mod server;
mod victims;
