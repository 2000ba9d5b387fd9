//! The primaries of all cluster apps and what they only talk about: sockets, connections,
//! descriptors in messages.
//!
//! A listening socket belongs to its app, here and in the keeper, never to a worker: its queue
//! outlives every worker, every reload and this daemon.

mod actions;
mod connections;
mod listeners;
mod sockets;
mod workers;

pub use sockets::serves;

use std::collections::{BTreeMap, HashMap};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_cluster::{ConnId, HandleId, ListenerId, Output, Policy, Primary, WorkerId};
use ostler_core::spec::{Address, Balance};
use ostler_core::{AppId, RunId};
use ostler_poll::Watched;
use ostler_wire::control::ListenerView;

/// Numbers of listeners of one app begin at its number times this.
const LISTENERS_PER_APP: u64 = 1 << 32;
/// Connections that a worker may have unacknowledged.
const WINDOW: usize = 8;
/// Pause after an `accept` that failed for want of descriptors, ms.
pub const ACCEPT_PAUSE: u64 = 50;

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    /// Its app.
    pub app: AppId,
    /// The socket.
    pub fd: Watched<Rc<OwnedFd>>,
    /// The machine wants connections.
    pub accepting: bool,
    /// The last word of the kernel: somebody waits.
    pub ready: bool,
}

/// Everything about cluster apps.
#[derive(Debug, Default)]
pub struct Cluster {
    /// One machine per app.
    pub primaries: BTreeMap<AppId, Primary>,
    /// Sockets by number.
    pub listeners: BTreeMap<u64, Listener>,
    /// Accepted connections that no worker has acknowledged.
    pub conns: HashMap<ConnId, Rc<OwnedFd>>,
    /// Descriptors that apps sent.
    pub handles: BTreeMap<HandleId, OwnedFd>,
    /// Which app a worker belongs to.
    pub workers: BTreeMap<RunId, AppId>,
    /// What the newest version of each app may name by numbers.
    pub fds: BTreeMap<AppId, BTreeMap<u32, Address>>,
    next_conn: u64,
    next_handle: u64,
    /// When listeners that ran out of descriptors are tried again.
    pub accept_at: Option<u64>,
    /// Buffers that were used and can be used again.
    pub spare: Vec<Output>,
}

impl Cluster {
    /// When something is due by time alone.
    pub fn deadline(&self) -> Option<u64> {
        self.primaries.values().filter_map(Primary::deadline).chain(self.accept_at).min()
    }

    /// What a worker listens on and what came of it.
    pub fn listeners_of(&self, run: RunId) -> Vec<ListenerView> {
        let Some(primary) = self.workers.get(&run).and_then(|app| self.primaries.get(app)) else {
            return Vec::new();
        };
        let view = |used: ostler_cluster::Use<'_>| ListenerView {
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
        let primary = self.workers.get(&run).and_then(|app| self.primaries.get(app))?;
        let here = ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"].contains(&host);
        let means = |used: &ostler_cluster::Use<'_>| {
            let same_host = here || used.key.address.as_deref() == Some(host);
            same_host && !used.shared && used.sockname.is_some_and(|name| name.port == port)
        };
        primary.listeners_of(WorkerId(run.0)).find(means).map(|used| used.listener)
    }

    /// Whether the new run listens on everything that the old one listens on.
    pub fn covers(&self, new: RunId, old: RunId) -> bool {
        let primary = self.workers.get(&new).and_then(|app| self.primaries.get(app));
        primary.is_some_and(|primary| primary.covers(WorkerId(new.0), WorkerId(old.0)))
    }

    /// The machine of an app, made when it is new.
    pub fn primary(&mut self, app: AppId, policy: Policy) -> &mut Primary {
        self.primaries.entry(app).or_insert_with(|| Primary::new(config(app, policy)))
    }

    /// Takes in an accepted connection.
    pub fn add_conn(&mut self, fd: OwnedFd) -> ConnId {
        self.next_conn += 1;
        let id = ConnId(self.next_conn);
        self.conns.insert(id, Rc::new(fd));
        id
    }

    /// Takes in a descriptor that an app sent.
    pub fn add_handle(&mut self, fd: OwnedFd) -> HandleId {
        self.next_handle += 1;
        let id = HandleId(self.next_handle);
        self.handles.insert(id, fd);
        id
    }
}

/// What a machine is told at its birth. Numbers for messages begin at the present microsecond:
/// above every number a former daemon can have used, and below 2^53.
pub fn config(app: AppId, policy: Policy) -> ostler_cluster::Config {
    ostler_cluster::Config {
        first_seq: crate::clock::wall().saturating_mul(1000),
        first_listener: u64::from(app.0) * LISTENERS_PER_APP + 1,
        policy,
        window: WINDOW,
        fds: Vec::new(),
    }
}

/// The app of a listener, by the number of the latter.
pub fn app_of(listener: u64) -> Option<AppId> {
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
