//! The choice of the worker that gets the next connection of a shared listening socket.
//!
//! The problem: the workers of one port have to share its connections evenly, although some of them
//! are full, refuse, start, leave or die; and a connection that was handed over cannot be recalled.
//!
//! The rule: a [`Balance`] knows listeners, the workers that are members of them, and how many
//! connections each worker has not answered for. It hears what happened and decides; its decisions
//! are taken out, in order, by [`Balance::poll_decision`]. It knows no protocol: a *dialect*, such
//! as [`Primary`](crate::Primary) for Node, speaks to the workers and tells what they answered.
//! Members of one listener may belong to several apps, as long as their names differ.
//!
//! Every call leaves the decisions complete. A dialect that has to say something to a worker before
//! it gets its first connection says it before it polls.
//!
//! # Windows
//! A worker may have so many unanswered connections as its window. When that is full, it gets none
//! until it is half empty: a worker that is given several at once answers several at once, and we
//! are woken for several instead of for each.
//!
//! # Silence
//! A worker whose program hangs (an endless loop, a long garbage collection, SIGSTOP) answers for
//! nothing. A connection that it has is lost to others while it lives: the descriptor lies in its
//! channel, and two processes would read the same socket if it woke. So it must get few. It stands
//! behind all that have fewer unanswered; and when the others of a listener have answered eight
//! times each while it owed an answer, it is *silent*, and gets nothing before it says a word.
//! Answers are counted, not time: where all are slow, nobody is silent.
//!
//! Where a client has one worker and no other (sticky), few others may answer meanwhile. So a
//! worker is given a second connection of its clients only when it has answered for the first, a
//! third and a second at once only while it goes on to answer, up to its window; the others wait
//! here, for a second at most, and then it is passed over until it answers.
//!
//! # Refusals
//! A worker that refuses is left alone for 5 ms, and twice as long each time it refuses again, up
//! to 160 ms; until it takes one again it is offered one at a time. A connection that everybody
//! refused stays here, and nothing more is accepted from its listener: the others wait in the
//! kernel. There is no limit of attempts, because each costs a worker one message per pause; the
//! client gives up, or a worker takes it.
//!
//! # Invariants
//! - A connection is in one place: with one worker, or in the queue of its listener. It goes to
//!   another worker only when the first refused it, did not receive it, or is gone. The test is
//!   `histories::every_connection_is_in_one_place`, of this module.
//! - No worker has more unanswered connections than its window, and none gets one while it is
//!   quarantined, leaves, is blocked, or is silent: the same test.
//! - A listener accepts exactly while a member could take one more and nothing waits in front of
//!   it: the same test, by an oracle that computes it anew.

mod choice;
mod connection;
mod listener;
#[cfg(test)]
mod oracle;
mod policy;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::{ConnId, ListenerId, Millis, WorkerId};
use listener::{Listener, Member};
use worker::{Warmth, Worker};

pub(crate) use connection::NO_DESCRIPTOR;
pub use connection::Recovered;
pub use listener::Counters;
pub use policy::Policy;
pub use worker::Standing;

/// Most connections that a worker may have unanswered.
const MAX_WINDOW: usize = 16;

/// One thing to do, in the order in which they were decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand the connection to the worker, and tell its answer by [`Balance::handle_answered`].
    Hand {
        /// The worker that gets it.
        worker: WorkerId,
        /// Where it was accepted.
        listener: ListenerId,
        /// Which one to hand over.
        conn: ConnId,
    },
    /// Watch the listening socket for connections, or stop watching. After each `accept` the
    /// decisions must be carried out before the next one.
    SetAccepting {
        /// The listener of the socket.
        listener: ListenerId,
        /// `true`: watch it.
        accepting: bool,
    },
    /// Close our copy of the connection.
    Close {
        /// Which one to close.
        conn: ConnId,
        /// A worker has it. Otherwise nobody can have it any more, and the client is turned away.
        taken: bool,
    },
}

/// The connections of a set of listeners, spread over their members.
#[derive(Debug)]
pub struct Balance {
    window: usize,
    /// In the order of their names.
    workers: Vec<Worker>,
    /// In the order of their names.
    listeners: Vec<Listener>,
    decisions: VecDeque<Decision>,
    /// The time of the last event that had one.
    now: Millis,
}

