//! ostler's own protocol between a command and the daemon.
//!
//! Frames on a UNIX stream socket (`ostler.sock` in the home): `u32` big-endian payload length, one
//! kind byte (counted in the length), payload. A client sends [`Request`] frames; the daemon
//! answers each with zero or more [`Event`] frames and exactly one closing [`Reply`] frame, in
//! order. Payloads are JSON so that a newer side may add fields that the older ignores;
//! [`FrameKind::Raw`] carries text that the client prints as it is (`jlist`).
//!
//! The versions of the protocol:
//! - 1: first.
//! - 2: steps of a reload and ends of runs are facts, not sentences; a failure has a code.
//! - 3: the state of a process is a phase, not PM2's word.
//! - 4: `start`, `act` and `scale` are known again by their tickets ([`resumable_since`]).
//! - 5: `talk`: signals, lines for standard input, actions, marks.
//! - 6: the processes that a word means can be asked for ([`Request::Meant`]).
//! - 7: what is under way with each process can be asked for ([`Event::Doing`]).
//! - 8: the same of a list that is brought back ([`Event::Restoring`]).

mod connections;
mod doing;
mod event;
mod facts;
mod frame;
mod metrics;
mod reply;
mod request;
mod talk;
mod view;
mod waits;

pub use connections::Connections;
pub use doing::Doing;
pub use event::{Event, Lifecycle, LinePlace, LogLine, LogStart};
pub use facts::{Cause, NO_INTERPRETER, Outcome, Phase, Side, Step, interpreter_hint};
pub use frame::{
    Frame, FrameError, FrameKind, HEAD, MAX_FRAME, decode, encode, encode_json, into_frame,
};
pub use metrics::{InProcess, Measured};
pub use reply::{Code, Failure, Reply};
pub use request::{
    Action, Change, ProfileKind, ReloadOptions, Request, ScaleTo, Watch, resumable_since,
};
pub use talk::{MAX_INPUT, Talk};
pub use view::{
    Details, Ended, Happened, ListenerView, Notified, NotifiedState, OverMemory, ProcView,
    Readiness, Unhealthy, UnwrittenFile,
};
pub use waits::{Condition, Lacks, Waits};

/// Version of this protocol; the daemon's answer to [`Request::Hello`] carries its own.
pub const VERSION: u32 = 8;

/// How the reason begins for which a daemon that was started does not run: one is there already.
pub const HOME_TAKEN: &str = "another daemon has the home";

#[cfg(test)]
mod tests;
