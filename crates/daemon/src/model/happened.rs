//! What happened to processes without a command, as `describe` tells it.
//!
//! Problem: an app that is online says nothing of the restart before, nor of a reload that failed
//! and left the old version serving; and a log is rotated. Rule: each slot keeps the last of
//! either, and it is saved with the slot.

use ostler_core::{ProcId, RunId};
use ostler_wire::control::{Happened, Step};

use super::known::Known;

impl Known {
    /// Slots are restarted for which nobody asked.
    pub(super) fn note_restart(&mut self, ids: &[ProcId], why: &str) {
        for id in ids {
            let at = self.at.wall;
            if let Some(proc) = self.registry.proc_mut(*id) {
                proc.restarted = Some(Happened { at, what: why.to_owned() });
            }
        }
        self.unsaved = true;
    }

    /// A worker of another version was not accepted.
    pub(super) fn note_failed(&mut self, id: ProcId, step: &Step) {
        let what = step.sentence(id.0, &self.registry.name(id));
        let at = self.at.wall;
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.failed_reload = Some(Happened { at, what });
            self.unsaved = true;
        }
    }

    /// A worker took over. One of a new version says that the reload before it is history.
    pub(super) fn note_replaced(&mut self, id: ProcId, run: RunId, old: Option<RunId>) {
        let Some(app) = self.registry.app_of(id).filter(|_| !self.is_way_back(run, old)) else {
            return;
        };
        let ids = self.registry.ids_of(app);
        for id in ids {
            if let Some(proc) = self.registry.proc_mut(id) {
                proc.failed_reload = None;
            }
        }
        self.unsaved = true;
    }

    /// Whether a run takes over from one of a newer version.
    pub(super) fn is_way_back(&self, run: RunId, old: Option<RunId>) -> bool {
        let spec_of = |run: RunId| self.facts.get(&run).map(|facts| facts.spec);
        let of_old = old.and_then(spec_of);
        of_old.is_some_and(|of_old| spec_of(run) < Some(of_old))
    }
}
