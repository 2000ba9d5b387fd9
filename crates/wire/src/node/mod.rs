//! Node's IPC channel and the messages of its `cluster` module, seen from the primary.
//!
//! The problem: a Node worker talks to its primary in an undocumented dialect of JSON lines, some
//! of which carry a descriptor. One wrong byte towards the worker kills it (an empty line is a
//! `SyntaxError` there), and anything may come back, because the application owns the other end.
//!
//! The rule: [`Framer`] cuts whole lines out of the bytes of a channel, pairs descriptors with the
//! messages that announced them and hands out one [`Incoming`] after the other. What is not
//! understood is an item as well ([`Incoming::Garbage`], [`Incoming::UnknownInternal`]), never an
//! error that would end the channel. The functions of [`outgoing`] are the only ones that make
//! bytes for a worker, and they make whole lines.
//!
//! User messages stay text: a lone surrogate (`"\ud800"`) is legal for Node and not for a strict
//! JSON parser, so only the envelope is looked at.
//!
//! # Invariants
//! - Any split of the stream gives the same messages: `any_split_gives_the_same_messages`.
//! - Every line that is made here is one JSON value and one `\n`: `every_line_is_one_json_value`.
//! - Bytes recorded from a real Node parse as written: `golden_*`.

mod framer;
mod incoming;
pub mod outgoing;
mod query;
mod scan;

#[cfg(test)]
mod tests;

pub use framer::{Framer, Message, Received};
pub use incoming::{Handle, HandleType, Incoming, Nonsense};
pub use query::{AddressType, Query};

/// Largest message that a [`Framer`] takes when nothing else is asked for, bytes.
pub const DEFAULT_LIMIT: usize = 64 << 20;

/// From this size on, bytes, a message that carries a descriptor may travel in more than one piece.
/// The sender then waits for its acknowledgement before the next descriptor, or the receiver
/// confuses the two.
pub const LARGE_HANDLE_MESSAGE: usize = 32 << 10;

/// How a worker wants its internal messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mark {
    /// As they are: Node, Deno.
    #[default]
    Plain,
    /// With a leading byte `0x02`: Bun.
    Bun,
}
