//! One listening socket as the workers of Node's cluster know it.

use ostler_wire::node::outgoing::Sockname;

use super::{Key, ListenerKind};
use crate::balance::Counters;
use crate::{ListenerId, WorkerId};

/// A worker's use of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'a> {
    /// The name of the listener.
    pub listener: ListenerId,
    /// The call that it answers.
    pub key: &'a Key,
    /// The socket that was opened.
    pub kind: &'a ListenerKind,
    /// The real address, for TCP and UDP.
    pub sockname: Option<&'a Sockname>,
    /// The worker has the socket itself.
    pub shared: bool,
    /// It still gets connections.
    pub active: bool,
    /// The fate of these connections so far.
    pub counters: Counters,
}

/// A worker that has the listener.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) worker: WorkerId,
    /// It has the socket itself; otherwise it gets connections one by one.
    pub(super) shared: bool,
    /// The number of the query by which it got the listener. The same query again (our predecessor
    /// died between the answer and taking it out of the channel) gets the same answer again.
    pub(super) asked: Option<i64>,
}

/// A worker that waits for the answer to its query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) worker: WorkerId,
    pub(super) ack: i64,
}

#[derive(Debug)]
pub(super) enum State {
    Opening { askers: Vec<Asker> },
    Open { sockname: Option<Sockname> },
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) key: Key,
    /// The key as workers see it.
    pub(super) name: String,
    pub(super) kind: ListenerKind,
    pub(super) state: State,
    pub(super) data: Option<String>,
    pub(super) users: Vec<User>,
}

impl Listener {
    pub(super) fn new(id: ListenerId, key: Key, kind: ListenerKind, state: State) -> Self {
        Self { id, key, name: id.0.to_string(), kind, state, data: None, users: Vec::new() }
    }

    pub(super) fn user(&self, worker: WorkerId) -> Option<&User> {
        self.users.iter().find(|user| user.worker == worker)
    }

    /// Returns whether `worker` has it or is about to.
    pub(super) fn is_used_by(&self, worker: WorkerId) -> bool {
        let asks = match &self.state {
            State::Opening { askers } => askers.iter().any(|asker| asker.worker == worker),
            State::Open { .. } => false,
        };
        asks || self.user(worker).is_some()
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub(super) fn sockname(&self) -> Option<&Sockname> {
        match &self.state {
            State::Open { sockname } => sockname.as_ref(),
            State::Opening { .. } => None,
        }
    }

    /// Forgets a worker, also one that only asks. Returns whether it was a user.
    pub(super) fn remove(&mut self, worker: WorkerId) -> bool {
        if let State::Opening { askers } = &mut self.state {
            askers.retain(|asker| asker.worker != worker);
        }
        let before = self.users.len();
        self.users.retain(|user| user.worker != worker);
        self.users.len() < before
    }
}
