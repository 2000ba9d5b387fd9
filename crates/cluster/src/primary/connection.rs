//! A connection's way from the kernel to a worker.
//!
//! A worker that refuses is left alone for 5 ms, and twice as long each time it refuses again, up
//! to 160 ms; until it takes one again it is offered one at a time. A connection that everybody
//! refused stays here, and nothing more is accepted from its listener: the others wait in the
//! kernel. There is no limit of attempts, because each costs a worker one message per pause; the
//! client gives up, or a worker takes it.

use ostler_wire::node::outgoing;

use super::{MAX_WINDOW, Primary};
use crate::listener::{Listener, Member, Waiting};
use crate::policy::weight;
use crate::worker::{InFlight, Phase, Sent, What, Worker};
use crate::{Action, ConnId, ListenerId, Millis, Output, Policy, WorkerId};

/// Pause after a first refusal.
const REFUSED: Millis = 5;
/// The pause is doubled so often at most.
const MAX_DOUBLINGS: u32 = 5;
/// Pause of a worker that had no descriptor free.
pub(super) const NO_DESCRIPTOR: Millis = 100;
/// So long a connection waits for its own worker (sticky), then it goes to another.
const PATIENCE: Millis = 1000;
/// So many connections of one listener may wait for their own workers (sticky).
const MAX_PATIENT: usize = 64;

impl Primary {
    /// A connection was accepted. `peer` is a hash of the client's address, for [`Policy::Sticky`].
    pub fn handle_accepted(
        &mut self,
        now: Millis,
        listener: ListenerId,
        conn: ConnId,
        peer: u64,
        out: &mut Output,
    ) {
        let Some(at) = self.listener_at(listener) else {
            return out.push(Action::CloseConn { conn, taken: false });
        };
        self.enqueue(now, at, conn, peer, false);
        self.pump(at, out);
    }

    /// Puts a connection in the queue, at its front if it had been out before.
    pub(super) fn enqueue(&mut self, now: Millis, at: usize, conn: ConnId, peer: u64, again: bool) {
        let patience = (self.policy == Policy::Sticky).then_some(now + PATIENCE);
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let waiting = Waiting { conn, peer, patience };
        if again {
            listener.waiting.push_front(waiting);
        } else {
            listener.waiting.push_back(waiting);
        }
    }

    /// Hands out what waits and can be handed out, then watches the socket or stops to.
    pub(super) fn pump(&mut self, at: usize, out: &mut Output) {
        let mut next = 0;
        while let Some(listener) = self.listeners.get_mut(at) {
            let Some(waiting) = listener.waiting.get(next).copied() else { break };
            let found = choose(self.policy, self.window, listener, &self.workers, waiting);
            if let Some(member) = found {
                listener.waiting.remove(next);
                self.hand(at, member, waiting, out);
            } else if self.policy == Policy::Sticky {
                next += 1;
            } else {
                break;
            }
        }
        self.update_accepting(at, out);
    }

    /// A connection that is for one worker only, also for one that is held: if it does not take it,
    /// nobody gets it. `false`: the worker does not have the listener, or cannot be asked; the
    /// connection is still the owner's.
    pub fn handle_own(
        &mut self,
        id: WorkerId,
        listener: ListenerId,
        conn: ConnId,
        out: &mut Output,
    ) -> bool {
        let Some(worker) = self.worker(id) else { return false };
        if worker.phase == Phase::Closed
            || worker.blocked
            || !worker.gate_open()
            || worker.in_flight.len() >= MAX_WINDOW
        {
            return false;
        }
        let Some(found) = self.listener_at(listener).and_then(|at| self.listeners.get_mut(at))
        else {
            return false;
        };
        let name = found.name.clone();
        let Some(member) = found.member(id).filter(|member| member.active && !member.shared) else {
            return false;
        };
        member.in_flight += 1;
        let seq = self.next_seq();
        let Some(worker) = self.worker(id) else { return false };
        worker.in_flight.push_back(InFlight {
            conn,
            listener,
            seq,
            peer: 0,
            own: true,
            doubtful: false,
        });
        worker.sent.push_back(Sent { what: What::Conn(seq), large: false });
        let mark = worker.options.mark;
        let bytes = out.write(|bytes| outgoing::new_connection(bytes, mark, &name, seq));
        out.push(Action::SendWithConn { worker: id, conn, seq, bytes });
        self.slots_changed(id, out);
        true
    }

