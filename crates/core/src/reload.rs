//! Replacing the runs of an app as one transaction.
//!
//! Slots are taken in order, some at a time. The first candidate that fails ends the forward way:
//! nothing more is begun, and what was already replaced goes back to what it was, by the same
//! careful steps. This machine knows slots and specifications only; it is the
//! [`Supervisor`](crate::Supervisor) that drives the candidates.
//!
//! # Invariants
//! - A slot is pending, active, done or dropped, never two of them.
//!   Tested by `invariants_hold_under_random_histories`.
//! - A reload that failed leaves no slot on the new specification, unless taking it back failed too
//!   or the user did not want it taken back.
//!   Tested by `a_failure_in_the_middle_takes_back_what_was_replaced`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Millis;
use crate::run::{AppId, Exit, Failure, ProcId, RunId, SpecId};
use crate::spec::Version;

/// How long a run that took over has its processor for itself before the next candidate starts, ms.
/// What a program does for its first clients takes several times as long as every time after it.
const WARM_UP: Millis = 50;

/// How a reload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadOptions {
    /// Candidates that are verified at the same time, at least 1.
    pub parallel: u32,
    /// Runs above the number of slots, leaving ones counted unless not even SIGKILL ends them;
    /// `None` = no bound.
    pub surge: Option<u32>,
    /// Replace one slot, then wait.
    pub canary: bool,
    /// Carry on when a candidate fails, as PM2 does.
    pub no_rollback: bool,
    /// The new version may listen elsewhere than the old one.
    pub port_change: bool,
}

impl Default for ReloadOptions {
    fn default() -> Self {
        Self { parallel: 1, surge: None, canary: false, no_rollback: false, port_change: false }
    }
}

/// Which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Slots get the new version.
    Forward,
    /// One slot has the new version; the user decides.
    Canary,
    /// Slots get the old version back.
    Back,
}

/// The reload of one app.
#[derive(Clone, Debug)]
pub struct Reload {
    to: Version,
    /// Version that each slot had before, or has that was added since.
    from: BTreeMap<ProcId, Version>,
    /// The last run given out before it: a later run of the new version needs no replacing.
    began_after: RunId,
    options: ReloadOptions,
    direction: Direction,
    failure: Option<(ProcId, RunId, Failure)>,
    pending: VecDeque<ProcId>,
    active: BTreeSet<ProcId>,
    done: Vec<ProcId>,
    /// Slots that the user took away.
    dropped: BTreeSet<ProcId>,
    /// Nothing is begun before: the one that took over last is warming up.
    rest_until: Option<Millis>,
}

/// A reload as it was saved.
#[derive(Clone, Debug)]
pub struct SavedReload {
    /// App whose runs are replaced.
    pub app: AppId,
    /// The new version.
    pub to: Version,
    /// Version that each slot had before.
    pub from: Vec<(ProcId, Version)>,
    /// The last run given out before it.
    pub began_after: RunId,
    /// How it goes.
    pub options: ReloadOptions,
    /// Which way it goes.
    pub direction: Direction,
    /// Slots that were replaced.
    pub done: Vec<ProcId>,
    /// Slots that the user took away from it.
    pub dropped: Vec<ProcId>,
    /// The first candidate that failed.
    pub failure: Option<(ProcId, RunId, Failure)>,
}

/// Runs that a slot holds when a reload is taken up again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) spec: SpecId,
    pub(crate) run: Option<RunId>,
    pub(crate) candidate: Option<SpecId>,
}

/// The next thing to do.
#[derive(Clone, Debug)]
pub(crate) enum NextMove {
    /// Start a candidate of this version for this slot.
    Begin(ProcId, Version),
    /// Tell that the canary serves.
    CanaryWaits(ProcId),
    /// Nothing for now.
    Wait,
    /// It is over; this specification is in force.
    End(SpecId),
}

/// Consequence of a candidate's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// This one goes, and nothing else changes.
    Dismiss,
    /// All candidates go; these slots get the old version back.
    TurnBack(Vec<ProcId>),
    /// It takes over whatever it is worth, as in PM2.
    TakeOver,
}

