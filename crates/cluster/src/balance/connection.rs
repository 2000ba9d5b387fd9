//! A connection's way from the kernel to a worker.

use super::listener::Waiting;
use super::worker::{Flight, Standing};
use super::{Balance, Decision, MAX_WINDOW, Policy};
use crate::{ConnId, ListenerId, Millis, WorkerId};

/// Pause after a first refusal.
const REFUSED: Millis = 5;
/// The pause is doubled so often at most.
const MAX_DOUBLINGS: u32 = 5;
/// Pause of a worker that had no descriptor free.
pub(crate) const NO_DESCRIPTOR: Millis = 100;
/// How often each worker answers, on average, before one that owes an answer all the while
/// is passed over.
const ROUNDS_OF_SILENCE: usize = 8;
/// How many connections of one listener may wait for their own workers (sticky).
pub(super) const MAX_PATIENT: usize = 64;

/// A connection that was accepted before our time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its name from now on.
    pub conn: ConnId,
    /// Where it was accepted.
    pub listener: ListenerId,
    /// The hash of the client's address, as for [`Balance::handle_accepted`].
    pub peer: u64,
    /// The worker that may have it. It counts as unanswered there.
    pub worker: Option<WorkerId>,
}

impl Balance {
    /// A connection was accepted. `peer` is a hash of the client's address, for [`Policy::Sticky`].
    pub fn handle_accepted(&mut self, now: Millis, listener: ListenerId, conn: ConnId, peer: u64) {
        self.now = now;
        let Some(at) = self.listener_at(listener) else { return self.turn_away(conn) };
        if let Some(listener) = self.listeners.get_mut(at) {
            listener.waiting.push_back(listener.since(now, conn, peer));
        }
        self.distribute(at);
    }

    /// Takes in what a predecessor had accepted, oldest first.
    pub fn handle_recovered(&mut self, now: Millis, conns: &[Recovered]) {
        self.now = now;
        let window = self.window;
        for Recovered { conn, listener, peer, worker } in conns.iter().copied() {
            let at = self.listener_at(listener);
            if let Some(worker) = worker.and_then(|id| self.worker(id)) {
                let id = worker.id;
                worker.give(Flight { conn, listener, peer, pinned: false }, window);
                if let Some(member) =
                    at.and_then(|at| self.listeners.get_mut(at)).and_then(|found| found.member(id))
                {
                    member.in_flight += 1;
                }
                continue;
            }
            match at.and_then(|at| self.listeners.get_mut(at)) {
                Some(listener) => listener.waiting.push_back(listener.since(now, conn, peer)),
                None => self.turn_away(conn),
            }
        }
        self.distribute_all();
    }

    /// Counts a connection as handed to this worker, also while it is quarantined: if it does not
    /// take it, nobody gets it. Returns whether it can be sent; if not, it is still the caller's.
    pub fn pin(&mut self, worker: WorkerId, listener: ListenerId, conn: ConnId) -> bool {
        let Some(at) = self.listener_at(listener) else { return false };
        let Some(found) = self.worker(worker) else { return false };
        if found.standing == Standing::Leaving || found.blocked || found.count() >= MAX_WINDOW {
            return false;
        }
        let Some(member) = self.listeners.get_mut(at).and_then(|found| found.member(worker)) else {
            return false;
        };
        member.in_flight += 1;
        let window = self.window;
        if let Some(found) = self.worker(worker) {
            found.give(Flight { conn, listener, peer: 0, pinned: true }, window);
        }
        self.room_changed(worker);
        true
    }

