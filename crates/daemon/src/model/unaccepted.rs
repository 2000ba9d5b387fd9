//! Runs that never were, and runs that did not pass their checks.

use ostler_core::{Event, Exit, Role, RunId};

use super::Model;
use super::health::AGAIN;
use super::input::Effect;
use super::known::Known;
use super::outcome::Outcome;
use super::registry::Ended;

impl Model {
    pub(super) fn on_not_spawned(
        &mut self,
        run: RunId,
        why: String,
        exit: Exit,
        out: &mut Vec<Effect>,
    ) {
        self.known.note_failure(run, Outcome::NotSpawned { why }, out);
        self.ask(Event::Exited { run, exit, next: None });
        self.on_report(Event::TreeGone(run), out);
    }

    pub(super) fn on_probed(
        &mut self,
        run: RunId,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let healthy = result.is_ok();
        if let Some(facts) = self.known.facts.get_mut(&run) {
            facts.health.end(result.clone(), self.known.at.now + AGAIN);
            self.dependents.stale = true;
        }
        // Of a run that serves, only those that wait for its health want to know.
        let serves = matches!(self.known.core.owner(run), Some((_, Role::Current)));
        if let Err(why) = result
            && !serves
        {
            out.push(Effect::Complain(format!("health check of run {} failed: {why}", run.0)));
            let why = format!("its health check failed: {why}");
            self.known.note_failure(run, Outcome::NotVerified { why }, out);
        }
        self.ask(Event::Probed { run, healthy });
    }
}

impl Known {
    /// Remembers why a run failed, for whoever asks for its slot.
    fn note_failure(&mut self, run: RunId, outcome: Outcome, out: &mut Vec<Effect>) {
        let Some((id, _)) = self.core.owner(run) else { return };
        let why = outcome.fact().to_string();
        let label = self.registry.label(id);
        if let Some(proc) = self.registry.proc_mut(id) {
            out.push(Effect::Complain(format!("App [{label}] {why}")));
            proc.last = Some(outcome);
            proc.ended = Some(Ended { at: self.at.wall, asked: false, oom: false, own_at: None });
        }
        if let Some(facts) = self.facts.get_mut(&run) {
            facts.why = Some(why);
        }
    }
}
