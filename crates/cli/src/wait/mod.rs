//! Waiting for apps: until they are ready, have ended, or write a line.
//!
//! Problem: what is waited for may come before anybody looks, while the daemon is replaced, or
//! never. Rule: a stream of news is opened first, and only when the daemon says that it is,
//! the state and the files are looked at; whoever comes back after a daemon's death does the
//! same again. So nothing falls between two looks. What is seen is judged by functions without
//! I/O (`seen`, `lines`).

mod explain;
mod limit;
mod lines;
mod look;
mod news;
mod past;
mod seen;
mod taken;
mod waiting;

pub(crate) use explain::{AT_ITS_END, explain, how_it_ended};
pub(crate) use limit::Limit;
pub(crate) use lines::Wanted;
pub(crate) use seen::Never;
pub(crate) use waiting::{Awaited, End, Ended, wait};

/// The exit code of a command whose limit is over, as that of `timeout`.
pub(crate) const TIMED_OUT: u8 = 124;
