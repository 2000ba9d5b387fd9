//! What clients ask, and what each request does.

mod requests;
mod specs;

pub use specs::{failure_of, unique_id};
