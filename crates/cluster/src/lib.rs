//! The primary of Node's cluster as a pure machine.
//!
//! The problem: Node apps share a port among processes only through a Node process that accepts the
//! connections and passes them on. We are that process, without Node, and must be able to die at
//! any instruction without losing a connection or a worker.
//!
//! The rule: machines decide and do nothing. [`balance`] chooses who gets a connection and knows no
//! protocol; [`Primary`], one for all apps, speaks Node's protocol around it. A primary hears what
//! happened ([`Primary::handle_message`], [`Primary::handle_accepted`], …) and writes what to do
//! into an [`Output`]; its owner has the descriptors, the clock and the channels. [`Connections`]
//! holds the descriptors of accepted connections, and notes in time what must outlive us.
//!
//! # What the owner does
//! - It carries out the [`Command`]s of an [`Output`] strictly in order. What is decided while a
//!   command is carried out goes behind the others: nothing has to be called recursively.
//! - The channel's end here is non-blocking; what does not fit is kept, in order, and
//!   [`Primary::handle_backpressure`] tells so. The kept amount has a limit, since a stopped
//!   worker takes nothing.
//! - Descriptors for a worker go with the first byte of their line, one per line, and are
//!   `O_NONBLOCK` and sockets: a blocking one freezes the worker, a file aborts it.
//! - It calls [`Primary::handle_deadline`] at [`Primary::deadline`].
//! - It tells by [`Primary::handle_listener_closed`] when nobody but workers can have a duplicate
//!   any more of a socket that was to be closed. After that one for the same address is opened.
//! - While [`Primary::is_asking`], what it read of the worker's channel is not taken out of it: the
//!   question in it would be lost with us.
//! - At the end of a channel it reads what is left first, then calls [`Primary::handle_eof`]:
//!   acknowledgements come before the reset.
//!
//! # Invariants
//! - A connection is in one place: one live worker, or the queue of its listener. It goes to
//!   another worker only when the first refused it, never got it, or closed its channel:
//!   `histories::every_connection_is_in_one_place`, of the balance and of the primary.
//! - A listener accepts exactly while a worker of it has room in its window and nothing waits. What
//!   is not accepted stays in the kernel and survives us: `histories`.
//! - Every query of a worker that was not told to leave is answered once: `histories`.
//! - Nobody is told that an address is in use which only sockets of ours have that are to be
//!   closed, in whatever order workers open and close, also across our death: `histories`.
//! - A socket is open as long as an app wants it, and no longer: `histories`.
//! - A connection is noted before its descriptor can be sent, and the note is taken back before the
//!   descriptor is closed: `connections`.
#![forbid(unsafe_code)]

pub mod balance;
mod connections;
mod id;
mod node;

pub use balance::{Counters, Policy};
pub use connections::{Connections, Ledger, OrderError};
pub use id::{ConnId, GroupId, HandleId, ListenerId, Millis, WorkerId};
pub use node::{
    Command, Config, GroupOptions, Key, ListenerKind, ListenerMeta, MetaError, Noise, Output,
    Primary, Received, Recovered, SendError, Span, Use, WorkerOptions,
};
