//! A run that has lost its health: it is brought to its end, and that counts as a crash.
//!
//! # Invariants
//! - What follows is decided when nothing of the run is left, by the rules for crashes.
//!   Tested by `a_run_without_health_is_ended_and_the_next_one_waits_as_after_a_crash`.

use super::Process;
use crate::ending::Ending;
use crate::event::Notice;
use crate::phase::Phase;
use crate::run::Exit;
use crate::runs::Runs;
use crate::{Action, Millis};

impl Process {
    /// The current run is to be replaced, if it serves.
    pub(crate) fn on_unhealthy(&mut self, now: Millis, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Online { run, since } => {
                out.push(Action::Tell(Notice::Unhealthy { proc: self.id, run }));
                // Counted now: a daemon that dies in between goes on with another run.
                self.restarts.total += 1;
                let ending = Ending::ask(now, run, self.policy(), out);
                self.phase = Phase::Stopping(ending.as_crash(now.saturating_sub(since)));
            }
            Phase::Stopped
            | Phase::Errored
            | Phase::Starting { .. }
            | Phase::Stopping(_)
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Backoff { .. } => {}
        }
    }

    /// Nothing is left of a run that lived for `uptime` and was ended for want of health.
    pub(super) fn after_unhealthy(
        &mut self,
        now: Millis,
        uptime: Millis,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) {
        self.restarts.total = self.restarts.total.saturating_sub(1);
        // How it took its end says nothing.
        let leaves = self.after_exit(now, uptime, Exit::Unknown, None, runs, out);
        debug_assert!(leaves.is_none(), "nothing is begun by that end");
    }
}
