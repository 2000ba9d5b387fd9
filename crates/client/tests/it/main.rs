//! The client against daemons that are not real: how one comes to be, and every way a
//! conversation can end.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

mod conversation;
mod fake;
mod starting;
