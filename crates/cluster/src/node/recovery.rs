//! After the death of a primary: what it had stored, and the connections that it had accepted.
//!
//! A connection that was noted as sent to a worker may be with it, on its way to it, or never have
//! been sent. It cannot be recalled, so nobody else gets it before that is known. The worker's
//! channel keeps the order: a fence is sent behind everything (a connection for a listener that the
//! worker does not have: it says so, and closes it), and what was not answered when the answer to
//! the fence comes was never sent, or never arrived.

use ostler_wire::node::outgoing;

use super::listener::{Listener, State, User};
use super::worker::{Handed, Payload, Unacknowledged};
use super::{Command, Config, GroupOptions, ListenerMeta, Output, Primary, WorkerOptions};
use crate::balance::Policy;
use crate::{ConnId, GroupId, ListenerId, Millis, WorkerId, balance};

/// No listener has this name.
const NOBODY: &str = "0";

/// A connection that a dead primary had accepted and not heard of since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Its name from now on.
    pub conn: ConnId,
    /// Where it was accepted.
    pub listener: ListenerId,
    /// The hash of the client's address, as for [`Primary::handle_accepted`].
    pub peer: u64,
    /// The worker that it was about to be sent to, and the number of that message. The dead primary
    /// noted it before it sent.
    pub sent: Option<(WorkerId, u64)>,
}

impl Primary {
    /// Returns the successor of a primary that died. `workers` are those whose channel is
    /// still there; what the stored listeners say about others is forgotten, and stored
    /// again without them.
    ///
    /// Nobody counts as having connections, until [`Primary::handle_recovered`] tells otherwise. A
    /// query that the dead primary had taken out of the channel and not answered is lost, so the
    /// owner takes messages out when they were handled.
    #[must_use]
    pub fn restore(
        config: Config,
        groups: Vec<(GroupId, GroupOptions)>,
        listeners: Vec<ListenerMeta>,
        workers: &[(WorkerId, WorkerOptions)],
        out: &mut Output,
    ) -> Self {
        let mut primary = Self::new(config);
        for (group, options) in groups {
            primary.group(group).options = options;
        }
        for (worker, options) in workers {
            primary.handle_worker_added(*worker, *options);
        }
        for worker in primary.workers.values_mut() {
            worker.inherited = true;
        }
        for meta in listeners {
            primary.restore_listener(meta, out);
        }
        for at in (0..primary.listeners.len()).rev() {
            // A worker that had the socket while it left may have died since.
            primary.close_unwanted(0, at, out);
        }
        primary.carry_out(out);
        primary
    }

    fn restore_listener(&mut self, meta: ListenerMeta, out: &mut Output) {
        let id = meta.listener;
        self.reserve_name(id);
        let state = State::Open { sockname: meta.sockname };
        let mut listener = Listener::new(id, meta.key, meta.kind, state);
        listener.data = meta.data;
        listener.groups = meta.groups;
        let policy = listener.groups.first().map_or_else(Policy::default, |one| self.policy(*one));
        self.balance.add_listener(id, policy);
        let mut forgotten = false;
        for (worker, shared) in meta.workers {
            listener.was_handed_out |= shared;
            let Some(options) = self.workers.get(&worker).map(|found| found.options) else {
                forgotten = true;
                continue;
            };
            let asked = meta.asked.iter().find(|(asker, _)| *asker == worker).map(|(_, seq)| *seq);
            listener.users.push(User { worker, shared, asked });
            if !shared {
                self.balance.join(id, worker, id.place(options.group, options.slot));
            }
        }
        if forgotten {
            out.push(Command::ListenerMetaChanged { listener: id });
        }
        self.add_listener(listener);
    }

    /// Takes in what the dead primary had accepted, oldest first. To be called once, after
    /// [`Primary::restore`] and before anything is read from a channel.
    pub fn handle_recovered(&mut self, now: Millis, conns: &[Recovered], out: &mut Output) {
        // What the dead one closed, workers may still have.
        self.let_linger(now);
        let mut recovered = Vec::with_capacity(conns.len());
        for Recovered { conn, listener, peer, sent } in conns.iter().copied() {
            // The name of one that was closed is not used again while a connection of it is on its
            // way.
            self.reserve_name(listener);
            // A worker that is dead has not got it, or has not answered for it: then it did not
            // read of it.
            let worker = sent.filter(|(id, _)| self.connected(*id).is_some());
            if let Some((id, seq)) = worker
                && let Some(worker) = self.worker(id)
            {
                worker.handed.push_back(Handed { seq, conn, doubtful: true });
            }
            let worker = worker.map(|(id, _)| id);
            recovered.push(balance::Recovered { conn, listener, peer, worker });
        }
        let doubted: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|(_, worker)| worker.handed.iter().any(|handed| handed.doubtful))
            .map(|(id, _)| *id)
            .collect();
        for worker in doubted {
            self.send_fence(worker, out);
        }
        self.balance.handle_recovered(now, &recovered);
        self.carry_out(out);
    }

    /// The answer to this comes after all answers to what was sent before.
    fn send_fence(&mut self, id: WorkerId, out: &mut Output) {
        let seq = self.next_seq();
        let Some(worker) = self.worker(id) else { return };
        worker
            .unacknowledged
            .push_back(Unacknowledged { payload: Payload::Fence(seq), large: false });
        let mark = worker.options.mark;
        let bytes = out.write(|bytes| outgoing::new_connection(bytes, mark, NOBODY, seq));
        out.push(Command::SendFence { worker: id, bytes });
    }

    /// The fence could not be sent: it is tried again.
    pub fn handle_fence_failed(&mut self, now: Millis, id: WorkerId) {
        if let Some(worker) = self.worker(id) {
            worker.fence_at = Some(now + balance::NO_DESCRIPTOR);
        }
    }

    /// Fences that may not have arrived are sent again.
    pub(super) fn repeat_fences(&mut self, now: Millis, out: &mut Output) {
        let mut again = Vec::new();
        for (id, worker) in &mut self.workers {
            if worker.fence_at.is_some_and(|at| at <= now) {
                worker.fence_at = None;
                if worker.inherited && worker.handed.iter().any(|handed| handed.doubtful) {
                    again.push(*id);
                }
            }
        }
        for worker in again {
            self.send_fence(worker, out);
        }
    }

    /// The first answer to a message of ours came, so what the worker says from now on is about
    /// ours. Answers keep the order: earlier connections that lack one did not arrive.
    pub(super) fn settle_inheritance(
        &mut self,
        now: Millis,
        id: WorkerId,
        seq: u64,
        out: &mut Output,
    ) {
        let Some(worker) = self.worker(id) else { return };
        worker.inherited = false;
        worker.fence_at = None;
        let ours = worker.unacknowledged.iter().position(|sent| sent.number() == Some(seq));
        let settled: Vec<_> = worker.unacknowledged.drain(..ours.map_or(0, |at| at + 1)).collect();
        let lost = std::mem::take(&mut worker.unsure);
        let doubtful = worker.handed.iter().filter(|handed| handed.doubtful);
        let before =
            worker.handed.iter().filter(|handed| !handed.doubtful && handed.seq < seq).take(lost);
        let missed: Vec<ConnId> = doubtful.chain(before).map(|handed| handed.conn).collect();
        worker.handed.retain(|handed| !missed.contains(&handed.conn));
        for sent in settled {
            if let Payload::Handle { handle, .. } = sent.payload {
                self.drop_handle(handle, out);
            }
        }
        self.balance.handle_settled(now, id, &missed);
        self.update_blocked(id);
        self.carry_out(out);
    }
}
