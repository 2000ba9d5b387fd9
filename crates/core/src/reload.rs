//! Replacing the runs of an app as one transaction.
//!
//! Slots are taken in order, some at a time. The first candidate that fails ends the forward way:
//! nothing more is begun, and what was already replaced goes back to what it was, by the same
//! careful steps. The machine knows slots and specifications only; candidates are driven by the
//! [`Supervisor`](crate::Supervisor).
//!
//! # Invariants
//! - A slot is pending, active or done, never two of them. Test:
//!   `invariants_hold_under_random_histories`.
//! - A reload that failed leaves no slot on the new specification, unless taking it back failed too
//!   or the user did not want it taken back. Test:
//!   `a_failure_in_the_middle_takes_back_what_was_replaced`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::run::{Failure, ProcId, RunId, SpecId};
use crate::spec::Policy;

/// How a reload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadOptions {
    /// Candidates proving themselves at the same time, at least 1.
    pub parallel: u32,
    /// Runs above the number of slots, leaving ones counted; `None` = no bound.
    pub surge: Option<u32>,
    /// Replace one slot, then wait.
    pub canary: bool,
    /// Carry on when a candidate fails, as PM2 does.
    pub no_rollback: bool,
}

impl Default for ReloadOptions {
    fn default() -> Self {
        Self { parallel: 1, surge: None, canary: false, no_rollback: false }
    }
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Replacing.
    Forward,
    /// One slot is replaced; the user decides.
    Canary,
    /// Taking back.
    Back,
}

/// A specification and the rules in it.
pub type Version = (SpecId, Arc<Policy>);

/// The reload of one app.
#[derive(Clone, Debug)]
pub struct Reload {
    pub(crate) to: Version,
    /// What each slot had before.
    pub(crate) from: BTreeMap<ProcId, Version>,
    /// The last run given out before it: a later run of the new version needs no replacing.
    pub(crate) began_after: RunId,
    pub(crate) options: ReloadOptions,
    pub(crate) direction: Direction,
    pub(crate) failure: Option<(ProcId, RunId, Failure)>,
    pub(crate) pending: VecDeque<ProcId>,
    pub(crate) active: BTreeSet<ProcId>,
    pub(crate) done: Vec<ProcId>,
    /// Slots that the user took away.
    pub(crate) dropped: BTreeSet<ProcId>,
}

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Start a candidate of this version for this slot.
    Begin(ProcId, Version),
    /// Tell that the canary serves.
    CanaryWaits(ProcId),
    /// Nothing for now.
    Wait,
    /// It is over; this specification is in force.
    End(SpecId),
}

impl Reload {
    /// A reload of these slots, in this order, by runs later than `began_after`.
    #[must_use]
    pub fn new(
        to: Version,
        slots: Vec<(ProcId, Version)>,
        began_after: RunId,
        options: ReloadOptions,
    ) -> Self {
        let pending = slots.iter().map(|(id, _)| *id).collect();
        Self {
            to,
            from: slots.into_iter().collect(),
            began_after,
            options,
            direction: Direction::Forward,
            failure: None,
            pending,
            active: BTreeSet::new(),
            done: Vec::new(),
            dropped: BTreeSet::new(),
        }
    }

    /// The next step, where `extra` runs above the number of slots are alive.
    pub fn next_step(&mut self, extra: u32) -> Step {
        if self.direction == Direction::Canary && !(self.done.is_empty() && self.pending.is_empty())
        {
            return Step::Wait;
        }
        if self.active.is_empty() {
            if self.direction == Direction::Forward
                && self.options.canary
                && !self.pending.is_empty()
                && let Some(first) = self.done.first()
            {
                self.direction = Direction::Canary;
                return Step::CanaryWaits(*first);
            }
            if self.pending.is_empty() {
                return Step::End(self.in_force());
            }
        }
        let parallel = if self.options.canary && self.done.is_empty() {
            1
        } else {
            self.options.parallel.max(1)
        };
        let room = self.options.surge.is_none_or(|surge| extra < surge.max(1));
        if usize::try_from(parallel).is_ok_and(|most| most <= self.active.len()) || !room {
            return Step::Wait;
        }
        match self.pending.pop_front() {
            Some(id) => {
                self.active.insert(id);
                let version = match self.direction {
                    Direction::Back => self.from.get(&id).unwrap_or(&self.to).clone(),
                    Direction::Forward | Direction::Canary => self.to.clone(),
                };
                Step::Begin(id, version)
            }
            None => Step::Wait,
        }
    }

    /// One slot is replaced and the user is to decide.
    #[must_use]
    pub fn is_canary(&self) -> bool {
        self.direction == Direction::Canary
    }

    /// The slot is still to be replaced.
    #[must_use]
    pub fn is_open(&self, id: ProcId) -> bool {
        self.active.contains(&id) || self.pending.contains(&id)
    }

    /// The slot's candidate took over.
    pub fn on_replaced(&mut self, id: ProcId) {
        if self.active.remove(&id) {
            self.done.push(id);
        }
    }

    /// The slot's candidate failed. `true`: turn back now (the caller ends the other candidates).
    pub fn on_failed(&mut self, id: ProcId, run: RunId, why: Failure) -> bool {
        self.active.remove(&id);
        if self.direction == Direction::Back {
            return false;
        }
        self.failure.get_or_insert((id, run, why));
        if self.options.no_rollback {
            self.done.push(id);
            return false;
        }
        self.turn_back();
        true
    }

    /// The user ends a canary.
    pub fn on_promote(&mut self, keep: bool) {
        if self.direction == Direction::Canary {
            self.options.canary = false;
            if keep { self.direction = Direction::Forward } else { self.turn_back() }
        }
    }

    /// The user took the slot away (stopped, restarted or deleted it).
    pub fn on_dropped(&mut self, id: ProcId) {
        self.pending.retain(|other| *other != id);
        self.done.retain(|other| *other != id);
        self.active.remove(&id);
        self.dropped.insert(id);
    }

    /// The specification that new runs of the app should have.
    #[must_use]
    pub fn in_force(&self) -> SpecId {
        match self.direction {
            Direction::Back => self.from.values().next().map_or(self.to.0, |(spec, _)| *spec),
            Direction::Forward | Direction::Canary => self.to.0,
        }
    }

    /// Whether the slot had another version before. What had the same has nothing to go back to.
    pub(crate) fn changes(&self, id: ProcId) -> bool {
        self.from.get(&id).is_some_and(|(old, _)| *old != self.to.0)
    }

    fn turn_back(&mut self) {
        self.direction = Direction::Back;
        let done = std::mem::take(&mut self.done);
        self.pending = done.into_iter().filter(|id| self.changes(*id)).collect();
        self.active.clear();
    }
}
