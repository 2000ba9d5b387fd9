//! A run that must prove itself before it takes a slot over.
//!
//! PM2 calls a worker good when it was started, and a reload then kills the old one: the commonest
//! complaint of its users. Here a candidate is good when it listens on everything that the run it
//! replaces listens on, said `ready` where that was asked for, passed its health check and lived on
//! for a while. Where the replaced run never listened, being alive for the readiness time is proof,
//! since there is nothing better to go by.
//!
//! # Invariants
//! - Every stage has a deadline. Test: `invariants_hold_under_random_histories`.
//! - A candidate never restarts: its end is its failure. Test:
//!   `a_new_version_that_exits_leaves_the_old_one_serving`.

use std::sync::Arc;

use crate::event::Failure;
use crate::run::{RunId, SpecId};
use crate::spec::{Policy, Readiness};
use crate::{Action, Millis};

/// The candidate for one slot.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub(crate) run: RunId,
    pub(crate) spec: SpecId,
    pub(crate) policy: Arc<Policy>,
    pub(crate) since: Millis,
    /// The run it replaces has listeners.
    must_cover: bool,
    stage: Stage,
}

/// What is still to be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Readiness and listeners.
    Proving { ready: bool, heard: bool },
    /// Health.
    Probing { give_up_at: Millis },
    /// Living on.
    Settling { stable_at: Millis },
}

/// What an event made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not known yet.
    Open,
    /// It may take over.
    Proven,
    /// It must go.
    Failed(Failure),
}

impl Candidate {
    /// A run just spawned. `must_cover`: the run it replaces listens on something.
    #[must_use]
    pub fn new(
        now: Millis,
        run: RunId,
        spec: SpecId,
        policy: Arc<Policy>,
        must_cover: bool,
    ) -> Self {
        let ready = policy.readiness == Readiness::Started;
        Self {
            run,
            spec,
            policy,
            since: now,
            must_cover,
            stage: Stage::Proving { ready, heard: false },
        }
    }

    /// It said `ready`, or need not say so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match self.stage {
            Stage::Proving { ready, .. } => ready,
            Stage::Probing { .. } | Stage::Settling { .. } => true,
        }
    }

    /// When time alone decides something.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        match self.stage {
            Stage::Proving { ready: true, heard: false } if !self.must_cover => {
                self.since + self.policy.ready_timeout
            }
            Stage::Proving { .. } => self.since + self.policy.prove_timeout,
            Stage::Probing { give_up_at: at } | Stage::Settling { stable_at: at } => at,
        }
    }

    /// It sent `ready`.
    pub fn on_ready_message(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match &mut self.stage {
            Stage::Proving { ready, heard } => {
                *ready = true;
                out.push(Action::Note { run: self.run });
                // Nothing to listen on: its own word is the proof.
                *heard |= !self.must_cover && self.policy.readiness == Readiness::Message;
                self.advance(now, out)
            }
            Stage::Probing { .. } | Stage::Settling { .. } => Verdict::Open,
        }
    }

    /// It has a listener (`covers`: all that are needed).
    pub fn on_listening(&mut self, now: Millis, covers: bool, out: &mut Vec<Action>) -> Verdict {
        match &mut self.stage {
            Stage::Proving { heard, .. } => {
                *heard |= covers || !self.must_cover;
                self.advance(now, out)
            }
            Stage::Probing { .. } | Stage::Settling { .. } => Verdict::Open,
        }
    }

    /// Its health check passed or was given up.
    pub fn on_probed(&mut self, now: Millis, healthy: bool) -> Verdict {
        match (self.stage, healthy) {
            (Stage::Probing { .. }, true) => self.settle(now),
            (Stage::Probing { .. }, false) => Verdict::Failed(Failure::Unhealthy),
            (Stage::Proving { .. } | Stage::Settling { .. }, _) => Verdict::Open,
        }
    }

    /// Time passed.
    pub fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        if now < self.deadline() {
            return Verdict::Open;
        }
        match &mut self.stage {
            Stage::Proving { ready: false, .. } => Verdict::Failed(Failure::NotReady),
            Stage::Proving { heard, .. } if !self.must_cover => {
                *heard = true;
                self.advance(now, out)
            }
            Stage::Proving { .. } => Verdict::Failed(Failure::NotListening),
            Stage::Probing { .. } => Verdict::Failed(Failure::Unhealthy),
            Stage::Settling { .. } => Verdict::Proven,
        }
    }

    fn advance(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match self.stage {
            Stage::Proving { ready: true, heard: true } => match self.policy.health_budget {
                Some(budget) => {
                    self.stage = Stage::Probing { give_up_at: now + budget };
                    out.push(Action::Probe(self.run));
                    Verdict::Open
                }
                None => self.settle(now),
            },
            Stage::Proving { .. } | Stage::Probing { .. } | Stage::Settling { .. } => Verdict::Open,
        }
    }

    fn settle(&mut self, now: Millis) -> Verdict {
        if self.policy.stable_for == 0 {
            return Verdict::Proven;
        }
        self.stage = Stage::Settling { stable_at: now + self.policy.stable_for };
        Verdict::Open
    }
}
