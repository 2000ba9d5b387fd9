//! A worker's end, in its steps.

use ostler_wire::node::outgoing;

use super::worker::{Payload, Phase};
use super::{Command, Output, Primary};
use crate::{Millis, WorkerId};

impl Primary {
    /// The worker is to leave: it is taken off every listener, then told. It finishes its
    /// connections, closes the channel and exits; how long that may take is the owner's business.
    pub fn handle_leaving(&mut self, worker: WorkerId, out: &mut Output) {
        if self.connected(worker).is_none() {
            return;
        }
        self.on_detached(worker, out);
        let seq = self.next_seq();
        self.reply(worker, out, |bytes, mark| outgoing::disconnect(bytes, mark, seq));
    }

    /// The worker is taken off every listener and told nothing: it is asked to end in another way.
    /// It gets no more connections, and still has its listeners until it says that it closed them.
    pub fn on_detached(&mut self, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        if worker.phase != Phase::Active {
            return;
        }
        worker.phase = Phase::Leaving;
        for listener in &mut self.listeners {
            if listener.user(id).is_none() {
                // It needs no answer any more.
                listener.remove(id);
            }
        }
        self.balance.retire(id);
        self.carry_out(out);
    }

    /// The worker leaves by its own will and waits for our word.
    pub(super) fn on_voluntary(&mut self, worker: WorkerId, ack: i64, out: &mut Output) {
        self.on_detached(worker, out);
        out.push(Command::Voluntary { worker });
        let seq = self.next_seq();
        self.reply(worker, out, |bytes, mark| outgoing::ack(bytes, mark, ack, seq));
    }

    /// The worker's channel is at its end, and everything in it was read. What the worker did not
    /// acknowledge it has not read a byte of, so others get it.
    pub fn handle_eof(&mut self, now: Millis, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.connected(id) else { return };
        worker.phase = Phase::Closed;
        worker.fence_at = None;
        worker.notify.clear();
        worker.handed.clear();
        let sent = std::mem::take(&mut worker.unacknowledged);
        let delayed = std::mem::take(&mut worker.delayed);
        for payload in sent.into_iter().map(|sent| sent.payload).chain(delayed) {
            match payload {
                Payload::Handle { handle, .. } => self.drop_handle(handle, out),
                Payload::Conn(_) | Payload::Fence(_) | Payload::Listener { .. } => {}
            }
        }
        for at in (0..self.listeners.len()).rev() {
            let Some(listener) = self.listeners.get_mut(at) else { continue };
            if listener.remove(id) {
                out.push(Command::ListenerMetaChanged { listener: listener.id });
                self.close_unwanted(now, at, out);
            }
        }
        self.balance.remove_worker(now, id);
        self.carry_out(out);
    }

    /// The worker is dead and its channel was read to its end. Its name means nothing any more.
    pub fn handle_worker_gone(&mut self, now: Millis, worker: WorkerId, out: &mut Output) {
        self.handle_eof(now, worker, out);
        self.workers.remove(&worker);
    }
}
