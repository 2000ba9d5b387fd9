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
use ostler_core::supervisor::Slot;
use ostler_core::{AppId, Goal, Millis, Phase};

use super::input::{Effect, Unneeded};
use super::known::Known;

impl Known {
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

    pub(super) fn is_at_rest(&self, app: AppId) -> bool {
        self.slots_of(app).all(|slot| rests(slot.process()) && slot.candidate().is_none())
    }

    fn is_settled(&self, app: AppId) -> bool {
        self.quiet_since(app).is_some_and(|at| at <= self.at.now)
    }

    /// Returns since when, or from when on, nothing more of the app is awaited; `None` while
    /// something goes on.
    pub(super) fn quiet_since(&self, app: AppId) -> Option<Millis> {
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
                | Phase::Held
                | Phase::Sleeping { .. }
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
