//! How a process is made, and what it does until it executes its program.
//!
//! Making a process from Rust with its usual library has a price here: it hands a blocked signal
//! mask on to programs that never clear it, and learns of a failed `exec` through a pipe. A process
//! of one thread may do what `posix_spawn` does inside: the child borrows the parent's memory until
//! it executes, so a failure is two words in that memory.

mod plan;
mod sys;

pub(crate) use plan::{Asked, Plan};
pub(crate) use sys::Stack;
