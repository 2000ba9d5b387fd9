//! One listening socket, its members, and the connections that wait for one of them.

use std::collections::VecDeque;

use crate::{ConnId, ListenerId, Millis, WorkerId};

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
    /// Of the worker's unanswered connections, those from this listener.
    pub(super) in_flight: u32,
    /// Refusals since it took a connection. Until it takes one, it gets one at a time.
    pub(super) refusals: u32,
    /// After a refusal: it gets nothing before.
    pub(super) retry_at: Option<Millis>,
    pub(super) counters: Counters,
}

impl Member {
    pub(super) fn new(worker: WorkerId) -> Self {
        Self { worker, in_flight: 0, refusals: 0, retry_at: None, counters: Counters::default() }
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
    pub(super) members: Vec<Member>,
    /// Where the rotation goes on.
    pub(super) cursor: usize,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) accepting: bool,
}

impl Listener {
    pub(super) fn new(id: ListenerId) -> Self {
        Self { id, members: Vec::new(), cursor: 0, waiting: VecDeque::new(), accepting: false }
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
