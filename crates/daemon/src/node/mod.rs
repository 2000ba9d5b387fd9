//! The primary of all cluster apps and what it only talks about: sockets, connections,
//! descriptors in messages.
//!
//! A listening socket belongs to the apps that want it, here and in the keeper, never to a worker:
//! its queue outlives every worker, every reload and this daemon.
//!
//! What the primary decides goes into one queue, and is carried out in that order by
//! [`Node::work`]. What is decided meanwhile goes behind it, so nothing here calls itself.

mod channels;
mod closing;
mod commands;
mod connections;
mod listener;
mod listeners;
mod sharing;
mod sleeping;
mod sockets;
mod workers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use ostler_cluster::{
    Connections, GroupId, GroupOptions, HandleId, Key, ListenerId, Output, Policy, Primary, Use,
    WorkerId, WorkerOptions,
};
use ostler_core::spec::{Address, AppSpec, Balance};
use ostler_core::{AppId, RunId};
use ostler_keeper::proto::ToKeeper;
use ostler_poll::Poll;
use ostler_wire::control::ListenerView;
use ostler_wire::node::outgoing::Sockname;

use crate::guard::{Guard, Ledger};
use crate::keeper::Keeper;
use crate::reports::Reports;
use crate::rights::Rights;
use crate::runs::{Runs, Seen};
use crate::sys::Turn;
use crate::tokens::Polled;
use listener::{Closing, Listener};
use sharing::Sharing;
pub use sockets::serves;

/// Connections that a worker may have unacknowledged.
const WINDOW: usize = 8;

/// Everything about cluster apps, and about the channels by which workers speak.
pub struct Node {
    primary: Primary,
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
    /// Sockets that were closed here, until the keeper has closed them.
    closing: Closing,
    /// Sockets that another manager has too.
    sharing: Sharing,
    /// Apps that sleep until somebody comes.
    sleeping: BTreeSet<AppId>,
    /// Channels whose messages stay in them until a question in them is answered.
    unanswered: BTreeMap<RunId, Seen>,
    /// What the primary decided and is not done yet.
    queue: Output,
    /// Listeners of which a connection is to be taken when all of that is done.
    accept_from: VecDeque<u64>,
    /// When listeners that ran out of file descriptors are tried again.
    accept_at: Option<u64>,
    /// Where channels are read into.
    read_buffer: Vec<u8>,
    /// Whose channel may hold more than was read in this turn.
    unread: BTreeSet<RunId>,
    /// Somebody wants to hear what apps say.
    heard: bool,
    /// A new worker warms up.
    warming: bool,
    /// When we have our turn, as it was set last.
    turn: Turn,
    /// Keeps accepted connections when we die.
    guard: Guard,
    poll: Rc<Poll<Polled>>,
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

/// What the primary must know when it is restored.
#[derive(Default)]
pub struct Restored {
    /// The version of each app that is in force.
    pub apps: Vec<(AppId, Arc<AppSpec>)>,
    /// What was noted with listening sockets.
    pub listeners: Vec<ostler_cluster::ListenerMeta>,
    /// Workers whose channel is there.
    pub workers: Vec<(WorkerId, WorkerOptions)>,
}

impl Node {
    /// No app yet.
    pub fn new(guard: Guard, poll: Rc<Poll<Polled>>) -> Self {
        Self {
            primary: Primary::new(config()),
            workers: BTreeMap::new(),
            listeners: BTreeMap::new(),
            fds: BTreeMap::new(),
            rights: BTreeMap::new(),
            connections: Connections::new(guard.ledger),
            handles: BTreeMap::new(),
            next_handle: 0,
            closing: Closing::default(),
            sharing: Sharing::default(),
            sleeping: BTreeSet::new(),
            unanswered: BTreeMap::new(),
            queue: Output::new(),
            accept_from: VecDeque::new(),
            accept_at: None,
            read_buffer: Vec::new(),
            unread: BTreeSet::new(),
            heard: false,
            warming: false,
            turn: Turn::Usual,
            guard,
            poll,
        }
    }

    /// Whether somebody wants to hear what apps say.
    pub fn set_heard(&mut self, heard: bool) {
        self.heard = heard;
    }

    /// When something is due by time alone.
    pub fn deadline(&self) -> Option<u64> {
        self.primary.deadline().into_iter().chain(self.accept_at).min()
    }

