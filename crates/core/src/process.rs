//! One slot: what the user wants of it ([`Goal`]), what is true of it ([`Phase`]), and the way from
//! one to the other.
//!
//! # Invariants
//! - At most one run: a run is spawned only from a phase that holds none. Test:
//!   `invariants_hold_under_random_histories`.
//! - Every transient phase has a deadline. Test: the same.
//! - Nothing restarts what the user wants down. Test:
//!   `a_stop_during_the_pause_cancels_the_restart`.

use std::sync::Arc;

use crate::ending::Ending;
use crate::event::Notice;
use crate::run::{Exit, ProcId, RunId, SpecId};
use crate::spec::{Policy, Readiness};
use crate::{Action, Millis};

/// Longest pause of the growing back-off, ms (PM2: runtime behaviour §4).
const BACKOFF_CAP: Millis = 15_000;
/// A run this long sets the back-off to its beginning, ms (PM2: `EXP_BACKOFF_RESET_TIMER`).
const BACKOFF_RESET: Millis = 30_000;

/// What the user wants. The process itself changes it only by giving up or by ending for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Running.
    Up,
    /// Not running.
    Down,
}

/// What is true now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are documented; the fields say what their types say")]
pub enum Phase {
    /// No run, none due.
    Stopped,
    /// No run, none due: it was given up.
    Errored,
    /// Spawned at `since`, not ready; taken as ready at `ready_by`.
    Starting { run: RunId, since: Millis, ready_by: Millis },
    /// Spawned at `since`, ready.
    Online { run: RunId, since: Millis },
    /// On its way out.
    Stopping(Ending),
    /// No run; the next is due at `until`.
    Backoff { until: Millis },
}

/// Gives out run numbers; they are never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunIds {
    /// The last number given out.
    pub last: u64,
}

impl RunIds {
    /// The next run.
    pub fn allot(&mut self) -> RunId {
        self.last += 1;
        RunId(self.last)
    }
}

/// The machine of one slot.
#[derive(Clone, Debug)]
pub struct Process {
    pub(crate) id: ProcId,
    pub(crate) cluster: bool,
    pub(crate) policy: Arc<Policy>,
    pub(crate) spec: SpecId,
    /// In force from the next spawn on.
    pub(crate) next: Option<(SpecId, Arc<Policy>)>,
    pub(crate) goal: Goal,
    pub(crate) phase: Phase,
    pub(crate) restarts: u32,
    pub(crate) unstable: u32,
    /// Last pause of the growing back-off, 0 = none yet.
    pub(crate) backoff: Millis,
    /// The last run that ended by itself and may have left descendants behind.
    pub(crate) orphans: Option<RunId>,
    /// The last run whose end was counted.
    pub(crate) ended: Option<RunId>,
}

impl Process {
    /// A slot that is down and wanted down.
    #[must_use]
    pub fn new(id: ProcId, spec: SpecId, policy: Arc<Policy>, cluster: bool) -> Self {
        Self {
            id,
            cluster,
            policy,
            spec,
            next: None,
            goal: Goal::Down,
            phase: Phase::Stopped,
            restarts: 0,
            unstable: 0,
            backoff: 0,
            orphans: None,
            ended: None,
        }
    }

    /// A cluster worker.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// The run that the slot holds, in whatever state.
    #[must_use]
    pub fn run(&self) -> Option<RunId> {
        match &self.phase {
            Phase::Starting { run, .. } | Phase::Online { run, .. } => Some(*run),
            Phase::Stopping(ending) => Some(ending.run()),
            Phase::Stopped | Phase::Errored | Phase::Backoff { .. } => None,
        }
    }

    /// What the user wants.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// What is true.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The specification of the current run, or of the next one when none runs.
    #[must_use]
    pub fn spec(&self) -> SpecId {
        self.spec
    }

    /// The specification that the next spawn will use.
    #[must_use]
    pub fn next_spec(&self) -> SpecId {
        self.next.as_ref().map_or(self.spec, |(spec, _)| *spec)
    }

    /// Restarts so far.
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    /// Short runs in a row.
    #[must_use]
    pub fn unstable(&self) -> u32 {
        self.unstable
    }

    /// Last pause of the growing back-off, ms; 0 when there was none.
    #[must_use]
    pub fn backoff(&self) -> Millis {
        self.backoff
    }

