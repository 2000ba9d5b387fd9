//! Bringing one run to its end: let it finish, ask it, force it.
//!
//! The end is reached when the whole tree is gone, not when the first process is; whoever ignores
//! every request is killed again and again, so that the machine can never wait for nothing.
//!
//! # Invariants
//! - Every stage has a deadline. Test: `invariants_hold_under_random_histories`.
//! - Stages only go forward: draining, asked, killed. Test:
//!   `a_leaving_worker_drains_is_asked_and_is_killed`.

use crate::run::RunId;
use crate::spec::Policy;
use crate::{Action, Millis};

/// A run on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    run: RunId,
    stage: EndingStage,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndingStage {
    /// Off every listener, finishing what it has; asked at `until`.
    Draining { until: Millis },
    /// Asked; killed at `kill_at`.
    Asked { kill_at: Millis },
    /// Killed; killed again at `again_at`.
    Killed { again_at: Millis },
}

impl Ending {
    /// Lets it finish its connections first.
    pub fn drain(now: Millis, run: RunId, policy: &Policy, out: &mut Vec<Action>) -> Self {
        out.push(Action::Disconnect(run));
        Self { run, stage: EndingStage::Draining { until: now + policy.drain_timeout } }
    }

    /// Asks it at once.
    pub fn ask(now: Millis, run: RunId, policy: &Policy, out: &mut Vec<Action>) -> Self {
        out.push(Action::Terminate(run));
        Self { run, stage: EndingStage::Asked { kill_at: now + policy.stop_grace } }
    }

    /// Which run it is.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// When to call [`on_deadline`](Self::on_deadline).
    #[must_use]
    pub fn deadline(&self) -> Millis {
        match self.stage {
            EndingStage::Draining { until: at }
            | EndingStage::Asked { kill_at: at }
            | EndingStage::Killed { again_at: at } => at,
        }
    }

    /// Stops draining: it is asked now. Nothing changes when it already was.
    pub fn skip_drain(&mut self, now: Millis, policy: &Policy, out: &mut Vec<Action>) {
        if let EndingStage::Draining { .. } = self.stage {
            *self = Self::ask(now, self.run, policy, out);
        }
    }

    /// The first process ended; descendants, if there are any, get the same grace from now on.
    pub fn on_exited(&mut self, now: Millis, policy: &Policy, out: &mut Vec<Action>) {
        self.skip_drain(now, policy, out);
    }

    /// Goes a stage further when its time is over.
    pub fn on_deadline(&mut self, now: Millis, policy: &Policy, out: &mut Vec<Action>) {
        if now < self.deadline() {
            return;
        }
        match self.stage {
            EndingStage::Draining { .. } => self.skip_drain(now, policy, out),
            EndingStage::Asked { .. } | EndingStage::Killed { .. } => {
                self.stage = EndingStage::Killed {
                    again_at: now + policy.stop_grace.max(MIN_KILL_INTERVAL),
                };
                out.push(Action::Kill(self.run));
            }
        }
    }
}

/// Least time between two SIGKILLs to the same run, ms: with `kill_timeout: 0` it must not become a
/// busy loop.
const MIN_KILL_INTERVAL: Millis = 100;
