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
//! The answer to a worker's query, and a fence, must reach the worker before its first connection:
//! they are written before the decisions are taken out of the balance.

mod command;
mod handle;
mod key;
mod leave;
mod listener;
mod message;
mod meta;
mod query;
mod recovery;
mod view;
mod worker;

#[cfg(test)]
mod tests;

use ostler_wire::node::{Mark, outgoing};

use crate::balance::{Balance, Decision, Policy};
use crate::{ConnId, ListenerId, Millis, WorkerId};
use listener::Listener;
use worker::{Handed, Payload, Phase, Unacknowledged, Worker};

pub use command::{Command, Noise, Output, Span};
pub use handle::SendError;
pub use key::{Key, ListenerKind};
pub use listener::Use;
pub use meta::{ListenerMeta, MetaError};
pub use recovery::Recovered;
pub use worker::{Received, WorkerOptions};

/// Settings of a [`Primary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// First number for our messages. After our death it must be above all that were used before,
    /// so that late acknowledgements match nothing; below 2^53, the end of JavaScript's integers.
    pub first_seq: u64,
    /// Lowest name for a listener that is opened from now on.
    pub first_listener: u64,
    /// How connections are spread.
    pub policy: Policy,
    /// Connections that a worker may have unacknowledged, 1 to 16.
    pub window: usize,
    /// Numbers that the app may use with `listen({fd})`: one for each socket of the configuration.
    pub fds: Vec<i64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            first_seq: 1,
            first_listener: 1,
            policy: Policy::RoundRobin,
            window: 4,
            fds: Vec::new(),
        }
    }
}

/// The primary of one app.
#[derive(Debug)]
pub struct Primary {
    seq: u64,
    next_listener: u64,
    fds: Vec<i64>,
    workers: Vec<Worker>,
    listeners: Vec<Listener>,
    balance: Balance,
}

impl Primary {
    /// Returns that of an app without workers.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            seq: config.first_seq,
            next_listener: config.first_listener,
            fds: config.fds,
            workers: Vec::new(),
            listeners: Vec::new(),
            balance: Balance::new(config.policy, config.window),
        }
    }

    /// A worker was started; before anything is read from its channel.
    pub fn handle_worker_added(&mut self, worker: WorkerId, options: WorkerOptions) {
        if self.worker(worker).is_none() {
            self.workers.push(Worker::new(worker, options));
            self.balance.add_worker(worker, options.slot, options.standing());
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

    /// Sets the numbers that the app may use with `listen({fd})` from now on.
    pub fn set_fds(&mut self, fds: Vec<i64>) {
        self.fds = fds;
    }

    /// Spreads connections differently from now on. A worker that has the listening socket itself
    /// keeps it; the next query is answered by the new policy.
    pub fn set_policy(&mut self, policy: Policy, out: &mut Output) {
        self.balance.set_policy(policy);
        self.carry_out(out);
    }

    /// Returns when [`Primary::handle_deadline`] is to be called, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let fences = self.workers.iter().filter_map(|worker| worker.fence_at);
        fences.chain(self.balance.deadline()).min()
    }

    /// Time went by.
    pub fn handle_deadline(&mut self, now: Millis, out: &mut Output) {
        self.repeat_fences(now, out);
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
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == id) else { return };
        let Some(listener) = self.listeners.iter().find(|found| found.id == listener) else {
            return;
        };
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
        let blocked = worker.channel_full || !worker.gate_open();
        self.balance.set_blocked(id, blocked);
    }

    /// Returns the worker, if its channel is open.
    fn connected(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.worker(id).filter(|worker| worker.phase != Phase::Closed)
    }

    fn worker(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    fn listener_at(&self, id: ListenerId) -> Option<usize> {
        self.listeners.iter().position(|listener| listener.id == id)
    }

    fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}
