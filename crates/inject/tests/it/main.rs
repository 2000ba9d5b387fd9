//! Each system call of keeper and daemon fails once in each scenario, and no promise is broken.
//!
//! `OSTLER_INJECT_SECONDS` sets how long (default some seconds, with a fixed choice; `cargo xtask
//! inject` is the long form), `OSTLER_SEED` repeats a choice, of which `OSTLER_INJECT_FROM` leaves
//! out what was played, and `OSTLER_INJECT_POINT` plays points of one scene:
//! `scenario/role/call/nth/ERROR`, as the table names them, with a blank between two.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

mod handover;
mod injected;
mod player;
mod points;
mod scenarios;
mod scene;
