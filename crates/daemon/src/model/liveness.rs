//! The health of runs that serve, where they are to be restarted when it is lost.
//!
//! Problem: a process that hangs looks like one that works. Rule: where an app asks for it
//! (`health.restart_after`), each run that is online is asked `interval` after the last answer,
//! once `grace` has passed since its start; so many failures in a row are one event for the core,
//! and what follows is what follows a crash. A run that is being replaced is not asked. The
//! failures are not saved: the next daemon counts anew.

use std::collections::BTreeMap;

use ostler_core::spec::Health;
use ostler_core::{Millis, Role, RunId};

use super::input::Effect;
use super::known::Known;

/// Which runs are asked for their health, and when.
#[derive(Debug, Default)]
pub struct Liveness {
    runs: BTreeMap<RunId, Asked>,
}

/// What is known of a run that is asked.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Failures in a row.
    failures: u32,
    /// When it is asked next; `None` while it is.
    at: Option<Millis>,
}

impl Liveness {
    /// When a run is asked next.
    pub(super) fn due(&self) -> Option<Millis> {
        self.runs.values().filter_map(|asked| asked.at).min()
    }

    /// A run serves from now on.
    pub(super) fn begin(&mut self, known: &Known, run: RunId) {
        let (Some(health), Some(since)) = (health_of(known, run), known.online_since(run)) else {
            return;
        };
        let at = known.at.now.saturating_add(health.interval);
        let at = at.max(since.saturating_add(health.grace));
        self.runs.entry(run).or_insert(Asked { failures: 0, at: Some(at) });
    }

    /// The same for all that serve, after another daemon.
    pub(super) fn begin_all(&mut self, known: &Known) {
        for run in known.core.slots().filter_map(|(_, slot)| slot.process().run()) {
            self.begin(known, run);
        }
    }

    /// Nothing is left of a run.
    pub(super) fn forget(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// It is time to ask some.
    pub(super) fn look(&mut self, known: &Known, out: &mut Vec<Effect>) {
        let now = known.at.now;
        self.runs.retain(|run, asked| {
            if asked.at.is_none_or(|at| now < at) {
                return true;
            }
            let Some(health) = health_of(known, *run) else { return false };
            if known.online_since(*run).is_none() {
                return false;
            }
            if is_being_replaced(known, *run) {
                *asked = Asked { failures: 0, at: Some(now.saturating_add(health.interval)) };
            } else {
                asked.at = None;
                out.push(Effect::CheckHealth(*run));
            }
            true
        });
    }

    /// The answer of a run. Returns how often it has failed in a row, if that is enough.
    pub(super) fn on_checked(&mut self, known: &Known, run: RunId, healthy: bool) -> Option<u32> {
        let health = health_of(known, run)?;
        let asked = self.runs.get_mut(&run).filter(|asked| asked.at.is_none())?;
        asked.at = Some(known.at.now.saturating_add(health.interval));
        asked.failures = if healthy { 0 } else { asked.failures + 1 };
        let enough = health.restart_after.is_some_and(|most| most <= asked.failures);
        enough.then(|| std::mem::take(&mut asked.failures))
    }
}

/// The health check of a run, if it is to be restarted when that fails.
fn health_of(known: &Known, run: RunId) -> Option<&Health> {
    let version = known.version_by_run(run)?;
    version.spec.health.as_ref().filter(|health| health.restart_after.is_some())
}

impl Known {
    /// Since when a run serves, if it does.
    pub(super) fn online_since(&self, run: RunId) -> Option<Millis> {
        let (id, Role::Current) = self.core.owner(run)? else { return None };
        self.core.slot(id)?.process().phase().online().map(|(_, since)| since)
    }
}

/// Whether a candidate for its slot is being verified.
fn is_being_replaced(known: &Known, run: RunId) -> bool {
    let slot = known.core.owner(run).and_then(|(id, _)| known.core.slot(id));
    slot.is_some_and(|slot| slot.candidate().is_some())
}
