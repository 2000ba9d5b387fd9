//! Which apps may fall asleep, and when it is looked whether they are wanted.
//!
//! Problem: an app that nobody wants is to give its memory back; but a connection may be kept open
//! for hours without a word (a websocket), and looking for open ones costs time. Rule: an app has
//! been idle for as long as none of its workers was handed a connection and none is open. The
//! first is counted by whoever hands them out; the second is asked of the kernel, once at the
//! beginning of the time and once at its end: what is opened in between is handed out. From the
//! second look until it is decided, nothing is handed out: who comes then waits. While
//! somebody has a connection, it is looked again after an eighth of the time, at most half a
//! minute later. So an app sleeps after `idle_stop` at the earliest and an eighth later at the
//! latest. Nothing of it is saved: the next daemon counts anew.

use std::collections::BTreeMap;

use ostler_core::supervisor::Slot;
use ostler_core::{AppId, Goal, Millis, Phase, ProcId, RunId};

use super::depends::Look;
use super::input::Effect;
use super::known::Known;
use super::operations::Operations;
use super::traffic::{Callers, Traffic};

/// The shortest and the longest time between two looks at an app that is wanted, ms.
const LOOK: (Millis, Millis) = (50, 30_000);

/// Apps that are to sleep when nobody wants them.
#[derive(Debug, Default)]
pub struct Sleepers {
    apps: BTreeMap<AppId, Watched>,
}

/// What is known of an app that may sleep.
#[derive(Debug, Default)]
struct Watched {
    /// When it is looked at next; `None` while it is.
    at: Option<Millis>,
    /// Since when nobody has wanted it, as far as was seen.
    idle_since: Option<Millis>,
    /// What was found last.
    last: Option<(Vec<RunId>, u64)>,
    /// Why nobody would wake it, as the log has it.
    unheard: Option<String>,
}

impl Sleepers {
    /// When an app is looked at next.
    pub(super) fn due(&self) -> Option<Millis> {
        self.apps.values().filter_map(|watched| watched.at).min()
    }

    /// A worker of an app serves from now on.
    pub(super) fn begin(&mut self, known: &Known, app: AppId) {
        if let Some(time) = known.idle_stop(app) {
            let at = Some(known.at.now + pause(time));
            self.apps.entry(app).or_insert_with(|| Watched { at, ..Watched::default() });
        }
    }

    /// The same for all that serve, after another daemon.
    pub(super) fn begin_all(&mut self, known: &Known) {
        for (app, _) in known.registry.apps() {
            self.begin(known, app);
        }
    }

    /// It is time to look at some.
    pub(super) fn look(&mut self, known: &Known, operations: &Operations, out: &mut Vec<Effect>) {
        let now = known.at.now;
        self.apps.retain(|app, watched| {
            if watched.at.is_none_or(|at| now < at) {
                return true;
            }
            let Some(time) = known.idle_stop(*app).filter(|_| known.has_awake(*app)) else {
                return false;
            };
            match known.workers_at_rest(*app, operations) {
                Some(runs) => {
                    let before = watched.last.take().filter(|(of, _)| *of == runs);
                    watched.at = None;
                    let seen = before.map(|(_, handed)| handed);
                    watched.last = seen.map(|handed| (runs.clone(), handed));
                    let pause = watched.idle_since.is_some_and(|since| since + time <= now);
                    out.push(Effect::LookForCallers { app: *app, runs, seen, pause });
                }
                None => {
                    watched.is_wanted();
                    watched.at = Some(now + pause(time));
                }
            }
            true
        });
    }

