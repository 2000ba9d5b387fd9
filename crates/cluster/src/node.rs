//! The primary of Node's cluster: messages, marks, handles, and what they mean for the balance.
//!
//! The problem: Node's workers speak an undocumented protocol in which an answer that is missing,
//! late or doubled hangs or kills a worker, and in which nothing but the worker's answer
//! tells that a connection arrived.
//!
//! The rule: a [`Primary`] translates between that protocol and a [`Balance`]. It knows what each
//! call of `listen` means, who asked for what and by which number, and which descriptors the worker
//! has acknowledged; who gets a connection, it does not decide.
//!
//! There is one primary for all apps, as one Node process would be: calls that mean the same socket
//! share it, also those of different apps. It is open as long as one of them wants it.
//!
//! The answer to a worker's query, and a fence, must reach the worker before its first connection:
//! they are written before the decisions are taken out of the balance.

mod closing;
mod command;
mod group;
mod handle;
mod key;
mod leave;
mod listener;
mod message;
mod meta;
mod query;
mod recovery;
mod sharing;
mod view;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ostler_wire::node::{Mark, outgoing};

use crate::balance::{Balance, Decision};
use crate::{ConnId, GroupId, ListenerId, Millis, WorkerId};
use group::Group;
use listener::Listener;
use worker::{Handed, Payload, Phase, Unacknowledged, Worker};

pub use command::{Command, Noise, Output, Span};
pub use group::GroupOptions;
pub use handle::SendError;
pub use key::{Key, ListenerKind};
pub use listener::Use;
pub use meta::{ListenerMeta, MetaError};
pub use recovery::Recovered;
pub use worker::{Received, WorkerOptions};

/// Settings of a [`Primary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// First number for our messages. After our death it must be above all that were used before,
    /// so that late acknowledgements match nothing; below 2^53, the end of JavaScript's integers.
    pub first_seq: u64,
    /// The second half of the name of the first listener that an app opens; the first half is the
    /// number of the app. From 1 to 2^32, and after our death above all that were used before.
    pub first_listener: u64,
    /// Connections that a worker may have unacknowledged, 1 to 16.
    pub window: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { first_seq: 1, first_listener: 1, window: 4 }
    }
}

/// The primary of all apps.
#[derive(Debug)]
pub struct Primary {
    seq: u64,
    first_listener: u64,
    groups: BTreeMap<GroupId, Group>,
    workers: BTreeMap<WorkerId, Worker>,
    /// In the order of their names.
    listeners: Vec<Listener>,
    /// Closed listeners of which somebody beside workers may have a duplicate.
    closing: Vec<ListenerId>,
    /// Until then a worker may have a duplicate of a closed one.
    linger_until: Millis,
    /// How many listeners were asked for.
    asked: u64,
    balance: Balance,
}

