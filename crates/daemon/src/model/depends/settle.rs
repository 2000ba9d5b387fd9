//! Who is held, looked at again, and what follows from that.

use std::collections::BTreeMap;

use ostler_core::{Action, Event, Goal, Millis, Phase, ProcId, RunId, SpecId};
use ostler_wire::control::Waits;

use super::super::Model;
use super::super::input::Effect;
use super::super::known::Known;
use super::super::operations::{Operation, Target};
use super::{Dependents, Look, Waiting};

/// What follows from a look at all slots.
#[derive(Debug, Default)]
struct Decided {
    /// Slots that are to be held from now on, or not any more.
    changes: Vec<(ProcId, bool)>,
    /// Runs whose health somebody waits for.
    probes: Vec<(RunId, Millis)>,
    /// When what somebody waits for has lived for long enough.
    ripe_at: Option<Millis>,
    /// Slots that wait.
    waiting: BTreeMap<ProcId, Waiting>,
    /// Slots whose dependencies have recovered.
    recovered: Vec<ProcId>,
}

impl Model {
    /// Holds and releases slots, if something has happened since it was last looked at.
    pub(in super::super) fn settle_dependents(&mut self, out: &mut Vec<Effect>) {
        let is_stale = std::mem::take(&mut self.dependents.stale);
        if self.known.closing {
            self.dependents = Dependents::default();
        }
        if !is_stale || self.known.closing || !self.known.registry.has_dependents() {
            return;
        }
        let decided = self.decide();
        for (id, held) in &decided.changes {
            let waited = self.known.phase(*id) == Some(Phase::Held);
            self.ask(Event::Hold { proc: *id, held: *held });
            if waited && !held {
                self.operations.wait_anew(&self.known, *id);
            }
            self.changed.insert(*id);
        }
        let now = self.known.at.now;
        let (due, later): (Vec<_>, Vec<_>) =
            decided.probes.iter().copied().partition(|(_, at)| *at <= now);
        self.dependents.due = later.into_iter().map(|(_, at)| at).chain(decided.ripe_at).min();
        for (run, _) in &due {
            if let Some(facts) = self.known.facts.get_mut(run) {
                facts.health.begin();
            }
            out.push(Effect::Core(Action::Probe(*run)));
        }
        self.tell_who_waits(decided.waiting, out);
        if !decided.recovered.is_empty() {
            self.restart_recovered(&decided.recovered, out);
        }
    }

    fn decide(&self) -> Decided {
        let look = Look::new(&self.known);
        let mut decided = Decided::default();
        for (id, slot) in self.known.core.slots().filter(|(_, slot)| !slot.removing()) {
            let process = slot.process();
            let waits = look.waits(id);
            let held = !waits.is_empty();
            if held != process.is_held() {
                decided.changes.push((id, held));
            }
            let up = matches!(process.phase(), Phase::Starting { .. } | Phase::Online { .. });
            let lost = self.known.registry.proc(id).is_some_and(|proc| proc.dependency_lost);
            if lost && !held && up && !self.operations.will_act_on(id) {
                decided.recovered.push(id);
            }
            if held {
                decided.ripe_at = decided.ripe_at.into_iter().chain(look.ripe_at(id)).min();
            }
            let waits_now = held && process.goal() == Goal::Up && process.phase() == Phase::Held;
            if waits_now || held && lost && up {
                decided.probes.extend(look.unchecked(id));
            }
            if waits_now {
                let in_vain = look.in_vain(id);
                decided.waiting.insert(id, Waiting { waits, in_vain });
            }
        }
        decided.probes.sort_unstable();
        decided.probes.dedup();
        decided
    }

    /// Says once of each slot that waits for what. Those for which that has changed are looked at
    /// again by whoever waits for them.
    fn tell_who_waits(&mut self, waiting: BTreeMap<ProcId, Waiting>, out: &mut Vec<Effect>) {
        for (id, now) in &waiting {
            let before = self.dependents.waiting.get(id);
            if before.is_none() {
                let label = self.known.registry.label(*id);
                out.push(Effect::Log(format!("App [{label}] waits for {}", listed(&now.waits))));
            }
            if before != Some(now) {
                self.changed.insert(*id);
            }
        }
        self.dependents.waiting = waiting;
    }

    fn restart_recovered(&mut self, ids: &[ProcId], out: &mut Vec<Effect>) {
        for id in ids {
            if let Some(proc) = self.known.registry.proc_mut(*id) {
                proc.dependency_lost = false;
            }
            let label = self.known.registry.label(*id);
            out.push(Effect::Log(format!(
                "App [{label}] is restarted: what it depends on has recovered"
            )));
        }
        self.restart_by_itself(ids, "what it depends on has recovered", true, out);
    }

    /// The current run of a slot has ended: those that depend on it and are to be restarted with it
    /// are, when it is there again.
    pub(in super::super) fn on_dependency_ended(&mut self, ended: ProcId) {
        if !self.known.registry.has_dependents() {
            return;
        }
        let ids: Vec<ProcId> = Look::new(&self.known).restarted_with(ended).collect();
        for id in ids {
            if let Some(proc) = self.known.registry.proc_mut(id) {
                proc.dependency_lost = true;
                self.known.unsaved = true;
            }
        }
    }

    /// Holds a slot before it is asked to begin, if it may have to wait: whether it has is looked
    /// at with everything that is asked for at the same time.
    pub(in super::super) fn hold_dependent(&mut self, id: ProcId, spec: SpecId) {
        let version = self.known.registry.version(spec);
        if version.is_some_and(|of| !of.spec.depends_on.is_empty()) {
            self.dependents.stale = true;
            self.ask(Event::Hold { proc: id, held: true });
        }
    }

    /// Wants these up, which others depend on.
    pub(in super::super) fn start_dependencies(
        &mut self,
        ids: &[ProcId],
        operation: &mut Operation,
    ) {
        self.known.registry.halt(ids, false);
        for id in ids {
            if let Some(slot) = self.known.core.slot(*id) {
                self.hold_dependent(*id, slot.process().next_spec());
            }
            operation.active.insert(*id, self.known.pending(*id, Target::Up, false));
            self.ask(Event::Start(*id));
        }
    }
}

impl Known {
    /// Slots that these depend on, at any distance, and that nobody has started. `changes`: the
    /// versions that slots are about to get.
    pub(in super::super) fn down_below(
        &self,
        ids: &[ProcId],
        changes: &BTreeMap<ProcId, SpecId>,
    ) -> Vec<ProcId> {
        if !self.registry.has_dependents() {
            return Vec::new();
        }
        Look::with(self, changes).down_below(ids)
    }
}

/// Everything that is waited for, as a sentence has it.
fn listed(waits: &[Waits]) -> String {
    waits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