    /// Time has passed for the primary.
    pub fn on_time(&mut self, now: u64, parts: &mut Parts<'_>) {
        if self.primary.deadline().is_some_and(|at| at <= now) {
            self.primary.handle_deadline(now, &mut self.queue);
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

    /// Shares with another manager, a process, the ports that workers want and it has, for as long
    /// as the client is there.
    pub fn share_with(&mut self, client: usize, pid: u32) {
        self.sharing.begin(client, pid);
    }

    /// The client has left.
    pub fn stop_sharing(&mut self, client: usize) {
        self.sharing.end(client);
    }

    /// What a worker listens on and what came of it.
    pub fn listeners_of(&self, run: RunId) -> Vec<ListenerView> {
        let view = |used: Use<'_>| ListenerView {
            address: place(used.key, used.sockname),
            balance: if used.shared { "shared" } else { policy_word(used.policy) }.to_owned(),
            handed: used.counters.handed,
            refused: used.counters.refused,
            redistributed: used.counters.redistributed,
        };
        self.primary.listeners_of(WorkerId(run.0)).map(view).collect()
    }

    /// The listener of a worker that this host and port of this machine mean, if connections come
    /// to it through us.
    pub fn own_listener(&self, run: RunId, host: &str, port: u16) -> Option<ListenerId> {
        let here = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"].contains(&host);
        let means = |used: &Use<'_>| {
            let same_host = here || used.key.address.as_deref() == Some(host);
            same_host && !used.shared && used.sockname.is_some_and(|name| name.port == port)
        };
        self.primary.listeners_of(WorkerId(run.0)).find(means).map(|used| used.listener)
    }

    /// Whether the new run listens on everything that the old one listens on.
    pub fn covers(&self, new: RunId, old: RunId) -> bool {
        self.primary.covers(WorkerId(new.0), WorkerId(old.0))
    }

    /// Whether the new run listens on as much as the old one.
    pub fn is_as_busy(&self, new: RunId, old: RunId) -> bool {
        let count = |run: RunId| self.primary.listeners_of(WorkerId(run.0)).count();
        count(old) <= count(new)
    }

    /// Lets the primary decide something about a worker.
    fn ask(&mut self, run: RunId, ask: impl FnOnce(&mut Primary, WorkerId, &mut Output)) {
        ask(&mut self.primary, WorkerId(run.0), &mut self.queue);
    }

    /// Brings the primary of a dead daemon back, with the workers that live. The sockets
    /// were [added](Self::add_listener) before.
    pub fn restore(&mut self, restored: Restored) {
        let Restored { apps, listeners, workers } = restored;
        for (worker, options) in &workers {
            self.workers.insert(RunId(worker.0), AppId(options.group.0));
        }
        let mut groups = Vec::new();
        for (app, spec) in apps {
            let (policy, fds, user) = (policy_of(spec.balance), numbers(&spec.fds), spec.uid);
            groups.push((GroupId(app.0), GroupOptions { policy, fds, user }));
            self.rights.insert(app, Rights::of(&spec));
            self.fds.insert(app, spec.fds.clone());
        }
        self.primary = Primary::restore(config(), groups, listeners, &workers, &mut self.queue);
    }
}

/// What the machine is told at its birth. Numbers for messages begin at the present microsecond,
/// names of listeners at the present second: above every one that a former daemon can have used,
/// and below the ends of their ranges.
fn config() -> ostler_cluster::Config {
    let now = crate::clock::wall();
    ostler_cluster::Config {
        first_seq: now.saturating_mul(1000),
        first_listener: (now / 1000).clamp(1, u64::from(u32::MAX) / 2),
        window: WINDOW,
    }
}

/// Where a listener is, in words: with the port that the system gave, where none was asked for.
fn place(key: &Key, name: Option<&Sockname>) -> String {
    match name.filter(|_| key.port == Some(0)) {
        Some(name) => format!("{}:{}", key.address.as_deref().unwrap_or("*"), name.port),
        None => key.to_string(),
    }
}

/// The app that opened a listener.
fn opener(listener: ListenerId) -> AppId {
    AppId(listener.opener().0)
}

/// The numbers that an app may use with `listen({ fd })`.
fn numbers(table: &BTreeMap<u32, Address>) -> Vec<i64> {
    table.keys().copied().map(i64::from).collect()
}

/// The machine's word for a policy.
pub fn policy_of(balance: Balance) -> Policy {
    match balance {
        Balance::RoundRobin => Policy::RoundRobin,
        Balance::Sticky => Policy::Sticky,
        Balance::Shared => Policy::Shared,
    }
}

/// Our word for the same.
pub fn policy_word(policy: Policy) -> &'static str {
    match policy {
        Policy::RoundRobin => "round-robin",
        Policy::Sticky => "sticky",
        Policy::Shared => "shared",
    }
}
