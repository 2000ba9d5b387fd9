//! One listening socket, its members, and the connections that wait for one of them.

use std::collections::VecDeque;

use super::Policy;
use crate::{ConnId, ListenerId, Millis, WorkerId};

/// How long a connection waits for its own worker (sticky), before it goes to another.
const PATIENCE: Millis = 1000;

/// Counts of the connections that one worker was given from one listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Were sent to it.
    pub handed: u64,
    /// It did not want (Node's `maxConnections`, or its server was closing).
    pub refused: u64,
    /// Went to others because it had no descriptor free or closed its channel. At the end of its
    /// channel the worker is forgotten, and so are these.
    pub redistributed: u64,
}

/// A worker's part in a listener.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) worker: WorkerId,
    /// Sticky: what is hashed over.
    pub(super) place: u64,
    /// Of the worker's unanswered connections, those from this listener.
    pub(super) in_flight: u32,
    /// Refusals since it took a connection. Until it takes one, it gets one at a time.
    pub(super) refusals: u32,
    /// After a refusal: it gets nothing before.
    pub(super) retry_at: Option<Millis>,
    pub(super) counters: Counters,
}

impl Member {
    pub(super) fn new(worker: WorkerId, place: u64) -> Self {
        let counters = Counters::default();
        Self { worker, place, in_flight: 0, refusals: 0, retry_at: None, counters }
    }
}

/// An accepted connection that no worker could take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) conn: ConnId,
    pub(super) peer: u64,
    /// Sticky: until then only its own worker will do. `None`: any worker will.
    pub(super) patience: Option<Millis>,
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) policy: Policy,
    pub(super) members: Vec<Member>,
    /// Where the rotation goes on.
    pub(super) cursor: usize,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) accepting: bool,
}

impl Listener {
    pub(super) fn new(id: ListenerId, policy: Policy) -> Self {
        let (members, waiting) = (Vec::new(), VecDeque::new());
        Self { id, policy, members, cursor: 0, waiting, accepting: false }
    }

    /// Returns a connection that waits from now on.
    pub(super) fn since(&self, now: Millis, conn: ConnId, peer: u64) -> Waiting {
        let patience = (self.policy == Policy::Sticky).then_some(now + PATIENCE);
        Waiting { conn, peer, patience }
    }

    pub(super) fn member(&mut self, worker: WorkerId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.worker == worker)
    }

    pub(super) fn has(&self, worker: WorkerId) -> bool {
        self.members.iter().any(|member| member.worker == worker)
    }

    /// Forgets a worker without disturbing the rotation.
    pub(super) fn remove(&mut self, worker: WorkerId) {
        let Some(at) = self.members.iter().position(|member| member.worker == worker) else {
            return;
        };
        self.members.remove(at);
        if at < self.cursor {
            self.cursor -= 1;
        }
    }
}
