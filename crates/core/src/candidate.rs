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

use crate::run::{Failure, RunId, SpecId};
use crate::spec::{self, Policy};
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
    check: Check,
}

/// What is still to be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Readiness and listeners.
    Readiness { ready: bool, heard: bool },
    /// Health.
    Health { give_up_at: Millis },
    /// Living on.
    Stability { stable_at: Millis },
}

/// What an event made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not known yet.
    Open,
    /// It may take over.
    Passed,
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
        let ready = policy.readiness == spec::Readiness::Started;
        Self {
            run,
            spec,
            policy,
            since: now,
            must_cover,
            check: Check::Readiness { ready, heard: false },
        }
    }

    /// It said `ready`, or need not say so.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        match self.check {
            Check::Readiness { ready, .. } => ready,
            Check::Health { .. } | Check::Stability { .. } => true,
        }
    }

    /// When time alone decides something.
    #[must_use]
    pub fn deadline(&self) -> Millis {
        match self.check {
            Check::Readiness { ready: true, heard: false } if !self.must_cover => {
                self.since + self.policy.ready_timeout
            }
            Check::Readiness { .. } => self.since + self.policy.verify_timeout,
            Check::Health { give_up_at: at } | Check::Stability { stable_at: at } => at,
        }
    }

    /// It sent `ready`.
    pub fn on_ready_message(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Readiness { ready, heard } => {
                *ready = true;
                out.push(Action::Note { run: self.run });
                // Nothing to listen on: its own word is the proof.
                *heard |= !self.must_cover && self.policy.readiness == spec::Readiness::Message;
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// It has a listener (`covers`: all that are needed).
    pub fn on_listening(&mut self, now: Millis, covers: bool, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Readiness { heard, .. } => {
                *heard |= covers || !self.must_cover;
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// Its health check passed or was given up.
    pub fn on_probed(&mut self, now: Millis, healthy: bool) -> Verdict {
        match (self.check, healthy) {
            (Check::Health { .. }, true) => self.settle(now),
            (Check::Health { .. }, false) => Verdict::Failed(Failure::Unhealthy),
            (Check::Readiness { .. } | Check::Stability { .. }, _) => Verdict::Open,
        }
    }

    /// Time passed.
    pub fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        if now < self.deadline() {
            return Verdict::Open;
        }
        match &mut self.check {
            Check::Readiness { ready: false, .. } => Verdict::Failed(Failure::NotReady),
            Check::Readiness { heard, .. } if !self.must_cover => {
                *heard = true;
                self.advance(now, out)
            }
            Check::Readiness { .. } => Verdict::Failed(Failure::NotListening),
            Check::Health { .. } => Verdict::Failed(Failure::Unhealthy),
            Check::Stability { .. } => Verdict::Passed,
        }
    }

    fn advance(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match self.check {
            Check::Readiness { ready: true, heard: true } => match self.policy.health_budget {
                Some(budget) => {
                    self.check = Check::Health { give_up_at: now + budget };
                    out.push(Action::Probe(self.run));
                    Verdict::Open
                }
                None => self.settle(now),
            },
            Check::Readiness { .. } | Check::Health { .. } | Check::Stability { .. } => {
                Verdict::Open
            }
        }
    }

    fn settle(&mut self, now: Millis) -> Verdict {
        if self.policy.stable_for == 0 {
            return Verdict::Passed;
        }
        self.check = Check::Stability { stable_at: now + self.policy.stable_for };
        Verdict::Open
    }
}
