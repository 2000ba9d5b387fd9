//! Keeping what the keeper was told in advance in line with what would be decided now.
//!
//! Nothing that changes a slot has to think of this: after every event, what was prepared is
//! compared with what should be, for the slots that the event may have changed.

use super::{Slot, Supervisor};
use crate::allotted::Allotted;
use crate::event::Subject;
use crate::run::ProcId;
use crate::runs::Runs;
use crate::{Action, Event, Millis};

/// The slots that an event may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concerned {
    Nothing,
    Slot(ProcId),
    All,
}

impl Supervisor {
    /// Returns which slots the event may change, asked before it does.
    pub(super) fn concerned(&self, event: &Event) -> Concerned {
        let id = match event.subject() {
            Subject::Slot(id) => Some(id),
            Subject::Run(run) => self.runs.owner(run),
            Subject::Many => return Concerned::All,
        };
        match id {
            Some(id) if self.has_reload(id) => Concerned::All,
            Some(id) => Concerned::Slot(id),
            None => Concerned::Nothing,
        }
    }

    /// Whether the slot's app has a reload, which may change its other slots too.
    fn has_reload(&self, id: ProcId) -> bool {
        self.slots.get(&id).is_some_and(|slot| self.reloads.contains_key(&slot.app))
    }

    /// Prepares what is to follow the ends of runs, and revokes what is not to follow any more:
    /// that goes to the place `at`, before everything that was decided with it.
    pub(super) fn prepare(
        &mut self,
        now: Millis,
        concerned: Concerned,
        at: usize,
        out: &mut Vec<Action>,
    ) {
        match concerned {
            Concerned::Nothing => {}
            Concerned::Slot(id) => {
                if let Some(slot) = self.slots.get_mut(&id) {
                    slot.prepare(now, at, &mut self.runs, out);
                }
            }
            Concerned::All => {
                for slot in self.slots.values_mut() {
                    slot.prepare(now, at, &mut self.runs, out);
                }
            }
        }
    }
}

impl Slot {
    fn prepare(&mut self, now: Millis, at: usize, runs: &mut Runs, out: &mut Vec<Action>) {
        let process = &mut self.process;
        let wanted = process.preparation(now).filter(|_| self.candidate.is_none());
        if wanted.as_ref() == process.prepared() {
            return;
        }
        let after = wanted.as_ref().map(|wanted| wanted.after);
        if let Some(old) = process.prepared().filter(|old| Some(old.after) != after) {
            out.insert(at, Action::Revoke { after: old.after });
        }
        let wanted = wanted.map(|mut wanted| {
            if wanted.run.0 == 0 {
                wanted.run = runs.allot(process.id());
                self.allotted.push(Allotted::new(&wanted, process.version()));
            }
            out.push(Action::Prepare { proc: process.id(), preparation: wanted.clone() });
            wanted
        });
        process.set_prepared(wanted);
    }
}
