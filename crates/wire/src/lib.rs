//! Codecs: bytes to types and back, nothing else. No I/O, no clock.
//!
//! [`control`] is ostler's own protocol between commands and daemon; [`node`] is Node's IPC channel
//! and the messages of its `cluster`.

pub mod control;
pub mod node;
