//! What must be true after every event, looked at by [`Supervisor::handle`] in debug builds and by
//! every test.
//!
//! What follows from one field alone cannot be wrong; what stands in two places can. So this
//! compares the places.

use std::collections::BTreeMap;

use super::{Slot, Supervisor};
use crate::phase::{Goal, Phase};
use crate::run::{ProcId, RunId};

impl Supervisor {
    /// Compares all that is known, part with part.
    ///
    /// # Errors
    /// The first contradiction, in words for whoever mends it.
    pub fn check(&self) -> Result<(), String> {
        self.check_runs()?;
        for (id, slot) in &self.slots {
            check_pair(*id, slot)?;
            check_deadline(*id, slot)?;
            let reload = self.reloads.get(&slot.app);
            let active = reload.is_some_and(|reload| reload.is_active(*id));
            if active != slot.candidate.is_some() {
                return Err(format!("{id:?}: active {active} in a reload, but {slot:?}"));
            }
            if slot.removing && slot.runs().next().is_none() {
                return Err(format!("{id:?} is to be removed and still there"));
            }
        }
        for (app, reload) in &self.reloads {
            if let Some(id) = reload.misplaced() {
                return Err(format!(
                    "{id:?} is in two states in the reload of {app:?}: {reload:?}"
                ));
            }
        }
        Ok(())
    }

    /// Each run is in one slot in one role, and known by its number.
    fn check_runs(&self) -> Result<(), String> {
        let mut holders: BTreeMap<RunId, ProcId> = BTreeMap::new();
        for (id, slot) in &self.slots {
            for run in slot.runs() {
                if let Some(other) = holders.insert(run, *id) {
                    return Err(format!("{run:?} is held by {other:?} and by {id:?}"));
                }
                if self.runs.owner(run) != Some(*id) {
                    return Err(format!("{id:?} holds {run:?}, which belongs elsewhere"));
                }
            }
        }
        for (run, id) in self.runs.iter() {
            if self.runs.last() < run || !self.slots.contains_key(&id) {
                return Err(format!("{run:?} of {id:?} was never given out"));
            }
        }
        Ok(())
    }
}

/// Goal and phase are a pair that the table in `process.rs` has.
fn check_pair(id: ProcId, slot: &Slot) -> Result<(), String> {
    let (goal, phase) = (slot.process.goal(), slot.process.phase());
    match (goal, phase) {
        (Goal::Down, Phase::Stopped | Phase::Errored | Phase::Stopping(_))
        | (
            Goal::Up,
            Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopping(_)
            | Phase::Backoff { .. },
        ) => Ok(()),
        (Goal::Up, Phase::Stopped | Phase::Errored)
        | (Goal::Down, Phase::Starting { .. } | Phase::Online { .. } | Phase::Backoff { .. }) => {
            Err(format!("{id:?} is {phase:?}, but wanted {goal:?}"))
        }
    }
}

/// What passes has a deadline.
fn check_deadline(id: ProcId, slot: &Slot) -> Result<(), String> {
    let passes = match slot.process.phase() {
        Phase::Starting { .. } | Phase::Stopping(_) | Phase::Backoff { .. } => true,
        Phase::Stopped | Phase::Errored | Phase::Online { .. } => 0 < slot.extra_runs(),
    };
    match slot.deadline() {
        None if passes => Err(format!("{id:?} has no deadline: {slot:?}")),
        None | Some(_) => Ok(()),
    }
}