    /// The worker has proven itself and gets connections from now on.
    pub fn handle_trusted(&mut self, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id).filter(|worker| worker.options.held) else { return };
        worker.options.held = false;
        self.slots_changed(id, out);
    }

    fn hand(&mut self, at: usize, member: usize, waiting: Waiting, out: &mut Output) {
        let seq = self.next_seq();
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let Some(found) = listener.members.get_mut(member) else { return };
        listener.cursor = member + 1;
        found.in_flight += 1;
        found.counters.handed += 1;
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == found.worker) else {
            return;
        };
        let Waiting { conn, peer, .. } = waiting;
        worker.in_flight.push_back(InFlight {
            conn,
            listener: listener.id,
            seq,
            peer,
            own: false,
            doubtful: false,
        });
        worker.sent.push_back(Sent { what: What::Conn(seq), large: false });
        let mark = worker.options.mark;
        let bytes = out.write(|bytes| outgoing::new_connection(bytes, mark, &listener.name, seq));
        out.push(Action::SendWithConn { worker: worker.id, conn, seq, bytes });
        if worker.in_flight.len() >= self.window {
            let worker = worker.id;
            self.update_others(worker, at, out);
        }
    }

    /// The worker has no slot left: its other listeners may have nobody else.
    fn update_others(&mut self, worker: WorkerId, except: usize, out: &mut Output) {
        for at in 0..self.listeners.len() {
            if at != except
                && self.listeners.get(at).is_some_and(|listener| listener.is_held_by(worker))
            {
                self.update_accepting(at, out);
            }
        }
    }

    /// Accepts exactly while a worker could take one more and nothing is in front of it.
    pub(super) fn update_accepting(&mut self, at: usize, out: &mut Output) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let room = match self.policy {
            Policy::Sticky => listener.waiting.len() < MAX_PATIENT,
            Policy::RoundRobin | Policy::Least | Policy::Shared => listener.waiting.is_empty(),
        };
        let window = self.window;
        let accepting = room
            && listener.is_open()
            && listener
                .members
                .iter()
                .any(|member| is_eligible(window, member, &self.workers).is_some());
        if accepting != listener.accepting {
            listener.accepting = accepting;
            out.push(Action::SetAccepting { listener: listener.id, accepting });
        }
    }

    /// Something about the worker's slots changed: see to all its listeners.
    pub(super) fn slots_changed(&mut self, worker: WorkerId, out: &mut Output) {
        for at in 0..self.listeners.len() {
            if self.listeners.get(at).is_some_and(|listener| listener.is_held_by(worker)) {
                self.pump(at, out);
            }
        }
    }

    /// The worker answered for a connection. (`accepted` absent: it does not say that it gave it
    /// back, so it has it.)
    pub(super) fn on_ack(
        &mut self,
        now: Millis,
        id: WorkerId,
        ack: i64,
        accepted: bool,
        out: &mut Output,
    ) {
        let Ok(seq) = u64::try_from(ack) else { return };
        if self.worker(id).is_some_and(|worker| worker.is_settled_by(seq)) {
            self.settle_inheritance(now, id, seq, out);
        }
        let Some(worker) = self.worker(id) else { return };
        let Some(place) = worker.in_flight.iter().position(|flight| flight.seq == seq) else {
            return;
        };
        worker.stuck = false;
        let Some(flight) = worker.in_flight.remove(place) else { return };
        let at = self.listener_at(flight.listener);
        if let Some(member) =
            at.and_then(|at| self.listeners.get_mut(at)).and_then(|found| found.member(id))
        {
            member.in_flight = member.in_flight.saturating_sub(1);
            if accepted {
                member.refusals = 0;
                member.retry_at = None;
            } else {
                member.counters.refused += 1;
                if member.retry_at.is_none() {
                    member.retry_at = Some(now + (REFUSED << member.refusals.min(MAX_DOUBLINGS)));
                    member.refusals = member.refusals.saturating_add(1);
                }
            }
        }
        match at {
            Some(at) if !accepted && !flight.own => {
                self.enqueue(now, at, flight.conn, flight.peer, true);
            }
            Some(_) | None => out.push(Action::CloseConn { conn: flight.conn, taken: accepted }),
        }
        self.slots_changed(id, out);
        if let (false, Some(at)) = (accepted, at) {
            // The worker may have closed the listener meanwhile.
            self.pump(at, out);
        }
    }

    /// The mark could not be sent: it is tried again.
    pub fn handle_fence_failed(&mut self, now: Millis, id: WorkerId) {
        if let Some(worker) = self.worker(id) {
            worker.fence_at = Some(now + NO_DESCRIPTOR);
        }
    }

    /// The worker got the message without its connection.
    pub(super) fn on_conn_lost(&mut self, now: Millis, id: WorkerId, seq: u64, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        let Some(place) = worker.in_flight.iter().position(|flight| flight.seq == seq) else {
            return;
        };
        let Some(flight) = worker.in_flight.remove(place) else { return };
        worker.retry_at = Some(now + NO_DESCRIPTOR);
        self.redistribute(now, id, flight, out);
        self.slots_changed(id, out);
        if let Some(at) = self.listener_at(flight.listener) {
            self.pump(at, out);
        }
    }

    /// Puts a connection that its worker does not have back in the queue.
    pub(super) fn redistribute(
        &mut self,
        now: Millis,
        worker: WorkerId,
        flight: InFlight,
        out: &mut Output,
    ) {
        let at = self.listener_at(flight.listener);
        if let Some(member) =
            at.and_then(|at| self.listeners.get_mut(at)).and_then(|found| found.member(worker))
        {
            member.in_flight = member.in_flight.saturating_sub(1);
            member.counters.redistributed += u64::from(!flight.own);
        }
        let Some(at) = at.filter(|_| !flight.own) else {
            return out.push(Action::CloseConn { conn: flight.conn, taken: false });
        };
        self.enqueue(now, at, flight.conn, flight.peer, true);
    }

    /// Connections that waited too long for their own worker go to anybody, and nobody waits for
    /// that worker before it answers again.
    pub(super) fn end_patience(&mut self, now: Millis, at: usize) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        for place in 0..listener.waiting.len() {
            let Some(waiting) = listener.waiting.get_mut(place) else { break };
            if waiting.patience.is_none_or(|until| until > now) {
                continue;
            }
            waiting.patience = None;
            let peer = waiting.peer;
            if let Some(own) = own_member(&listener.members, &self.workers, peer)
                && let Some(member) = listener.members.get(own)
                && let Some(worker) =
                    self.workers.iter_mut().find(|worker| worker.id == member.worker)
                && !worker.in_flight.is_empty()
            {
                worker.stuck = true;
            }
        }
    }
}

