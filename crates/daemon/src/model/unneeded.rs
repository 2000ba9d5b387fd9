//! Listening sockets that an app does not need any more.
//!
//! The problem: between two workers a socket stays open, so that clients wait in its queue; but if
//! the next version listens elsewhere, nobody comes, and they wait for ever.
//!
//! The rule: what no worker uses is closed when the app has settled: each slot serves or is at
//! rest. A worker that has begun to listen may be about to listen on more: it has the time that is
//! given it to become ready (`listen_timeout`), since the last time that a worker of its app did.
//! That is the same worker's habit; where another version listens, there is no habit, and what it
//! does not ask for together with the first is given up: its clients are refused, and do not hang.
//! A worker that says itself when it is ready (`wait_ready`) has begun to listen by then.
//! One that listens on nothing has the time that is given to a new version.

use ostler_core::process::Process;
use ostler_core::spec::{ExecMode, Readiness};
use ostler_core::supervisor::Slot;
use ostler_core::{AppId, Goal, Millis, Phase, RunId};

use super::Model;
use super::input::{Effect, Unneeded};

/// What a worker listens on from its beginning it asks for within this time, ms.
const TOGETHER: Millis = 200;

impl Model {
    /// A worker is up, or has begun to listen on something more.
    pub(super) fn begin_settling(&mut self, run: RunId) {
        let Some(facts) = self.facts.get(&run) else { return };
        let Some(version) = self.registry.version(facts.spec) else { return };
        let mut time = version.policy.ready_timeout;
        if version.spec.exec_mode == ExecMode::Cluster
            && let Some(app) = self.registry.app_of(facts.proc)
        {
            let before = match facts.is_listening() {
                true => self.settling.listened.insert(app, facts.spec),
                false => self.settling.listened.get(&app).copied(),
            };
            if before.is_some_and(|before| before != facts.spec) {
                self.settling.renewed.insert(app);
            }
            let says_ready = version.policy.readiness == Readiness::Message;
            if says_ready || self.settling.renewed.contains(&app) {
                time = time.min(TOGETHER);
            }
            self.settling.due.insert(app, self.at.now + time);
        }
    }

    /// Looks at all cluster apps as if their workers had just begun to listen: how long ago that
    /// was is not known after the memory was lost.
    pub(super) fn settle_all(&mut self) {
        let runs: Vec<RunId> = self.facts.keys().copied().collect();
        for run in runs {
            self.begin_settling(run);
        }
    }

    /// Returns when the next app has settled.
    pub(super) fn settled_at(&self) -> Option<Millis> {
        self.settling.due.values().copied().min()
    }

    /// Closes what apps do not need that have settled.
    pub(super) fn tidy_settled(&mut self, out: &mut Vec<Effect>) {
        let now = self.at.now;
        let settled: Vec<AppId> =
            self.settling.due.iter().filter(|(_, at)| **at <= now).map(|(app, _)| *app).collect();
        for app in settled {
            self.settling.due.remove(&app);
            match self.quiet_since(app) {
                Some(at) if now < at => _ = self.settling.due.insert(app, at),
                Some(_) => {
                    self.settling.renewed.remove(&app);
                    self.tidy_listeners(app, out);
                }
                None => self.tidy_listeners(app, out),
            }
        }
    }

    /// A slot of the app is at rest: asks to close what is not needed any more, as far as no worker
    /// may be about to listen on more.
    pub(super) fn tidy_rested(&self, app: AppId, out: &mut Vec<Effect>) {
        if !self.settling.due.contains_key(&app) || self.is_at_rest(app) {
            self.tidy_listeners(app, out);
        }
    }

    /// Asks to close the sockets of an app that is at rest, and those that a
    /// change made superfluous.
    pub(super) fn tidy_listeners(&self, app: AppId, out: &mut Vec<Effect>) {
        if !self.slots_of(app).any(|slot| slot.process().is_cluster()) {
            return;
        }
        if self.is_at_rest(app) {
            out.push(Effect::CloseListeners { app, which: Unneeded::All });
        } else if self.is_settled(app) {
            out.push(Effect::CloseListeners { app, which: Unneeded::Unused });
        }
    }

    fn is_at_rest(&self, app: AppId) -> bool {
        self.slots_of(app).all(|slot| rests(slot.process()) && slot.candidate().is_none())
    }

    fn is_settled(&self, app: AppId) -> bool {
        self.quiet_since(app).is_some_and(|at| at <= self.at.now)
    }

    /// Returns since when, or from when on, nothing more of the app is awaited; `None` while
    /// something goes on.
    fn quiet_since(&self, app: AppId) -> Option<Millis> {
        if self.core.reload(app).is_some() {
            return None;
        }
        let mut quiet = 0;
        for slot in self.slots_of(app) {
            let process = slot.process();
            match process.phase() {
                _ if slot.leaving().next().is_some() => return None,
                Phase::Online { run, .. } if self.core.is_listening(run) => {}
                Phase::Online { since, .. } => {
                    let version = self.registry.version(process.spec())?;
                    quiet = quiet.max(since + version.policy.verify_timeout);
                }
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Stopping(_)
                | Phase::Backoff { .. } => {
                    if !rests(process) {
                        return None;
                    }
                }
            }
        }
        Some(quiet)
    }

    fn slots_of(&self, app: AppId) -> impl Iterator<Item = &Slot> {
        self.core.slots().map(|(_, slot)| slot).filter(move |slot| slot.app() == app)
    }
}

fn rests(process: &Process) -> bool {
    process.goal() == Goal::Down && process.run().is_none()
}
