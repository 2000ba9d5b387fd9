//! One slot: what the user wants of it ([`Goal`]), what is true of it ([`Phase`]), and how one
//! becomes the other.
//!
//! # Goal × phase
//! A slot that nobody touches is in a pair marked "rest" or "runs". Every other pair has a deadline
//! or waits for the keeper's report, and leads to one of these. "Never" cannot be reached.
//!
//! | | `Up` | `Down` |
//! |---|---|---|
//! | `Stopped` | never: `Up` spawns at once | rest: stopped by the user, or ended for good |
//! | `Errored` | never: giving up means `Down` | rest: too many short runs, or no room for one |
//! | `Starting` | goes online when ready, or when the time for that is over | never |
//! | `Online` | runs | never: `Down` begins to stop it |
//! | `Stopping` | the next run is spawned when the tree is gone | becomes `Stopped` then |
//! | `Backoff` | the next run is spawned after the pause | never: `Down` cancels the pause |
//! | `Held` | the next run is spawned when it is released | never: `Down` ends the waiting |
//! | `Sleeping` | the next run is spawned when it is wanted | never: `Down` ends the sleep |
//!
//! Events that move it:
//! - *start*: `Up`. Spawns where there is no run, and after the end of a run that is being stopped.
//! - *stop*: `Down`. A run is asked to end, then killed; a pause is cancelled.
//! - *retire*: as stop, but a worker that is online first finishes its connections.
//! - *restart*: stop, then `Up` again, with counters at their beginning.
//! - *exit* in `Starting` or `Online`: the restart rules decide between another run at once, a
//!   pause, `Stopped` and `Errored`. In `Stopping` it only ends the draining: descendants may live.
//!   Where the answer is known in advance to be another run at once, the keeper has it already
//!   (`prepare`), and the exit tells which run that began.
//! - *unhealthy*: an online run is asked to end, then killed; what follows is what follows a crash.
//! - *tree gone* in `Stopping`: another run or `Stopped`, by the goal.
//! - *hold*, *release*: a spawn that is due while the slot is held waits in `Held`, and what runs
//!   goes on as before.
//! - *sleep*: a worker that is online and wanted is no longer this machine's: its slot sees to its
//!   end. The next one is spawned by *wake*, and by *start* and *restart* as from `Stopped`.
//! - *a candidate takes over*, in whatever phase: `Up` and `Online` with the candidate's run. The
//!   run before, if there is one, is no longer this machine's: its slot sees to its end.
//!
//! # Invariants
//! - At most one run: a run is spawned only from a phase that holds none.
//!   Tested by `invariants_hold_under_random_histories`.
//! - Goal and phase are a pair of the table. Tested by the same.
//! - No run is spawned while the slot is held. Tested by the same.
//! - Nothing restarts what the user wants down.
//!   Tested by `a_stop_during_the_pause_cancels_the_restart`.

mod ends;
mod health;
mod hold;
mod prepare;
mod recover;
mod reports;
mod sleep;

use crate::candidate::Candidate;
use crate::ending::Ending;
use crate::event::Notice;
use crate::phase::{Goal, Phase};
use crate::place::Taken;
use crate::preparation::Preparation;
use crate::restarts::Restarts;
use crate::run::{ProcId, RunId, SpecId};
use crate::runs::Runs;
use crate::spec::{Policy, Version};
use crate::{Action, Millis};

/// The machine of one slot.
#[derive(Clone, Debug)]
pub struct Process {
    id: ProcId,
    cluster: bool,
    version: Version,
    /// In force from the next spawn on.
    next: Option<Version>,
    goal: Goal,
    phase: Phase,
    restarts: Restarts,
    /// The last run that ended by itself and may have left descendants behind.
    orphans: Option<RunId>,
    /// The place of the last run whose end was counted.
    ended: Option<RunId>,
    /// The place of the run in which the counters last began anew.
    renewed: Option<RunId>,
    /// The candidate that took over last.
    taken: Option<Taken>,
    /// What the keeper does when the current run ends.
    prepared: Option<Preparation>,
    /// No run is to begin for now: what it depends on is not there.
    held: bool,
}

impl Process {
    /// A slot that is down and wanted down.
    pub(crate) fn new(id: ProcId, version: Version, cluster: bool) -> Self {
        Self {
            id,
            cluster,
            version,
            next: None,
            goal: Goal::Down,
            phase: Phase::Stopped,
            restarts: Restarts::default(),
            orphans: None,
            ended: None,
            renewed: None,
            taken: None,
            prepared: None,
            held: false,
        }
    }

    /// Returns which slot it is.
    #[must_use]
    pub fn id(&self) -> ProcId {
        self.id
    }

