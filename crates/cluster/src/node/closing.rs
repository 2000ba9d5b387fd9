//! Listeners that nobody wants any more, and addresses that are free again only a little later.
//!
//! The problem: a listening socket has duplicates. The keeper's goes when the keeper reads of it,
//! that of a worker which had the socket itself when the worker comes to close it. Whoever binds
//! the address before meets the duplicate and is told that it is in use; for an app that closes and
//! listens again, or changes its port, that is a crash.
//!
//! The rule: what is closed is *closing* until the owner says that only workers can have it
//! ([`Primary::handle_listener_closed`]). As long as something is, and a while longer where
//! workers had the socket themselves, an address in use is no answer: it is tried again. While a
//! worker that leaves has the socket itself, the listener is not closed at all, and who asks for
//! it gets it.

use super::key::EADDRINUSE;
use super::listener::{Listener, State};
use super::{Command, Output, Primary};
use crate::{GroupId, ListenerId, Millis};

/// How long a worker may take to close a socket after it said that it closes it.
const LINGERS: Millis = 2000;
/// Pause between two tries to open what may still be with a worker.
const AGAIN: Millis = 10;

impl Primary {
    /// Nobody but workers has the socket of this listener any more, which was to be closed.
    pub fn handle_listener_closed(&mut self, listener: ListenerId, out: &mut Output) {
        if let Some(at) = self.closing.iter().position(|held| *held == listener) {
            self.closing.remove(at);
        }
        self.open_again(Millis::MAX, out);
    }

    /// Returns whether a query of the worker is not answered yet. What was read of its channel
    /// must stay there: we may die before we answer.
    #[must_use]
    pub fn is_asking(&self, worker: crate::WorkerId) -> bool {
        self.listeners.iter().any(|listener| listener.is_asked_for_by(worker))
    }

    /// Lets an app go of what no worker of it uses. To be called when the app is at rest: until
    /// then a listener without workers waits for their successors, and clients wait in its queue.
    pub fn close_unused(&mut self, now: Millis, group: GroupId, out: &mut Output) {
        for at in (0..self.listeners.len()).rev() {
            let Some(listener) = self.listeners.get(at) else { continue };
            if listener.is_open() && !self.is_wanted_by(at, group) {
                self.let_go(now, at, group, out);
            }
        }
    }

    /// Lets an app go of everything: it was stopped.
    pub fn close_all(&mut self, now: Millis, group: GroupId, out: &mut Output) {
        for at in (0..self.listeners.len()).rev() {
            let Some(listener) = self.listeners.get_mut(at) else { continue };
            if listener.groups == [group] {
                self.close_listener(now, at, out);
            } else {
                self.let_go(now, at, group, out);
            }
        }
    }

    /// Forgets an app that has no workers any more.
    pub fn forget_group(&mut self, now: Millis, group: GroupId, out: &mut Output) {
        self.close_all(now, group, out);
        self.groups.remove(&group);
    }

    /// Returns whether a worker of the app that does not leave uses the listener.
    pub(super) fn is_wanted_by(&self, at: usize, group: GroupId) -> bool {
        let Some(listener) = self.listeners.get(at) else { return false };
        let workers = listener.users.iter().filter_map(|user| self.workers.get(&user.worker));
        workers.into_iter().any(|worker| worker.is_active() && worker.options.group == group)
    }

    /// The app does not want the listener any more.
    pub(super) fn let_go(&mut self, now: Millis, at: usize, group: GroupId, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let Some(place) = listener.groups.iter().position(|other| *other == group) else { return };
        listener.groups.remove(place);
        out.push(Command::ListenerMetaChanged { listener: listener.id });
        self.close_unwanted(now, at, out);
    }

    /// Closes a listener that no app wants, unless a worker that leaves has the socket itself.
    pub(super) fn close_unwanted(&mut self, now: Millis, at: usize, out: &mut Output) {
        let Some(listener) = self.listeners.get(at) else { return };
        if listener.groups.is_empty() && !listener.users.iter().any(|user| user.shared) {
            self.close_listener(now, at, out);
        }
    }

    fn close_listener(&mut self, now: Millis, at: usize, out: &mut Output) {
        let listener = self.listeners.remove(at);
        match listener.state {
            // It was never opened.
            State::Waiting { .. } => return,
            State::Opening { .. } | State::Open { .. } => {}
        }
        if listener.was_handed_out {
            self.let_linger(now);
        }
        self.balance.remove_listener(listener.id);
        self.carry_out(out);
        let unlink = listener.kind.unlink().map(str::to_owned);
        self.close_socket(listener.id, unlink, out);
    }

    pub(super) fn close_socket(
        &mut self,
        listener: ListenerId,
        unlink: Option<String>,
        out: &mut Output,
    ) {
        self.closing.push(listener);
        out.push(Command::CloseListener { listener, unlink });
    }

    /// Workers may have sockets for a while that nobody else has any more.
    pub(super) fn let_linger(&mut self, now: Millis) {
        self.linger_until = now + LINGERS;
    }

    /// Returns whether a socket that was to be closed may still be in the way of another.
    #[must_use]
    pub fn lingers(&self, now: Millis) -> bool {
        now < self.linger_until || !self.closing.is_empty()
    }

    /// Returns whether a worker that leaves still has a socket at the port which this one wants,
    /// and no app wants that socket any more.
    fn is_kept_by_leaving(&self, at: usize) -> bool {
        let Some(port) = self.listeners.get(at).and_then(|listener| listener.kind.wanted_port())
        else {
            return false;
        };
        self.listeners.iter().any(|other| {
            other.is_open() && other.groups.is_empty() && other.kind.wanted_port() == Some(port)
        })
    }

    /// Opening failed with this error. Returns whether it is tried again.
    pub(super) fn is_retried(&mut self, now: Millis, at: usize, errno: i32) -> bool {
        let lingers = self.lingers(now) || self.is_kept_by_leaving(at);
        let Some(listener) = self.listeners.get_mut(at) else { return false };
        let State::Opening { askers } = &mut listener.state else { return false };
        if errno != EADDRINUSE || !lingers {
            return false;
        }
        let askers = std::mem::take(askers);
        listener.state = State::Waiting { askers, again: now + AGAIN };
        true
    }

    /// Returns when the next one is tried again.
    pub(super) fn retry_at(&self) -> Option<Millis> {
        let again = |state: &State| match state {
            State::Waiting { again, .. } => Some(*again),
            State::Opening { .. } | State::Open { .. } => None,
        };
        self.listeners.iter().filter_map(|listener| again(&listener.state)).min()
    }

    /// Tries to open what waits, as far as it is due, in the order in which it was asked for.
    pub(super) fn open_again(&mut self, now: Millis, out: &mut Output) {
        // Who asked for it may be gone.
        self.listeners.retain(|listener| match &listener.state {
            State::Waiting { askers, .. } => !askers.is_empty(),
            State::Opening { .. } | State::Open { .. } => true,
        });
        let mut due: Vec<&mut Listener> =
            self.listeners.iter_mut().filter(|listener| listener.is_due(now)).collect();
        due.sort_unstable_by_key(|listener| listener.number);
        for listener in due {
            listener.open(out);
        }
    }

    /// Returns the next number in the order of questions.
    pub(super) fn next_asked(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }
}
