//! Every process in the form of PM2's `jlist` (wire protocol §5).

use std::sync::LazyLock;

use ostler_core::{ProcId, RunId};
use ostler_pm2::in_app::{InApp, Kept};
use ostler_pm2::{Facts, List, element};
use ostler_wire::control::InProcess;

use super::Model;
use super::known::Known;
use super::outcome::Outcome;
use super::registry::Rollout;

/// What a run says of itself is saved so late at most, ms.
const SAVE_WITHIN: u64 = 100;
/// Of a run that says nothing of itself.
static SAYS_NOTHING: LazyLock<InApp> = LazyLock::new(InApp::default);

impl Model {
    /// A run says something of itself.
    pub(super) fn on_kept(&mut self, run: RunId, kept: Kept) {
        if let Some(facts) = self.known.facts.get_mut(&run)
            && facts.in_app.get_or_insert_default().keep(kept)
        {
            // It says so once, when it begins: several at once are saved together.
            self.save_by.get_or_insert(self.known.at.now + SAVE_WITHIN);
        }
    }
}

impl Known {
    /// All elements as one text.
    pub fn jlist(&self) -> String {
        let mut list = List::new(self.registry.procs().len());
        for (id, _) in self.registry.procs() {
            if let Some(facts) = self.facts_for_pm2(id) {
                list.push(&facts);
            }
        }
        list.finish()
    }

    /// The element of one process, without what it uses.
    pub fn element(&self, id: ProcId) -> Option<String> {
        self.facts_for_pm2(id).map(|facts| element::without_usage(&facts))
    }

    /// One process as events tell of it.
    pub fn event_env(&self, id: ProcId) -> Option<String> {
        self.facts_for_pm2(id).map(|facts| element::without_variables(&facts))
    }

    /// The number of its process; 0 when none runs.
    pub fn pid_of(&self, id: ProcId) -> u32 {
        let run = self.core.slot(id).and_then(|slot| slot.process().run());
        run.and_then(|run| self.facts.get(&run)).map_or(0, |facts| facts.pid)
    }

    /// Which process a run is of.
    pub fn proc_of_run(&self, run: RunId) -> Option<ProcId> {
        self.facts.get(&run).map(|facts| facts.proc)
    }

    /// What a run said of itself.
    pub fn in_app_of(&self, run: RunId) -> Option<&InApp> {
        self.facts.get(&run)?.in_app.as_deref()
    }

    /// What apps measure in themselves.
    pub(super) fn metrics(&self) -> Vec<InProcess> {
        let each = self.core.slots().filter_map(|(id, slot)| {
            let metrics = self.in_app_of(slot.process().run()?)?.measured();
            Some(InProcess { id: id.0, metrics })
        });
        each.filter(|of| !of.metrics.is_empty()).collect()
    }

    /// What is saved of what the run of a slot said.
    pub(super) fn saved_in_app(&self, id: ProcId) -> Option<(u64, InApp)> {
        let run = self.core.slot(id)?.process().run()?;
        let kept = self.in_app_of(run).filter(|of| of.is_worth_saving())?;
        Some((run.0, kept.clone()))
    }

    fn facts_for_pm2(&self, id: ProcId) -> Option<Facts<'_>> {
        let process = self.core.slot(id)?.process();
        let proc = self.registry.proc(id)?;
        let version = self.registry.version(process.spec())?;
        let facts = process.run().and_then(|run| self.facts.get(&run));
        let usage = facts.map(|facts| facts.usage).unwrap_or_default();
        Some(Facts {
            id,
            name: &proc.name,
            spec: &version.spec,
            shared: version.shared_text(),
            phase: self.phase_of(process),
            pid: facts.map_or(0, |facts| facts.pid),
            since: facts.map(|facts| facts.since),
            created_at: proc.created_at,
            restarts: process.restarts(),
            unstable: process.unstable(),
            instance: proc.instance,
            increment: proc.increment,
            node_version: proc.node_version.as_deref(),
            unique_id: &proc.unique_id,
            last_exit: match proc.last {
                Some(Outcome::Ended(exit)) => Some(exit),
                Some(Outcome::NotSpawned { .. } | Outcome::NotVerified { .. }) | None => None,
            },
            rollout: proc.rollout.map(Rollout::as_str),
            in_app: facts.and_then(|facts| facts.in_app.as_deref()).unwrap_or(&SAYS_NOTHING),
            monitored: proc.monitored,
            watching: self.is_watched(id, proc),
            memory: usage.memory,
            cpu: usage.cpu,
        })
    }
}
