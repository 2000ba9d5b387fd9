//! A run that is verified before it takes a slot over.
//!
//! PM2 calls a worker good when it was started, and a reload then kills the old one: the commonest
//! complaint of its users. Here a candidate passes when it listens on everything that the run it
//! replaces listens on, said `ready` where that was asked for, passed its health check and lived on
//! for a while. Where the replaced run never listened, being alive for the readiness time is
//! enough, since there is nothing better to go by. One that listens elsewhere fails at once, unless
//! the release is one to another port.
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
    needs: Needs,
    check: Check,
}

/// The listeners that a candidate must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None: the run it replaces has none.
    Nothing,
    /// Those of the run it replaces.
    Same,
    /// Any: the release may change the port.
    Any,
}

impl Needs {
    /// Returns those of a candidate for a run that `listens`, in a release that may change the
    /// port or not.
    pub fn of(listens: bool, port_change: bool) -> Self {
        match (listens, port_change) {
            (false, _) => Self::Nothing,
            (true, false) => Self::Same,
            (true, true) => Self::Any,
        }
    }
}

/// How long a candidate may listen elsewhere only, ms: it may be about to listen on what
/// is needed too.
const ELSEWHERE: Millis = 1000;

/// The check that is under way. They follow each other in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// `ready`: it said so, or need not. `listens`: on what is needed. `elsewhere`: it listens, and
    /// at that time it is judged by what it listens on then.
    Start { ready: bool, listens: bool, elsewhere: Option<Millis> },
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
    /// A run just asked for.
    pub fn new(now: Millis, run: RunId, version: Version, needs: Needs) -> Self {
        let ready = version.1.readiness == Readiness::Started;
        let check = Check::Start { ready, listens: false, elsewhere: None };
        Self { run, version, since: now, begun: now, spawned: false, needs, check }
    }

    /// Returns the candidate as it is after the daemon's memory was lost: verified from the start.
    pub fn again(self, now: Millis, needs: Needs) -> Self {
        Self { spawned: true, ..Self::new(now, self.run, self.version, needs) }
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
            Check::Start { ready: true, listens: false, .. } if self.needs == Needs::Nothing => {
                self.begun + policy.ready_timeout
            }
            Check::Start { ready, elsewhere, .. } => {
                let judged_at = elsewhere.filter(|_| ready).unwrap_or(Millis::MAX);
                judged_at.min(self.begun + policy.verify_timeout)
            }
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
            Check::Start { ready, listens, elsewhere } => {
                *ready = true;
                *elsewhere = elsewhere.map(|at| at.max(now + ELSEWHERE));
                out.push(Action::Note { run: self.run });
                // Where nothing has to be listened on, the message is enough.
                *listens |=
                    self.needs == Needs::Nothing && self.version.1.readiness == Readiness::Message;
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// It has a listener; `covers`: on everything that is needed.
    pub fn on_listening(&mut self, now: Millis, covers: bool, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Start { listens, elsewhere, .. } => {
                *listens |= covers || self.needs == Needs::Nothing;
                if self.needs == Needs::Any {
                    // It has the time to become ready for whatever else it listens on.
                    *elsewhere = Some(now + self.version.1.ready_timeout);
                }
                self.advance(now, out)
            }
            Check::Health { .. } | Check::Stability { .. } => Verdict::Open,
        }
    }

    /// It listens on as much as the run it replaces, and not on the same.
    pub fn on_elsewhere(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match &mut self.check {
            Check::Start { listens, elsewhere, .. } => {
                *listens |= self.needs != Needs::Same;
                *elsewhere = Some(now + ELSEWHERE);
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
            Check::Start { listens, .. } if self.needs == Needs::Nothing => {
                *listens = true;
                self.advance(now, out)
            }
            Check::Start { listens, elsewhere: Some(_), .. } if self.needs == Needs::Any => {
                *listens = true;
                self.advance(now, out)
            }
            Check::Start { elsewhere: Some(_), .. } => Verdict::Failed(Failure::Elsewhere),
            Check::Start { elsewhere: None, .. } => Verdict::Failed(Failure::NotListening),
            Check::Health { .. } => Verdict::Failed(Failure::Unhealthy),
            Check::Stability { .. } => Verdict::Passed,
        }
    }

    /// Goes on to the next check when the first is passed.
    fn advance(&mut self, now: Millis, out: &mut Vec<Action>) -> Verdict {
        match self.check {
            Check::Start { ready: true, listens: true, .. } => match self.version.1.health_budget {
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
