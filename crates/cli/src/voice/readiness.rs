//! How far it is with apps that are waited for until they are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Standing;
use super::rows::{SOON, rows};
use super::span::span;
use super::work::Work;

/// Processes that are waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Readiness {
    /// All of them, and the apps that they are of.
    pub(super) names: BTreeMap<u32, String>,
    /// Those that are ready.
    pub(super) ready: BTreeSet<u32>,
    /// Those of them that did what they were started for, and have ended.
    pub(super) finished: usize,
    /// When that began which makes them ready.
    pub(super) since: Duration,
    /// What the others do.
    pub(super) doing: BTreeMap<u32, Work>,
}

impl Readiness {
    /// Takes account of how it stands with one of them.
    pub(super) fn take(&mut self, id: u32, stand: Standing, now: Duration) {
        let Some(name) = self.names.get(&id) else { return };
        match stand {
            Standing::Ready | Standing::Finished => {
                let new = self.ready.insert(id);
                self.finished += usize::from(new && stand == Standing::Finished);
                self.doing.remove(&id);
            }
            Standing::Failed => _ = self.doing.remove(&id),
            Standing::Does(what) => {
                let since = self.doing.get(&id).filter(|of| of.does(what)).map_or(now, Work::since);
                self.doing.insert(id, Work::of(name, what, since));
            }
        }
    }

    /// Returns how many processes of an app are ready.
    pub(super) fn ready_of(&self, name: &str) -> usize {
        self.ready.iter().filter(|id| self.names.get(id).is_some_and(|of| of == name)).count()
    }

    /// Returns the lines about what goes on; nothing before it has taken a moment.
    pub(super) fn block(&self, now: Duration) -> Option<Vec<String>> {
        let took = now.checked_sub(self.since).filter(|took| SOON <= *took)?;
        let apps: BTreeSet<&str> = self.names.values().map(String::as_str).collect();
        let one = if apps.len() == 1 { apps.first() } else { None };
        let name = one.map_or_else(String::new, |name| format!(" for {name}"));
        let (ready, all) = (self.ready.len(), self.names.len());
        let mut lines = vec![format!("waiting{name} [{ready}/{all} ready] {}", span(took))];
        lines.extend(rows(&self.doing, one.is_some(), now));
        Some(lines)
    }
}