    /// Whether it is a cluster worker.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Returns the run that the slot holds, in whatever state.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        self.phase.run()
    }

    /// Returns what the user wants.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Returns what is true.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns the specification of the current run, or of the next one when none runs.
    #[must_use]
    pub fn spec(&self) -> SpecId {
        self.version.0
    }

    /// Returns the specification that the next spawn will use.
    #[must_use]
    pub fn next_spec(&self) -> SpecId {
        self.next.as_ref().unwrap_or(&self.version).0
    }

    /// Returns how often it was restarted.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts.total
    }

    /// Returns the number of short runs in a row.
    #[must_use]
    pub fn unstable(&self) -> u32 {
        self.restarts.unstable
    }

    /// Returns the last pause of the growing back-off, ms; 0 when there was none.
    #[must_use]
    pub fn backoff(&self) -> Millis {
        self.restarts.backoff
    }

    /// Returns when time alone changes something.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        let prepared = self.prepared.as_ref().and_then(Preparation::deadline);
        self.phase.deadline().into_iter().chain(prepared).min()
    }

    /// Returns what the keeper does when the current run ends.
    pub(crate) fn prepared(&self) -> Option<&Preparation> {
        self.prepared.as_ref()
    }

    /// Returns the version of the current run.
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the version that the next spawn will use, where it is another one.
    pub(crate) fn next_version(&self) -> Option<&Version> {
        self.next.as_ref()
    }

    /// Returns the limit that the run exceeds when it uses so much memory.
    pub(crate) fn limit_exceeded(&self, measured: RunId, memory: u64) -> Option<u64> {
        let limit = self.policy().max_memory?;
        let serves = matches!(self.phase, Phase::Online { run, .. } if run == measured);
        (serves && limit < memory).then_some(limit)
    }

    fn policy(&self) -> &Policy {
        &self.version.1
    }

    /// The user wants it up.
    pub(crate) fn on_start(&mut self, now: Millis, runs: &mut Runs, out: &mut Vec<Action>) {
        self.goal = Goal::Up;
        match self.phase {
            Phase::Stopped | Phase::Errored | Phase::Backoff { .. } | Phase::Sleeping { .. } => {
                self.restarts.reset_counters();
                self.spawn(now, runs, out);
            }
            // The user does not want to wait for a pause.
            Phase::Stopping(ref mut ending) => _ = ending.forget_crash(),
            Phase::Starting { .. } | Phase::Online { .. } | Phase::Held => (),
        }
    }

    /// The user wants it down.
    pub(crate) fn on_stop(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.goal = Goal::Down;
        match &mut self.phase {
            Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. }
            | Phase::Held
            | Phase::Sleeping { .. } => {
                self.settle_stopped(out);
            }
            Phase::Starting { run, .. } | Phase::Online { run, .. } => {
                self.phase = Phase::Stopping(Ending::ask(now, *run, &self.version.1, out));
            }
            Phase::Stopping(ending) => {
                ending.skip_drain(now, out);
                if ending.forget_crash() {
                    // No other run follows it.
                    self.restarts.total = self.restarts.total.saturating_sub(1);
                }
            }
        }
    }

    /// The user wants it down once it has finished its connections.
    pub(crate) fn on_retire(&mut self, now: Millis, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Online { run, .. } if self.cluster => {
                self.goal = Goal::Down;
                self.phase = Phase::Stopping(Ending::drain(now, run, self.policy(), out));
            }
            Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. }
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopping(_) => self.on_stop(now, out),
        }
    }

    /// A fresh run is wanted, of the changed version if there is one.
    pub(crate) fn on_restart(
        &mut self,
        now: Millis,
        change: Option<Version>,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) {
        self.next = change.or(self.next.take());
        if matches!(self.phase, Phase::Starting { .. } | Phase::Online { .. }) {
            self.on_stop(now, out);
            self.restarts.total += 1;
        }
        self.restarts.reset_counters();
        self.renew();
        self.on_start(now, runs, out);
    }

    /// The user wants the counters at zero.
    pub(crate) fn on_reset(&mut self) {
        self.restarts = Restarts::default();
        self.renew();
    }

    /// Makes the candidate's run the current one. Returns how the run that it replaces is brought
    /// to its end.
    pub(crate) fn on_taken_over(
        &mut self,
        now: Millis,
        candidate: Candidate,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) -> Option<Ending> {
        let (run, version, since) = candidate.into_current();
        if self.ended == Some(runs.last()) {
            // Its place is another than that of a run whose end is counted.
            runs.skip();
        }
        self.taken = Some(Taken { run, at: runs.last() });
        let old = std::mem::replace(&mut self.phase, Phase::Online { run, since });
        let old_version = std::mem::replace(&mut self.version, version);
        self.next = None;
        self.goal = Goal::Up;
        self.restarts.reset_counters();
        self.restarts.total += 1;
        self.renew();
        self.sweep_orphans(out);
        // First note who is current, then send the old one away: a daemon that forgets in between
        // finds both.
        out.push(Action::Note { run });
        out.push(Action::Tell(Notice::Replaced { proc: self.id, run, old: old.run() }));
        match old {
            Phase::Online { run, .. } => Some(Ending::drain(now, run, &old_version.1, out)),
            Phase::Starting { run, .. } => Some(Ending::ask(now, run, &old_version.1, out)),
            Phase::Stopping(ending) => Some(ending),
            Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. }
            | Phase::Held
            | Phase::Sleeping { .. } => None,
        }
    }

    fn spawn(&mut self, now: Millis, runs: &mut Runs, out: &mut Vec<Action>) {
        if self.held {
            return self.wait(out);
        }
        if let Some(next) = self.next.take() {
            self.version = next;
        }
        self.sweep_orphans(out);
        let run = runs.allot(self.id);
        let ready_by = now + self.policy().ready_timeout;
        self.phase = Phase::Starting { run, since: now, ready_by, spawned: false };
        out.push(Action::Spawn { proc: self.id, run, spec: self.spec() });
    }

    /// Goes on with a run that was begun in advance.
    fn go_on(&mut self, now: Millis, run: RunId, runs: &mut Runs, out: &mut Vec<Action>) {
        self.sweep_orphans(out);
        runs.adopt(run, self.id);
        let ready_by = now + self.policy().ready_timeout;
        self.phase = Phase::Starting { run, since: now, ready_by, spawned: false };
        out.push(Action::Begun { proc: self.id, run, spec: self.spec() });
    }

    fn settle_stopped(&mut self, out: &mut Vec<Action>) {
        self.sweep_orphans(out);
        self.phase = Phase::Stopped;
        out.push(Action::Tell(Notice::Stopped { proc: self.id }));
    }
}
