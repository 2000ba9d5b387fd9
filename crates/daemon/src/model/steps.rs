//! The steps of a reload, in words.
//!
//! Problem: two versions live beside each other, and a reload that fails goes back: "the old
//! worker" could be either. Rule: every step says of which version its worker is. Versions are
//! numbered upwards, so of two runs of a slot the one with the higher number is of the new version.

use std::cmp::Ordering;

use ostler_core::{AppId, Failure as Why, ProcId, RunId};
use ostler_wire::control;

use super::Model;
use super::facts::RunFacts;
use super::input::Effect;

impl Model {
    /// A candidate is started.
    pub(super) fn step_verifying(&self, id: ProcId, run: RunId, out: &mut Vec<Effect>) {
        let what = match self.beside_current(id, run) {
            Ordering::Less => "a worker of the old version",
            Ordering::Equal | Ordering::Greater => "a new worker",
        };
        self.step_of(id, &format!("starting {what} for {} (run {})", id.0, run.0), out);
    }

    /// A candidate failed.
    pub(super) fn step_failed(&self, id: ProcId, run: RunId, why: Why, out: &mut Vec<Effect>) {
        let who = match self.beside_current(id, run) {
            Ordering::Less => "worker of the old version for",
            Ordering::Equal | Ordering::Greater => "new worker",
        };
        let why = self.failure_text(id, run, why);
        self.step_of(id, &format!("{who} {} (run {}) failed: {why}", id.0, run.0), out);
    }

    /// A candidate took over from `old`.
    pub(super) fn step_replaced(
        &self,
        id: ProcId,
        run: RunId,
        old: Option<RunId>,
        out: &mut Vec<Effect>,
    ) {
        let facts = self.facts.get(&run);
        let pid = facts.map_or(0, |facts| facts.pid);
        let listens = facts.map_or_else(Vec::new, RunFacts::addresses).join(", ");
        let on =
            if listens.is_empty() { String::new() } else { format!(" and listens on {listens}") };
        let of_old = old.and_then(|old| self.facts.get(&old)).map(|facts| facts.spec);
        let back = of_old.is_some_and(|of_old| facts.map(|facts| facts.spec) < Some(of_old));
        let (who, other) = if back {
            ("worker of the old version for", "the one of the new version")
        } else {
            ("new worker", "the old one")
        };
        let leaves =
            old.map_or_else(String::new, |_| format!("; {other} finishes its connections"));
        let text = format!("{who} {} (pid {pid}) passed its checks{on}{leaves}", id.0);
        self.step_of(id, &text, out);
    }

    /// A run that was not accepted or was replaced is gone.
    pub(super) fn step_left(&self, id: ProcId, run: RunId, out: &mut Vec<Effect>) {
        let pid = self.facts.get(&run).map(|facts| facts.pid).filter(|pid| *pid != 0);
        let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let of = match self.beside_current(id, run) {
            Ordering::Less => " of the old version",
            Ordering::Equal => "",
            Ordering::Greater => " of the new version",
        };
        self.step_of(id, &format!("worker {}{of}{pid} has left", id.0), out);
    }

    /// Tells everybody who waits for the app's reload.
    pub(super) fn step(&self, app: AppId, id: ProcId, text: &str, out: &mut Vec<Effect>) {
        let name = self.registry.app_name(app);
        out.push(Effect::Log(format!("reload of app [{name}]: {text}")));
        for client in self.operations.clients_of_reload(app) {
            let (name, text) = (name.clone(), text.to_owned());
            let event = control::Event::Step { name, id: id.0, text };
            out.push(Effect::Event { client, event });
        }
    }

    fn step_of(&self, id: ProcId, text: &str, out: &mut Vec<Effect>) {
        if let Some(app) = self.registry.app_of(id) {
            self.step(app, id, text, out);
        }
    }

    /// The run's version beside that of the slot's current one.
    pub(super) fn beside_current(&self, id: ProcId, run: RunId) -> Ordering {
        let current = self.core.slot(id).map(|slot| slot.process().spec());
        let spec = self.facts.get(&run).map(|facts| facts.spec);
        spec.zip(current).map_or(Ordering::Equal, |(spec, current)| spec.cmp(&current))
    }
}
