//! The test kit is what every other promise rests on: here it is shown that it can fail.
// In a test a panic is the report.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod load;
mod sandbox;
mod server;
mod victims;
