//! The primary with real Nodes as workers: `node` in the path, or those of `OSTLER_TEST_NODES`
//! (paths with `:` between).
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the workers are real")]

mod connections;
mod driver;
mod listeners;
mod messages;
mod notes;
mod sockets;
mod transcript;
