//! What the machine wants done.

use ostler_wire::node::{HandleType, Nonsense, Query};

use crate::{ConnId, HandleId, ListenerId, ListenerKind, WorkerId};

/// One thing to do. Bytes are [`Span`]s of the [`Output`] that the action is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a socket and tell by `handle_opened`.
    OpenListener {
        /// Its name from now on.
        listener: ListenerId,
        /// What to open.
        kind: ListenerKind,
    },
    /// Close the socket everywhere, the keeper's copy too. If it is still being opened, undo that.
    CloseListener {
        /// Which.
        listener: ListenerId,
        /// Then remove this file.
        unlink: Option<String>,
    },
    /// Watch the listening socket for connections, or stop to. After each `accept` the machine must
    /// be asked before the next one.
    SetAccepting {
        /// Which.
        listener: ListenerId,
        /// Watch.
        accepting: bool,
    },
    /// What must be known about the listener after our death changed: store `listener_meta` of it.
    ListenerMetaChanged {
        /// Which.
        listener: ListenerId,
    },
    /// Write a line.
    Send {
        /// To whom.
        worker: WorkerId,
        /// The line.
        bytes: Span,
    },
    /// Write a line with the connection's descriptor, and keep our copy.
    SendWithConn {
        /// To whom.
        worker: WorkerId,
        /// The connection.
        conn: ConnId,
        /// The number in the line, which the worker's answer will name.
        seq: u64,
        /// The line.
        bytes: Span,
    },
    /// Write a line with the descriptor of any stream socket, which the worker closes and answers
    /// for: a mark between what our predecessor sent and what we send.
    SendFence {
        /// To whom.
        worker: WorkerId,
        /// The line.
        bytes: Span,
    },
    /// Write a line with the listening socket's descriptor.
    SendWithListener {
        /// To whom.
        worker: WorkerId,
        /// The listener.
        listener: ListenerId,
        /// The line.
        bytes: Span,
    },
    /// Write a line with the descriptor of a message, and keep our copy.
    SendWithHandle {
        /// To whom.
        worker: WorkerId,
        /// The descriptor.
        handle: HandleId,
        /// The line.
        bytes: Span,
    },
    /// Close our copy of the connection.
    CloseConn {
        /// Which.
        conn: ConnId,
        /// A worker has it. Otherwise its listener is gone and the client is turned away.
        taken: bool,
    },
    /// Close our copy of a descriptor that was in a message, in or out.
    CloseHandle {
        /// Which.
        handle: HandleId,
    },
    /// The worker's runtime is up.
    WorkerOnline {
        /// Who.
        worker: WorkerId,
    },
    /// A server of the worker is usable: it is up.
    WorkerListening {
        /// Who.
        worker: WorkerId,
        /// Where, with the real port.
        query: Box<Query>,
    },
    /// The worker leaves by its own will: its exit is no crash.
    Voluntary {
        /// Who.
        worker: WorkerId,
    },
    /// The application said something: one JSON value.
    UserMessage {
        /// Who.
        worker: WorkerId,
        /// The text.
        text: Span,
    },
    /// The application sent a descriptor. It is the owner's now, to relay it or to close it;
    /// `handle_closed` is to be called in the end.
    UserHandle {
        /// Who.
        worker: WorkerId,
        /// The descriptor.
        handle: HandleId,
        /// What it is said to be. (Whether it is a socket at all must be checked before it is
        /// relayed.)
        kind: HandleType,
        /// The message with it: one JSON value.
        text: Span,
    },
    /// The worker's channel carried something without a meaning; for the log.
    Noise {
        /// Who.
        worker: WorkerId,
        /// What.
        noise: Noise,
    },
}

/// What was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// Not a message.
    Garbage(Nonsense),
    /// An internal message that we do not know, or with fields missing.
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

/// Actions and the bytes that they mention. Made once and used for ever: handing over a connection
/// allocates nothing.
#[derive(Debug, Default)]
pub struct Output {
    actions: Vec<Action>,
    bytes: Vec<u8>,
}

/// Bytes above this are given back by [`Output::clear`].
const KEEP: usize = 256 << 10;

impl Output {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is to be done, in order.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The bytes of an action in here.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        self.bytes.get(span.start..span.end).unwrap_or_default()
    }

    /// The text of an action in here; empty if it is not UTF-8, which it always is.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        std::str::from_utf8(self.bytes(span)).unwrap_or_default()
    }

    /// Forgets everything. To be called when the actions are done.
    pub fn clear(&mut self) {
        self.actions.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
    }

    pub(crate) fn push(&mut self, action: Action) {
        self.actions.push(action);
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