    /// The worker answered for a connection: it took it, or refused it and closed its copy.
    pub fn handle_answered(&mut self, now: Millis, id: WorkerId, conn: ConnId, accepted: bool) {
        self.now = now;
        let window = self.window;
        let Some(worker) = self.worker(id) else { return };
        let Some(flight) = worker.take(conn, window) else { return };
        worker.hear();
        worker.quicken(window);
        let leaving = worker.standing == Standing::Leaving;
        let at = self.listener_at(flight.listener);
        let silent = self.overtake_others(at, id);
        if let Some(member) =
            at.and_then(|at| self.listeners.get_mut(at)).and_then(|found| found.member(id))
        {
            member.in_flight = member.in_flight.saturating_sub(1);
            if accepted {
                member.refusals = 0;
                member.retry_at = None;
            } else {
                member.counters.refused += 1;
                if member.retry_at.is_none() && !leaving {
                    member.retry_at = Some(now + (REFUSED << member.refusals.min(MAX_DOUBLINGS)));
                    member.refusals = member.refusals.saturating_add(1);
                }
            }
        }
        if accepted || flight.pinned {
            self.decisions.push_back(Decision::Close { conn, taken: accepted });
        } else {
            self.put_in_front(now, flight);
        }
        self.room_changed(id);
        if let (false, Some(at)) = (accepted, at) {
            // The worker may have left the listener meanwhile.
            self.distribute(at);
        }
        for worker in silent {
            self.update_others(worker, None);
        }
        if let Some(worker) = self.worker(id) {
            worker.slow_down();
        }
    }

    /// Counts an answer for a connection of this listener against every other member who owes one.
    /// Returns who falls silent by that.
    fn overtake_others(&mut self, at: Option<usize>, answered: WorkerId) -> Vec<WorkerId> {
        let Self { listeners, workers, .. } = self;
        let Some(listener) = at.and_then(|at| listeners.get(at)) else { return Vec::new() };
        let limit = ROUNDS_OF_SILENCE * listener.members.len();
        let mut silent = Vec::new();
        for other in listener.members.iter().filter(|member| member.worker != answered) {
            let found = workers.binary_search_by_key(&other.worker, |worker| worker.id);
            if let Some(worker) = found.ok().and_then(|at| workers.get_mut(at))
                && worker.overtake(limit)
            {
                silent.push(other.worker);
            }
        }
        silent
    }

    /// The worker did not receive the connection, because it had no descriptor free.
    pub fn handle_missed(&mut self, now: Millis, id: WorkerId, conn: ConnId) {
        self.now = now;
        let Some(worker) = self.worker(id) else { return };
        worker.retry_at = Some(now + NO_DESCRIPTOR);
        worker.hear();
        let flights = self.take(id, &[conn]);
        self.give_back(now, id, flights);
    }

    /// One of the worker's connections may not have arrived, and which one is not known yet: until
    /// [`Balance::handle_settled`] there is room for one more, lest the worker has none left to
    /// give the answer that tells.
    pub fn handle_unsure(&mut self, id: WorkerId) {
        let Some(worker) = self.worker(id) else { return };
        worker.add_doubt();
        self.room_changed(id);
    }

    /// It is known which of the worker's connections did not arrive (`missed`, oldest first): those
    /// go to others.
    pub fn handle_settled(&mut self, now: Millis, id: WorkerId, missed: &[ConnId]) {
        self.now = now;
        let flights = self.take(id, missed);
        if let Some(worker) = self.worker(id) {
            worker.end_doubt();
        }
        self.give_back(now, id, flights);
    }

    fn take(&mut self, id: WorkerId, conns: &[ConnId]) -> Vec<Flight> {
        let window = self.window;
        let Some(worker) = self.worker(id) else { return Vec::new() };
        conns.iter().filter_map(|conn| worker.take(*conn, window)).collect()
    }

    /// Puts connections that the worker does not have back in the queue, oldest first.
    fn give_back(&mut self, now: Millis, id: WorkerId, flights: Vec<Flight>) {
        // The oldest is put in front last.
        for flight in flights.iter().rev() {
            self.requeue(now, id, *flight);
        }
        self.room_changed(id);
        for flight in flights {
            // The worker may have left the listener meanwhile.
            if let Some(at) = self.listener_at(flight.listener) {
                self.distribute(at);
            }
        }
    }

    /// Takes a connection back that was not refused: it never arrived, or its worker is gone.
    pub(super) fn requeue(&mut self, now: Millis, worker: WorkerId, flight: Flight) {
        let at = self.listener_at(flight.listener);
        if let Some(member) =
            at.and_then(|at| self.listeners.get_mut(at)).and_then(|found| found.member(worker))
        {
            member.in_flight = member.in_flight.saturating_sub(1);
            member.counters.redistributed += u64::from(!flight.pinned);
        }
        if flight.pinned {
            return self.turn_away(flight.conn);
        }
        self.put_in_front(now, flight);
    }

