//! A run that is verified before it takes a slot over.
//!
//! PM2 calls a worker good when it was started, and a reload then kills the old one: the commonest
//! complaint of its users. Here a candidate passes when it listens on everything that the run it
//! replaces listens on, said `ready` where that was asked for, passed its health check and lived on
//! for a while. Where the replaced run never listened, being alive for the readiness time is
//! enough, since there is nothing better to go by.
//!
//! # Invariants
//! - Every check has a deadline. Tested by `invariants_hold_under_random_histories`.
//! - A candidate never restarts: its end is its failure.
//!   Tested by `a_new_version_that_exits_leaves_the_old_one_serving`.

use crate::ending::Ending;
use crate::run::{Failure, RunId, SpecId};
use crate::spec::{Readiness, Version};
use crate::{Action, Millis};

/// The shortest time until a candidate that was not spawned is looked at again, ms.
const UNSPAWNED_PAUSE: Millis = 1000;

/// The candidate for one slot.
#[derive(Clone, Debug)]
pub struct Candidate {
    run: RunId,
    version: Version,
    since: Millis,
    /// The time to start counts from here: the order, or, once it is there, its spawn.
    begun: Millis,
    /// The keeper has spawned it.
    spawned: bool,
    /// Whether the run it replaces has listeners.
    must_cover: bool,
    check: Check,
}

/// The check that is under way. They follow each other in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// `ready`: it said so, or need not. `listens`: on what is needed.
    Start { ready: bool, listens: bool },
    /// The health check has to pass before `give_up_at`.
    Health { give_up_at: Millis },
    /// It has to live on until `stable_at`.
    Stability { stable_at: Millis },
}

/// Consequence of an event for the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is still being verified.
    Open,
    /// It passed every check and may take over.
    Passed,
    /// It must go.
    Failed(Failure),
}

impl Candidate {
    /// A run just asked for; `must_cover`: the run it replaces listens on something.
    pub fn new(now: Millis, run: RunId, version: Version, must_cover: bool) -> Self {
        let ready = version.1.readiness == Readiness::Started;
        let check = Check::Start { ready, listens: false };
        Self { run, version, since: now, begun: now, spawned: false, must_cover, check }
    }

    /// Returns the candidate as it is after the daemon's memory was lost: verified from the start.
    pub fn again(self, now: Millis, must_cover: bool) -> Self {
        Self { spawned: true, ..Self::new(now, self.run, self.version, must_cover) }
    }

    /// Returns which run it is.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Returns what it runs.
    pub fn spec(&self) -> SpecId {
        self.version.0
    }

    /// Returns run, version, and when it was spawned: it becomes the current run.
    pub fn into_current(self) -> (RunId, Version, Millis) {
        (self.run, self.version, self.since)
    }

    /// Asks it to end.
    pub fn dismiss(self, now: Millis, out: &mut Vec<Action>) -> Ending {
        Ending::ask(now, self.run, &self.version.1, out)
    }

    /// Whether it said `ready`, or need not say so.
    pub fn is_ready(&self) -> bool {
        match self.check {
            Check::Start { ready, .. } => ready,
            Check::Health { .. } | Check::Stability { .. } => true,
        }
    }

    /// Returns when time alone decides something.
    pub fn deadline(&self) -> Millis {
        let policy = &self.version.1;
        match self.check {
            Check::Start { ready: true, listens: false } if !self.must_cover => {
                self.begun + policy.ready_timeout
            }
            Check::Start { .. } => self.begun + policy.verify_timeout,
            Check::Health { give_up_at: at } | Check::Stability { stable_at: at } => at,
        }
    }

    /// The keeper spawned it: it has its time from now on.
    pub fn on_spawned(&mut self, now: Millis) -> Verdict {
        if !std::mem::replace(&mut self.spawned, true) {
            self.begun = now;
        }
        Verdict::Open
    }

    /// It sent `ready`.
    pub fn on_ready_message(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Start { ready, listens } => {
                *ready = true;
                out.push(Action::Note { run: self.run });
                // Where nothing has to be listened on, the message is enough.
                *listens |= !self.must_cover && self.version.1.readiness == Readiness::Message;
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// It has a listener; `covers`: on everything that is needed.
    pub fn on_listening(&mut self, now: Millis, covers: bool, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Start { listens, .. } => {
                *listens |= covers || !self.must_cover;
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// Its health check passed or was given up.
    pub fn on_probed(&mut self, now: Millis, healthy: bool) -> Verdict {
        match (self.check, healthy) {
            (Check::Health { .. }, true) => self.begin_stability(now),
            (Check::Health { .. }, false) => Verdict::Failed(Failure::Unhealthy),
            (Check::Start { .. } | Check::Stability { .. }, _) => Verdict::Open,
        }
    }

    /// Decides what time alone decides.
    pub fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        if now < self.deadline() {
            return Verdict::Open;
        }
        match &mut self.check {
            // What the keeper has not come to spawn is not late.
            Check::Start { .. } if !self.spawned => {
                self.begun = now + UNSPAWNED_PAUSE;
                Verdict::Open
            }
            Check::Start { ready: false, .. } => Verdict::Failed(Failure::NotReady),
            Check::Start { listens, .. } if !self.must_cover => {
                *listens = true;
                self.advance(now, out)
            }
            Check::Start { .. } => Verdict::Failed(Failure::NotListening),
            Check::Health { .. } => Verdict::Failed(Failure::Unhealthy),
            Check::Stability { .. } => Verdict::Passed,
        }
    }

    /// Goes on to the next check when the first is passed.
    fn advance(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match self.check {
            Check::Start { ready: true, listens: true } => match self.version.1.health_budget {
                Some(budget) => {
                    self.check = Check::Health { give_up_at: now + budget };
                    out.push(Action::Probe(self.run));
                    Verdict::Open
                }
                None => self.begin_stability(now),
            },
            Check::Start { .. } | Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    fn begin_stability(&mut self, now: Millis) -> Verdict {
        let stable_for = self.version.1.stable_for;
        if stable_for == 0 {
            return Verdict::Passed;
        }
        self.check = Check::Stability { stable_at: now + stable_for };
        Verdict::Open
    }
}
