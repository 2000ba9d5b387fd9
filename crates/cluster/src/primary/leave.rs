//! A worker's end, in its steps.

use ostler_wire::node::outgoing;

use super::Primary;
use crate::worker::{Phase, What};
use crate::{Action, Millis, Output, WorkerId};

impl Primary {
    /// The worker is to leave: it is taken off every listener, then told. It finishes its
    /// connections, closes the channel and exits; how long that may take is the owner's business.
    pub fn handle_leaving(&mut self, worker: WorkerId, out: &mut Output) {
        if self.worker(worker).is_none_or(|found| found.phase == Phase::Closed) {
            return;
        }
        self.retire(worker, out);
        let seq = self.next_seq();
        let Some(found) = self.worker(worker) else { return };
        let mark = found.options.mark;
        let bytes = out.write(|bytes| outgoing::disconnect(bytes, mark, seq));
        out.push(Action::Send { worker, bytes });
    }

    /// The worker is taken off every listener and told nothing: it is asked to end in another way.
    pub fn handle_off(&mut self, worker: WorkerId, out: &mut Output) {
        self.retire(worker, out);
    }

    /// The worker leaves by its own will and waits for our word.
    pub(super) fn on_voluntary(&mut self, worker: WorkerId, ack: i64, out: &mut Output) {
        self.retire(worker, out);
        out.push(Action::Voluntary { worker });
        let seq = self.next_seq();
        let Some(found) = self.worker(worker) else { return };
        let mark = found.options.mark;
        let bytes = out.write(|bytes| outgoing::ack(bytes, mark, ack, seq));
        out.push(Action::Send { worker, bytes });
    }

    /// No more connections for the worker. It still has its listeners, until it says that it closed
    /// them.
    fn retire(&mut self, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        if worker.phase != Phase::Active {
            return;
        }
        worker.phase = Phase::Leaving;
        for at in 0..self.listeners.len() {
            let Some(listener) = self.listeners.get_mut(at) else { break };
            match listener.member(id) {
                Some(member) => {
                    member.active = false;
                    // A refusal of it is no sign of overload from now on.
                    member.retry_at = None;
                }
                None => {
                    listener.remove(id);
                }
            }
            self.pump(at, out);
        }
    }

    /// The worker's channel is at its end, and everything in it was read. What the worker did not
    /// acknowledge it has not read a byte of, so others get it.
    pub fn handle_eof(&mut self, now: Millis, id: WorkerId, out: &mut Output) {
        let Some(worker) = self.worker(id) else { return };
        if worker.phase == Phase::Closed {
            return;
        }
        worker.phase = Phase::Closed;
        worker.retry_at = None;
        worker.fence_at = None;
        worker.notify.clear();
        let flights = std::mem::take(&mut worker.in_flight);
        let sent = std::mem::take(&mut worker.sent);
        let held = std::mem::take(&mut worker.held);
        for what in sent.into_iter().map(|sent| sent.what).chain(held) {
            match what {
                What::Handle { handle, .. } => self.drop_handle(handle, out),
                What::Conn(_) | What::Fence(_) | What::Listener { .. } => {}
            }
        }
        // The oldest goes to the front in the end.
        for flight in flights.into_iter().rev() {
            self.redistribute(now, id, flight, out);
        }
        for at in 0..self.listeners.len() {
            let Some(listener) = self.listeners.get_mut(at) else { break };
            if listener.remove(id) {
                out.push(Action::ListenerMetaChanged { listener: listener.id });
            }
            self.pump(at, out);
        }
    }

    /// The worker is dead and its channel was drained. Its name means nothing any more.
    pub fn handle_worker_gone(&mut self, now: Millis, worker: WorkerId, out: &mut Output) {
        self.handle_eof(now, worker, out);
        self.workers.retain(|found| found.id != worker);
    }
}
