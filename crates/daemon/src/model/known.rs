//! What is known: slots and their runs, apps and their versions, the time. Every part of the model
//! looks at it; what it means for what is asked for stands with that part.

use std::collections::BTreeMap;

use ostler_core::{AppId, Phase, ProcId, RunId, Supervisor};

use super::facts::RunFacts;
use super::input::{Moment, Usage};
use super::registry::Registry;
use super::settings::Settings;
use super::version::Version;
use crate::budget::Capacity;

/// What is known.
#[derive(Debug)]
pub struct Known {
    pub(super) settings: Settings,
    pub(super) capacity: Capacity,
    /// The time of the input that is being taken.
    pub(super) at: Moment,
    /// What the supervision machine knows of slots.
    pub(super) core: Supervisor,
    /// Apps, versions, and what is shown of slots.
    pub(super) registry: Registry,
    /// What is known of each run beside that.
    pub(super) facts: BTreeMap<RunId, RunFacts>,
    /// Where apps that sleep are reached; those that did once, too.
    pub(super) asleep: BTreeMap<AppId, Vec<String>>,
    /// What each process had written to log files in the last hour, as far as it was looked at.
    pub(super) log_bytes: BTreeMap<u32, u64>,
    /// Everything is being ended.
    pub(super) closing: bool,
    /// Something that must survive has changed.
    pub(super) unsaved: bool,
}

impl Known {
    /// The version by which a run was begun.
    pub(super) fn version_by_run(&self, run: RunId) -> Option<&Version> {
        self.registry.version(self.facts.get(&run)?.spec)
    }

    /// What runs use, as they were looked at just now.
    pub(super) fn on_usage(&mut self, all: Vec<(RunId, Usage)>) {
        for (run, usage) in all {
            if let Some(facts) = self.facts.get_mut(&run) {
                facts.usage = usage;
            }
        }
    }

    /// Nothing is known yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            capacity: Capacity::default(),
            at: Moment::default(),
            core: Supervisor::new(),
            registry: Registry::default(),
            facts: BTreeMap::new(),
            asleep: BTreeMap::new(),
            log_bytes: BTreeMap::new(),
            closing: false,
            unsaved: false,
        }
    }

    /// The process of a slot that may not be signalled, if there is one, and its user.
    pub(super) fn unsignalable(&self, id: ProcId) -> Option<&(u32, String)> {
        let mut facts = self.facts.values().filter(|facts| facts.proc == id);
        facts.find_map(|facts| facts.unsignalable.as_ref())
    }

    /// Whether a process of an app runs and is ready.
    pub(super) fn has_online(&self, app: AppId) -> bool {
        let mut slots = self.core.slots().filter(|(_, slot)| slot.app() == app);
        slots.any(|(_, slot)| matches!(slot.process().phase(), Phase::Online { .. }))
    }

    /// The version of Node that a run has.
    pub(super) fn on_node_version(&mut self, run: RunId, version: String) {
        let proc = self.facts.get(&run).map(|facts| facts.proc);
        if let Some(proc) = proc.and_then(|id| self.registry.proc_mut(id))
            && proc.node_version.as_ref() != Some(&version)
        {
            proc.node_version = Some(version);
            self.unsaved = true;
        }
    }

    /// Slots whose current run is online.
    #[must_use]
    pub fn count_online(&self) -> usize {
        let online = |phase| matches!(phase, Phase::Online { .. });
        self.core.slots().filter(|(_, slot)| online(slot.process().phase())).count()
    }
}
