//! One worker and what its channel is about.

use std::collections::VecDeque;

use ostler_wire::node::Mark;

use crate::balance::Standing;
use crate::{ConnId, GroupId, HandleId, ListenerId, Millis};

/// Facts about a worker that the owner knows when it starts it, or finds it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerOptions {
    /// The app that it belongs to.
    pub group: GroupId,
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
    /// It is being verified: it listens, and gets no connections before `handle_admitted`. (From
    /// one that has the socket itself they cannot be kept.)
    pub quarantined: bool,
}

impl WorkerOptions {
    /// Returns those of a Node of these days in this slot of an app.
    #[must_use]
    pub fn node(group: GroupId, slot: u32) -> Self {
        Self {
            group,
            slot,
            mark: Mark::Plain,
            shared_ok: true,
            servers_ok: true,
            leaving: false,
            quarantined: false,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        if self.leaving {
            Standing::Leaving
        } else if self.quarantined {
            Standing::Quarantined
        } else {
            Standing::Active
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
    /// The descriptor came.
    Fd(HandleId),
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may use listeners.
    Active,
    /// It leaves, by our will or its own: it gets nothing new.
    Leaving,
    /// Its channel is closed.
    Closed,
}

/// A connection in a message that the worker has not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) seq: u64,
    pub(super) conn: ConnId,
    /// Our predecessor was about to send it; whether it did, the worker's answer tells.
    pub(super) doubtful: bool,
}

/// A message with a descriptor that the worker has not acknowledged. Acknowledgements of these
/// come in order.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) payload: Payload,
    /// It may travel in pieces: nothing with a descriptor may follow before the acknowledgement.
    pub(super) large: bool,
}

/// The subject of a message with a descriptor.
#[derive(Debug)]
pub(super) enum Payload {
    /// A connection, by the number of its message.
    Conn(u64),
    /// A fence: what our predecessor sent is in front of it.
    Fence(u64),
    /// The answer to a query, with the socket.
    Listener { listener: ListenerId, ack: i64, tries: u8 },
    /// A message of the owner, kept in case that it must be repeated.
    Handle { handle: HandleId, bytes: Box<[u8]>, tries: u8 },
}

/// A socket of one of its servers that the worker gave us.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) handle: HandleId,
    pub(super) key: String,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) options: WorkerOptions,
    pub(super) phase: Phase,
    /// Connections that it has not answered for, oldest first.
    pub(super) handed: VecDeque<Handed>,
    pub(super) unacknowledged: VecDeque<Unacknowledged>,
    /// Messages with descriptors that wait behind a large one.
    pub(super) delayed: VecDeque<Payload>,
    /// Its channel takes nothing at present.
    pub(super) channel_full: bool,
    /// It is to get nothing for now.
    pub(super) paused: bool,
    /// When another fence is sent: the last may not have arrived.
    pub(super) fence_at: Option<Millis>,
    /// Acknowledgements of messages that our predecessor sent may still come.
    pub(super) inherited: bool,
    /// How many descriptors did not arrive while that was so. The next answer tells whose they
    /// were, ours or not.
    pub(super) unsure: usize,
    pub(super) given: Vec<Given>,
    /// Keys of servers whose worker waits until we closed their sockets.
    pub(super) notify: Vec<String>,
}

impl Worker {
    pub(super) fn new(options: WorkerOptions) -> Self {
        Self {
            options,
            phase: if options.leaving { Phase::Leaving } else { Phase::Active },
            handed: VecDeque::new(),
            unacknowledged: VecDeque::new(),
            delayed: VecDeque::new(),
            channel_full: false,
            paused: false,
            fence_at: None,
            inherited: false,
            unsure: 0,
            given: Vec::new(),
            notify: Vec::new(),
        }
    }

    /// Returns whether it may use listeners.
    pub(super) fn is_active(&self) -> bool {
        self.phase == Phase::Active
    }

    /// Returns whether a descriptor may be sent now.
    pub(super) fn gate_open(&self) -> bool {
        !self.unacknowledged.back().is_some_and(|sent| sent.large)
    }

    /// Returns whether an acknowledgement without a number may be for a message of our predecessor,
    /// and it would matter: no connection may be taken for one that did not arrive.
    pub(super) fn is_unsure(&self) -> bool {
        let numbered = |sent: &Unacknowledged| sent.number().is_some();
        self.inherited && self.unacknowledged.iter().any(numbered)
    }

    /// Returns whether the answer to our message of that number is the first answer that is ours
    /// and not our predecessor's.
    pub(super) fn is_settled_by(&self, seq: u64) -> bool {
        self.inherited && self.unacknowledged.iter().any(|sent| sent.number() == Some(seq))
    }

    /// Takes out the connection of the message with that number.
    pub(super) fn take_handed(&mut self, seq: u64) -> Option<ConnId> {
        let at = self.handed.iter().position(|handed| handed.seq == seq)?;
        self.handed.remove(at).map(|handed| handed.conn)
    }
}

impl Unacknowledged {
    /// Returns the number by which the worker will answer, beside acknowledging it.
    pub(super) fn number(&self) -> Option<u64> {
        match self.payload {
            Payload::Conn(seq) | Payload::Fence(seq) => Some(seq),
            Payload::Listener { .. } | Payload::Handle { .. } => None,
        }
    }
}