/// The worker of `member`, if it may be given a connection now.
fn is_eligible<'a>(window: usize, member: &Member, workers: &'a [Worker]) -> Option<&'a Worker> {
    let probing = member.refusals > 0 && member.in_flight > 0;
    if !member.active || member.shared || member.retry_at.is_some() || probing {
        return None;
    }
    workers
        .iter()
        .find(|worker| worker.id == member.worker)
        .filter(|worker| worker.has_slot(window))
}

/// The member for a connection, by its place.
fn choose(
    policy: Policy,
    window: usize,
    listener: &Listener,
    workers: &[Worker],
    waiting: Waiting,
) -> Option<usize> {
    let members = &listener.members;
    let from = listener.cursor.min(members.len());
    let rotation = (from..members.len()).chain(0..from);
    let mut eligible = rotation.filter_map(|at| {
        let worker = is_eligible(window, members.get(at)?, workers)?;
        Some((at, worker))
    });
    match policy {
        Policy::RoundRobin | Policy::Shared => eligible.next().map(|(at, _)| at),
        Policy::Least => {
            eligible.min_by_key(|(_, worker)| worker.in_flight.len()).map(|(at, _)| at)
        }
        Policy::Sticky => {
            let own = own_member(members, workers, waiting.peer)?;
            if members.get(own).is_some_and(|member| is_eligible(window, member, workers).is_some())
            {
                return Some(own);
            }
            if waiting.patience.is_some() {
                return None;
            }
            eligible
                .map(|(at, _)| at)
                .max_by_key(|at| members.get(*at).map(|m| weight(waiting.peer, m.slot)))
        }
    }
}

/// The member whose slot a peer belongs to. Of two in one slot (a reload) the older, until it
/// leaves. Those that do not answer are passed over, unless none does; those that are held always.
fn own_member(members: &[Member], workers: &[Worker], peer: u64) -> Option<usize> {
    let best = |with_stuck: bool| {
        let usable = members.iter().enumerate().filter(|(_, member)| {
            let bars = |worker: &Worker| worker.options.held || (worker.stuck && !with_stuck);
            let barred = || workers.iter().any(|worker| worker.id == member.worker && bars(worker));
            member.active && !member.shared && !barred()
        });
        usable
            .max_by_key(|(_, member)| (weight(peer, member.slot), std::cmp::Reverse(member.worker)))
            .map(|(at, _)| at)
    };
    best(false).or_else(|| best(true))
}
