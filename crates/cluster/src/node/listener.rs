//! One listening socket as the workers of Node's cluster know it.

use ostler_wire::node::outgoing::Sockname;

use super::{Command, Key, ListenerKind, Output};
use crate::balance::{Counters, Policy};
use crate::{GroupId, ListenerId, Millis, WorkerId};

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
    /// How its connections are spread.
    pub policy: Policy,
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
    /// Until `again`, or until others are closed: then it is tried again.
    Waiting {
        askers: Vec<Asker>,
        again: Millis,
    },
    Opening {
        askers: Vec<Asker>,
    },
    Open {
        sockname: Option<Sockname>,
    },
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
    /// The apps that want it open, the oldest first. It has a user of each, or had.
    pub(super) groups: Vec<GroupId>,
    /// Its place in the order in which listeners were asked for.
    pub(super) number: u64,
    /// Workers had the socket itself.
    pub(super) was_handed_out: bool,
}

impl Listener {
    pub(super) fn new(id: ListenerId, key: Key, kind: ListenerKind, state: State) -> Self {
        let was_handed_out = kind.is_udp();
        let (name, users, groups) = (id.0.to_string(), Vec::new(), Vec::new());
        Self { id, key, name, kind, state, data: None, users, groups, number: 0, was_handed_out }
    }

    pub(super) fn user(&self, worker: WorkerId) -> Option<&User> {
        self.users.iter().find(|user| user.worker == worker)
    }

    /// Returns whether `worker` has it or is about to.
    pub(super) fn is_used_by(&self, worker: WorkerId) -> bool {
        self.is_asked_for_by(worker) || self.user(worker).is_some()
    }

    /// Returns whether `worker` waits for it.
    pub(super) fn is_asked_for_by(&self, worker: WorkerId) -> bool {
        match &self.state {
            State::Waiting { askers, .. } | State::Opening { askers } => {
                askers.iter().any(|asker| asker.worker == worker)
            }
            State::Open { .. } => false,
        }
    }

    /// Returns whether another try to open it is due.
    pub(super) fn is_due(&self, now: Millis) -> bool {
        matches!(self.state, State::Waiting { again, .. } if again <= now)
    }

    /// Begins to open it, for those who wait for it.
    pub(super) fn open(&mut self, out: &mut Output) {
        if let State::Waiting { askers, .. } = &mut self.state {
            self.state = State::Opening { askers: std::mem::take(askers) };
        }
        out.push(Command::OpenListener { listener: self.id, kind: self.kind.clone() });
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    pub(super) fn sockname(&self) -> Option<&Sockname> {
        match &self.state {
            State::Open { sockname } => sockname.as_ref(),
            State::Waiting { .. } | State::Opening { .. } => None,
        }
    }

    /// Forgets a worker, also one that only asks. Returns whether it was a user.
    pub(super) fn remove(&mut self, worker: WorkerId) -> bool {
        match &mut self.state {
            State::Waiting { askers, .. } | State::Opening { askers } => {
                askers.retain(|asker| asker.worker != worker);
            }
            State::Open { .. } => {}
        }
        let before = self.users.len();
        self.users.retain(|user| user.worker != worker);
        self.users.len() < before
    }
}
