//! One listening socket and the workers that use it.

use std::collections::VecDeque;

use ostler_wire::node::outgoing::Sockname;

use crate::{ConnId, Key, ListenerId, ListenerKind, Millis, WorkerId};

/// What became of the connections that one worker was given from one listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Were sent to it.
    pub handed: u64,
    /// It did not want (`maxConnections`, or the server was closing).
    pub refused: u64,
    /// Went to others because it had no descriptor free or closed its channel. At the end of its
    /// channel the worker is forgotten, and so are these.
    pub redistributed: u64,
}

/// A worker's use of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'a> {
    /// The listener.
    pub listener: ListenerId,
    /// What it asked for.
    pub key: &'a Key,
    /// What it is.
    pub kind: &'a ListenerKind,
    /// The real address, for TCP and UDP.
    pub sockname: Option<&'a Sockname>,
    /// It has the socket itself.
    pub shared: bool,
    /// It still gets connections.
    pub active: bool,
    /// So far.
    pub counters: Counters,
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) worker: WorkerId,
    pub(crate) slot: u32,
    pub(crate) shared: bool,
    /// `false` while it leaves.
    pub(crate) active: bool,
    pub(crate) in_flight: u32,
    /// The number of the query that made it a member. Asked again by the same number (our
    /// predecessor died between the answer and taking the query out of the channel), it is answered
    /// again.
    pub(crate) asked: Option<i64>,
    /// Refusals since it took a connection. Until it takes one, it gets one at a time.
    pub(crate) refusals: u32,
    /// After a refusal: it gets nothing before.
    pub(crate) retry_at: Option<Millis>,
    pub(crate) counters: Counters,
}

/// A worker that waits for the socket to be opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub(crate) worker: WorkerId,
    pub(crate) ack: i64,
}

#[derive(Debug)]
pub(crate) enum State {
    Opening { askers: Vec<Asker> },
    Open { sockname: Option<Sockname> },
}

/// An accepted connection that no worker could take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    pub(crate) conn: ConnId,
    pub(crate) peer: u64,
    /// Sticky: until then only its own worker will do. `None`: anybody will.
    pub(crate) patience: Option<Millis>,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) id: ListenerId,
    pub(crate) key: Key,
    /// The key as workers see it.
    pub(crate) name: String,
    pub(crate) kind: ListenerKind,
    pub(crate) state: State,
    pub(crate) data: Option<String>,
    pub(crate) members: Vec<Member>,
    /// Where the rotation goes on.
    pub(crate) cursor: usize,
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) accepting: bool,
}

impl Listener {
    pub(crate) fn new(id: ListenerId, key: Key, kind: ListenerKind, state: State) -> Self {
        Self {
            id,
            key,
            name: id.0.to_string(),
            kind,
            state,
            data: None,
            members: Vec::new(),
            cursor: 0,
            waiting: VecDeque::new(),
            accepting: false,
        }
    }

    pub(crate) fn member(&mut self, worker: WorkerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.worker == worker)
    }

    /// Whether `worker` has it or is about to.
    pub(crate) fn is_held_by(&self, worker: WorkerId) -> bool {
        let asks = match &self.state {
            State::Opening { askers } => askers.iter().any(|asker| asker.worker == worker),
            State::Open { .. } => false,
        };
        asks || self.members.iter().any(|member| member.worker == worker)
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub(crate) fn sockname(&self) -> Option<&Sockname> {
        match &self.state {
            State::Open { sockname } => sockname.as_ref(),
            State::Opening { .. } => None,
        }
    }

    pub(crate) fn add(&mut self, worker: WorkerId, slot: u32, shared: bool, asked: Option<i64>) {
        self.members.push(Member {
            worker,
            slot,
            shared,
            active: true,
            in_flight: 0,
            asked,
            refusals: 0,
            retry_at: None,
            counters: Counters::default(),
        });
    }

    /// Forgets a worker without disturbing the rotation. Whether it was there.
    pub(crate) fn remove(&mut self, worker: WorkerId) -> bool {
        if let State::Opening { askers } = &mut self.state {
            askers.retain(|asker| asker.worker != worker);
        }
        let Some(at) = self.members.iter().position(|member| member.worker == worker) else {
            return false;
        };
        self.members.remove(at);
        if at < self.cursor {
            self.cursor -= 1;
        }
        true
    }
}