    /// Puts a connection that had been out in front of the others.
    fn put_in_front(&mut self, now: Millis, flight: Flight) {
        match self.listener_at(flight.listener).and_then(|at| self.listeners.get_mut(at)) {
            Some(listener) => {
                listener.waiting.push_front(listener.since(now, flight.conn, flight.peer));
            }
            None => self.turn_away(flight.conn),
        }
    }

    fn turn_away(&mut self, conn: ConnId) {
        self.decisions.push_back(Decision::Close { conn, taken: false });
    }

    /// Hands out what waits and can be handed out, then watches the socket or stops to.
    pub(super) fn distribute(&mut self, at: usize) {
        let mut next = 0;
        while let Some(listener) = self.listeners.get(at) {
            let Some(waiting) = listener.waiting.get(next).copied() else { break };
            if let Some(member) = self.choose(listener, waiting) {
                self.hand(at, next, member);
            } else if listener.policy == Policy::Sticky {
                next += 1;
            } else {
                break;
            }
        }
        self.update_accepting(at);
    }

    pub(super) fn distribute_all(&mut self) {
        for at in 0..self.listeners.len() {
            self.distribute(at);
        }
    }

    /// Hands what waits at `place` to the member.
    fn hand(&mut self, at: usize, place: usize, member: usize) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let Some(Waiting { conn, peer, .. }) = listener.waiting.remove(place) else { return };
        listener.cursor = member + 1;
        let Some(member) = listener.members.get_mut(member) else { return };
        member.in_flight += 1;
        member.counters.handed += 1;
        let (id, listener) = (member.worker, listener.id);
        self.decisions.push_back(Decision::Hand { worker: id, listener, conn });
        let (window, now) = (self.window, self.now);
        let Some(worker) = self.worker(id) else { return };
        worker.warm_up(now);
        if worker.give(Flight { conn, listener, peer, pinned: false }, window) {
            self.update_others(id, Some(at));
        }
    }

    /// The worker has no room left: its listeners (but `except`) may have nobody else.
    fn update_others(&mut self, worker: WorkerId, except: Option<usize>) {
        for at in 0..self.listeners.len() {
            let has = self.listeners.get(at).is_some_and(|listener| listener.has(worker));
            if has && except != Some(at) {
                self.update_accepting(at);
            }
        }
    }

    /// Accepts exactly while a worker could take one more and nothing is in front of it.
    fn update_accepting(&mut self, at: usize) {
        let Some(listener) = self.listeners.get(at) else { return };
        let queue_has_room = match listener.policy {
            Policy::Sticky => listener.waiting.len() < MAX_PATIENT,
            Policy::RoundRobin | Policy::Shared => listener.waiting.is_empty(),
        };
        let accepting =
            queue_has_room && listener.members.iter().any(|member| self.eligible(member).is_some());
        let Some(listener) = self.listeners.get_mut(at) else { return };
        if accepting != listener.accepting {
            listener.accepting = accepting;
            let listener = listener.id;
            self.decisions.push_back(Decision::SetAccepting { listener, accepting });
        }
    }

    /// Looks at all listeners of a worker, because it can take more or less than before.
    pub(super) fn room_changed(&mut self, worker: WorkerId) {
        for at in 0..self.listeners.len() {
            if self.listeners.get(at).is_some_and(|listener| listener.has(worker)) {
                self.distribute(at);
            }
        }
    }

    /// Connections that waited too long for their own worker go to any, and nobody waits for that
    /// worker before it answers again.
    pub(super) fn end_patience(&mut self, now: Millis, at: usize) {
        let Some(count) = self.listeners.get(at).map(|listener| listener.waiting.len()) else {
            return;
        };
        for place in 0..count {
            let Some(listener) = self.listeners.get_mut(at) else { return };
            let Some(waiting) = listener.waiting.get_mut(place) else { return };
            if waiting.patience.is_none_or(|until| until > now) {
                continue;
            }
            waiting.patience = None;
            let peer = waiting.peer;
            let Some(listener) = self.listeners.get(at) else { return };
            let own = self.own_member(listener, peer).and_then(|own| listener.members.get(own));
            let Some(own) = own.map(|member| member.worker) else { continue };
            if let Some(worker) = self.worker(own) {
                worker.stuck |= 0 < worker.count();
            }
        }
    }
}
