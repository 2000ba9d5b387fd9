//! What the daemon knows beside the machine: apps, versions of specifications, and for each slot
//! what is shown of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Exit, ProcId, SpecId};

use crate::tickets::Tickets;

/// An app: processes that are scaled and reloaded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Namespace and name.
    pub key: (String, String),
    /// The version in force for new processes.
    pub spec: SpecId,
}

/// One version of a specification, never changed.
#[derive(Debug)]
pub struct Version {
    /// What was asked for.
    pub spec: Arc<AppSpec>,
    /// The same for the core.
    pub policy: Arc<ostler_core::spec::Policy>,
    /// The part of the `jlist` element that is the same for all processes, made on demand.
    pub face: std::cell::OnceCell<ostler_pm2::SharedText>,
}

/// What is shown of a slot and kept across its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proc {
    /// Its app.
    pub app: AppId,
    /// The name it was started under (a rename makes it differ from the app's).
    pub name: String,
    /// Instance number (`NODE_APP_INSTANCE`).
    pub instance: u32,
    /// Value of the variable that `increment_var` names, if one is named.
    pub increment: Option<u32>,
    /// When it was added or reset, ms since 1970.
    pub created_at: u64,
    /// PM2's `unique_id`: one for all processes added by one start.
    pub unique_id: String,
    /// How the last run ended.
    pub last_exit: Option<LastExit>,
    /// What is being rolled out to it.
    pub rollout: Option<&'static str>,
}

impl Proc {
    /// Whether its runs get the same variables as those of the other.
    pub fn is_given_the_same(&self, other: &Self) -> bool {
        let given = |proc: &Self| (proc.instance, proc.increment, proc.created_at);
        given(self) == given(other) && self.name == other.name && self.unique_id == other.unique_id
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastExit {
    /// How.
    pub exit: Exit,
    /// Why it could not be spawned.
    pub reason: Option<String>,
}

impl LastExit {
    /// In words.
    pub fn text(&self) -> String {
        match (&self.reason, self.exit) {
            (Some(reason), _) => reason.clone(),
            (None, Exit::Code(code)) => format!("exit code {code}"),
            (None, Exit::Signal(signal)) => format!("signal {}", signal_name(signal)),
            (None, Exit::Unknown) => {
                "unknown (its parent was killed and the kernel does not tell)".to_owned()
            }
            (None, Exit::SpawnFailed) => "it could not be started".to_owned(),
        }
    }
}

/// The registry.
#[derive(Debug, Default)]
pub struct Book {
    /// Apps by number.
    pub apps: BTreeMap<AppId, App>,
    /// Versions by number.
    pub versions: BTreeMap<SpecId, Version>,
    /// Slots by number.
    pub procs: BTreeMap<ProcId, Proc>,
    /// Reloads whose client may ask again.
    pub tickets: Tickets,
    next_app: u32,
    next_spec: u32,
    next_proc: u32,
}

impl Book {
    /// Registers a version of a specification.
    pub fn add_version(&mut self, spec: AppSpec) -> SpecId {
        let id = SpecId(self.next_spec);
        self.insert_version(id, spec);
        id
    }

    /// Registers a version under a number that was saved.
    pub fn insert_version(&mut self, id: SpecId, spec: AppSpec) {
        self.next_spec = self.next_spec.max(id.0 + 1);
        let policy = Arc::new(spec.policy.clone());
        self.versions
            .insert(id, Version { spec: Arc::new(spec), policy, face: std::cell::OnceCell::new() });
    }

    /// The app of that name, made if it is new.
    pub fn app(&mut self, namespace: &str, name: &str, spec: SpecId) -> AppId {
        if let Some(id) = self.find_app(namespace, name) {
            return id;
        }
        let id = AppId(self.next_app);
        self.insert_app(id, App { key: (namespace.to_owned(), name.to_owned()), spec });
        id
    }

    /// Registers an app under a number that was saved.
    pub fn insert_app(&mut self, id: AppId, app: App) {
        self.next_app = self.next_app.max(id.0 + 1);
        self.apps.insert(id, app);
    }

    /// The app of that name.
    pub fn find_app(&self, namespace: &str, name: &str) -> Option<AppId> {
        let same = |app: &App| app.key.0 == namespace && app.key.1 == name;
        self.apps.iter().find(|(_, app)| same(app)).map(|(id, _)| *id)
    }

    /// A free process number; numbers begin at 0 again when the list is empty, as PM2's do.
    pub fn allot_proc(&mut self) -> ProcId {
        if self.procs.is_empty() {
            self.next_proc = 0;
        }
        let id = ProcId(self.next_proc);
        self.next_proc += 1;
        id
    }

    /// Registers a slot.
    pub fn insert_proc(&mut self, id: ProcId, proc: Proc) {
        self.next_proc = self.next_proc.max(id.0 + 1);
        self.procs.insert(id, proc);
    }

    /// Forgets a slot, and its app when it was the last one.
    pub fn remove_proc(&mut self, id: ProcId) -> Option<Proc> {
        let proc = self.procs.remove(&id)?;
        if !self.procs.values().any(|other| other.app == proc.app) {
            self.apps.remove(&proc.app);
        }
        Some(proc)
    }

    /// Slots of an app, by number.
    pub fn procs_of(&self, app: AppId) -> impl Iterator<Item = (ProcId, &Proc)> {
        self.procs.iter().filter(move |(_, proc)| proc.app == app).map(|(id, proc)| (*id, proc))
    }

    /// The smallest instance number that no process of that name has (PM2: configuration §8.3).
    pub fn free_instance(&self, name: &str) -> u32 {
        let taken: std::collections::BTreeSet<u32> = self
            .procs
            .values()
            .filter(|proc| proc.name == name)
            .map(|proc| proc.instance)
            .collect();
        (0..).find(|number| !taken.contains(number)).unwrap_or(0)
    }

    /// Drops versions that nothing names any more.
    pub fn forget_versions(&mut self, in_use: impl Fn(SpecId) -> bool) {
        let apps: Vec<SpecId> = self.apps.values().map(|app| app.spec).collect();
        self.versions.retain(|id, _| apps.contains(id) || in_use(*id));
    }
}

pub use ostler_pm2::words::signal as signal_name;