    /// The version that the next spawn will use.
    pub(crate) fn next_version(&self) -> (SpecId, Arc<Policy>) {
        self.next.clone().unwrap_or_else(|| (self.spec, Arc::clone(&self.policy)))
    }

    /// The limit that the run exceeds with so much memory.
    pub(crate) fn memory_limit_below(&self, measured: RunId, memory: u64) -> Option<u64> {
        let limit = self.policy.max_memory?;
        let serves = matches!(self.phase, Phase::Online { run, .. } if run == measured);
        (serves && limit < memory).then_some(limit)
    }

    /// When time alone changes something.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Stopped | Phase::Errored | Phase::Online { .. } => None,
            Phase::Starting { ready_by: at, .. } | Phase::Backoff { until: at } => Some(*at),
            Phase::Stopping(ending) => Some(ending.deadline()),
        }
    }

    /// The user wants it up.
    pub fn on_start(&mut self, now: Millis, runs: &mut RunIds, out: &mut Vec<Action>) {
        self.goal = Goal::Up;
        match self.phase {
            Phase::Stopped | Phase::Errored | Phase::Backoff { .. } => {
                self.reset_counters();
                self.spawn(now, runs, out);
            }
            Phase::Starting { .. } | Phase::Online { .. } | Phase::Stopping(_) => (),
        }
    }

    /// The user wants it down.
    pub fn on_stop(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.goal = Goal::Down;
        match &mut self.phase {
            Phase::Stopped | Phase::Errored | Phase::Backoff { .. } => self.settle_stopped(out),
            Phase::Starting { run, .. } | Phase::Online { run, .. } => {
                self.phase = Phase::Stopping(Ending::ask(now, *run, &self.policy, out));
            }
            Phase::Stopping(ending) => ending.skip_drain(now, &self.policy, out),
        }
    }

    /// The user wants it down once it has finished its connections.
    pub fn on_retire(&mut self, now: Millis, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Online { run, .. } if self.cluster => {
                self.goal = Goal::Down;
                self.phase = Phase::Stopping(Ending::drain(now, run, &self.policy, out));
            }
            Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. }
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopping(_) => self.on_stop(now, out),
        }
    }

    /// The user wants a fresh run.
    pub fn on_restart(&mut self, now: Millis, runs: &mut RunIds, out: &mut Vec<Action>) {
        let was_running = matches!(self.phase, Phase::Starting { .. } | Phase::Online { .. });
        if was_running {
            self.on_stop(now, out);
            self.restarts += 1;
        }
        self.reset_counters();
        self.on_start(now, runs, out);
    }

    /// The user wants the counters at zero.
    pub fn on_reset(&mut self) {
        self.restarts = 0;
        self.reset_counters();
    }

    /// The keeper spawned it.
    pub fn on_spawned(&mut self, run: RunId, out: &mut Vec<Action>) {
        if !self.cluster && self.policy.readiness == Readiness::Started {
            self.on_ready(run, false, out);
        }
    }

    /// A worker's runtime said `online`.
    pub fn on_runtime_online(&mut self, run: RunId, out: &mut Vec<Action>) {
        if self.policy.readiness == Readiness::Started {
            self.on_ready(run, false, out);
        }
    }

    /// It is ready, or (`late`) taken as ready.
    pub fn on_ready(&mut self, ready: RunId, late: bool, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting { run, since, .. } if run == ready => {
                self.phase = Phase::Online { run, since };
                out.push(Action::Note { run });
                out.push(Action::Tell(Notice::Online { proc: self.id, run, late }));
            }
            Phase::Starting { .. }
            | Phase::Stopped
            | Phase::Errored
            | Phase::Online { .. }
            | Phase::Stopping(_)
            | Phase::Backoff { .. } => (),
        }
    }

    /// Its channel was closed from the other side: a draining run has nothing more to finish.
    pub fn on_disconnected(&mut self, now: Millis, ended: RunId, out: &mut Vec<Action>) {
        if let Phase::Stopping(ending) = &mut self.phase
            && ending.run() == ended
        {
            ending.skip_drain(now, &self.policy, out);
        }
    }

    /// Its first process ended.
    pub fn on_exited(
        &mut self,
        now: Millis,
        ended: RunId,
        exit: Exit,
        runs: &mut RunIds,
        out: &mut Vec<Action>,
    ) {
        match &mut self.phase {
            Phase::Starting { run, since, .. } | Phase::Online { run, since } if *run == ended => {
                let uptime = now.saturating_sub(*since);
                self.ended = Some(ended);
                out.push(Action::Tell(Notice::Ended { proc: self.id, run: ended, exit }));
                self.after_exit(now, ended, uptime, exit, runs, out);
            }
            Phase::Stopping(ending) if ending.run() == ended => {
                out.push(Action::Tell(Notice::Ended { proc: self.id, run: ended, exit }));
                ending.on_exited(now, &self.policy, out);
            }
            // Another run's report: an earlier one of ours, doubled or late.
            Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopping(_)
            | Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. } => (),
        }
    }

    /// Nothing of the run is left.
    pub fn on_tree_gone(
        &mut self,
        now: Millis,
        gone: RunId,
        runs: &mut RunIds,
        out: &mut Vec<Action>,
    ) {
        match &self.phase {
            Phase::Stopping(ending) if ending.run() == gone => match self.goal {
                Goal::Up => self.spawn(now, runs, out),
                Goal::Down => self.settle_stopped(out),
            },
            Phase::Stopping(_)
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. } => (),
        }
    }

    /// Time passed.
    pub fn on_deadline(&mut self, now: Millis, runs: &mut RunIds, out: &mut Vec<Action>) {
        match &mut self.phase {
            Phase::Starting { run, ready_by, .. } if *ready_by <= now => {
                let run = *run;
                self.on_ready(run, true, out);
            }
            Phase::Stopping(ending) => ending.on_deadline(now, &self.policy, out),
            Phase::Backoff { until } if *until <= now => {
                self.restarts += 1;
                self.spawn(now, runs, out);
            }
            Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Stopped
            | Phase::Errored
            | Phase::Online { .. } => {}
        }
    }

    fn spawn(&mut self, now: Millis, runs: &mut RunIds, out: &mut Vec<Action>) {
        if let Some((spec, policy)) = self.next.take() {
            self.spec = spec;
            self.policy = policy;
        }
        if let Some(orphans) = self.orphans.take() {
            out.push(Action::Sweep(orphans));
        }
        let run = runs.allot();
        self.phase = Phase::Starting { run, since: now, ready_by: now + self.policy.ready_timeout };
        out.push(Action::Spawn { proc: self.id, run, spec: self.spec });
    }

    fn after_exit(
        &mut self,
        now: Millis,
        ended: RunId,
        uptime: Millis,
        exit: Exit,
        runs: &mut RunIds,
        out: &mut Vec<Action>,
    ) {
        if let Some(earlier) = self.orphans.replace(ended) {
            out.push(Action::Sweep(earlier));
        }
        let final_code =
            matches!(exit, Exit::Code(code) if self.policy.stop_exit_codes.contains(&code));
        if !self.policy.autorestart || final_code {
            self.goal = Goal::Down;
            self.phase = Phase::Stopped;
            out.push(Action::Tell(Notice::Stopped { proc: self.id }));
            return;
        }
        self.unstable = if uptime < self.policy.min_uptime { self.unstable + 1 } else { 0 };
        if 0 < self.unstable && self.policy.max_unstable <= self.unstable {
            self.goal = Goal::Down;
            self.phase = Phase::Errored;
            out.push(Action::Tell(Notice::GaveUp { proc: self.id, unstable: self.unstable }));
            self.unstable = 0;
            return;
        }
        let delay = self.pause(uptime);
        out.push(Action::Tell(Notice::WillRestart { proc: self.id, delay }));
        if delay == 0 {
            self.restarts += 1;
            self.spawn(now, runs, out);
        } else {
            self.phase = Phase::Backoff { until: now + delay };
        }
    }

    /// The pause before the next run; a growing back-off remembers it.
    fn pause(&mut self, uptime: Millis) -> Millis {
        let Some(first) = self.policy.backoff else { return self.policy.restart_delay };
        if BACKOFF_RESET < uptime {
            self.backoff = 0;
        }
        self.backoff = match self.backoff {
            0 => first,
            last => (last * 3 / 2).min(BACKOFF_CAP),
        };
        self.backoff
    }

    fn settle_stopped(&mut self, out: &mut Vec<Action>) {
        if let Some(orphans) = self.orphans.take() {
            out.push(Action::Sweep(orphans));
        }
        self.phase = Phase::Stopped;
        out.push(Action::Tell(Notice::Stopped { proc: self.id }));
    }

    fn reset_counters(&mut self) {
        self.unstable = 0;
        self.backoff = 0;
    }
}
