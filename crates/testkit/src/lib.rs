//! Surroundings for integration tests of the program.
//!
//! A process manager leaves daemons, keepers and apps behind by design, so a careless test leaks
//! processes into the next one, passes because of a leftover of the last, or sleeps and hopes.
//! So there are rules:
//!
//! - A test owns a [`Sandbox`]: a home of its own, an environment of its own, ports of its own.
//!   When it goes, every process of that home is gone too, and a process that should not have been
//!   left fails the test.
//! - A test never sleeps. It waits for an event: [`wait_for`], [`wait_in`], [`wait_exit`],
//!   [`wait_connect`] and their relatives.
//! - A request that failed is never just "failed": [`load`] says how, and whether that is
//!   excusable for the client.
//! - What is not installed is a failure, not a silent pass ([`runtimes`]).
//!
//! Helpers panic when they cannot do their job: in a test that is how an error is reported.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests panic, and say why"
)]

pub mod histories;
pub mod load;
mod pace;
pub mod procs;
pub mod pty;
pub mod run;
pub mod runtimes;
pub mod sandbox;
pub mod victims;
pub mod wait;
mod window;

pub use load::{Load, Outcome, Report};
pub use run::{Ostler, Output};
pub use runtimes::{Kind, Runtime, built_companion, built_program, nodes};
pub use sandbox::Sandbox;
pub use victims::Victim;
pub use wait::{try_wait, wait_connect, wait_exit, wait_for, wait_in};
pub use window::Window;
