//! What the model must know of a run beside the supervision machine.

use ostler_core::{ProcId, SpecId};
use ostler_pm2::in_app::InApp;
use ostler_wire::control::{Connections, ListenerView, Notified};

use super::health::RunHealth;
use super::input::Usage;

/// Facts about one run.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// Slot of the run.
    pub proc: ProcId,
    /// Specification it was spawned with.
    pub spec: SpecId,
    /// Process of the run; 0 until the keeper says that it was spawned.
    pub pid: u32,
    /// When it was asked for, ms since 1970.
    pub since: u64,
    /// It began under this daemon, and was not seen to be healthy yet.
    pub is_new: bool,
    /// It is online only because the time for readiness ran out.
    pub late: bool,
    /// It said that it is ready, in time or not.
    pub said_ready: bool,
    /// Its health, where somebody waits for it.
    pub health: RunHealth,
    /// What its health check or its watchdog has against it: it is to be ended for that.
    pub lost_health: Option<(LostBy, String)>,
    /// What it says of itself.
    pub notified: Notified,
    /// What it uses, as it was last looked at.
    pub usage: Usage,
    /// What it listens on, as far as it is a cluster worker.
    pub listeners: Vec<ListenerView>,
    /// Promises that were rejected in it and handled by nobody.
    pub rejections: u64,
    /// What it said of itself.
    pub in_app: Option<Box<InApp>>,
    /// A process of it that may not be signalled, and its user in words.
    pub unsignalable: Option<(u32, String)>,
    /// It was spawned, but there is no room for its descriptors.
    pub unfetched: bool,
    /// What was open before the last signal, where that was counted.
    pub open: Option<Connections>,
    /// What became of its connections when it ended.
    pub connections: Connections,
    /// It leaves, since nobody wanted it.
    pub unwanted: bool,
    /// The kernel ended it for want of memory.
    pub out_of_memory: bool,
    /// Why it was not spawned or not accepted, if that is known.
    pub why: Option<String>,
}

/// By what a run has lost its health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostBy {
    /// So many checks have failed in a row.
    Checks(u32),
    /// It did not say that it is alive, or asked to be restarted.
    Watchdog,
}

impl RunFacts {
    /// What it says of itself, if it has said anything.
    pub fn said(&self) -> Option<&Notified> {
        Some(&self.notified).filter(|said| **said != Notified::default())
    }

    /// A run that is about to be spawned.
    pub fn new(proc: ProcId, spec: SpecId, since: u64) -> Self {
        Self {
            proc,
            spec,
            pid: 0,
            since,
            is_new: true,
            late: false,
            said_ready: false,
            health: RunHealth::default(),
            lost_health: None,
            notified: Notified::default(),
            usage: Usage::default(),
            listeners: Vec::new(),
            rejections: 0,
            in_app: None,
            unsignalable: None,
            open: None,
            connections: Connections::Unknown,
            unwanted: false,
            out_of_memory: false,
            unfetched: false,
            why: None,
        }
    }

    /// Whether it listens on anything.
    pub fn is_listening(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// What it listens on, in words.
    pub fn addresses(&self) -> Vec<String> {
        self.listeners.iter().map(|listener| listener.address.clone()).collect()
    }
}
