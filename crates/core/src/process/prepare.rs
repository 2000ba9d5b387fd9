//! What the keeper is told in advance about the end of the current run.

use super::Process;
use crate::Millis;
use crate::phase::{Goal, Phase};
use crate::preparation::Preparation;
use crate::run::RunId;

impl Process {
    /// Returns what is to be done at the end of the current run, as far as it is known: only for
    /// a process whose last run crashed, and only where another run follows at once. Its number
    /// is the one of what is prepared already, or 0.
    pub(crate) fn preparation(&self, now: Millis) -> Option<Preparation> {
        // What the keeper has not spawned yet, it cannot have something follow.
        let (Phase::Starting { run, since, spawned: true, .. } | Phase::Online { run, since }) =
            self.phase
        else {
            return None;
        };
        let (policy, restarts) = (self.policy(), self.restarts);
        let at_once = policy.autorestart && policy.restart_delay == 0 && policy.backoff.is_none();
        let is_wanted = self.goal == Goal::Up && !self.held && self.next.is_none();
        if !is_wanted || !at_once || !restarts.crashed {
            return None;
        }
        let stable = since + policy.min_uptime;
        // One short run more may be too many: then only the end of a long one is known.
        let short = now < stable && restarts.unstable + 1 < policy.max_unstable;
        Some(Preparation {
            after: run,
            run: self.next_run(run).unwrap_or(RunId(0)),
            spec: self.spec(),
            restarts: restarts.total + 1,
            unstable: if short { restarts.unstable + 1 } else { 0 },
            not_before: if short { 0 } else { stable },
            not_after: if short { stable } else { Millis::MAX },
            except_codes: policy.final_codes().collect(),
        })
    }

    /// Returns the number of what is prepared for the end of that run.
    fn next_run(&self, after: RunId) -> Option<RunId> {
        let prepared = self.prepared.as_ref().filter(|prepared| prepared.after == after)?;
        Some(prepared.run)
    }

    /// The keeper is about to be told.
    pub(crate) fn set_prepared(&mut self, prepared: Option<Preparation>) {
        self.prepared = prepared;
    }
}
