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
    /// The place of what an operation may begin next; `None` while all that is left waits for
    /// something of the operation that is under way.
    pub(in super::super) fn next_of(&self, operation: &Operation) -> Option<usize> {
        if operation.todo.len() < 2 && operation.active.is_empty()
            || !self.registry.has_dependents()
        {
            return (!operation.todo.is_empty()).then_some(0);
        }
        let edges = Look::new(self).edges();
        let open: BTreeSet<ProcId> = operation
            .todo
            .iter()
            .map(|(id, _)| *id)
            .chain(operation.active.keys().copied())
            .collect();
        let at = operation.todo.iter().position(|(id, action)| {
            let first = |below: &ProcId, above: &ProcId| {
                edges.get(above).is_some_and(|all| all.contains(below))
            };
            !open.iter().filter(|other| *other != id).any(|other| match action {
                Action::Restart => first(other, id),
                Action::Stop | Action::Delete => first(id, other),
                Action::Reset => false,
            })
        });
        // What is in a cycle is not left for ever.
        at.or_else(|| (operation.active.is_empty() && !operation.todo.is_empty()).then_some(0))
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
    /// any more but what cannot be ended.
    fn next_to_go(&self) -> Vec<ProcId> {
        let left = |id: &ProcId| self.core.slot(*id).is_some_and(|slot| !slot.removing());
        let ids: Vec<ProcId> = self.core.slots().map(|(id, _)| id).filter(left).collect();
        if !self.registry.has_dependents() {
            return ids;
        }
        let edges = Look::new(self).edges();
        let holds = |above: &ProcId| self.unsignalable(*above).is_none() && !self.is_stuck(*above);
        let is_free = |id: &&ProcId| {
            !edges.iter().any(|(above, all)| above != *id && all.contains(*id) && holds(above))
        };
        let free: Vec<ProcId> = ids.iter().filter(is_free).copied().collect();
        let goes_on = self.core.slots().any(|(id, slot)| slot.removing() && holds(&id));
        if free.is_empty() && !goes_on { ids } else { free }
    }

    /// Whether a slot's run was killed and has not ended all the same.
    fn is_stuck(&self, id: ProcId) -> bool {
        let phase = self.core.slot(id).map(|slot| slot.process().phase());
        matches!(phase, Some(Phase::Stopping(ending)) if ending.is_stuck())
    }
}

impl Model {
    /// Deletes what nothing depends on any more, when everything is to end. `false`: nothing.
    pub(in super::super) fn delete_in_order(&mut self) -> bool {
        if !self.known.closing || self.writes_last {
            return false;
        }
        let ids = self.known.next_to_go();
        for id in &ids {
            self.ask(Event::Delete(*id));
            self.operations.wait_anew(&self.known, *id);
        }
        !ids.is_empty()
    }
}
