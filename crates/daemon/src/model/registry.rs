//! What is known beside the supervision machine: apps, versions of specifications, and for each
//! slot what is shown of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Pool, ProcId, SpecId};
use ostler_wire::control::{Happened, OverMemory, Unhealthy};
use serde_json::value::RawValue;

use super::dropped_lines::DroppedLines;
use super::outcome::Outcome;
use super::scheduled::Scheduled;
pub use super::version::Version;
use crate::environment::Given;

/// An app: processes that are scaled and reloaded together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Namespace of the app.
    pub namespace: String,
    /// Name of the app.
    pub name: String,
    /// The version in force for new processes.
    pub spec: SpecId,
}

/// What is shown of a slot and kept across its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proc {
    /// App of the slot.
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
    /// The version of Node that ran it last.
    pub node_version: Option<String>,
    /// What became of the last run that is over.
    pub last: Option<Outcome>,
    /// When that was, and whether it was asked to end.
    pub ended: Option<Ended>,
    /// The last restart for its memory.
    pub over_memory: Option<OverMemory>,
    /// Its last run was ended, or is, for want of health.
    pub unhealthy: Option<Unhealthy>,
    /// The part that it has in a reload of its app.
    pub rollout: Option<Rollout>,
    /// Whether a user had it monitored.
    pub monitored: Option<bool>,
    /// The user stopped it: nothing but the user starts it again.
    pub halted: bool,
    /// Whether the user wants its files to be watched, where that is not as its app says.
    pub watch: Option<bool>,
    /// When the clock restarts it.
    pub scheduled: Option<Scheduled>,
    /// An app that it depends on has ended, and it is to be restarted when that has recovered.
    pub dependency_lost: bool,
    /// Its last restart for which nobody asked.
    pub restarted: Option<Happened>,
    /// Its worker of a new version that was not accepted, until one is.
    pub failed_reload: Option<Happened>,
    /// How many of its restarts were asked for, by a restart, a reload, or the clock, or were tries
    /// after one that did not even begin.
    pub asked_restarts: u32,
    /// Lines that its log files have not got.
    pub dropped: DroppedLines,
}

/// The end of a slot's last run that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When, ms since 1970.
    pub at: u64,
    /// It was being brought to its end: for a user's command, or for its memory.
    pub asked: bool,
    /// The kernel ended it for want of memory.
    pub oom: bool,
    /// It was at rest then, or waited: when its last run had ended by itself.
    pub own_at: Option<u64>,
}

impl Proc {
    /// How it is called in the log: `name:id`. A name is a part of one line.
    pub fn label(&self, id: ProcId) -> String {
        format!("{}:{}", ostler_text::shown(&self.name), id.0)
    }

    /// What it gives to all its runs.
    pub fn given(&self) -> Given<'_> {
        Given {
            name: &self.name,
            instance: self.instance,
            increment: self.increment,
            created_at: self.created_at,
            unique_id: &self.unique_id,
        }
    }
}

/// What a reload does with a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// A new worker is being verified for it.
    Reloading,
    /// Its new worker serves, and the user decides about the others.
    Canary,
}

impl Rollout {
    /// The word that lists show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reloading => "reloading",
            Self::Canary => "canary",
        }
    }
}

/// All apps, versions and slots, by number.
#[derive(Debug, Default)]
pub struct Registry {
    apps: BTreeMap<AppId, App>,
    versions: BTreeMap<SpecId, Version>,
    procs: BTreeMap<ProcId, Proc>,
    /// Texts that versions have alike.
    texts: Pool,
    /// Whether a version has ever depended on other apps.
    has_dependents: bool,
    /// Whether a version has ever been one that sleeps.
    has_sleepers: bool,
    next_app: u32,
    next_spec: u32,
    next_proc: u32,
}

