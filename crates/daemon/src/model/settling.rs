//! Apps whose workers begin to listen, until they have settled.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::spec::{ExecMode, Readiness};
use ostler_core::{AppId, Millis, RunId, SpecId};

use super::input::Effect;
use super::known::Known;

/// What a worker listens on from its beginning it asks for within this time, ms.
const TOGETHER: Millis = 200;

/// Apps whose workers begin to listen.
#[derive(Debug, Default)]
pub struct Settling {
    /// When each has settled.
    due: BTreeMap<AppId, Millis>,
    /// The version that a worker of each app listened with last.
    listened: BTreeMap<AppId, SpecId>,
    /// Apps of which another version listens since they settled.
    renewed: BTreeSet<AppId>,
}

impl Settling {
    /// The app is gone.
    pub fn forget(&mut self, app: AppId) {
        self.due.remove(&app);
        self.listened.remove(&app);
        self.renewed.remove(&app);
    }

    /// A worker is up, or has begun to listen on something more.
    pub(super) fn begin(&mut self, known: &Known, run: RunId) {
        let Some(facts) = known.facts.get(&run) else { return };
        let Some(version) = known.registry.version(facts.spec) else { return };
        let mut time = version.policy.ready_timeout;
        if version.spec.exec_mode == ExecMode::Cluster
            && let Some(app) = known.registry.app_of(facts.proc)
        {
            let before = match facts.is_listening() {
                true => self.listened.insert(app, facts.spec),
                false => self.listened.get(&app).copied(),
            };
            if before.is_some_and(|before| before != facts.spec) {
                self.renewed.insert(app);
            }
            let says_ready = version.policy.readiness == Readiness::Message;
            if says_ready || self.renewed.contains(&app) {
                time = time.min(TOGETHER);
            }
            self.due.insert(app, known.at.now + time);
        }
    }

    /// Looks at all cluster apps as if their workers had just begun to listen: how long ago that
    /// was is not known after the memory was lost.
    pub(super) fn begin_all(&mut self, known: &Known) {
        let runs: Vec<RunId> = known.facts.keys().copied().collect();
        for run in runs {
            self.begin(known, run);
        }
    }

    /// Returns when the next app has settled.
    pub(super) fn due(&self) -> Option<Millis> {
        self.due.values().copied().min()
    }

    /// Closes what apps do not need that have settled.
    pub(super) fn tidy(&mut self, known: &Known, out: &mut Vec<Effect>) {
        let now = known.at.now;
        let settled: Vec<AppId> =
            self.due.iter().filter(|(_, at)| **at <= now).map(|(app, _)| *app).collect();
        for app in settled {
            self.due.remove(&app);
            match known.quiet_since(app) {
                Some(at) if now < at => _ = self.due.insert(app, at),
                Some(_) => {
                    self.renewed.remove(&app);
                    known.tidy_listeners(app, out);
                }
                None => known.tidy_listeners(app, out),
            }
        }
    }

    /// A slot of the app is at rest: asks to close what is not needed any more, as far as no worker
    /// may be about to listen on more.
    pub(super) fn tidy_rested(&self, known: &Known, app: AppId, out: &mut Vec<Effect>) {
        if !self.due.contains_key(&app) || known.is_at_rest(app) {
            known.tidy_listeners(app, out);
        }
    }
}
