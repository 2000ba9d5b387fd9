//! Room for what requests begin, taken for the whole of it before anything is begun.
//!
//! A slot has its room from the wish that it be up until nothing of it runs. A reload has room for
//! as many runs above the number of slots as it may have at the same time (its `surge`), also on
//! its way back. So what was begun never finds that there is none half way.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::spec::{AppSpec, ExecMode};
use ostler_core::supervisor::Slot;
use ostler_core::{Action, AppId, Event, Exit, Goal, ProcId, ReloadOptions, RunId};
use ostler_wire::control::{Code, Failure};

use super::Model;
use super::known::Known;
use super::outcome::Outcome;
use crate::budget::{Budget, Full};

/// What a request would add.
#[derive(Clone, Copy, Debug, Default)]
pub struct More {
    /// Slots that are not up.
    pub slots: usize,
    /// Apps that would listen.
    pub listeners: usize,
}

/// What a reload gets of the room that there is.
#[derive(Debug)]
pub enum Grant {
    /// It may have this many runs above the number of slots.
    Surge(u32),
    /// All is taken, and some of it will be free again.
    Wait,
}

impl Model {
    /// There is no room here for what came with a run: whoever waits for it is told.
    pub(super) fn on_unfetched(&mut self, run: RunId) {
        if let Some(facts) = self.known.facts.get_mut(&run) {
            facts.unfetched = true;
            self.changed.insert(facts.proc);
        }
    }

    /// Starts a slot for which there is no room: it is errored, and says why.
    pub(super) fn refuse_start(&mut self, id: ProcId, full: &Full) {
        let mut actions = Vec::new();
        self.known.core.handle(self.known.at.now, Event::Start(id), &mut actions);
        let Some(run) = self.known.core.slot(id).and_then(|slot| slot.process().run()) else {
            return;
        };
        // It is not even asked for.
        actions.retain(|action| !matches!(action, Action::Spawn { .. }));
        self.actions.extend(actions);
        if let Some(proc) = self.known.registry.proc_mut(id) {
            let why = format!("could not be started: {full}; {}", Full::HINT);
            proc.last = Some(Outcome::NotSpawned { why });
        }
        self.ask(Event::Exited { run, exit: Exit::Refused, next: None });
        self.ask(Event::TreeGone(run));
    }
}

impl Known {
    /// Finds out whether there is room for what `what` would add.
    ///
    /// # Errors
    /// There is none, and nothing was done.
    pub(super) fn check_room(&self, what: &str, more: More) -> Result<(), Failure> {
        let budget = self.budget();
        let slots = budget.slots + more.slots;
        let full = Budget { slots, listeners: budget.listeners + more.listeners, ..budget };
        let is_more = 0 < more.slots;
        let checked = full.check().map_err(|full| no_room(&format!("`{what}`"), full));
        checked.or_else(|failure| if is_more { Err(failure) } else { Ok(()) })
    }

    /// What these apps would add when they are started.
    pub(super) fn more_of_apps(&self, specs: &[AppSpec]) -> More {
        let up = |spec: &&AppSpec| spec.autostart;
        let count = |spec: &AppSpec| usize::try_from(spec.instances.max(1)).unwrap_or(usize::MAX);
        let listens = |spec: &&AppSpec| {
            let known = self
                .registry
                .apps()
                .find(|(_, app)| (&app.namespace, &app.name) == (&spec.namespace, &spec.name));
            let is_up = known.is_some_and(|(app, _)| self.is_up(app));
            spec.exec_mode == ExecMode::Cluster && !is_up
        };
        let slots = specs.iter().filter(up).map(count).fold(0, usize::saturating_add);
        More { slots, listeners: specs.iter().filter(up).filter(listens).count() }
    }

    /// What these slots would add when they are started, of which some may be up.
    pub(super) fn more_of_slots(&self, ids: &[ProcId]) -> More {
        let slot = |id: &&ProcId| self.core.slot(**id).filter(|slot| !is_claimed(slot));
        let down: Vec<&Slot> = ids.iter().filter_map(|id| slot(&id)).collect();
        let workers = down.iter().filter(|slot| slot.process().is_cluster());
        let apps: BTreeSet<AppId> = workers.map(|slot| slot.app()).collect();
        let up = self.core.slots().filter(|(_, slot)| is_claimed(slot));
        let up: BTreeSet<AppId> = up.map(|(_, slot)| slot.app()).collect();
        More { slots: down.len(), listeners: apps.difference(&up).count() }
    }

