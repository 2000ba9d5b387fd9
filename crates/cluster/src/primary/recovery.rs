//! After the death of a primary: what it had stored, and the connections that it had accepted.
//!
//! A connection that was noted as sent to a worker may be with it, on its way to it, or never have
//! been sent. It cannot be recalled, so nobody else gets it before that is known. The worker's
//! channel keeps the order: a mark is sent behind everything (a connection for a listener that the
//! worker does not have: it says so, and closes it), and what was not answered when the answer to
//! the mark comes was never sent, or never arrived.

use ostler_wire::node::outgoing;

use super::{Config, Primary};
use crate::listener::{Listener, State};
use crate::worker::{InFlight, Phase, Sent, What};
use crate::{Action, ConnId, ListenerId, ListenerMeta, Millis, Output, WorkerId, WorkerOptions};

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
    /// Of an app whose primary died. `workers` are those whose channel is still there; what the
    /// stored listeners say about others is forgotten, and stored again without them.
    ///
    /// All slots count as free, until [`Primary::handle_recovered`] tells otherwise. A query that
    /// the dead primary had taken out of the channel and not answered is lost, so the owner takes
    /// messages out when they were handled.
    #[must_use]
    pub fn restore(
        config: Config,
        listeners: Vec<ListenerMeta>,
        workers: &[(WorkerId, WorkerOptions)],
        out: &mut Output,
    ) -> Self {
        let mut primary = Self::new(config);
        for (worker, options) in workers {
            primary.handle_worker_added(*worker, *options);
        }
        for worker in &mut primary.workers {
            worker.inherited = true;
        }
        for meta in listeners {
            primary.restore_listener(meta, out);
        }
        for at in 0..primary.listeners.len() {
            primary.update_accepting(at, out);
        }
        primary
    }

    fn restore_listener(&mut self, meta: ListenerMeta, out: &mut Output) {
        self.next_listener = self.next_listener.max(meta.listener.0 + 1);
        let state = State::Open { sockname: meta.sockname };
        let mut listener = Listener::new(meta.listener, meta.key, meta.kind, state);
        listener.data = meta.data;
        let mut forgotten = false;
        for (id, shared) in meta.workers {
            match self.workers.iter().find(|worker| worker.id == id) {
                Some(worker) => {
                    let asked =
                        meta.asked.iter().find(|(worker, _)| *worker == id).map(|(_, seq)| *seq);
                    listener.add(id, worker.options.slot, shared, asked);
                    if let (true, Some(member)) = (worker.options.leaving, listener.member(id)) {
                        member.active = false;
                    }
                }
                None => forgotten = true,
            }
        }
        if forgotten {
            out.push(Action::ListenerMetaChanged { listener: listener.id });
        }
        self.listeners.push(listener);
    }

    /// What the dead primary had accepted, oldest first. To be called once, after
    /// [`Primary::restore`] and before anything is read from a channel.
    pub fn handle_recovered(&mut self, now: Millis, conns: &[Recovered], out: &mut Output) {
        for Recovered { conn, listener, peer, sent } in conns.iter().copied() {
            let at = self.listener_at(listener);
            // The name of one that was closed is not used again while a connection of it is on its
            // way.
            self.next_listener = self.next_listener.max(listener.0 + 1);
            // Who is dead has not got it, or has not answered for it: then it did not read of it.
            let open = |worker: &&mut crate::worker::Worker| worker.phase != Phase::Closed;
            let sent = sent.and_then(|(id, seq)| Some((self.worker(id).filter(open)?, seq)));
            let Some((worker, seq)) = sent else {
                match at {
                    Some(at) => self.enqueue(now, at, conn, peer, false),
                    None => out.push(Action::CloseConn { conn, taken: false }),
                }
                continue;
            };
            worker.in_flight.push_back(InFlight {
                conn,
                listener,
                seq,
                peer,
                own: false,
                doubtful: true,
            });
            let id = worker.id;
            if let Some(member) = at
                .and_then(|at| self.listeners.get_mut(at))
                .and_then(|listener| listener.member(id))
            {
                member.in_flight += 1;
            }
        }
        let doubted: Vec<WorkerId> = self
            .workers
            .iter()
            .filter(|worker| worker.in_flight.iter().any(|flight| flight.doubtful))
            .map(|worker| worker.id)
            .collect();
        for worker in doubted {
            self.send_fence(worker, out);
        }
        for at in 0..self.listeners.len() {
            self.pump(at, out);
        }
    }

    /// The answer to this comes after all answers to what was sent before.
    fn send_fence(&mut self, id: WorkerId, out: &mut Output) {
        let seq = self.next_seq();
        let Some(worker) = self.worker(id) else { return };
        worker.sent.push_back(Sent { what: What::Fence(seq), large: false });
        let mark = worker.options.mark;
        let bytes = out.write(|bytes| outgoing::new_connection(bytes, mark, NOBODY, seq));
        out.push(Action::SendFence { worker: id, bytes });
    }

    /// Marks that may not have arrived are sent again.
    pub(super) fn repeat_fences(&mut self, now: Millis, out: &mut Output) {
        for at in 0..self.workers.len() {
            let Some(worker) = self
                .workers
                .get_mut(at)
                .filter(|worker| worker.fence_at.is_some_and(|at| at <= now))
            else {
                continue;
            };
            worker.fence_at = None;
            if worker.inherited && worker.in_flight.iter().any(|flight| flight.doubtful) {
                let id = worker.id;
                self.send_fence(id, out);
            }
        }
    }

    /// The first answer to a message of ours came, so what the worker says from now on is about
    /// ours. Answers keep the order: connections before this one that lack one are those that did
    /// not arrive.
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
        let ours = worker.sent.iter().position(
            |sent| matches!(sent.what, What::Conn(number) | What::Fence(number) if number == seq),
        );
        let settled: Vec<_> = worker.sent.drain(..ours.map_or(0, |at| at + 1)).collect();
        let lost = usize::try_from(std::mem::take(&mut worker.unsure)).unwrap_or(usize::MAX);
        let mut before: Vec<InFlight> =
            worker.in_flight.iter().filter(|flight| flight.doubtful).copied().collect();
        before.extend(
            worker
                .in_flight
                .iter()
                .filter(|flight| !flight.doubtful && flight.seq < seq)
                .take(lost),
        );
        worker.in_flight.retain(|flight| !before.iter().any(|lost| lost.seq == flight.seq));
        // The oldest goes to the front in the end.
        for flight in before.iter().rev() {
            self.redistribute(now, id, *flight, out);
        }
        for sent in settled {
            if let What::Handle { handle, .. } = sent.what {
                self.drop_handle(handle, out);
            }
        }
        self.slots_changed(id, out);
        for flight in before {
            // The worker may have closed the listener meanwhile.
            if let Some(at) = self.listener_at(flight.listener) {
                self.pump(at, out);
            }
        }
    }
}
