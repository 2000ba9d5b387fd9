//! The machine: workers, listeners, and what happens to them.

mod connection;
mod handle;
mod leave;
mod message;
#[cfg(test)]
mod oracle;
mod query;
mod recovery;
mod view;

pub use handle::SendError;
pub use recovery::Recovered;

use crate::listener::Listener;
use crate::worker::Worker;
use crate::{ListenerId, Millis, Output, Policy, WorkerId, WorkerOptions};
use ostler_wire::node::Mark;

/// Most connections that a worker may have unacknowledged.
pub(crate) const MAX_WINDOW: usize = 16;

/// What a [`Primary`] is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// First number for our messages. After our death it must be above all that were used before,
    /// so that late acknowledgements match nothing; below 2^53, which is where JavaScript's whole
    /// numbers end.
    pub first_seq: u64,
    /// Lowest name for a listener that is opened from now on.
    pub first_listener: u64,
    /// How connections are spread.
    pub policy: Policy,
    /// Connections that a worker may have unacknowledged, 1 to 16.
    pub window: usize,
    /// Numbers that the app may use with `listen({fd})`, each for a socket that the operator
    /// configured.
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
    policy: Policy,
    window: usize,
    fds: Vec<i64>,
    workers: Vec<Worker>,
    listeners: Vec<Listener>,
}

impl Primary {
    /// Of an app without workers.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            seq: config.first_seq,
            next_listener: config.first_listener,
            policy: config.policy,
            window: config.window.clamp(1, MAX_WINDOW),
            fds: config.fds,
            workers: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// A worker was started; before anything is read from its channel.
    pub fn handle_worker_added(&mut self, worker: WorkerId, options: WorkerOptions) {
        if self.worker(worker).is_none() {
            self.workers.push(Worker::new(worker, options));
        }
    }

    /// How the worker marks its messages, as its framer saw.
    pub fn set_mark(&mut self, worker: WorkerId, mark: Mark) {
        if let Some(worker) = self.worker(worker) {
            worker.options.mark = mark;
        }
    }

    /// The channel's output is full (`blocked`), or took everything again. A blocked worker gets no
    /// connections.
    pub fn handle_backpressure(&mut self, worker: WorkerId, blocked: bool, out: &mut Output) {
        let Some(found) = self.worker(worker) else { return };
        found.blocked = blocked;
        self.slots_changed(worker, out);
    }

    /// The numbers that the app may use with `listen({fd})` from now on.
    pub fn set_fds(&mut self, fds: Vec<i64>) {
        self.fds = fds;
    }

    /// Connections are spread differently from now on. Who has the listening socket itself keeps
    /// it; who asks next is answered by the new policy.
    pub fn set_policy(&mut self, policy: Policy, out: &mut Output) {
        self.policy = policy;
        for at in 0..self.listeners.len() {
            if policy != Policy::Sticky {
                for waiting in self.listeners.get_mut(at).into_iter().flat_map(|l| &mut l.waiting) {
                    waiting.patience = None;
                }
            }
            self.pump(at, out);
        }
    }

    /// When [`Primary::handle_deadline`] is to be called, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        let workers =
            self.workers.iter().flat_map(|worker| [worker.retry_at, worker.fence_at]).flatten();
        let listeners = self.listeners.iter().flat_map(|listener| {
            let members = listener.members.iter().filter_map(|member| member.retry_at);
            members.chain(listener.waiting.iter().filter_map(|waiting| waiting.patience))
        });
        workers.chain(listeners).min()
    }

    /// Time went by.
    pub fn handle_deadline(&mut self, now: Millis, out: &mut Output) {
        for worker in &mut self.workers {
            worker.retry_at = worker.retry_at.filter(|at| *at > now);
        }
        self.repeat_fences(now, out);
        for at in 0..self.listeners.len() {
            for member in self.listeners.get_mut(at).into_iter().flat_map(|l| &mut l.members) {
                member.retry_at = member.retry_at.filter(|at| *at > now);
            }
            self.end_patience(now, at);
            self.pump(at, out);
        }
    }

    pub(crate) fn worker(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    pub(crate) fn listener_at(&self, id: ListenerId) -> Option<usize> {
        self.listeners.iter().position(|listener| listener.id == id)
    }

    pub(crate) fn next_seq(&mut self) -> u64 {
        let seq = self.seq;
        self.seq += 1;
        seq
    }
}
