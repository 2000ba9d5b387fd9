//! Every process in the form of PM2's `jlist` (wire protocol §5).

use ostler_core::ProcId;
use ostler_pm2::{Facts, List};

use super::Model;
use super::outcome::Outcome;
use super::registry::Rollout;

impl Model {
    /// All elements as one text.
    pub(super) fn jlist(&self) -> String {
        let mut list = List::new(self.registry.procs().len());
        for (id, _) in self.registry.procs() {
            if let Some(facts) = self.facts_for_pm2(id) {
                list.push(&facts);
            }
        }
        list.finish()
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
            memory: usage.memory,
            cpu: usage.cpu,
        })
    }
}
