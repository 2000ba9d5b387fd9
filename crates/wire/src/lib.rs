//! Codecs: bytes to types and back, nothing else. No I/O, no clock.
//!
//! [`control`] is ostler's own protocol between commands and daemon.

pub mod control;
