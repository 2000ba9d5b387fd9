//! Who wants which apps, as the part knows it that holds listening sockets.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{AppId, Goal, Phase, RunId};

use super::super::{Callers as Found, Input, Traffic};
use super::world::World;

/// Connections to apps.
#[derive(Debug, Default)]
pub struct Callers {
    /// So many were handed to workers.
    handed: BTreeMap<AppId, u64>,
    /// Somebody keeps one open.
    open: BTreeSet<AppId>,
    /// Somebody waits in the queue of a listener.
    waits: BTreeSet<AppId>,
    /// It is to be told when somebody comes.
    awaited: BTreeSet<AppId>,
    /// Workers that get nothing for now.
    paused: BTreeSet<RunId>,
    /// Nobody could be heard who comes.
    pub deaf: bool,
}

impl Callers {
    /// The daemon has died, and nobody listens.
    pub fn unheard(&mut self) {
        self.awaited.clear();
        self.paused.clear();
    }
}

impl World {
    /// Somebody connects to an app; `stays`: until somebody else comes.
    pub fn call(&mut self, name: &str, stays: bool) {
        let registry = self.model.registry();
        let found = registry.apps().find(|(_, app)| app.name == name).map(|(id, _)| id);
        let Some(app) = found else { return };
        let slots = self.model.core().slots().filter(|(id, _)| registry.app_of(*id) == Some(app));
        let processes: Vec<_> = slots.map(|(_, slot)| slot.process()).collect();
        let paused = &self.callers.paused;
        let serves =
            |phase: Phase| matches!(phase, Phase::Online { run, .. } if !paused.contains(&run));
        if processes.iter().any(|of| serves(of.phase())) {
            *self.callers.handed.entry(app).or_default() += 1;
            self.callers.open.remove(&app);
            if stays {
                self.callers.open.insert(app);
            }
        } else if processes.iter().any(|of| of.goal() == Goal::Up) {
            self.callers.waits.insert(app);
            self.tell_wanted(app);
        }
        // Else nobody listens: whoever comes is refused.
    }

    pub(super) fn look_for_callers(
        &mut self,
        app: AppId,
        runs: Vec<RunId>,
        seen: Option<u64>,
        pause: bool,
    ) {
        self.answer_who_waits(app);
        let handed = self.callers.handed.get(&app).copied().unwrap_or(0);
        let somebody = seen.is_some_and(|seen| seen != handed) || self.callers.open.contains(&app);
        let callers = match (somebody, self.callers.deaf) {
            (_, true) => Found::Unheard("it listens at *:9229 by itself".to_owned()),
            (true, false) => Found::Somebody,
            (false, false) => Found::Nobody,
        };
        let paused = pause && callers == Found::Nobody;
        if paused {
            self.callers.paused.extend(runs.iter().copied());
        }
        let traffic = Traffic { runs, handed, callers, paused };
        self.reports.push_back(Input::Traffic { app, traffic });
    }

    pub(super) fn unpause(&mut self, runs: &[RunId]) {
        self.callers.paused.retain(|run| !runs.contains(run));
    }

    /// Whether a worker gets nothing and nobody is about to decide about it.
    pub fn is_forgotten(&self, run: RunId) -> bool {
        let about = |report: &Input| match report {
            Input::Traffic { traffic, .. } => traffic.runs.contains(&run),
            _ => false,
        };
        self.callers.paused.contains(&run) && !self.reports.iter().any(about)
    }

    pub(super) fn await_caller(&mut self, app: AppId) {
        self.callers.awaited.insert(app);
        if self.callers.waits.contains(&app) {
            self.tell_wanted(app);
        }
    }

    /// Whether somebody waits for an app and nobody will be told.
    pub fn is_called_in_vain(&self, app: AppId) -> bool {
        let is_told = |report: &Input| matches!(report, Input::Wanted(wanted) if *wanted == app);
        self.callers.waits.contains(&app) && !self.reports.iter().any(is_told)
    }

    fn tell_wanted(&mut self, app: AppId) {
        if self.callers.awaited.remove(&app) {
            self.reports.push_back(Input::Wanted(app));
        }
    }

    /// A worker serves: it is handed what waits.
    fn answer_who_waits(&mut self, app: AppId) {
        if self.callers.waits.remove(&app) {
            *self.callers.handed.entry(app).or_default() += 1;
        }
    }
}