impl Reload {
    /// A reload of these slots, in this order, by runs later than `began_after`.
    pub(crate) fn new(
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
            rest_until: None,
        }
    }

    /// Takes up a reload that was saved, given what its slots hold.
    pub(crate) fn recover(saved: SavedReload, held: impl Fn(ProcId) -> Option<Held>) -> Self {
        let mut reload = Self::new(saved.to, saved.from, saved.began_after, saved.options);
        reload.direction = saved.direction;
        reload.failure = saved.failure;
        reload.dropped = saved.dropped.into_iter().collect();
        let back = reload.direction == Direction::Back;
        for id in std::mem::take(&mut reload.pending) {
            let Some(held) = held(id).filter(|_| !reload.dropped.contains(&id)) else { continue };
            let target = reload.version_for(id).0;
            let replaced = reload.holds_target(id, held) || (!back && saved.done.contains(&id));
            match held.candidate {
                Some(spec) if spec == target => _ = reload.active.insert(id),
                _ if replaced && !back => reload.done.push(id),
                _ if replaced => (),
                _ => reload.pending.push_back(id),
            }
        }
        reload
    }

    /// Returns what must be saved about it.
    pub(crate) fn save(&self, app: AppId) -> SavedReload {
        SavedReload {
            app,
            to: self.to.clone(),
            from: self.from.iter().map(|(id, version)| (*id, version.clone())).collect(),
            began_after: self.began_after,
            options: self.options,
            direction: self.direction,
            done: self.done.clone(),
            dropped: self.dropped.iter().copied().collect(),
            failure: self.failure,
        }
    }

    /// Whether one slot is replaced and the user is to decide.
    #[must_use]
    pub fn is_canary(&self) -> bool {
        self.direction == Direction::Canary
    }

    /// Returns how many runs above the number of slots it may have.
    #[must_use]
    pub fn surge(&self) -> Option<u32> {
        self.options.surge
    }

    /// Whether the new version may listen elsewhere than the old one.
    pub(crate) fn may_change_port(&self) -> bool {
        self.options.port_change
    }

    /// Whether the slot is still to be replaced.
    #[must_use]
    pub fn is_open(&self, id: ProcId) -> bool {
        self.active.contains(&id) || self.pending.contains(&id)
    }

    /// Whether a candidate for the slot is being verified.
    pub(crate) fn is_active(&self, id: ProcId) -> bool {
        self.active.contains(&id)
    }

    /// Returns the first candidate that failed.
    pub(crate) fn failure(&self) -> Option<(ProcId, RunId, Failure)> {
        self.failure
    }

    /// Returns a slot that is in two states, or one without a place in the reload.
    pub(crate) fn misplaced(&self) -> Option<ProcId> {
        let mut seen = BTreeSet::new();
        let states = self.pending.iter().chain(&self.active).chain(&self.done).chain(&self.dropped);
        states.copied().find(|id| !seen.insert(*id))
    }

    /// Returns the next step, where `extra` runs above the number of slots are alive.
    pub(crate) fn next_step(&mut self, now: Millis, extra: usize) -> NextMove {
        self.rest_until = self.rest_until.filter(|until| now < *until);
        if self.is_canary() && !(self.done.is_empty() && self.pending.is_empty()) {
            return NextMove::Wait;
        }
        if self.active.is_empty() {
            if let Some(first) = self.canary() {
                self.direction = Direction::Canary;
                return NextMove::CanaryWaits(first);
            }
            if self.pending.is_empty() {
                return NextMove::End(self.in_force());
            }
        }
        if self.rest_until.is_some() || !self.has_room(extra) {
            return NextMove::Wait;
        }
        match self.pending.pop_front() {
            Some(id) => {
                self.active.insert(id);
                NextMove::Begin(id, self.version_for(id))
            }
            None => NextMove::Wait,
        }
    }

    /// The slot's candidate took over; `serves` clients from now on.
    pub(crate) fn on_replaced(&mut self, now: Millis, id: ProcId, serves: bool) {
        if self.active.remove(&id) {
            self.done.push(id);
        }
        let rests = serves && self.options.parallel <= 1 && self.direction == Direction::Forward;
        self.rest_until = rests.then(|| now.saturating_add(WARM_UP));
    }

    /// When the next step is due, if nothing else happens before that.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.rest_until.filter(|_| !self.pending.is_empty())
    }

    /// The slot's candidate failed.
    pub(crate) fn on_failed(&mut self, id: ProcId, run: RunId, why: Failure) -> AfterFailure {
        self.active.remove(&id);
        if self.direction == Direction::Back {
            return AfterFailure::Dismiss;
        }
        self.failure.get_or_insert((id, run, why));
        // What had no room would have none when it has taken over.
        if self.options.no_rollback && why != Failure::Exited(Exit::Refused) {
            self.done.push(id);
            return AfterFailure::TakeOver;
        }
        self.turn_back();
        AfterFailure::TurnBack(self.pending.iter().copied().collect())
    }

    /// The user ends a canary.
    pub(crate) fn on_promote(&mut self, keep: bool) {
        if self.is_canary() {
            self.options.canary = false;
            if keep { self.direction = Direction::Forward } else { self.turn_back() }
        }
    }

    /// The app got one slot more. If it has a version that is being replaced, it is replaced too.
    /// It may have the number of one that was taken away.
    pub(crate) fn on_added(&mut self, id: ProcId, version: Version) {
        let replaced = self.from.values().any(|old| old.0 == version.0 && old.0 != self.to.0);
        if replaced && self.direction != Direction::Back {
            self.dropped.remove(&id);
            self.from.insert(id, version);
            self.pending.push_back(id);
        }
    }

    /// The user took the slot away (stopped, restarted or deleted it).
    pub(crate) fn on_dropped(&mut self, id: ProcId) {
        self.pending.retain(|other| *other != id);
        self.done.retain(|other| *other != id);
        self.active.remove(&id);
        self.dropped.insert(id);
    }

    /// The specification that new runs of the app should have.
    fn in_force(&self) -> SpecId {
        match self.direction {
            Direction::Back => self.from.values().next().map_or(self.to.0, |(spec, _)| *spec),
            Direction::Forward | Direction::Canary => self.to.0,
        }
    }

    /// The version that the slot is to get.
    fn version_for(&self, id: ProcId) -> Version {
        match self.direction {
            Direction::Back => self.from.get(&id).unwrap_or(&self.to).clone(),
            Direction::Forward | Direction::Canary => self.to.clone(),
        }
    }

    /// Whether the slot holds a run as it is to be. Where old and new specification are the same,
    /// only the run's number tells, and there is nothing to go back to.
    fn holds_target(&self, id: ProcId, held: Held) -> bool {
        if self.changes(id) {
            return held.spec == self.version_for(id).0 && held.run.is_some();
        }
        match self.direction {
            Direction::Back => true,
            Direction::Forward | Direction::Canary => Some(self.began_after) < held.run,
        }
    }

    /// Whether the slot had another specification before.
    fn changes(&self, id: ProcId) -> bool {
        self.from.get(&id).is_some_and(|(old, _)| *old != self.to.0)
    }

    /// The slot that is the canary, when the user is to decide now.
    fn canary(&self) -> Option<ProcId> {
        let waits =
            self.direction == Direction::Forward && self.options.canary && !self.pending.is_empty();
        self.done.first().copied().filter(|_| waits)
    }

    fn has_room(&self, extra: usize) -> bool {
        let first = self.options.canary && self.done.is_empty();
        let parallel = if first { 1 } else { self.options.parallel.max(1) };
        let below =
            |count: usize, limit: u32| u32::try_from(count).is_ok_and(|count| count < limit);
        below(self.active.len(), parallel)
            && self.options.surge.is_none_or(|surge| below(extra, surge.max(1)))
    }

    fn turn_back(&mut self) {
        self.direction = Direction::Back;
        let done = std::mem::take(&mut self.done);
        self.pending = done.into_iter().filter(|id| self.changes(*id)).collect();
        self.active.clear();
    }
}
