//! Ends of runs that nobody asked for: each must be told, also where the daemon dies over it.

use std::collections::BTreeMap;

use ostler_core::{Action, Exit, ProcId, Role, RunId};

use super::super::{Effect, Model};
use super::world::World;

/// Ends that are still to be told, with the slot of each run.
#[derive(Debug, Default)]
pub struct Untold {
    left: BTreeMap<RunId, ProcId>,
    /// The last end of each slot that was told.
    last: BTreeMap<ProcId, RunId>,
    /// What comes before this run of the slot goes on, and it is not spawned.
    early: BTreeMap<ProcId, RunId>,
    /// Something was not saved: what that says of ends is told again.
    pub unsaved: bool,
}

/// An exit by which the run is known in the log.
pub fn crash_of(run: RunId) -> Exit {
    Exit::Code(1000 + i32::try_from(run.0).unwrap())
}

fn is_told(run: RunId, effect: &Effect) -> bool {
    let Exit::Code(code) = crash_of(run) else { return false };
    let words = format!("exited with code [{code}]");
    matches!(effect, Effect::Log(line) if line.ends_with(&words))
}

impl World {
    /// The run ends so now. One that the slot shows must be told of.
    pub fn note_end(&mut self, run: RunId, exit: Exit) {
        let shown = matches!(self.model.core().owner(run), Some((_, Role::Current)));
        let sim = &self.runs[&run];
        if shown && exit == crash_of(run) && !sim.seen.ending {
            self.untold.left.insert(run, sim.seen.proc);
        }
    }
}

impl Untold {
    /// An effect is carried out. An end may be told once more, but not after later ones.
    #[track_caller]
    pub fn take(&mut self, effect: &Effect) {
        // Of a run that was not spawned nothing is left: a daemon after gives its number again, and
        // does not know that its end was told.
        let begun = match effect {
            Effect::Core(Action::Spawn { proc, run, .. }) => {
                self.early.remove(proc);
                Some((*proc, *run))
            }
            Effect::Prelude(of) => {
                self.early.insert(of.id, of.run);
                Some((of.id, of.run))
            }
            _ => None,
        };
        if let Some((proc, run)) = begun {
            self.last.retain(|id, last| *id != proc || *last < run);
        }
        if let Effect::Told { id, end } = effect
            && self.early.get(id) != Some(end)
        {
            let before = self.last.insert(*id, *end);
            let in_order = self.unsaved || before <= Some(*end);
            assert!(in_order, "{end:?} is told again after {before:?}");
        }
        self.left.retain(|run, _| !is_told(*run, effect));
    }

    /// The model has decided this. Of a run that another took the place of, or whose slot is gone,
    /// nothing is told.
    pub fn drop_replaced(&mut self, model: &Model, out: &[Effect]) {
        self.left.retain(|run, proc| {
            let shown = matches!(model.core().owner(*run), Some((_, Role::Current)));
            let known = model.registry().proc(*proc).is_some();
            known && (shown || out.iter().any(|effect| is_told(*run, effect)))
        });
    }

    /// A daemon that begins tells of every end that its predecessor may not have told of.
    #[track_caller]
    pub fn check_recovery(&mut self, model: &Model, out: &[Effect]) {
        self.left.retain(|_, proc| model.registry().proc(*proc).is_some());
        for run in self.left.keys() {
            assert!(out.iter().any(|effect| is_told(*run, effect)), "not told: {run:?} {out:?}");
        }
    }

    /// Nothing is left to be told.
    #[track_caller]
    pub fn check_empty(&self) {
        assert!(self.left.is_empty(), "not told: {self:?}");
    }
}