    /// What so many new instances of an app would add.
    pub(super) fn more_instances(&self, app: AppId, count: usize) -> More {
        let spec = self.registry.app(app).map(|app| app.spec);
        let cluster = spec.is_some_and(|spec| self.registry.is_cluster_version(spec));
        More { slots: count, listeners: usize::from(cluster && !self.is_up(app)) }
    }

    /// What a reload of so many slots of an app may take.
    ///
    /// # Errors
    /// There is nothing, and nobody will give anything back by himself.
    pub(super) fn grant(
        &self,
        app: AppId,
        slots: usize,
        options: ReloadOptions,
    ) -> Result<Grant, Failure> {
        let mut budget = self.budget();
        if options.port_change {
            // The new listeners are opened beside the old ones.
            budget.listeners += self.listening().get(&app).copied().unwrap_or(0);
        }
        let free = budget.free_extras();
        if free == 0 {
            if self.gives_back() {
                return Ok(Grant::Wait);
            }
            let full = Budget { extras: budget.extras + 1, ..budget };
            let what = format!("a reload of app `{}`", self.registry.app_name(app));
            return full.check().map_err(|full| no_room(&what, full)).map(|()| Grant::Surge(1));
        }
        // Without a bound it can have no more than this: those that leave, those that failed, and
        // those that bring the old version back. Half of the room is for others.
        let unbound = (slots * 3).min((free / 2).max(1));
        let asked = options.surge.map(|surge| usize::try_from(surge.max(1)).unwrap_or(usize::MAX));
        let surge = asked.map_or(unbound, |asked| asked.min(free));
        Ok(Grant::Surge(u32::try_from(surge).unwrap_or(u32::MAX)))
    }

    /// What is promised to slots and reloads.
    pub(super) fn budget(&self) -> Budget {
        let mut extras: BTreeMap<AppId, usize> = BTreeMap::new();
        let (mut slots, mut silent) = (0, BTreeSet::new());
        for (_, slot) in self.core.slots() {
            let candidate = usize::from(slot.candidate().is_some());
            *extras.entry(slot.app()).or_default() += slot.leaving().count() + candidate;
            if is_claimed(slot) {
                slots += 1;
                silent.extend(slot.process().is_cluster().then_some(slot.app()));
            }
        }
        for (app, extras) in &mut extras {
            let surge = self.core.reload(*app).and_then(|reload| reload.surge());
            let surge = surge.and_then(|surge| usize::try_from(surge).ok());
            *extras = surge.map_or(*extras, |surge| surge.max(*extras));
        }
        let listening = self.listening();
        silent.retain(|app| !listening.contains_key(app));
        Budget {
            limit: self.capacity.limit,
            slots,
            extras: extras.into_values().sum(),
            listeners: self.capacity.listeners + silent.len(),
            caches: 0,
        }
    }

    /// Whether a run beside those that slots show will end by itself.
    pub(super) fn gives_back(&self) -> bool {
        self.core.slots().any(|(_, slot)| {
            let reload = self.core.reload(slot.app());
            let leaves = 0 < slot.extra_runs();
            leaves || reload.is_some_and(|reload| !reload.is_canary())
        })
    }

    fn is_up(&self, app: AppId) -> bool {
        self.core.slots().any(|(_, slot)| slot.app() == app && is_claimed(slot))
    }

    /// How many sockets a worker of an app listens on, of apps that listen.
    fn listening(&self) -> BTreeMap<AppId, usize> {
        let mut all: BTreeMap<AppId, usize> = BTreeMap::new();
        for facts in self.facts.values().filter(|facts| facts.is_listening()) {
            if let Some(app) = self.registry.app_of(facts.proc) {
                let count = all.entry(app).or_default();
                *count = facts.listeners.len().max(*count);
            }
        }
        all
    }
}

/// Whether a slot has its room: it is to be up, or something of it runs.
fn is_claimed(slot: &Slot) -> bool {
    slot.process().goal() == Goal::Up || slot.process().run().is_some()
}

fn no_room(what: &str, full: Full) -> Failure {
    Failure {
        code: Code::System,
        message: format!("{what} has no room: {full}; nothing was begun"),
        hint: Some(Full::HINT.to_owned()),
    }
}
