//! Commands of the machine to its owner.

use std::collections::VecDeque;

use ostler_wire::node::{HandleType, Nonsense, Query};

use super::ListenerKind;
use crate::balance::Policy;
use crate::{ConnId, GroupId, HandleId, ListenerId, WorkerId};

/// One thing to do. Bytes are [`Span`]s of the [`Output`] that the command is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a socket and tell by `handle_opened`.
    OpenListener {
        /// Its name from now on.
        listener: ListenerId,
        /// The socket to open.
        kind: ListenerKind,
    },
    /// Close the socket everywhere, the keeper's copy too, and tell by `handle_listener_closed`. If
    /// it is still being opened, undo that.
    CloseListener {
        /// The listener of the socket.
        listener: ListenerId,
        /// Then remove this file.
        unlink: Option<String>,
    },
    /// Watch the listening socket for connections, or stop watching. After each `accept` all
    /// commands must be carried out before the next one.
    SetAccepting {
        /// The listener of the socket.
        listener: ListenerId,
        /// `true`: watch it.
        accepting: bool,
    },
    /// Store `listener_meta` of the listener: something changed that must be known after our death.
    ListenerMetaChanged {
        /// The listener that it is about.
        listener: ListenerId,
    },
    /// Write a line.
    Send {
        /// Whose channel to write to.
        worker: WorkerId,
        /// The line, whole.
        bytes: Span,
    },
    /// Write a line with the connection's descriptor, and keep our copy.
    SendWithConn {
        /// Whose channel to write to.
        worker: WorkerId,
        /// The connection that goes with it.
        conn: ConnId,
        /// The number in the line, which the worker's answer will name.
        seq: u64,
        /// The line, whole.
        bytes: Span,
    },
    /// Write a line with the descriptor of any stream socket, which the worker closes and answers
    /// for: a fence between what our predecessor sent and what we send.
    SendFence {
        /// Whose channel to write to.
        worker: WorkerId,
        /// The line, whole.
        bytes: Span,
    },
    /// Write a line with the listening socket's descriptor.
    SendWithListener {
        /// Whose channel to write to.
        worker: WorkerId,
        /// The listener of the socket.
        listener: ListenerId,
        /// The line, whole.
        bytes: Span,
    },
    /// Write a line with the descriptor of a message, and keep our copy.
    SendWithHandle {
        /// Whose channel to write to.
        worker: WorkerId,
        /// The descriptor that goes with it.
        handle: HandleId,
        /// The line, whole.
        bytes: Span,
    },
    /// Close our copy of the connection.
    CloseConn {
        /// Which one to close.
        conn: ConnId,
        /// A worker has it. Otherwise its listener is gone and the client is turned away.
        taken: bool,
    },
    /// Close our copy of a descriptor that was in a message, in or out.
    CloseHandle {
        /// Which one to close.
        handle: HandleId,
    },
    /// The worker's runtime is up.
    WorkerOnline {
        /// The worker that said so.
        worker: WorkerId,
    },
    /// A server of the worker is usable: it is up.
    WorkerListening {
        /// The worker that said so.
        worker: WorkerId,
        /// Its query, with the real port.
        query: Box<Query>,
    },
    /// The worker's app may not have what the worker asked for, since another app has it and
    /// spreads its connections in another way.
    Disagrees {
        /// The worker that asked for it.
        worker: WorkerId,
        /// An app that has it.
        holder: GroupId,
        /// How its connections are spread.
        policy: Policy,
        /// Where it listens, in words.
        key: String,
    },
    /// The worker leaves by its own will: its exit is no crash.
    Voluntary {
        /// The worker that said so.
        worker: WorkerId,
    },
    /// The application said something: one JSON value.
    UserMessage {
        /// The worker that it runs in.
        worker: WorkerId,
        /// The value as text.
        text: Span,
    },
    /// The application sent a descriptor. It is the owner's now, to relay it or to close it;
    /// `handle_closed` is to be called in the end.
    UserHandle {
        /// The worker that it runs in.
        worker: WorkerId,
        /// The descriptor that goes with it.
        handle: HandleId,
        /// Its type, in the app's words. (It need not be a socket: check that before relaying it.)
        kind: HandleType,
        /// The message with it: one JSON value.
        text: Span,
    },
    /// The worker's channel carried something without a meaning; for the log.
    Noise {
        /// The worker that wrote it.
        worker: WorkerId,
        /// Why it means nothing.
        noise: Noise,
    },
}

/// Why something was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// It is not a message.
    Garbage(Nonsense),
    /// It is an internal message that we do not know, or with fields missing.
    Unknown,
}

/// A piece of the bytes of an [`Output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

/// A queue of commands and the bytes that they mention. Several primaries may write into one, and
/// may do so while it is being worked off (`while let Some(command) = out.pop()`): the names in a
/// command tell whose it is. Used again and again, it allocates nothing for a connection.
#[derive(Debug, Default)]
pub struct Output {
    commands: VecDeque<Command>,
    bytes: Vec<u8>,
}

/// Bytes above this are given back when the queue is empty.
const KEEP: usize = 256 << 10;

impl Output {
    /// Returns an empty queue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes out the oldest command. Its bytes stay until this returns `None`.
    pub fn pop(&mut self) -> Option<Command> {
        let next = self.commands.pop_front();
        if next.is_none() {
            self.bytes.clear();
            self.bytes.shrink_to(KEEP);
        }
        next
    }

    /// Returns whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Returns the bytes of a command that was in here.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// Returns the text of a command that was in here. (It is UTF-8, or would be empty.)
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    pub(crate) fn push(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    /// Lets `write` append bytes.
    pub(crate) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        Span { start, end: self.bytes.len() }
    }

    /// Appends bytes that are ready.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> Span {
        self.write(|out| out.extend_from_slice(bytes))
    }
}
