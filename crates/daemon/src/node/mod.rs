//! The primaries of all cluster apps and what they only talk about: sockets, connections,
//! descriptors in messages.
//!
//! A listening socket belongs to its app, here and in the keeper, never to a worker: its queue
//! outlives every worker, every reload and this daemon.
//!
//! What a primary decides goes into one queue, and is carried out in that order by
//! [`Node::work`]. What is decided meanwhile goes behind it, so nothing here calls itself.

mod channels;
mod commands;
mod connections;
mod listener;
mod listeners;
mod sockets;
mod workers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{
    Connections, HandleId, ListenerId, Output, Policy, Primary, Use, WorkerId, WorkerOptions,
};
use ostler_core::spec::{Address, Balance};
use ostler_core::{AppId, RunId};
use ostler_keeper::proto::ToKeeper;
use ostler_poll::Poll;
use ostler_wire::control::ListenerView;

use crate::guard::{Guard, Ledger};
use crate::keeper::Keeper;
use crate::reports::Reports;
use crate::rights::Rights;
use crate::runs::Runs;
use crate::tokens::Source;
use listener::Listener;
pub use sockets::serves;

/// Numbers of listeners of one app begin at its number times this.
const LISTENERS_PER_APP: u64 = 1 << 32;
/// Connections that a worker may have unacknowledged.
const WINDOW: usize = 8;

/// Everything about cluster apps, and about the channels by which workers speak.
pub struct Node {
    /// One machine per app.
    primaries: BTreeMap<AppId, Primary>,
    /// Which app a worker belongs to.
    workers: BTreeMap<RunId, AppId>,
    /// Sockets by number.
    listeners: BTreeMap<u64, Listener>,
    /// What the newest version of each app may name by numbers.
    fds: BTreeMap<AppId, BTreeMap<u32, Address>>,
    /// What the newest version of each app may open.
    rights: BTreeMap<AppId, Rights>,
    /// Accepted connections that no worker has acknowledged.
    connections: Connections<Rc<OwnedFd>, Ledger>,
    /// Descriptors that apps sent.
    handles: BTreeMap<HandleId, OwnedFd>,
    next_handle: u64,
    /// What the primaries decided and is not done yet.
    queue: Output,
    /// Listeners of which a connection is to be taken when all of that is done.
    accept_from: VecDeque<u64>,
    /// When listeners that ran out of file descriptors are tried again.
    accept_at: Option<u64>,
    /// Where channels are read into.
    read_buffer: Vec<u8>,
    /// Whose channel may hold more than was read in this turn.
    unread: BTreeSet<RunId>,
    /// Keeps accepted connections when we die.
    guard: Guard,
    poll: Rc<Poll<Source>>,
}

/// The other parts, as far as this one speaks to them.
pub struct Parts<'a> {
    /// For their channels.
    pub runs: &'a mut Runs,
    /// Holds listening sockets.
    pub keeper: &'a mut Keeper,
    /// Takes what happened.
    pub reports: &'a mut Reports,
}

/// What a primary must know about an app when it is restored.
pub struct Restored {
    /// How connections are spread.
    pub policy: Policy,
    /// What was noted with its listening sockets.
    pub listeners: Vec<ostler_cluster::ListenerMeta>,
    /// Its workers whose channel is there.
    pub workers: Vec<(WorkerId, WorkerOptions)>,
}

impl Node {
    /// No app yet.
    pub fn new(guard: Guard, poll: Rc<Poll<Source>>) -> Self {
        Self {
            primaries: BTreeMap::new(),
            workers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            fds: BTreeMap::new(),
            rights: BTreeMap::new(),
            connections: Connections::new(guard.ledger),
            handles: BTreeMap::new(),
            next_handle: 0,
            queue: Output::new(),
            accept_from: VecDeque::new(),
            accept_at: None,
            read_buffer: Vec::new(),
            unread: BTreeSet::new(),
            guard,
            poll,
        }
    }

    /// When something is due by time alone.
    pub fn deadline(&self) -> Option<u64> {
        self.primaries.values().filter_map(Primary::deadline).chain(self.accept_at).min()
    }

    /// Time has passed for the primaries.
    pub fn on_time(&mut self, now: u64, parts: &mut Parts<'_>) {
        for primary in self.primaries.values_mut() {
            if primary.deadline().is_some_and(|at| at <= now) {
                primary.handle_deadline(now, &mut self.queue);
            }
        }
        self.work(parts);
        if self.accept_at.is_some_and(|at| at <= now) {
            self.accept_at = None;
            let all: Vec<u64> = self.listeners.keys().copied().collect();
            for listener in all {
                self.accept_later(listener);
            }
            self.work(parts);
        }
    }

