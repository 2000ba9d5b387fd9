//! One worker as the primary sees it.

use std::collections::VecDeque;

use ostler_wire::node::Mark;

use crate::{ConnId, HandleId, ListenerId, Millis, WorkerId};

/// What the owner knows about a worker when it starts it, or finds it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Its place among the app's workers; a replacement has the same.
    pub slot: u32,
    /// How it marks internal messages; [`Mark::Plain`] until something else was seen.
    pub mark: Mark,
    /// Its runtime takes a listening socket (Node does, Deno hangs).
    pub shared_ok: bool,
    /// Its runtime takes a `net.Server` in a message (Node from 20.20 and from 22; the others
    /// answer with a query that makes no sense).
    pub servers_ok: bool,
    /// It was told to leave already. (After our death; a new worker never was.)
    pub leaving: bool,
    /// It must prove itself first: it listens, and gets no connections before `handle_trusted`.
    /// (Who has the socket itself cannot be held back.)
    pub held: bool,
}

impl WorkerOptions {
    /// A Node of these days in this slot.
    #[must_use]
    pub fn node(slot: u32) -> Self {
        Self {
            slot,
            mark: Mark::Plain,
            shared_ok: true,
            servers_ok: true,
            leaving: false,
            held: false,
        }
    }
}

/// The descriptor that came with a message, after the owner put it under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// None was due.
    Nothing,
    /// One was announced and did not come.
    Missing,
    /// This one.
    Fd(HandleId),
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Gets connections.
    Active,
    /// Leaves, by our will or its own: gets nothing new.
    Leaving,
    /// Its channel is closed.
    Closed,
}

/// A connection that the worker has not answered for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InFlight {
    pub(crate) conn: ConnId,
    pub(crate) listener: ListenerId,
    pub(crate) seq: u64,
    pub(crate) peer: u64,
    /// For this worker and nobody else.
    pub(crate) own: bool,
    /// Our predecessor was about to send it; whether it did, the worker's answer tells.
    pub(crate) doubtful: bool,
}

/// A message with a descriptor that the worker has not acknowledged; these acknowledgements come in
/// order.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) what: What,
    /// It may travel in pieces: nothing with a descriptor may follow before the acknowledgement.
    pub(crate) large: bool,
}

/// What a message with a descriptor was about.
#[derive(Debug)]
pub(crate) enum What {
    /// A connection, by the number of its message.
    Conn(u64),
    /// A mark: what our predecessor sent is in front of it.
    Fence(u64),
    /// The answer to a query, with the socket.
    Listener { listener: ListenerId, ack: i64, tries: u8 },
    /// A message of the owner, kept in case that it must be repeated.
    Handle { handle: HandleId, bytes: Box<[u8]>, tries: u8 },
}

/// A socket of one of its servers that the worker gave us.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) handle: HandleId,
    pub(crate) key: String,
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) options: WorkerOptions,
    pub(crate) phase: Phase,
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) sent: VecDeque<Sent>,
    /// Messages with descriptors that wait behind a large one.
    pub(crate) held: VecDeque<What>,
    /// Its channel takes nothing at the moment.
    pub(crate) blocked: bool,
    /// It had no descriptor free; until then it gets no connection.
    pub(crate) retry_at: Option<Millis>,
    /// When another mark is sent: the last may not have arrived.
    pub(crate) fence_at: Option<Millis>,
    /// It let a connection wait too long (sticky); until it answers, others need not wait for it.
    pub(crate) stuck: bool,
    /// Acknowledgements of messages that our predecessor sent may still come.
    pub(crate) inherited: bool,
    /// So many descriptors did not arrive while that was so. Whether they were ours is known with
    /// the next answer, so there are so many slots more, lest the worker has none left to give it.
    pub(crate) unsure: u32,
    pub(crate) given: Vec<Given>,
    /// Keys of servers whose worker waits until we closed their sockets.
    pub(crate) notify: Vec<String>,
}

impl Worker {
    pub(crate) fn new(id: WorkerId, options: WorkerOptions) -> Self {
        Self {
            id,
            options,
            phase: if options.leaving { Phase::Leaving } else { Phase::Active },
            in_flight: VecDeque::new(),
            sent: VecDeque::new(),
            held: VecDeque::new(),
            blocked: false,
            retry_at: None,
            fence_at: None,
            stuck: false,
            inherited: false,
            unsure: 0,
            given: Vec::new(),
            notify: Vec::new(),
        }
    }

    /// Whether a descriptor may be sent now.
    pub(crate) fn gate_open(&self) -> bool {
        !self.sent.back().is_some_and(|sent| sent.large)
    }

    /// Whether an acknowledgement without a number may be for a message of our predecessor, and it
    /// would matter: no connection may be taken for one that did not arrive.
    pub(crate) fn is_unsure(&self) -> bool {
        self.inherited
            && self.sent.iter().any(|sent| matches!(sent.what, What::Conn(_) | What::Fence(_)))
    }

    /// Whether the answer to our message of that number is the first since our predecessor's death.
    pub(crate) fn is_settled_by(&self, seq: u64) -> bool {
        let ours = |sent: &Sent| matches!(sent.what, What::Conn(number) | What::Fence(number) if number == seq);
        self.inherited && self.sent.iter().any(ours)
    }

    /// Whether a connection may be sent now.
    pub(crate) fn has_slot(&self, window: usize) -> bool {
        self.phase == Phase::Active
            && !self.options.held
            && self.in_flight.len()
                < window.saturating_add(usize::try_from(self.unsure).unwrap_or(0))
            && !self.blocked
            && self.retry_at.is_none()
            && self.gate_open()
    }
}
