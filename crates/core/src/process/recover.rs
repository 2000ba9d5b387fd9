//! A slot whose memory was lost is taken up again.

use std::sync::Arc;

use super::Process;
use crate::ending::Ending;
use crate::phase::{Goal, Phase};
use crate::restarts::Restarts;
use crate::run::{Role, SeenRun};
use crate::runs::Runs;
use crate::saved::SavedProcess;
use crate::spec::Version;
use crate::{Action, Millis};

impl Process {
    /// The slot as it was saved, before its runs are given back to it.
    pub(crate) fn from_saved(saved: &SavedProcess) -> Self {
        let version = (saved.spec, Arc::clone(&saved.policy));
        Self {
            next: saved.next.clone(),
            goal: if saved.removing { Goal::Down } else { saved.goal },
            phase: match (saved.sleeps_after(), saved.due) {
                _ if saved.errored => Phase::Errored,
                (Some(after), _) => Phase::Sleeping { after },
                (None, Some(until)) if saved.goal == Goal::Up => Phase::Backoff { until },
                (None, Some(_) | None) => Phase::Stopped,
            },
            restarts: Restarts {
                total: saved.restarts,
                unstable: saved.unstable,
                backoff: saved.backoff,
                crashed: 0 < saved.restarts || 0 < saved.unstable,
            },
            ended: saved.ended,
            renewed: saved.renewed,
            taken: saved.taken,
            held: saved.held,
            ..Self::new(saved.id, version, saved.cluster)
        }
    }

    /// Takes back the run that is the slot's current one, after the memory was lost. `drains`: it
    /// may have been finishing its connections.
    pub(crate) fn adopt(
        &mut self,
        now: Millis,
        seen: &SeenRun,
        version: Version,
        drains: bool,
        out: &mut Vec<Action>,
    ) {
        let run = seen.run;
        // It may be the run that the next version was saved for.
        self.next.take_if(|next| next.0 == version.0);
        self.version = version;
        self.phase = if seen.ending {
            let end = if drains { Ending::drain } else { Ending::ask };
            Phase::Stopping(end(now, run, self.policy(), out))
        } else if seen.ready || seen.role == Role::Candidate {
            Phase::Online { run, since: seen.since }
        } else {
            let ready_by = now + self.policy().ready_timeout;
            Phase::Starting { run, since: seen.since, ready_by, spawned: true }
        };
    }

    /// Begins the run that is wanted and was never begun, as if nothing had happened.
    pub(crate) fn resume(&mut self, now: Millis, runs: &mut Runs, out: &mut Vec<Action>) {
        match (self.goal, self.phase) {
            (Goal::Up, Phase::Stopped) => self.spawn(now, runs, out),
            (Goal::Up | Goal::Down, _) => (),
        }
    }

    /// A run that was begun in advance goes, where another version is wanted by now.
    pub(crate) fn end_outdated(&mut self, now: Millis, out: &mut Vec<Action>) {
        if let Phase::Starting { run, .. } | Phase::Online { run, .. } = self.phase
            && self.next.is_some()
        {
            self.phase = Phase::Stopping(Ending::ask(now, run, self.policy(), out));
        }
    }
}
