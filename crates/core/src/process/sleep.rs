//! A slot that sleeps has no run, and is wanted: its next run begins when somebody comes.
//!
//! Problem: a worker that nobody has asked for long takes memory; a client that comes in the moment
//! in which it is ended must be answered all the same. Rule: the worker leaves as one that a reload
//! has replaced does: it finishes what it has, and what is new waits for the next run, which need
//! not wait for its end.
//!
//! When a slot is to sleep and to wake is decided elsewhere.

use super::Process;
use crate::ending::Ending;
use crate::event::Notice;
use crate::phase::{Goal, Phase};
use crate::run::RunId;
use crate::runs::Runs;
use crate::{Action, Millis};

impl Process {
    /// Whether it sleeps.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        matches!(self.phase, Phase::Sleeping { .. })
    }

    /// Whether it is wanted, and does not sleep.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.goal == Goal::Up && !self.sleeps()
    }

    /// Returns the last run before its sleep, if it sleeps.
    pub(crate) fn sleeps_after(&self) -> Option<RunId> {
        match self.phase {
            Phase::Sleeping { after } => Some(after),
            Phase::Stopped
            | Phase::Errored
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopping(_)
            | Phase::Held
            | Phase::Backoff { .. } => None,
        }
    }

    /// Nobody wants its worker: returns how that is brought to its end, if it was online.
    pub(crate) fn on_sleep(
        &mut self,
        now: Millis,
        runs: &Runs,
        out: &mut Vec<Action>,
    ) -> Option<Ending> {
        let (Goal::Up, Phase::Online { run, .. }) = (self.goal, self.phase) else { return None };
        if !self.cluster {
            return None;
        }
        // It has served: crashes before it are not in a row with those to come.
        self.restarts.reset_counters();
        self.renew();
        self.phase = Phase::Sleeping { after: runs.last() };
        let ending = Ending::drain(now, run, self.policy(), out);
        out.push(Action::Tell(Notice::Sleeps { proc: self.id, run }));
        Some(ending)
    }

    /// Somebody wants it.
    pub(crate) fn on_wake(&mut self, now: Millis, runs: &mut Runs, out: &mut Vec<Action>) {
        if self.sleeps() {
            out.push(Action::Tell(Notice::Wakes { proc: self.id }));
            self.spawn(now, runs, out);
        }
    }
}
