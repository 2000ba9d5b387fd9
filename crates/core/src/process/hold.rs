//! A slot that is held begins no run: what it depends on is not there.
//!
//! Who holds it decides elsewhere, and may change its mind at any time. What runs goes on.

use super::Process;
use crate::event::Notice;
use crate::phase::{Goal, Phase};
use crate::runs::Runs;
use crate::{Action, Millis};

impl Process {
    /// Whether no run is to begin for now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Whether a run is due and waits, since the slot is held.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.phase == Phase::Held
    }

    /// The slot is held from now on, or not any more.
    pub(crate) fn on_hold(
        &mut self,
        now: Millis,
        held: bool,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) {
        self.held = held;
        match (self.goal, self.phase) {
            (Goal::Up, Phase::Held) if !held => self.spawn(now, runs, out),
            (
                Goal::Up | Goal::Down,
                Phase::Held
                | Phase::Sleeping { .. }
                | Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. },
            ) => {}
        }
    }

    /// A run is due, and must wait.
    pub(super) fn wait(&mut self, out: &mut Vec<Action>) {
        self.sweep_orphans(out);
        self.phase = Phase::Held;
        out.push(Action::Tell(Notice::Held { proc: self.id }));
    }
}
