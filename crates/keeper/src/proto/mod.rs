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
//! # Starts that are prepared
//! A daemon that knows what it would do about the end of a run may say so in advance, by
//! [`ToKeeper::Prepare`]: it is started in the turn in which the end is seen, once, or never.
//!
//! - When the run ends within the time and with a status that were named, the prepared run begins,
//!   and [`FromKeeper::Exited`] names it as `next`. In every other case the preparation is dropped,
//!   and `next` is `None`. So each end tells whether it is still to be acted upon: with `next`,
//!   never; without, by the daemon as ever, whatever it had prepared.
//! - A [`ToKeeper::Revoke`] that was written before the run was made to end is obeyed before its
//!   end is looked at. One that comes later does nothing, and the end names what was started.
//! - A daemon's death drops nothing: a run may end and the next one begin while there is no daemon.
//!   The next daemon's [`ToKeeper::Hello`] drops what is left. Its inventory has the run that
//!   ended, with `next`, and the one that was started; it prepares anew what it wants.
//! - Nothing is started once the daemon has sent [`ToKeeper::Shutdown`] or the keeper was told by a
//!   signal to stop.
//! - [`ToKeeper::Upgrade`] drops all preparations when it succeeds: the daemon prepares anew after
//!   the new program's [`FromKeeper::Welcome`].
//! - With the keeper its preparations die. One of them may have been used just before and not been
//!   told: as with a spawn without an answer, whatever process carries the number of the prepared
//!   run is to be ended before the next keeper is asked to start anything in its place.
//! - To a keeper that speaks version 1 nothing can be prepared; it refuses.
//!
//! # Version log
//! - 1: the first.
//! - 2: [`ToKeeper::Prepare`], [`ToKeeper::Revoke`]; `next` in
//!   [`FromKeeper::Run`] and [`FromKeeper::Exited`].
//! - 3: [`ToKeeper::Succeed`]; [`ToKeeper::Sync`], [`FromKeeper::Synced`];
//!   [`FromKeeper::Ping`] and [`ToKeeper::Pong`].
//! - 4: [`SpawnSpec::limits`], and the stages in which one of them is refused.

mod bodies;
mod codec;
mod limits;
mod messages;
mod run_fds;
mod version;

pub(crate) use bodies::SPAWN;
pub use codec::{
    DecodeError, Frame, FrameError, HEADER, MAX_FRAME, Message, Reader, Writer, encode, split,
};
pub use limits::{MAX_FDS, MAX_META, MAX_NAME};
pub use messages::{ExitStatus, FromKeeper, Limits, Preparation, SpawnSpec, SpawnStage, ToKeeper};
pub use run_fds::{FdMask, RunFd, RunFds};
pub use version::{VERSION, version};

#[cfg(test)]
mod tests;
