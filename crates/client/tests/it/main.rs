//! The client against daemons that are not real: how one comes to be, and every way a
//! conversation can end.

// Clippy's permission for tests ends at functions marked as tests; these modules are tests as a
// whole.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod conversation;
mod fake;
mod starting;