    /// When another guard is due.
    pub fn guard_due(&self) -> Option<u64> {
        self.guard.due
    }

    /// Starts another guard.
    pub fn start_guard(&mut self) {
        self.guard.spawn();
    }

    /// The guard is dead.
    pub fn on_guard(&mut self) {
        self.guard.on_exited();
    }

    /// Has the guard send our connections to a successor, though we live: nothing is accepted or
    /// handed on any more.
    pub fn release_guard(&mut self) {
        self.guard.release();
    }

    /// Ends the guard: nobody is to come after us.
    pub fn end_guard(&mut self) {
        self.guard.end();
    }

    /// Returns what the keeper is to hold of the guard's for our successor.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn guard_for_keeper(&self) -> io::Result<(ToKeeper, OwnedFd)> {
        self.guard.for_keeper()
    }

    /// What a worker listens on and what came of it.
    pub fn listeners_of(&self, run: RunId) -> Vec<ListenerView> {
        let Some(primary) = self.primary_of(run) else { return Vec::new() };
        let view = |used: Use<'_>| ListenerView {
            address: used.sockname.filter(|_| used.key.port == Some(0)).map_or_else(
                || used.key.to_string(),
                |name| format!("{}:{}", used.key.address.as_deref().unwrap_or("*"), name.port),
            ),
            balance: if used.shared { "shared" } else { policy_word(primary.policy()) }.to_owned(),
            handed: used.counters.handed,
            refused: used.counters.refused,
            redistributed: used.counters.redistributed,
        };
        primary.listeners_of(WorkerId(run.0)).map(view).collect()
    }

    /// The listener of a worker that this host and port of this machine mean, if connections come
    /// to it through us.
    pub fn own_listener(&self, run: RunId, host: &str, port: u16) -> Option<ListenerId> {
        let primary = self.primary_of(run)?;
        let here = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"].contains(&host);
        let means = |used: &Use<'_>| {
            let same_host = here || used.key.address.as_deref() == Some(host);
            same_host && !used.shared && used.sockname.is_some_and(|name| name.port == port)
        };
        primary.listeners_of(WorkerId(run.0)).find(means).map(|used| used.listener)
    }

    /// Whether the new run listens on everything that the old one listens on.
    pub fn covers(&self, new: RunId, old: RunId) -> bool {
        self.primary_of(new).is_some_and(|primary| primary.covers(WorkerId(new.0), WorkerId(old.0)))
    }

    fn primary_of(&self, run: RunId) -> Option<&Primary> {
        self.primaries.get(self.workers.get(&run)?)
    }

    /// Lets the primary of a worker decide something.
    fn ask(&mut self, run: RunId, ask: impl FnOnce(&mut Primary, WorkerId, &mut Output)) {
        let Some(app) = self.workers.get(&run) else { return };
        if let Some(primary) = self.primaries.get_mut(app) {
            ask(primary, WorkerId(run.0), &mut self.queue);
        }
    }

    /// Gives an app its primary again, with its workers that live. Its sockets
    /// were [added](Self::add_listener) before.
    pub fn restore(&mut self, app: AppId, restored: Restored) {
        let Restored { policy, listeners, workers } = restored;
        let config = config(app, policy);
        self.workers.extend(workers.iter().map(|(worker, _)| (RunId(worker.0), app)));
        let primary = Primary::restore(config, listeners, &workers, &mut self.queue);
        self.primaries.insert(app, primary);
    }
}

/// What a machine is told at its birth. Numbers for messages begin at the present microsecond:
/// above every number a former daemon can have used, and below 2^53.
fn config(app: AppId, policy: Policy) -> ostler_cluster::Config {
    ostler_cluster::Config {
        first_seq: crate::clock::wall().saturating_mul(1000),
        first_listener: u64::from(app.0) * LISTENERS_PER_APP + 1,
        policy,
        window: WINDOW,
        fds: Vec::new(),
    }
}

/// The app of a listener, by the number of the latter.
fn app_of(listener: u64) -> Option<AppId> {
    u32::try_from(listener / LISTENERS_PER_APP).ok().map(AppId)
}

/// The machine's word for a policy.
pub fn policy_of(balance: Balance) -> Policy {
    match balance {
        Balance::RoundRobin => Policy::RoundRobin,
        Balance::Sticky => Policy::Sticky,
        Balance::Least => Policy::Least,
        Balance::Shared => Policy::Shared,
    }
}

fn policy_word(policy: Policy) -> &'static str {
    match policy {
        Policy::RoundRobin => "round-robin",
        Policy::Sticky => "sticky",
        Policy::Least => "least",
        Policy::Shared => "shared",
    }
}
