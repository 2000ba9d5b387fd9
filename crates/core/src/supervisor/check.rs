//! Invariants of the whole, which [`Supervisor::handle`] asserts after every event in debug builds,
//! and so in every test.
//!
//! A fact that stands in one place cannot contradict itself; one that stands in two places can. So
//! this compares the places.

use std::collections::BTreeSet;

use super::{Slot, Supervisor};
use crate::allotted::Allotted;
use crate::phase::{Goal, Phase};
use crate::run::ProcId;

impl Supervisor {
    /// Compares all that is known, part with part.
    ///
    /// # Errors
    /// The first contradiction, in words for the developer.
    pub fn check(&self) -> Result<(), String> {
        self.check_runs()?;
        for (id, slot) in &self.slots {
            check_pair(*id, slot)?;
            check_prepared(*id, slot)?;
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

    /// Each run is in one role of the slot that it belongs to, and has a number that was given out.
    fn check_runs(&self) -> Result<(), String> {
        for (id, slot) in &self.slots {
            let mut roles = BTreeSet::new();
            for run in slot.runs() {
                if !roles.insert(run) {
                    return Err(format!("{id:?} holds {run:?} twice: {slot:?}"));
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

/// What is prepared is for the end of the current run, and has its number.
fn check_prepared(id: ProcId, slot: &Slot) -> Result<(), String> {
    let Some(prepared) = slot.process.prepared() else { return Ok(()) };
    let holds = |one: &Allotted| one.after == prepared.after && one.run == prepared.run;
    let of_current = slot.process.run() == Some(prepared.after);
    if of_current && slot.candidate.is_none() && slot.allotted.iter().any(holds) {
        Ok(())
    } else {
        Err(format!("{id:?} has prepared what nobody asked for: {slot:?}"))
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
            | Phase::Sleeping { .. }
            | Phase::Backoff { .. },
        ) => Ok(()),
        (Goal::Up, Phase::Held) if slot.process.is_held() => Ok(()),
        (Goal::Up, Phase::Stopped | Phase::Errored | Phase::Held)
        | (
            Goal::Down,
            Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Backoff { .. },
        ) => Err(format!("{id:?} is {phase:?}, but wanted {goal:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::candidate::{Candidate, Needs};
    use crate::ending::Ending;
    use crate::process::Process;
    use crate::reload::{Reload, ReloadOptions};
    use crate::run::{AppId, RunId, SpecId};
    use crate::spec::{Policy, Version};
    use crate::{Event, Millis, Preparation, SavedProcess};

    const APP: AppId = AppId(0);
    const ID: ProcId = ProcId(0);
    const RUN: RunId = RunId(1);

    fn version() -> Version {
        (SpecId(0), Arc::new(Policy::default()))
    }

    /// Two slots with a run each, and what `break_it` makes of them.
    #[track_caller]
    fn finds(expected: &str, break_it: impl FnOnce(&mut Supervisor)) {
        let mut supervisor = Supervisor::new();
        let (spec, policy) = version();
        for id in [ID, ProcId(1)] {
            let policy = Arc::clone(&policy);
            let add = Event::Add { proc: id, app: APP, spec, policy, cluster: false };
            supervisor.handle(0, add, &mut Vec::new());
            supervisor.handle(0, Event::Start(id), &mut Vec::new());
        }
        break_it(&mut supervisor);
        let found = supervisor.check().unwrap_err();
        assert!(found.contains(expected), "{found}");
    }

    fn slot(supervisor: &mut Supervisor) -> &mut Slot {
        supervisor.slots.get_mut(&ID).unwrap()
    }

    #[test]
    fn a_run_in_two_roles_is_found() {
        finds("ProcId(0) holds RunId(1) twice", |it| {
            let ending = Ending::ask(0, RUN, &Policy::default(), &mut Vec::new());
            slot(it).leaving.push(ending);
        });
    }

    #[test]
    fn a_run_that_is_not_known_as_its_slots_is_found() {
        finds("ProcId(0) holds RunId(1), which belongs elsewhere", |it| it.runs.forget(RUN));
        finds("belongs elsewhere", |it| it.runs.adopt(RUN, ProcId(1)));
    }

    #[test]
    fn a_run_of_no_slot_or_with_a_number_to_come_is_found() {
        finds("RunId(1) of ProcId(7) was never given out", |it| {
            it.runs.adopt(RUN, ProcId(7));
            slot(it).process = Process::new(ID, version(), false);
        });
        finds("RunId(3) of ProcId(0) was never given out", |it| it.runs.adopt(RunId(3), ID));
    }

    #[test]
    fn a_phase_that_does_not_go_with_the_goal_is_found() {
        finds("is Errored, but wanted Up", |it| {
            let saved = SavedProcess { goal: Goal::Up, errored: true, ..slot(it).save() };
            slot(it).process = Process::from_saved(&saved);
        });
    }

    #[test]
    fn what_is_prepared_for_another_end_or_without_its_number_is_found() {
        let prepared = |after, run| Preparation {
            after: RunId(after),
            run: RunId(run),
            spec: SpecId(0),
            restarts: 1,
            unstable: 1,
            not_before: 0,
            not_after: Millis::MAX,
            except_codes: Vec::new(),
        };
        // What the slot prepares, and which run it keeps in mind for which end.
        for (of_slot, kept) in [
            (prepared(1, 3), None),
            (prepared(1, 3), Some(prepared(7, 3))),
            (prepared(1, 4), Some(prepared(1, 3))),
            (prepared(7, 3), Some(prepared(7, 3))),
        ] {
            finds("has prepared what nobody asked for", |it| {
                it.runs.allot(ID);
                slot(it).allotted.extend(kept.map(|kept| Allotted::new(&kept, &version())));
                slot(it).process.set_prepared(Some(of_slot));
            });
        }
    }

    #[test]
    fn a_candidate_without_a_reload_is_found() {
        finds("active false in a reload", |it| {
            let run = it.runs.allot(ID);
            slot(it).candidate = Some(Candidate::new(0, run, version(), Needs::Nothing));
        });
    }

    #[test]
    fn a_reload_without_its_candidate_or_with_a_slot_twice_is_found() {
        let reload = |count| {
            let slots = vec![(ID, version()); count];
            Reload::new(version(), slots, RunId(2), ReloadOptions::default())
        };
        finds("active true in a reload", |it| {
            let mut reload = reload(1);
            _ = reload.next_step(u64::MAX, 0);
            it.reloads.insert(APP, reload);
        });
        finds("is in two states", |it| _ = it.reloads.insert(APP, reload(2)));
    }

    #[test]
    fn a_slot_that_should_be_gone_is_found() {
        finds("is to be removed and still there", |it| {
            slot(it).process = Process::new(ID, version(), false);
            slot(it).removing = true;
        });
    }
}
