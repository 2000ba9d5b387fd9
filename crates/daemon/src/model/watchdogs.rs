//! Runs that are to say that they are alive, while they serve.
//!
//! Problem: a process that hangs looks like one that works, and only itself can say that it does.
//! Rule: where an app asks for it (`watchdog`), a run that serves and has sent no `WATCHDOG=1` for
//! so long has lost its health. Its time begins when it serves, and anew with each daemon: what a
//! run said meanwhile waits, and is read first. Who was late itself, since the whole machine was,
//! waits once more.

use std::collections::BTreeMap;

use ostler_core::{Millis, RunId};
use ostler_wire::control::NotifiedState;

use super::known::Known;

/// Who looks so late, ms, was not able to look before.
const LATE: Millis = 1000;

/// Until when which run is to say that it is alive.
#[derive(Debug, Default)]
pub struct Watchdogs {
    runs: BTreeMap<RunId, Millis>,
}

impl Watchdogs {
    /// When the first one is to have said so.
    pub(super) fn due(&self) -> Option<Millis> {
        self.runs.values().min().copied()
    }

    /// A run serves from now on.
    pub(super) fn begin(&mut self, known: &Known, run: RunId) {
        if let Some(period) = period_of(known, run) {
            self.runs.insert(run, known.at.now.saturating_add(period));
        }
    }

    /// The same for all that serve, after another daemon.
    pub(super) fn begin_all(&mut self, known: &Known) {
        for run in known.core.slots().filter_map(|(_, slot)| slot.process().run()) {
            if known.online_since(run).is_some() {
                self.begin(known, run);
            }
        }
    }

    /// A run has said that it is alive, or how long it is to be waited for.
    pub(super) fn on_alive(&mut self, known: &Known, run: RunId) {
        if let Some(by) = self.runs.get_mut(&run)
            && let Some(period) = period_of(known, run)
        {
            *by = known.at.now.saturating_add(period);
        }
    }

    /// Nothing is left of a run, or it says no more.
    pub(super) fn forget(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// Returns those whose time is over, each with the time that it had, ms.
    pub(super) fn silent(&mut self, known: &Known) -> Vec<(RunId, Millis)> {
        let now = known.at.now;
        let mut silent = Vec::new();
        self.runs.retain(|run, by| {
            if now < *by {
                return true;
            }
            let Some(period) = period_of(known, *run) else { return false };
            if known.online_since(*run).is_none() {
                return false;
            }
            let is_late = by.saturating_add(LATE) < now;
            // Where it is being replaced, its silence changes nothing: it has its time once more.
            *by = now.saturating_add(period);
            if !is_late {
                silent.push((*run, period));
            }
            true
        });
        silent
    }
}

/// How long a run may say nothing, if it is to say anything.
fn period_of(known: &Known, run: RunId) -> Option<Millis> {
    let given = known.version_by_run(run)?.spec.watchdog?;
    let said = &known.facts.get(&run)?.notified;
    let leaves = said.state == Some(NotifiedState::Stopping);
    (!leaves).then(|| said.watchdog.unwrap_or(given))
}