impl Registry {
    /// One version of a specification.
    pub fn version(&self, spec: SpecId) -> Option<&Version> {
        self.versions.get(&spec)
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = (SpecId, &Version)> {
        self.versions.iter().map(|(id, version)| (*id, version))
    }

    /// The slot of this number.
    pub fn proc(&self, id: ProcId) -> Option<&Proc> {
        self.procs.get(&id)
    }

    /// One slot, to be changed.
    pub fn proc_mut(&mut self, id: ProcId) -> Option<&mut Proc> {
        self.procs.get_mut(&id)
    }

    /// All slots, by number.
    pub fn procs(&self) -> impl ExactSizeIterator<Item = (ProcId, &Proc)> {
        self.procs.iter().map(|(id, proc)| (*id, proc))
    }

    /// Returns the ids of an app's processes, in order, also while they are changed.
    pub fn ids_of(&self, app: AppId) -> Vec<ProcId> {
        self.procs_of(app).map(|(id, _)| id).collect()
    }

    /// Slots of an app, by number.
    pub fn procs_of(&self, app: AppId) -> impl DoubleEndedIterator<Item = (ProcId, &Proc)> {
        self.procs.iter().filter(move |(_, proc)| proc.app == app).map(|(id, proc)| (*id, proc))
    }

    /// The app of this number.
    pub fn app(&self, app: AppId) -> Option<&App> {
        self.apps.get(&app)
    }

    /// One app, to be changed.
    pub fn app_mut(&mut self, app: AppId) -> Option<&mut App> {
        self.apps.get_mut(&app)
    }

    /// All apps, by number.
    pub fn apps(&self) -> impl Iterator<Item = (AppId, &App)> {
        self.apps.iter().map(|(id, app)| (*id, app))
    }

    /// An app's name; empty when it is not known.
    pub fn app_name(&self, app: AppId) -> String {
        self.apps.get(&app).map_or_else(String::new, |app| app.name.clone())
    }

    /// Which app a slot belongs to.
    pub fn app_of(&self, id: ProcId) -> Option<AppId> {
        self.procs.get(&id).map(|proc| proc.app)
    }

    /// The name of a slot; empty when there is none.
    pub fn name(&self, id: ProcId) -> String {
        self.procs.get(&id).map_or_else(String::new, |proc| proc.name.clone())
    }

    /// How a slot is called in the log: `name:id`.
    pub fn label(&self, id: ProcId) -> String {
        self.procs.get(&id).map_or_else(|| format!(":{}", id.0), |proc| proc.label(id))
    }

    /// Registers a version of a specification.
    pub fn add_version(&mut self, spec: AppSpec) -> SpecId {
        let id = SpecId(self.next_spec);
        self.insert_version(id, spec);
        id
    }

    /// Registers a version under a number that was saved.
    pub fn insert_version(&mut self, id: SpecId, mut spec: AppSpec) {
        self.next_spec = self.next_spec.max(id.0.saturating_add(1));
        self.has_dependents |= !spec.depends_on.is_empty();
        self.has_sleepers |= spec.idle_stop.is_some();
        self.share_texts(&mut spec);
        self.versions.insert(id, Version::new(spec));
    }

    /// Lets a specification share its texts with the versions that have them as well.
    pub fn share_texts(&mut self, spec: &mut AppSpec) {
        self.texts.share(&mut spec.env);
        self.texts.share(&mut spec.passthrough);
    }

    /// Whether an app may depend on another.
    pub fn has_dependents(&self) -> bool {
        self.has_dependents
    }

    /// Whether an app may sleep.
    pub fn has_sleepers(&self) -> bool {
        self.has_sleepers
    }

    /// How many different texts the versions have.
    #[cfg(test)]
    pub fn count_texts(&self) -> usize {
        self.texts.len()
    }

    /// The app of that name, made if it is new; `spec` is in force for it from now on.
    pub fn app_with(&mut self, namespace: &str, name: &str, spec: SpecId) -> AppId {
        let same = |app: &App| app.namespace == namespace && app.name == name;
        if let Some((id, app)) = self.apps.iter_mut().find(|(_, app)| same(app)) {
            app.spec = spec;
            return *id;
        }
        let id = AppId(self.next_app);
        let app = App { namespace: namespace.to_owned(), name: name.to_owned(), spec };
        self.insert_app(id, app);
        id
    }

    /// Registers a version that was saved, with what it was saved as: it is saved so again.
    pub fn insert_saved_version(&mut self, id: SpecId, spec: AppSpec, record: Arc<RawValue>) {
        self.insert_version(id, spec);
        if let Some(version) = self.versions.get_mut(&id) {
            version.set_record(record);
        }
    }

    /// Registers an app under a number that was saved.
    pub fn insert_app(&mut self, id: AppId, app: App) {
        self.next_app = self.next_app.max(id.0.saturating_add(1));
        self.apps.insert(id, app);
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
        self.next_proc = self.next_proc.max(id.0.saturating_add(1));
        self.procs.insert(id, proc);
    }

    /// Forgets a slot, and its app when it was the last one.
    pub fn remove_proc(&mut self, id: ProcId) -> Option<Proc> {
        let proc = self.procs.remove(&id)?;
        self.forget_app_without_procs(proc.app);
        Some(proc)
    }

    /// Makes a slot one of another app, and forgets the app that it leaves when it was the last.
    pub fn move_proc(&mut self, id: ProcId, app: AppId, name: &str) {
        let Some(proc) = self.procs.get_mut(&id) else { return };
        let left = std::mem::replace(&mut proc.app, app);
        name.clone_into(&mut proc.name);
        self.forget_app_without_procs(left);
    }

    /// Forgets apps of which no process was taken up.
    pub fn forget_apps_without_procs(&mut self) {
        let with: BTreeSet<AppId> = self.procs.values().map(|proc| proc.app).collect();
        self.apps.retain(|id, _| with.contains(id));
    }

    fn forget_app_without_procs(&mut self, app: AppId) {
        if !self.procs.values().any(|proc| proc.app == app) {
            self.apps.remove(&app);
        }
    }

    /// The smallest instance number that no process of that name has (PM2: configuration §8.3).
    pub fn free_instance(&self, name: &str) -> u32 {
        let of_name = self.procs.values().filter(|proc| proc.name == name);
        let taken: BTreeSet<u32> = of_name.map(|proc| proc.instance).collect();
        (0..).find(|number| !taken.contains(number)).unwrap_or(0)
    }

    /// The next value of the variable that a specification increments with each instance.
    pub fn next_increment(&self, spec: &AppSpec) -> Option<u32> {
        let name = spec.increment_var.as_ref()?;
        let of_name = self.procs.values().filter(|proc| proc.name == spec.name);
        let highest = of_name.filter_map(|proc| proc.increment).max();
        let port = || ostler_config::port_of(spec).filter(|_| name == "PORT").map(u32::from);
        let written = || spec.env.get(name).and_then(|value| value.parse().ok());
        let first = || written().or_else(port).unwrap_or(0);
        Some(highest.map_or_else(first, |highest| highest.saturating_add(1)))
    }

    /// Forgets the texts that lists are made of.
    pub fn forget_shared_texts(&mut self) {
        self.versions.values_mut().for_each(Version::forget_shared_text);
    }

    /// Notes the part that a slot has in a reload.
    pub(super) fn set_rollout(&mut self, id: ProcId, rollout: Option<Rollout>) {
        if let Some(proc) = self.proc_mut(id) {
            proc.rollout = rollout;
        }
    }

    /// Drops versions that neither an app nor anything in `used` names.
    pub fn forget_versions(&mut self, used: &BTreeSet<SpecId>) {
        let in_force: BTreeSet<SpecId> = self.apps.values().map(|app| app.spec).collect();
        let before = self.versions.len();
        self.versions.retain(|id, _| in_force.contains(id) || used.contains(id));
        if self.versions.len() < before {
            self.texts.forget_unused();
        }
    }
}
