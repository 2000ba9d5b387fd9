//! Reports about a slot's current run: from the keeper, from the run itself, from the clock.

use super::Process;
use crate::allotted::Allotted;
use crate::ending::Ending;
use crate::event::Notice;
use crate::phase::{Goal, Phase};
use crate::restarts::Next;
use crate::run::{Exit, RunId};
use crate::runs::Runs;
use crate::spec::Readiness;
use crate::{Action, Millis};

/// The shortest time until a run that was not spawned is looked at again, ms.
const UNSPAWNED_PAUSE: Millis = 1000;

impl Process {
    /// The keeper spawned the run: a plain process is ready then. Any other has from now on the
    /// time for it.
    pub(crate) fn on_spawned(&mut self, now: Millis, out: &mut Vec<Action>) {
        let in_time = now + self.policy().ready_timeout;
        if let Phase::Starting { ready_by, spawned, .. } = &mut self.phase
            && !*spawned
        {
            (*ready_by, *spawned) = (in_time, true);
        }
        if !self.cluster && self.policy().readiness == Readiness::Started {
            self.on_ready(false, out);
        }
    }

    /// A worker's runtime said `online`.
    pub(crate) fn on_runtime_online(&mut self, out: &mut Vec<Action>) {
        if self.policy().readiness == Readiness::Started {
            self.on_ready(false, out);
        }
    }

    /// The run is ready, or (`late`) taken as ready.
    pub(crate) fn on_ready(&mut self, late: bool, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Starting { run, since, .. } => {
                self.phase = Phase::Online { run, since };
                out.push(Action::Note { run });
                out.push(Action::Tell(Notice::Online { proc: self.id, run, late }));
            }
            Phase::Stopped
            | Phase::Errored
            | Phase::Online { .. }
            | Phase::Stopping(_)
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Backoff { .. } => (),
        }
    }

    /// The run closed its channel: if it was draining, it has nothing more to finish.
    pub(crate) fn on_disconnected(&mut self, now: Millis, out: &mut Vec<Action>) {
        if let Phase::Stopping(ending) = &mut self.phase {
            ending.skip_drain(now, out);
        }
    }

    /// The run's first process ended, and `begun` with it. Returns a run that has to leave.
    pub(crate) fn on_exited(
        &mut self,
        now: Millis,
        exit: Exit,
        begun: Option<Allotted>,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) -> Option<Ending> {
        let run = self.run()?;
        let asked = matches!(self.phase, Phase::Stopping(_));
        out.push(Action::Tell(Notice::Ended { proc: self.id, run, exit, asked, again: false }));
        match &mut self.phase {
            Phase::Starting { since, .. } | Phase::Online { since, .. } => {
                let uptime = now.saturating_sub(*since);
                self.ended = Some(self.place(run));
                self.leave_orphans(run, out);
                self.after_exit(now, uptime, exit, begun, runs, out)
            }
            Phase::Stopping(ending) => {
                ending.skip_drain(now, out);
                // It was revoked too late. It is what is to be stopped now.
                let begun = begun?.end(now, self.id, out);
                Some(std::mem::replace(ending, begun))
            }
            Phase::Stopped
            | Phase::Errored
            | Phase::Backoff { .. }
            | Phase::Held
            | Phase::Sleeping { .. } => None,
        }
    }

    /// Nothing of the run is left.
    pub(crate) fn on_tree_gone(
        &mut self,
        now: Millis,
        gone: RunId,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) {
        match &self.phase {
            Phase::Stopping(ending) if ending.run() == gone => {
                match (self.goal, ending.crashed_after()) {
                    (Goal::Up, Some(uptime)) => self.after_unhealthy(now, uptime, runs, out),
                    (Goal::Up, None) => self.spawn(now, runs, out),
                    (Goal::Down, _) => self.settle_stopped(out),
                }
            }
            Phase::Stopping(_)
            | Phase::Starting { .. }
            | Phase::Online { .. }
            | Phase::Stopped
            | Phase::Errored
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Backoff { .. } => (),
        }
    }

    /// Does what time alone decides.
    pub(crate) fn on_deadline(&mut self, now: Millis, runs: &mut Runs, out: &mut Vec<Action>) {
        let in_time = now + self.policy().ready_timeout.max(UNSPAWNED_PAUSE);
        match &mut self.phase {
            // What the keeper has not come to spawn is not late.
            Phase::Starting { ready_by, spawned: false, .. } if *ready_by <= now => {
                *ready_by = in_time;
            }
            Phase::Starting { ready_by, .. } if *ready_by <= now => self.on_ready(true, out),
            Phase::Stopping(ending) => ending.on_deadline(now, out),
            Phase::Backoff { until } if *until <= now => {
                self.restarts.total += 1;
                self.spawn(now, runs, out);
            }
            Phase::Starting { .. }
            | Phase::Backoff { .. }
            | Phase::Stopped
            | Phase::Errored
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Online { .. } => {}
        }
    }

    pub(super) fn after_exit(
        &mut self,
        now: Millis,
        uptime: Millis,
        exit: Exit,
        mut begun: Option<Allotted>,
        runs: &mut Runs,
        out: &mut Vec<Action>,
    ) -> Option<Ending> {
        let proc = self.id;
        match self.decide(uptime, exit, begun.as_ref()) {
            Next::Stop => {
                (self.goal, self.phase) = (Goal::Down, Phase::Stopped);
                out.push(Action::Tell(Notice::Stopped { proc }));
            }
            Next::GiveUp { unstable } => {
                (self.goal, self.phase) = (Goal::Down, Phase::Errored);
                out.push(Action::Tell(Notice::GaveUp { proc, unstable }));
            }
            Next::Refuse => {
                (self.goal, self.phase) = (Goal::Down, Phase::Errored);
                out.push(Action::Tell(Notice::Refused { proc }));
            }
            Next::Restart { delay: 0 } => {
                out.push(Action::Tell(Notice::WillRestart { proc, delay: 0 }));
                self.restarts.total += 1;
                let wanted = self.next_spec();
                match begun.take_if(|begun| begun.version.0 == wanted) {
                    Some(begun) => self.go_on(now, begun.run, runs, out),
                    None => self.spawn(now, runs, out),
                }
            }
            Next::Restart { delay } => {
                out.push(Action::Tell(Notice::WillRestart { proc, delay }));
                self.phase = Phase::Backoff { until: now.saturating_add(delay) };
            }
        }
        Some(begun?.end(now, proc, out))
    }

    /// Decides what follows the end of a run: what was decided before, if that was begun.
    fn decide(&mut self, uptime: Millis, exit: Exit, begun: Option<&Allotted>) -> Next {
        let prepared = self.prepared.take();
        match prepared.filter(|prepared| begun.is_some_and(|begun| begun.run == prepared.run)) {
            Some(prepared) => {
                self.restarts.unstable = prepared.unstable;
                Next::Restart { delay: 0 }
            }
            None => self.restarts.after_exit(&self.version.1, uptime, exit),
        }
    }
}
