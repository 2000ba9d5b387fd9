//! How many connections an operation drops.
//!
//! Problem: whoever restarts an app wants to know whether somebody was cut off by it, and looking
//! costs time. Rule: where a client asked for it, what is open is counted before each signal that
//! may end a run. It was dropped when the signal ended the run; an app that takes a signal and ends
//! by itself has had the last word, and what it finished is not known. A worker that nobody
//! signalled has finished what it had.

use ostler_core::{AppId, Exit, Millis, ProcId, RunId};
use ostler_wire::control::{Connections, ListenerView};

use super::facts::RunFacts;
use super::known::Known;
use super::operations::Operations;

/// After a reload, the workers that were replaced are waited for so long at most by whoever wants
/// to know what became of their connections, ms.
pub(super) const LEAVING: Millis = 1000;

impl Known {
    /// So many connections are open, and a signal comes now.
    pub(super) fn on_counted(&mut self, run: RunId, open: Connections) {
        if let Some(facts) = self.facts.get_mut(&run) {
            facts.open = Some(open);
        }
    }

    /// The first process of a run has ended.
    pub(super) fn note_dropped(&mut self, run: RunId, exit: Exit) {
        if let Some(facts) = self.facts.get_mut(&run) {
            facts.connections = dropped(facts, exit);
        }
    }

    /// What became of the connections of a run that has ended.
    pub(super) fn connections_of(&self, run: RunId) -> Connections {
        self.facts.get(&run).map_or(Connections::Unknown, |facts| facts.connections)
    }

    /// Whether a worker that a reload replaced is still there.
    pub(super) fn has_leaving(&self, app: AppId) -> bool {
        self.registry
            .procs_of(app)
            .filter_map(|(id, _)| self.core.slot(id))
            .any(|slot| slot.leaving().next().is_some())
    }
}

impl Operations {
    /// Returns what a run listens on through us, if somebody wants to know how many connections
    /// end with it.
    #[must_use]
    pub fn counted<'a>(&self, known: &'a Known, run: RunId) -> Option<&'a [ListenerView]> {
        let facts = known.facts.get(&run)?;
        let app = known.registry.app_of(facts.proc);
        self.counts(facts.proc, app).then_some(facts.listeners.as_slice())
    }

    /// Tells the operations that wait for a slot what became of the connections of its run.
    pub(super) fn count_dropped(&mut self, known: &Known, id: ProcId, run: RunId) {
        let connections = known.connections_of(run);
        self.add_connections(id, connections);
    }
}

fn dropped(facts: &RunFacts, exit: Exit) -> Connections {
    match (facts.open, exit) {
        // Only what listens through us is known to have left all listeners before.
        (None, Exit::Code(0)) if facts.is_listening() => Connections::Dropped(0),
        (None, _) => Connections::Unknown,
        (Some(Connections::Dropped(1..)), Exit::Code(_) | Exit::Unknown) => Connections::Unknown,
        (Some(open), _) => open,
    }
}
