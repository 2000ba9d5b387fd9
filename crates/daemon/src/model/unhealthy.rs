//! Runs that have lost their health.

use ostler_core::{Event, ProcId, RunId};
use ostler_wire::control::Unhealthy;

use super::Model;
use super::facts::LostBy;
use super::input::Effect;

impl Model {
    /// A run that serves was asked for its health.
    pub(super) fn on_checked(&mut self, run: RunId, result: Result<(), String>) {
        if result.is_ok() {
            self.tell_recovery(run);
        }
        let Some(failures) = self.liveness.on_checked(&self.known, run, result.is_ok()) else {
            return;
        };
        if let (Some(facts), Err(why)) = (self.known.facts.get_mut(&run), result) {
            facts.lost_health = Some((LostBy::Checks(failures), why));
            self.ask(Event::Unhealthy(run));
        }
    }

    /// A run has passed its check: it is told of the first one after one that lost its health.
    pub(super) fn tell_recovery(&mut self, run: RunId) {
        let Some(facts) = self.known.facts.get_mut(&run) else { return };
        let (id, is_new) = (facts.proc, std::mem::take(&mut facts.is_new));
        let lost = self.known.registry.proc(id).and_then(|proc| proc.unhealthy.as_ref());
        if is_new && lost.is_some_and(|lost| lost.run != run.0) {
            self.alert_healthy(id);
        }
    }

    /// A run is ended for want of health.
    pub(super) fn on_unhealthy(&mut self, id: ProcId, run: RunId, out: &mut Vec<Effect>) {
        let facts = self.known.facts.get(&run);
        let Some((by, why)) = facts.and_then(|facts| facts.lost_health.clone()) else {
            return;
        };
        let (failures, watchdog) = match by {
            LostBy::Checks(failures) => (failures, false),
            LostBy::Watchdog => (0, true),
        };
        let lost = Unhealthy { run: run.0, at: self.known.at.wall, failures, why, watchdog };
        let label = self.known.registry.label(id);
        out.push(Effect::Complain(format!("App [{label}] is restarted: {lost}")));
        self.alert_health(id, format!("process {} is restarted: {lost}", id.0));
        if let Some(proc) = self.known.registry.proc_mut(id) {
            proc.unhealthy = Some(lost);
        }
        self.known.unsaved = true;
        self.changed.insert(id);
    }
}
