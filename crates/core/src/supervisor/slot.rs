//! A slot: the process that shows, the run that may replace it, the runs on their way out.

use std::sync::Arc;

use crate::Millis;
use crate::allotted::Allotted;
use crate::candidate::Candidate;
use crate::ending::Ending;
use crate::phase::Phase;
use crate::process::Process;
use crate::run::{AppId, Role, RunId, SpecId};
use crate::runs::Runs;
use crate::saved::SavedProcess;

/// A slot with everything that runs in it.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(super) app: AppId,
    pub(super) process: Process,
    pub(super) candidate: Option<Candidate>,
    pub(super) leaving: Vec<Ending>,
    /// Runs that may have begun in the moment in which others ended, as far as was not told yet.
    pub(super) allotted: Vec<Allotted>,
    /// To be removed when nothing of it runs.
    pub(super) removing: bool,
}

impl Slot {
    /// A slot in which nothing runs but what the process knows of.
    pub(super) fn new(app: AppId, process: Process) -> Self {
        Self {
            app,
            process,
            candidate: None,
            leaving: Vec::new(),
            allotted: Vec::new(),
            removing: false,
        }
    }

    /// Returns the process that shows.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns the app that it belongs to.
    #[must_use]
    pub fn app(&self) -> AppId {
        self.app
    }

    /// Returns the run that may replace the current one, with its specification.
    #[must_use]
    pub fn candidate(&self) -> Option<(RunId, SpecId)> {
        self.candidate.as_ref().map(|candidate| (candidate.run(), candidate.spec()))
    }

    /// Whether the candidate said `ready`, or need not.
    #[must_use]
    pub fn candidate_is_ready(&self) -> bool {
        self.candidate.as_ref().is_some_and(Candidate::is_ready)
    }

    /// Returns the runs on their way out, apart from the current one.
    pub fn leaving(&self) -> impl Iterator<Item = RunId> {
        self.leaving.iter().map(Ending::run)
    }

    /// Whether the user asked for it to be removed.
    #[must_use]
    pub fn removing(&self) -> bool {
        self.removing
    }

    /// Returns what the run is to this slot, which it belongs to.
    pub(super) fn role(&self, run: RunId) -> Role {
        if self.process.run() == Some(run) {
            Role::Current
        } else if self.candidate().is_some_and(|(candidate, _)| candidate == run) {
            Role::Candidate
        } else {
            Role::Leaving
        }
    }

    /// Returns every run that it holds.
    pub(super) fn runs(&self) -> impl Iterator<Item = RunId> {
        let candidate = self.candidate.as_ref().map(Candidate::run);
        self.process.run().into_iter().chain(candidate).chain(self.leaving())
    }

    /// Returns how many runs it holds besides the one that shows, without those that
    /// cannot be ended.
    #[must_use]
    pub fn extra_runs(&self) -> usize {
        let leaving = self.leaving.iter().filter(|ending| !ending.is_stuck()).count();
        leaving + usize::from(self.candidate.is_some())
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        let candidate = self.candidate.as_ref().map(Candidate::deadline);
        let leaving = self.leaving.iter().map(Ending::deadline);
        self.process.deadline().into_iter().chain(candidate).chain(leaving).min()
    }

    /// Returns what was begun when the run ended; `next` says which. Nothing else will ever begin
    /// by its end.
    pub(super) fn take_begun(
        &mut self,
        ended: RunId,
        next: Option<RunId>,
        runs: &mut Runs,
    ) -> Option<Allotted> {
        let mut begun = None;
        for one in self.allotted.extract_if(.., |one| one.after == ended) {
            if Some(one.run) == next {
                begun = Some(one);
            } else {
                runs.forget(one.run);
            }
        }
        begun
    }

    /// Asks all leaving runs to end now: the user does not want them to finish their connections.
    pub(super) fn skip_drains(&mut self, now: Millis, out: &mut Vec<crate::Action>) {
        for ending in &mut self.leaving {
            ending.skip_drain(now, out);
        }
    }

    /// Returns what must be saved.
    pub(super) fn save(&self) -> SavedProcess {
        let process = &self.process;
        let (stopping, due) = match process.phase() {
            Phase::Stopping(ending) => (Some(ending.run()), None),
            Phase::Backoff { until } => (None, Some(until)),
            Phase::Stopped
            | Phase::Errored
            | Phase::Held
            | Phase::Sleeping { .. }
            | Phase::Starting { .. }
            | Phase::Online { .. } => (None, None),
        };
        let (spec, policy) = process.version();
        SavedProcess {
            id: process.id(),
            app: self.app,
            spec: *spec,
            policy: Arc::clone(policy),
            next: process.next_version().cloned(),
            cluster: process.is_cluster(),
            goal: process.goal(),
            errored: process.phase() == Phase::Errored,
            restarts: process.restarts(),
            unstable: process.unstable(),
            backoff: process.backoff(),
            removing: self.removing,
            ended: process.ended(),
            // Whoever tells of ends knows.
            told: None,
            asked: None,
            renewed: process.renewed(),
            taken: process.taken(),
            held: process.is_held(),
            stopping,
            due,
            sleeping_after: process.sleeps_after(),
        }
    }
}
