//! The order in which slots are stopped and restarted: what others depend on comes up before them
//! and goes after them.

use std::collections::BTreeSet;

use ostler_core::{Event, Phase, ProcId, SpecId};
use ostler_wire::control::Action;

use super::super::Model;
use super::super::known::Known;
use super::super::operations::{Operation, Target};
use super::Look;

impl Known {
    /// What an operation may begin now: all else that is left of it waits for something of it that
    /// is under way. `None`: the whole, since nothing depends on anything.
    pub(in super::super) fn free_of(&self, operation: &Operation) -> Option<BTreeSet<ProcId>> {
        if operation.todo.is_empty() || !self.registry.has_dependents() {
            return None;
        }
        let edges = Look::new(self).edges();
        let todo = || operation.todo.iter().map(|(id, _)| *id);
        let open: BTreeSet<ProcId> = todo().chain(operation.active.keys().copied()).collect();
        let below_open = |above: &ProcId| edges.get(above).into_iter().flatten().copied();
        // Those on which another one that is open depends.
        let needed: BTreeSet<ProcId> = open
            .iter()
            .flat_map(|above| below_open(above).filter(move |below| below != above))
            .collect();
        let is_free = |(id, action): &&(ProcId, Action)| match action {
            Action::Restart => !below_open(id).any(|below| below != *id && open.contains(&below)),
            Action::Stop | Action::Delete => !needed.contains(id),
            Action::Reset => true,
        };
        Some(operation.todo.iter().filter(is_free).map(|(id, _)| *id).collect())
    }

    /// The version of the next run that an operation begins of a slot.
    pub(in super::super) fn spec_to_be(&self, operation: &Operation, id: ProcId) -> Option<SpecId> {
        let of_slot = || Some(self.core.slot(id)?.process().next_spec());
        operation.changes.get(&id).copied().or_else(of_slot)
    }

    /// Whether a slot waits for others before what is wanted of it is begun.
    pub(in super::super) fn waits_its_turn(&self, id: ProcId, target: Target) -> bool {
        let Some(slot) = self.core.slot(id) else { return false };
        match target {
            Target::Up => slot.process().phase() == Phase::Held,
            Target::Gone => !slot.removing(),
            Target::Down | Target::Listening => false,
        }
    }

    /// Slots that are to be deleted next, when everything is: those on which nothing depends
    /// any more but what cannot be ended; and whether others come after them.
    fn next_to_go(&self) -> (Vec<ProcId>, bool) {
        let left = |id: &ProcId| self.core.slot(*id).is_some_and(|slot| !slot.removing());
        let ids: Vec<ProcId> = self.core.slots().map(|(id, _)| id).filter(left).collect();
        if !self.registry.has_dependents() {
            return (ids, false);
        }
        let holds = |above: &ProcId| self.unsignalable(*above).is_none() && !self.is_stuck(*above);
        let edges = Look::new(self).edges();
        let needed: BTreeSet<ProcId> = edges
            .iter()
            .filter(|(above, _)| holds(above))
            .flat_map(|(above, all)| all.iter().filter(move |below| *below != above).copied())
            .collect();
        let free: Vec<ProcId> = ids.iter().filter(|id| !needed.contains(id)).copied().collect();
        let goes_on = self.core.slots().any(|(id, slot)| slot.removing() && holds(&id));
        if free.is_empty() && !goes_on {
            return (ids, false);
        }
        let more = free.len() < ids.len();
        (free, more)
    }

    /// Whether a slot's run was killed and has not ended all the same.
    fn is_stuck(&self, id: ProcId) -> bool {
        let phase = self.core.slot(id).map(|slot| slot.process().phase());
        matches!(phase, Some(Phase::Stopping(ending)) if ending.is_stuck())
    }
}

impl Model {
    /// Deletes what nothing depends on any more, when everything is to end.
    pub(in super::super) fn delete_in_order(&mut self) {
        if !self.deletes_left {
            return;
        }
        let (ids, more) = self.known.next_to_go();
        self.deletes_left = more;
        for id in &ids {
            self.ask(Event::Delete(*id));
            self.operations.wait_anew(&self.known, *id);
        }
    }
}
