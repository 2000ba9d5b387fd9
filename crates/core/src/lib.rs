//! Supervision as a pure machine: what should happen next, decided from what was wanted and what was reported.
//!
//! Nothing in this crate reads a clock, does I/O, draws a random number or starts a thread. Time enters as
//! [`Millis`], effects leave as actions.

pub mod spec;

/// Milliseconds on the caller's clock. The core only compares and adds; the driver chooses the epoch.
pub type Millis = u64;
