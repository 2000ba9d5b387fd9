//! Apps fall asleep when nobody wants them, and wake when somebody does.
//!
//! An app sleeps as a whole, and only while nobody sleeps above it: what sleeps beside a process
//! that does not, or below an app that does not, is woken. That is worked out anew whenever
//! something has happened. Whoever wakes is held until what it depends on is there.
//!
//! # Invariants
//! - No slot sleeps beside or below one that is awake, and nobody waits for one in vain.
//!   Tested in random histories, by `every_request_is_answered_once`.

use std::collections::BTreeSet;

use ostler_config::idle_stop::why_never_asleep;
use ostler_core::spec::AppSpec;
use ostler_core::{AppId, Event, ProcId, Role, RunId};
use ostler_wire::control::{Code, Failure};

use super::Model;
use super::depends::Look;
use super::input::Effect;
use super::known::Known;
use super::traffic::Traffic;

impl Model {
    /// It was looked who has a connection to an app.
    pub(super) fn on_looked(&mut self, app: AppId, traffic: Traffic, out: &mut Vec<Effect>) {
        let paused = if traffic.paused { traffic.runs.clone() } else { Vec::new() };
        if self.sleepers.on_looked(&self.known, &self.operations, (app, traffic), out) {
            for id in self.known.registry.ids_of(app) {
                self.ask(Event::Sleep(id));
            }
        }
        let goes_on = |run: &RunId| match self.known.core.owner(*run) {
            Some((_, Role::Current | Role::Candidate)) => true,
            Some((_, Role::Leaving)) | None => false,
        };
        let awake: Vec<RunId> = paused.into_iter().filter(goes_on).collect();
        if !awake.is_empty() {
            out.push(Effect::Unpause(awake));
        }
    }

    /// Somebody waits for an app that sleeps.
    pub(super) fn on_wanted(&mut self, app: AppId) {
        if self.known.closing {
            return;
        }
        for id in self.known.registry.ids_of(app) {
            self.wake(id);
        }
    }

    /// Wakes what sleeps beside or below somebody who does not, if something has happened.
    pub(super) fn settle_sleepers(&mut self) {
        if !self.dependents.stale || self.known.closing || !self.known.registry.has_sleepers() {
            return;
        }
        for id in self.known.asleep_and_needed() {
            self.wake(id);
        }
    }

    fn wake(&mut self, id: ProcId) {
        let process = self.known.core.slot(id).map(|slot| slot.process());
        let Some(spec) = process.filter(|of| of.sleeps()).map(|of| of.next_spec()) else { return };
        self.hold_dependent(id, spec);
        self.ask(Event::Wake(id));
    }

    /// A worker serves from now on.
    pub(super) fn may_sleep(&mut self, id: ProcId) {
        if let Some(app) = self.known.registry.app_of(id) {
            self.sleepers.begin(&self.known, app);
        }
    }

    /// A slot sleeps from now on.
    pub(super) fn on_sleeps(&mut self, id: ProcId, run: RunId, out: &mut Vec<Effect>) {
        self.liveness.forget(run);
        if let Some(facts) = self.known.facts.get_mut(&run) {
            facts.unwanted = true;
        }
        self.known.remove_pid_file(id, out);
        let label = self.known.registry.label(id);
        out.push(Effect::Log(format!("App [{label}] sleeps: nobody has a connection to it")));
        if let Some(app) = self.known.registry.app_of(id) {
            self.sleepers.forget(app);
            out.push(Effect::AwaitCaller(app));
        }
        self.changed.insert(id);
        self.known.unsaved = true;
    }

    /// An app sleeps behind these addresses.
    pub(super) fn on_asleep(&mut self, app: AppId, addresses: Vec<String>) {
        let Known { asleep, registry, .. } = &mut self.known;
        asleep.insert(app, addresses);
        asleep.retain(|app, _| registry.app(*app).is_some());
        self.changed.extend(self.known.registry.ids_of(app));
    }

    /// A slot does not sleep any more.
    pub(super) fn on_wakes(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        let label = self.known.registry.label(id);
        out.push(Effect::Log(format!("App [{label}] wakes: somebody wants it")));
        self.changed.insert(id);
        self.known.unsaved = true;
    }

    /// Has somebody listen for those that slept when the daemon before died.
    pub(super) fn await_callers(&self, out: &mut Vec<Effect>) {
        let asleep = self.known.core.slots().filter(|(_, slot)| slot.process().sleeps());
        let apps: BTreeSet<AppId> =
            asleep.filter_map(|(id, _)| self.known.registry.app_of(id)).collect();
        out.extend(apps.into_iter().map(Effect::AwaitCaller));
    }
}

/// Whether an app that asks for sleep can be woken.
///
/// # Errors
/// It cannot, for this reason.
pub(super) fn check_sleep(spec: &AppSpec) -> Result<(), Failure> {
    why_never_asleep(spec).map_or(Ok(()), |why| {
        let (message, hint) = (why.message.to_owned(), Some(why.help.to_owned()));
        Err(Failure { code: Code::Invalid, message, hint })
    })
}

impl Known {
    /// Whether a slot sleeps.
    pub(super) fn sleeps(&self, id: ProcId) -> bool {
        self.core.slot(id).is_some_and(|slot| slot.process().sleeps())
    }

    /// Slots that sleep beside or below one that is awake.
    fn asleep_and_needed(&self) -> Vec<ProcId> {
        let slots = || self.core.slots().filter(|(_, slot)| !slot.removing());
        let mut asleep: BTreeSet<ProcId> =
            slots().filter(|(_, slot)| slot.process().sleeps()).map(|(id, _)| id).collect();
        if asleep.is_empty() {
            return Vec::new();
        }
        let edges = Look::new(self).edges();
        let awake = slots().filter(|(_, slot)| slot.process().is_awake());
        let mut left: Vec<ProcId> = awake.map(|(id, _)| id).collect();
        let mut needed = Vec::new();
        while let Some(id) = left.pop() {
            let app = self.registry.app_of(id);
            let below = edges.get(&id).map_or(&[][..], Vec::as_slice);
            let wakes = |other: &ProcId| {
                below.contains(other) || app.is_some() && self.registry.app_of(*other) == app
            };
            let woken: Vec<ProcId> = asleep.iter().copied().filter(wakes).collect();
            for one in woken {
                asleep.remove(&one);
                needed.push(one);
                left.push(one);
            }
        }
        needed
    }
}