    /// What was found of an app. Returns whether it is to sleep.
    pub(super) fn on_looked(
        &mut self,
        known: &Known,
        operations: &Operations,
        (app, traffic): (AppId, Traffic),
        out: &mut Vec<Effect>,
    ) -> bool {
        let now = known.at.now;
        let Some(watched) = self.apps.get_mut(&app).filter(|watched| watched.at.is_none()) else {
            return false;
        };
        let Some(time) = known.idle_stop(app) else {
            self.apps.remove(&app);
            return false;
        };
        let Traffic { runs, handed, callers, paused } = traffic;
        let same = watched.last.as_ref().is_none_or(|last| *last == (runs.clone(), handed));
        let at_rest = known.workers_at_rest(app, operations).as_ref() == Some(&runs);
        watched.last = Some((runs, handed));
        watched.at = Some(now + pause(time));
        match callers {
            Callers::Nobody if same && at_rest => {
                watched.unheard = None;
                let since = *watched.idle_since.get_or_insert(now);
                watched.at = Some(since + time);
                // Nobody may have come between the look and the sleep.
                paused && since + time <= now
            }
            Callers::Nobody | Callers::Somebody => {
                watched.is_wanted();
                false
            }
            Callers::Unheard(why) => {
                watched.is_wanted();
                if watched.unheard.as_ref() != Some(&why) {
                    let name = known.registry.app_name(app);
                    out.push(Effect::Log(format!("App [{name}] stays awake: {why}")));
                    watched.unheard = Some(why);
                }
                false
            }
        }
    }

    /// An app sleeps, or is gone.
    pub(super) fn forget(&mut self, app: AppId) {
        self.apps.remove(&app);
    }
}

impl Watched {
    /// Somebody wants it: its time begins anew.
    fn is_wanted(&mut self) {
        (self.idle_since, self.last) = (None, None);
    }
}

/// The time between two looks at an app that is wanted.
fn pause(time: Millis) -> Millis {
    (time / 8).clamp(LOOK.0, LOOK.1)
}

impl Known {
    /// After which time without a connection an app sleeps, if it ever does.
    pub(super) fn idle_stop(&self, app: AppId) -> Option<Millis> {
        let version = self.registry.version(self.registry.app(app)?.spec)?;
        version.spec.idle_stop.filter(|_| version.is_cluster() && !self.closing)
    }

    /// The slots of an app, without those that have another name since.
    fn slots_by_name(&self, app: AppId) -> impl Iterator<Item = &Slot> {
        self.registry.procs_of(app).filter_map(|(id, _)| self.core.slot(id))
    }

    /// Whether a process of an app is wanted and does not sleep.
    fn has_awake(&self, app: AppId) -> bool {
        self.slots_by_name(app).any(|slot| slot.process().is_awake())
    }

    /// The workers of an app, if all that are wanted serve, and nothing is under way with any.
    fn workers_at_rest(&self, app: AppId, operations: &Operations) -> Option<Vec<RunId>> {
        if self.core.reload(app).is_some() || self.is_needed(app) {
            return None;
        }
        let mut runs = Vec::new();
        for slot in self.slots_by_name(app) {
            let process = slot.process();
            let is_settled = slot.candidate().is_none()
                && slot.leaving().next().is_none()
                && !slot.removing()
                && !operations.touch(process.id());
            match (process.goal(), process.phase()) {
                _ if !is_settled => return None,
                (Goal::Up, Phase::Online { run, .. }) if self.core.is_listening(run) => {
                    runs.push(run);
                }
                (Goal::Down, Phase::Stopped | Phase::Errored) => {}
                (Goal::Up | Goal::Down, _) => return None,
            }
        }
        (!runs.is_empty()).then_some(runs)
    }

    /// Whether another app depends on this one and does not sleep.
    fn is_needed(&self, app: AppId) -> bool {
        if !self.registry.has_dependents() {
            return false;
        }
        let look = Look::new(self);
        let edges = look.edges();
        let of_app = |id: &ProcId| self.registry.app_of(*id) == Some(app);
        self.core.slots().any(|(id, slot)| {
            let awake = slot.process().is_awake() && !of_app(&id);
            awake && edges.get(&id).is_some_and(|below| below.iter().any(of_app))
        })
    }
}