impl Balance {
    /// Returns a balance without workers and listeners. A worker may have `window` connections
    /// unanswered, 1 to 16.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self {
            window: window.clamp(1, MAX_WINDOW),
            workers: Vec::new(),
            listeners: Vec::new(),
            decisions: VecDeque::new(),
            now: 0,
        }
    }

    /// Takes out the oldest decision.
    pub fn poll_decision(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    /// Adds a worker.
    pub fn add_worker(&mut self, worker: WorkerId, standing: Standing) {
        if let Err(at) = self.workers.binary_search_by_key(&worker, |found| found.id) {
            self.workers.insert(at, Worker::new(worker, standing));
        }
    }

    /// Ends a worker's quarantine: it gets connections from now on.
    pub fn admit(&mut self, worker: WorkerId) {
        let Some(found) = self.worker(worker) else { return };
        if found.standing == Standing::Quarantined {
            found.standing = Standing::Active;
            found.warmth = Warmth::Cold;
            self.room_changed(worker);
        }
    }

    /// Gives the worker nothing more. It stays a member until [`Balance::leave`], and answers for
    /// what it has.
    pub fn retire(&mut self, worker: WorkerId) {
        let Some(found) = self.worker(worker) else { return };
        found.standing = Standing::Leaving;
        for listener in &mut self.listeners {
            if let Some(member) = listener.member(worker) {
                // From now on a refusal is no sign of overload.
                member.retry_at = None;
            }
        }
        self.room_changed(worker);
    }

    /// Forgets a worker that is gone. It has not read a byte of what it did not answer for, so
    /// others get that.
    pub fn remove_worker(&mut self, now: Millis, worker: WorkerId) {
        self.now = now;
        let Ok(at) = self.workers.binary_search_by_key(&worker, |found| found.id) else { return };
        let flights: Vec<_> = self.workers.remove(at).flights().copied().collect();
        // The oldest is put in front last.
        for flight in flights.into_iter().rev() {
            self.requeue(now, worker, flight);
        }
        for listener in &mut self.listeners {
            listener.remove(worker);
        }
        self.distribute_all();
    }

    /// Says whether nothing can be sent to the worker at present: its channel is full, or busy
    /// with a large descriptor message.
    pub fn set_blocked(&mut self, worker: WorkerId, blocked: bool) {
        let Some(found) = self.worker(worker) else { return };
        if std::mem::replace(&mut found.blocked, blocked) != blocked {
            self.room_changed(worker);
        }
    }

    /// Adds a listener without members, whose connections are spread like this. It accepts nothing
    /// before a member joins.
    pub fn add_listener(&mut self, listener: ListenerId, policy: Policy) {
        if let Err(at) = self.listeners.binary_search_by_key(&listener, |found| found.id) {
            self.listeners.insert(at, Listener::new(listener, policy));
        }
    }

    /// Forgets a listener; clients that wait for a worker of it are turned away.
    pub fn remove_listener(&mut self, listener: ListenerId) {
        let Some(at) = self.listener_at(listener) else { return };
        for waiting in self.listeners.remove(at).waiting {
            self.decisions.push_back(Decision::Close { conn: waiting.conn, taken: false });
        }
    }

    /// Makes the worker a member of the listener. `place` is what [`Policy::Sticky`] hashes over: a
    /// replacement has the same as the worker that it replaces, and nobody else has it.
    pub fn join(&mut self, listener: ListenerId, worker: WorkerId, place: u64) {
        let Some(at) = self.listener_at(listener) else { return };
        let Some(found) = self.listeners.get_mut(at) else { return };
        if found.member(worker).is_none() {
            found.members.push(Member::new(worker, place));
            self.distribute(at);
        }
    }

    /// Takes the worker off the listener, as its program wanted. Connections on their way to it
    /// come back refused.
    pub fn leave(&mut self, listener: ListenerId, worker: WorkerId) {
        let Some(at) = self.listener_at(listener) else { return };
        if let Some(found) = self.listeners.get_mut(at) {
            found.remove(worker);
        }
        self.distribute(at);
    }

    /// Spreads the connections of the listener differently from now on.
    pub fn set_policy(&mut self, listener: ListenerId, policy: Policy) {
        let Some(at) = self.listener_at(listener) else { return };
        let Some(found) = self.listeners.get_mut(at) else { return };
        found.policy = policy;
        if policy != Policy::Sticky {
            for waiting in &mut found.waiting {
                waiting.patience = None;
            }
        }
        self.distribute(at);
    }

    /// Returns how the connections of the listener are spread.
    #[must_use]
    pub fn policy(&self, listener: ListenerId) -> Option<Policy> {
        Some(self.listeners.get(self.listener_at(listener)?)?.policy)
    }

    /// Returns when [`Balance::handle_deadline`] is to be called if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let workers = self.workers.iter().filter_map(|worker| worker.retry_at);
        let listeners = self.listeners.iter().flat_map(|listener| {
            let members = listener.members.iter().filter_map(|member| member.retry_at);
            members.chain(listener.waiting.iter().filter_map(|waiting| waiting.patience))
        });
        workers.chain(listeners).min()
    }

    /// Ends the pauses that are over by `now`.
    pub fn handle_deadline(&mut self, now: Millis) {
        self.now = now;
        for worker in &mut self.workers {
            worker.retry_at = worker.retry_at.filter(|at| *at > now);
        }
        for at in 0..self.listeners.len() {
            for member in self.listeners.get_mut(at).into_iter().flat_map(|l| &mut l.members) {
                member.retry_at = member.retry_at.filter(|at| *at > now);
            }
            self.end_patience(now, at);
            self.distribute(at);
        }
    }

    /// Returns how many connections the worker has not answered for.
    #[must_use]
    pub fn in_flight(&self, worker: WorkerId) -> usize {
        self.worker_of(worker).map_or(0, Worker::count)
    }

    /// Returns how many accepted connections wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.listeners.iter().map(|listener| listener.waiting.len()).sum()
    }

    /// Returns whether an accepted connection of the listener waits for a worker.
    #[must_use]
    pub fn has_waiting(&self, listener: ListenerId) -> bool {
        let found = self.listener_at(listener).and_then(|at| self.listeners.get(at));
        found.is_some_and(|listener| !listener.waiting.is_empty())
    }

    /// Returns what became of the connections of this listener that the worker was given; `None`
    /// if it is no member.
    #[must_use]
    pub fn counters(&self, listener: ListenerId, worker: WorkerId) -> Option<Counters> {
        let listener = self.listeners.get(self.listener_at(listener)?)?;
        let member = listener.members.iter().find(|member| member.worker == worker)?;
        Some(member.counters)
    }

    fn worker(&mut self, id: WorkerId) -> Option<&mut Worker> {
        let at = self.workers.binary_search_by_key(&id, |worker| worker.id).ok()?;
        self.workers.get_mut(at)
    }

    fn worker_of(&self, id: WorkerId) -> Option<&Worker> {
        let at = self.workers.binary_search_by_key(&id, |worker| worker.id).ok()?;
        self.workers.get(at)
    }

    fn listener_at(&self, id: ListenerId) -> Option<usize> {
        self.listeners.binary_search_by_key(&id, |listener| listener.id).ok()
    }
}
