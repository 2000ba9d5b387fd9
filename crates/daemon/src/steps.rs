//! The words for the steps of a reload.
//!
//! Problem: two versions live beside each other, and a reload that fails goes back: "the old
//! worker" could be either. Rule: every step says of which version its worker is. Versions are
//! numbered upwards, so of two runs of a slot the one with the higher number is of the new version.

use std::cmp::Ordering;

use ostler_core::{Failure, ProcId, RunId, SpecId};

use crate::daemon::Daemon;

impl Daemon {
    /// Remembers of a run that is over what the words for its going need: it may be forgotten
    /// before they are said.
    pub fn remember_gone(&mut self, run: RunId, spec: SpecId, pid: u32) {
        let leaves =
            self.model.core.owner(run).is_some_and(|owner| owner.1 != ostler_core::Role::Current);
        if leaves {
            self.model.gone.insert(run, (spec, pid));
        }
    }

    /// A candidate is started.
    pub fn step_proving(&mut self, id: ProcId, run: RunId) {
        let text = match self.beside_current(id, run) {
            Ordering::Less => {
                format!("starting a worker of the old version for {} (run {})", id.0, run.0)
            }
            Ordering::Equal | Ordering::Greater => {
                format!("starting a new worker for {} (run {})", id.0, run.0)
            }
        };
        self.step_of(id, &text);
    }

    /// A candidate failed.
    pub fn step_failed(&mut self, id: ProcId, run: RunId, why: Failure) {
        let who = match self.beside_current(id, run) {
            Ordering::Less => "worker of the old version for",
            Ordering::Equal | Ordering::Greater => "new worker",
        };
        let text = format!("{who} {} (run {}) failed: {}", id.0, run.0, self.failure_text(id, why));
        self.step_of(id, &text);
    }

    /// A candidate took over from `old`.
    pub fn step_replaced(&mut self, id: ProcId, run: RunId, old: Option<RunId>) {
        let of_old = old.and_then(|old| self.spec_and_pid(old));
        let (spec, pid) = self.spec_and_pid(run).map_or((None, 0), |(spec, pid)| (Some(spec), pid));
        let back = of_old.is_some_and(|(of_old, _)| spec < Some(of_old));
        let listens = self.node.addresses(run).join(", ");
        let on =
            if listens.is_empty() { String::new() } else { format!(" and listens on {listens}") };
        let (who, other) = if back {
            ("worker of the old version for", "the one of the new version")
        } else {
            ("new worker", "the old one")
        };
        let leaves =
            old.map_or_else(String::new, |_| format!("; {other} finishes its connections"));
        self.step_of(id, &format!("{who} {} (pid {pid}) has proven itself{on}{leaves}", id.0));
        self.model.gone.remove(&run);
    }

    /// A run that did not prove itself or was replaced is gone.
    pub fn step_left(&mut self, id: ProcId, run: RunId) {
        let side = self.beside_current(id, run);
        let pid = self.spec_and_pid(run).map(|(_, pid)| pid).filter(|pid| *pid != 0);
        let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        self.model.gone.remove(&run);
        let of = match side {
            Ordering::Less => " of the old version",
            Ordering::Equal => "",
            Ordering::Greater => " of the new version",
        };
        self.step_of(id, &format!("worker {}{of}{pid} has left", id.0));
    }

    /// The run's version beside that of the slot's current one.
    pub fn beside_current(&self, id: ProcId, run: RunId) -> Ordering {
        let current = self.model.core.slot(id).map(|slot| slot.process().spec());
        let spec = self.spec_and_pid(run).map(|(spec, _)| spec);
        spec.zip(current).map_or(Ordering::Equal, |(spec, current)| spec.cmp(&current))
    }

    fn spec_and_pid(&self, run: RunId) -> Option<(SpecId, u32)> {
        let held = self.runs.get(run).map(|held| (held.spec, held.pid()));
        held.or_else(|| self.model.gone.get(&run).copied())
    }
}
