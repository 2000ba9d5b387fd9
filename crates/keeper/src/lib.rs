//! The process that must not die: forks, reaps, holds descriptors.
//!
//! A supervisor that holds policy is large, and large things crash. When the process that crashes
//! is also the parent of the applications and the only holder of their pipes and sockets, the
//! applications go with it. So the two jobs are two processes: the *daemon* decides and may die at
//! any instruction; the *keeper* decides nothing, is small, has one thread, and keeps whatever a
//! new daemon needs in order to go on: children, exit statuses and descriptors.
//!
//! - [`proto`]: what the two say to each other, as types and bytes. Pure.
//! - [`link`]: the socket between them, used by both sides.
//! - [`table`]: what the keeper holds. Pure.
//! - [`run`], [`resume`]: the keeper itself, as a role of an executable.

#![deny(unsafe_code)]

mod birth;
mod config;
mod cstrings;
mod daemon;
pub mod failpoint;
pub mod groups;
mod keeper;
mod launch;
mod layout;
pub mod link;
mod log;
mod log_file;
mod oom;
mod polled;
mod prepared;
mod proc_stat;
pub mod proto;
mod pulse;
mod reap;
mod report;
mod resume;
mod serve;
mod spawn;
mod starts;
mod state;
mod succeed;
mod sys;
pub mod table;

pub use config::{Config, KEEPER_FD_VAR, READY_FD_VAR};
pub use keeper::run;
pub use launch::CANNOT_RUN;
pub use resume::resume;
pub use starts::{STARTS, start_line};
pub use sys::release_program_pages;
