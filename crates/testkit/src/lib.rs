//! What integration tests need around the program under test.
//!
//! A process manager leaves daemons, keepers and apps behind by design, so a careless test leaks
//! processes into the next one, passes because of a leftover of the last, or sleeps and hopes. The
//! rules here:
//!
//! - A test owns a [`Sandbox`]: a home of its own, an environment of its own, ports of its own.
//!   When it goes, every process of that home is gone too, and a process that should not have been
//!   left fails the test.
//! - A test waits for an event ([`wait_for`], [`wait_in`], [`wait_exit`], [`wait_connect`]) and
//!   never sleeps.
//! - A request that failed is never just "failed": [`load`] says how, and whether the client may
//!   excuse it.
//! - What is not installed is a failure, not a silent pass ([`runtimes`]).
//!
//! Helpers panic when they cannot do their job: in a test that is how an error is reported.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr)]

pub mod load;
pub mod procs;
pub mod run;
pub mod runtimes;
pub mod sandbox;
pub mod victims;
pub mod wait;

pub use load::{Load, Outcome, Report};
pub use run::{Ostler, Output};
pub use runtimes::{Kind, Runtime, built_program, nodes};
pub use sandbox::Sandbox;
pub use victims::Victim;
pub use wait::{try_wait, wait_connect, wait_exit, wait_for, wait_in};
