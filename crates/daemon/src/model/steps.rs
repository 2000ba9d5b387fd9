//! The steps of a reload, told to everybody who waits for it.
//!
//! Versions are numbered upwards, so of two runs of a slot the one with the higher number is of
//! the new version.

use std::cmp::Ordering;

use ostler_core::{AppId, Failure as Why, ProcId, RunId};
use ostler_wire::control::{self, Side, Step};

use super::facts::RunFacts;
use super::input::Effect;
use super::known::Known;
use super::operations::Operations;

impl Known {
    fn side(&self, id: ProcId, run: RunId) -> Side {
        match self.beside_current(id, run) {
            Ordering::Less => Side::Old,
            Ordering::Equal => Side::Same,
            Ordering::Greater => Side::New,
        }
    }

    /// The run's version beside that of the slot's current one.
    pub(super) fn beside_current(&self, id: ProcId, run: RunId) -> Ordering {
        let current = self.core.slot(id).map(|slot| slot.process().spec());
        let spec = self.facts.get(&run).map(|facts| facts.spec);
        spec.zip(current).map_or(Ordering::Equal, |(spec, current)| spec.cmp(&current))
    }
}

impl Operations {
    /// A candidate is started.
    pub(super) fn step_verifying(
        &self,
        known: &Known,
        id: ProcId,
        run: RunId,
        out: &mut Vec<Effect>,
    ) {
        let side = known.side(id, run);
        self.step_of(known, id, &Step::Verifying { run: run.0, side }, out);
    }

    /// A candidate failed.
    pub(super) fn step_failed(
        &self,
        known: &mut Known,
        id: ProcId,
        run: RunId,
        why: Why,
        out: &mut Vec<Effect>,
    ) {
        let (side, cause) = (known.side(id, run), known.cause(id, run, why));
        let step = Step::Failed { run: run.0, side, cause };
        self.step_of(known, id, &step, out);
        known.note_failed(id, &step);
    }

    /// A candidate took over from `old`.
    pub(super) fn step_replaced(
        &self,
        known: &Known,
        id: ProcId,
        run: RunId,
        old: Option<RunId>,
        out: &mut Vec<Effect>,
    ) {
        let facts = known.facts.get(&run);
        let step = Step::Replaced {
            pid: facts.map_or(0, |facts| facts.pid),
            side: if known.is_way_back(run, old) { Side::Old } else { Side::New },
            listens: facts.map_or_else(Vec::new, RunFacts::addresses),
            leaves: old.is_some(),
        };
        self.step_of(known, id, &step, out);
    }

    /// A run that was not accepted or was replaced is gone.
    pub(super) fn step_left(&self, known: &Known, id: ProcId, run: RunId, out: &mut Vec<Effect>) {
        let pid = known.facts.get(&run).map(|facts| facts.pid).filter(|pid| *pid != 0);
        let (side, connections) = (known.side(id, run), known.connections_of(run));
        if known.facts.get(&run).is_some_and(|facts| facts.unwanted) {
            // No reload has replaced it.
            let label = known.registry.label(id);
            let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
            return out.push(Effect::Log(format!("App [{label}] has left{pid}")));
        }
        self.step_of(known, id, &Step::Left { pid, side, connections }, out);
    }

    /// Tells everybody who waits for the app's reload.
    pub(super) fn step(
        &self,
        known: &Known,
        app: AppId,
        id: ProcId,
        step: &Step,
        out: &mut Vec<Effect>,
    ) {
        let name = known.registry.app_name(app);
        let sentence = step.logged(id.0, &name);
        out.push(Effect::Log(format!("reload of app [{name}]: {sentence}")));
        for client in self.clients_of_reload(app) {
            let (name, step) = (name.clone(), step.clone());
            let event = control::Event::Step { name, id: id.0, step };
            out.push(Effect::Event { client, event });
        }
    }

    fn step_of(&self, known: &Known, id: ProcId, step: &Step, out: &mut Vec<Effect>) {
        if let Some(app) = known.registry.app_of(id) {
            self.step(known, app, id, step, out);
        }
    }
}
