//! Bringing one run to its end: let it finish, ask it, force it.
//!
//! The end is reached when the whole tree is gone, not when the first process is. A run that
//! ignores every request is killed again and again, so that the machine can never wait for nothing.
//!
//! # Invariants
//! - Every stage has a deadline. Tested by `invariants_hold_under_random_histories`.
//! - Stages only go forward: draining, asked, killed.
//!   Tested by `a_leaving_worker_drains_is_asked_and_is_killed`.

use crate::run::RunId;
use crate::spec::Policy;
use crate::{Action, Millis};

/// Least time between two SIGKILLs to the same run, ms. With `kill_timeout: 0` there must be no
/// busy loop of them.
const MIN_KILL_INTERVAL: Millis = 100;

/// A run on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    run: RunId,
    /// Time between the request to end and SIGKILL, by the policy that the run was spawned with.
    stop_grace: Millis,
    stage: EndingStage,
    /// It counts as the crash of a run that lived for so long.
    crashed_after: Option<Millis>,
}

/// How far the end of a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum EndingStage {
    /// Off every listener and finishing its connections; it is asked to end at `until`.
    Draining { until: Millis },
    /// Asked to end; it is killed at `kill_at`.
    Asked { kill_at: Millis },
    /// Killed; it is killed again at `again_at`.
    Killed { again_at: Millis },
    /// Killed at least twice, and still there: it hangs in the kernel.
    Stuck { again_at: Millis },
}

impl Ending {
    /// Lets the run finish its connections before it is asked to end.
    pub(crate) fn drain(now: Millis, run: RunId, policy: &Policy, out: &mut Vec<Action>) -> Self {
        out.push(Action::Disconnect(run));
        let until = now + policy.drain_timeout;
        Self {
            run,
            stop_grace: policy.stop_grace,
            stage: EndingStage::Draining { until },
            crashed_after: None,
        }
    }

    /// Asks the run to end at once.
    pub(crate) fn ask(now: Millis, run: RunId, policy: &Policy, out: &mut Vec<Action>) -> Self {
        out.push(Action::Terminate(run));
        let kill_at = now + policy.stop_grace;
        Self {
            run,
            stop_grace: policy.stop_grace,
            stage: EndingStage::Asked { kill_at },
            crashed_after: None,
        }
    }

    /// The same, as the crash of a run that lived for so long.
    pub(crate) fn as_crash(self, uptime: Millis) -> Self {
        Self { crashed_after: Some(uptime), ..self }
    }

    /// It is an end as any other from now on. Returns whether it was not.
    pub(crate) fn forget_crash(&mut self) -> bool {
        self.crashed_after.take().is_some()
    }

    /// Returns how long the run had lived, where its end counts as a crash.
    pub(crate) fn crashed_after(&self) -> Option<Millis> {
        self.crashed_after
    }

    /// Returns which run it is.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Returns how far it has come.
    #[must_use]
    pub fn stage(&self) -> EndingStage {
        self.stage
    }

    /// Returns when to call [`on_deadline`](Self::on_deadline).
    pub(crate) fn deadline(&self) -> Millis {
        match self.stage {
            EndingStage::Draining { until: at }
            | EndingStage::Asked { kill_at: at }
            | EndingStage::Killed { again_at: at }
            | EndingStage::Stuck { again_at: at } => at,
        }
    }

    /// Asks a draining run to end now; one that was asked before is left alone. So does the exit of
    /// its first process: descendants, if there are any, get the same grace from then on.
    pub(crate) fn skip_drain(&mut self, now: Millis, out: &mut Vec<Action>) {
        match self.stage {
            EndingStage::Draining { .. } => {
                out.push(Action::Terminate(self.run));
                self.stage = EndingStage::Asked { kill_at: now + self.stop_grace };
            }
            EndingStage::Asked { .. } | EndingStage::Killed { .. } | EndingStage::Stuck { .. } => {}
        }
    }

    /// Whether it was killed, and is still there.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        matches!(self.stage, EndingStage::Killed { .. } | EndingStage::Stuck { .. })
    }

    /// Whether nothing can be done about it: nobody knows when it ends, if at all.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        matches!(self.stage, EndingStage::Stuck { .. })
    }

    /// Goes a stage further when its time is over.
    pub(crate) fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) {
        if now < self.deadline() {
            return;
        }
        match self.stage {
            EndingStage::Draining { .. } => self.skip_drain(now, out),
            EndingStage::Asked { .. } => {
                self.stage = EndingStage::Killed { again_at: self.kill(now, out) };
            }
            EndingStage::Killed { .. } | EndingStage::Stuck { .. } => {
                self.stage = EndingStage::Stuck { again_at: self.kill(now, out) };
            }
        }
    }

    /// Kills it. Returns when it is killed again.
    fn kill(&self, now: Millis, out: &mut Vec<Action>) -> Millis {
        out.push(Action::Kill(self.run));
        now + self.stop_grace.max(MIN_KILL_INTERVAL)
    }
}