impl Primary {
    /// Returns one without workers.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            seq: config.first_seq,
            first_listener: config.first_listener,
            groups: BTreeMap::new(),
            workers: BTreeMap::new(),
            listeners: Vec::new(),
            closing: Vec::new(),
            linger_until: 0,
            asked: 0,
            balance: Balance::new(config.window),
        }
    }

    /// A worker was started; before anything is read from its channel.
    pub fn handle_worker_added(&mut self, worker: WorkerId, options: WorkerOptions) {
        if self.worker(worker).is_none() {
            self.workers.insert(worker, Worker::new(options));
            self.balance.add_worker(worker, options.standing());
        }
    }

    /// How the worker marks its messages, as its framer saw.
    pub fn set_mark(&mut self, worker: WorkerId, mark: Mark) {
        if let Some(worker) = self.worker(worker) {
            worker.options.mark = mark;
        }
    }

    /// The worker passed its checks and gets connections from now on.
    pub fn handle_admitted(&mut self, worker: WorkerId, out: &mut Output) {
        self.balance.admit(worker);
        self.carry_out(out);
    }

    /// The channel's output is full (`blocked`), or took everything again. While it is full, the
    /// worker gets no connections.
    pub fn handle_backpressure(&mut self, worker: WorkerId, blocked: bool, out: &mut Output) {
        let Some(found) = self.worker(worker) else { return };
        found.channel_full = blocked;
        self.update_blocked(worker);
        self.carry_out(out);
    }

    /// The worker gets no connections while it is `paused`: somebody looks whether it has any.
    pub fn handle_paused(&mut self, worker: WorkerId, paused: bool, out: &mut Output) {
        let Some(found) = self.worker(worker) else { return };
        found.paused = paused;
        self.update_blocked(worker);
        self.carry_out(out);
    }

    /// A connection was accepted. `peer` is a hash of the client's address, for [`Policy::Sticky`].
    pub fn handle_accepted(
        &mut self,
        now: Millis,
        listener: ListenerId,
        conn: ConnId,
        peer: u64,
        out: &mut Output,
    ) {
        self.balance.handle_accepted(now, listener, conn, peer);
        self.carry_out(out);
    }

    /// Sends a connection that is for one worker only, also for one in quarantine: if it does not
    /// take it, nobody gets it. Returns `false` when the worker does not have the listener or
    /// cannot be asked; the connection is still the owner's then.
    pub fn send_probe_connection(
        &mut self,
        worker: WorkerId,
        listener: ListenerId,
        conn: ConnId,
        out: &mut Output,
    ) -> bool {
        let pinned = self.balance.pin(worker, listener, conn);
        if pinned {
            self.send_conn(worker, listener, conn, out);
            self.carry_out(out);
        }
        pinned
    }

    /// Returns when [`Primary::handle_deadline`] is to be called, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let fences = self.workers.values().filter_map(|worker| worker.fence_at);
        fences.chain(self.retry_at()).chain(self.balance.deadline()).min()
    }

    /// Time went by.
    pub fn handle_deadline(&mut self, now: Millis, out: &mut Output) {
        self.repeat_fences(now, out);
        self.open_again(now, out);
        self.balance.handle_deadline(now);
        self.carry_out(out);
    }

    /// Turns the decisions of the balance into commands.
    fn carry_out(&mut self, out: &mut Output) {
        while let Some(decision) = self.balance.poll_decision() {
            match decision {
                Decision::Hand { worker, listener, conn } => {
                    self.send_conn(worker, listener, conn, out);
                }
                Decision::SetAccepting { listener, accepting } => {
                    out.push(Command::SetAccepting { listener, accepting });
                }
                Decision::Close { conn, taken } => out.push(Command::CloseConn { conn, taken }),
            }
        }
    }

    fn send_conn(&mut self, id: WorkerId, listener: ListenerId, conn: ConnId, out: &mut Output) {
        let seq = self.next_seq();
        let at = self.listener_at(listener);
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let Some(listener) = at.and_then(|at| self.listeners.get(at)) else { return };
        worker.handed.push_back(Handed { seq, conn, doubtful: false });
        worker
            .unacknowledged
            .push_back(Unacknowledged { payload: Payload::Conn(seq), large: false });
        let mark = worker.options.mark;
        let bytes = out.write(|bytes| outgoing::new_connection(bytes, mark, &listener.name, seq));
        out.push(Command::SendWithConn { worker: id, conn, seq, bytes });
    }

    /// Tells the balance whether a connection can be sent to the worker at present.
    fn update_blocked(&mut self, id: WorkerId) {
        let Some(worker) = self.worker(id) else { return };
        let blocked = worker.channel_full || worker.paused || !worker.gate_open();
        self.balance.set_blocked(id, blocked);
    }

    /// Returns the worker, if its channel is open.
    fn connected(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.worker(id).filter(|worker| worker.phase != Phase::Closed)
    }

    fn worker(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.workers.get_mut(&id)
    }

    fn listener_at(&self, id: ListenerId) -> Option<usize> {
        self.listeners.binary_search_by_key(&id, |listener| listener.id).ok()
    }

    fn add_listener(&mut self, listener: Listener) {
        let at = self.listeners.partition_point(|found| found.id < listener.id);
        self.listeners.insert(at, listener);
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}
