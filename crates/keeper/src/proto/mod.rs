//! What keeper and daemon say to each other.
//!
//! The two are replaced at different times: after an upgrade an old keeper talks with a new daemon,
//! for months. So the messages are few, every frame carries its version, a message that the other
//! side does not know is skipped or refused and never ends the conversation, and a newer frame with
//! a longer body is read as far as it is understood.
//!
//! Every request names what it is about (a run or a name) and may be repeated: the second one
//! changes nothing. The keeper repeats to each new daemon everything that was not released.
//!
//! # Version log
//! - 1: the first.

mod bodies;
mod codec;
mod messages;
mod run_fds;

pub use codec::{
    DecodeError, Frame, FrameError, HEADER, MAX_FRAME, Message, Reader, Writer, encode, split,
};
pub use messages::{ExitStatus, FromKeeper, SpawnSpec, Stage, ToKeeper};
pub use run_fds::{FdMask, RunFd, RunFds};

#[cfg(test)]
mod tests;

/// The version that this build speaks; the second half of every frame's header begins with it.
pub const VERSION: u8 = 1;

/// [`VERSION`], unless a test has this build speak as a newer one.
#[cfg(not(feature = "failpoints"))]
#[must_use]
pub const fn version() -> u8 {
    VERSION
}

/// [`VERSION`], unless a test has this build speak as a newer one (`OSTLER_TEST_PROTOCOL`).
#[cfg(feature = "failpoints")]
#[must_use]
pub fn version() -> u8 {
    static SAID: std::sync::OnceLock<u8> = std::sync::OnceLock::new();
    *SAID.get_or_init(|| {
        std::env::var(ostler_env::OSTLER_TEST_PROTOCOL)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(VERSION)
    })
}

/// The most bytes of metadata that the keeper keeps with one run or one named descriptor.
pub const MAX_META: usize = 64 << 10;

/// The longest name of a descriptor, in bytes.
pub const MAX_NAME: usize = 1024;

/// The most descriptors that ride on one frame.
pub const MAX_FDS: usize = 32;
