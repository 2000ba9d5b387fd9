//! A look at all apps: who depends on whom, and what has come to what.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::depends::{Condition, Dependency, all_below};
use ostler_core::process::Process;
use ostler_core::spec::Readiness;
use ostler_core::{AppId, Exit, Goal, Millis, Phase, ProcId, RunId, SpecId};
use ostler_wire::control::{self, Lacks, Waits};

use super::super::known::Known;
use super::super::outcome::Outcome;
use super::super::registry::Proc;

/// A look at all apps.
#[derive(Debug)]
pub struct Look<'a> {
    known: &'a Known,
    /// Versions that slots are about to get.
    changes: BTreeMap<ProcId, SpecId>,
    /// Apps with their namespaces, by name.
    by_name: BTreeMap<&'a str, Vec<(&'a str, AppId)>>,
    /// Slots by app, without those that are to go.
    slots: BTreeMap<AppId, Vec<ProcId>>,
}

impl<'a> Look<'a> {
    /// Looks at what is known.
    pub fn new(known: &'a Known) -> Self {
        let mut by_name: BTreeMap<&str, Vec<(&str, AppId)>> = BTreeMap::new();
        for (id, app) in known.registry.apps() {
            by_name.entry(app.name.as_str()).or_default().push((app.namespace.as_str(), id));
        }
        let mut slots: BTreeMap<AppId, Vec<ProcId>> = BTreeMap::new();
        for (id, slot) in known.core.slots().filter(|(_, slot)| !slot.removing()) {
            slots.entry(slot.app()).or_default().push(id);
        }
        Self { known, changes: BTreeMap::new(), by_name, slots }
    }

    /// The same, with versions that slots are about to get.
    pub fn with(known: &'a Known, changes: &BTreeMap<ProcId, SpecId>) -> Self {
        Self { changes: changes.clone(), ..Self::new(known) }
    }

    /// What a slot depends on before its next run.
    fn dependencies(&self, id: ProcId) -> (&'a str, &'a [Dependency]) {
        let of_slot = || Some(self.known.core.slot(id)?.process().next_spec());
        let spec = self.changes.get(&id).copied().or_else(of_slot);
        let version = spec.and_then(|spec| self.known.registry.version(spec));
        version.map_or(("", &[]), |of| (of.spec.namespace.as_str(), of.spec.depends_on.as_slice()))
    }

    /// The app that is meant by a name: one of the same namespace before all others.
    pub fn app(&self, namespace: &str, name: &str) -> Option<AppId> {
        let named = self.by_name.get(name)?;
        let near = named.iter().find(|(space, _)| *space == namespace);
        near.or_else(|| named.first()).map(|(_, app)| *app)
    }

    fn slots_of(&self, app: AppId) -> &[ProcId] {
        self.slots.get(&app).map_or(&[], Vec::as_slice)
    }

    /// The apps that a slot depends on.
    fn apps_below(&self, id: ProcId) -> Vec<AppId> {
        let (namespace, all) = self.dependencies(id);
        all.iter().filter_map(|on| self.app(namespace, &on.name)).collect()
    }

    /// By slot, all slots that it depends on, as far as these are in the list.
    pub fn edges(&self) -> BTreeMap<ProcId, Vec<ProcId>> {
        let of = |id: ProcId| {
            let below = self.apps_below(id);
            below.into_iter().flat_map(|app| self.slots_of(app)).copied().collect::<Vec<_>>()
        };
        let all = self.known.core.slots().map(|(id, _)| (id, of(id)));
        all.filter(|(_, below)| !below.is_empty()).collect()
    }

    /// What a slot depends on and has not come to what is asked of it.
    pub fn waits(&self, id: ProcId) -> Vec<Waits> {
        let (namespace, all) = self.dependencies(id);
        let lacking = |on: &Dependency| {
            let lacks = self.lacks(namespace, on)?;
            Some(Waits { app: on.name.clone(), condition: condition(on.condition), lacks })
        };
        all.iter().filter_map(lacking).collect()
    }

    /// Why a dependency is not there.
    fn lacks(&self, namespace: &str, on: &Dependency) -> Option<Lacks> {
        let Some(app) = self.app(namespace, &on.name) else { return Some(Lacks::Missing) };
        let slots = self.slots_of(app);
        if slots.is_empty() {
            return Some(Lacks::Missing);
        }
        let each = || slots.iter().map(|id| self.lacks_of(*id, on.condition));
        match on.condition {
            Condition::Completed => each().flatten().next(),
            Condition::Started | Condition::Ready | Condition::Healthy => {
                // One that ended or pauses does not keep the others from being enough.
                let is_out = |lacks: &Lacks| lacks.rests() || *lacks == Lacks::Pauses;
                if each().any(|lacks| lacks.is_none()) {
                    each().flatten().find(|lacks| !is_out(lacks))
                } else {
                    let mut all: Vec<Lacks> = each().flatten().collect();
                    all.sort_by_key(Lacks::rests);
                    all.into_iter().next()
                }
            }
        }
    }

    /// Why one process has not come to what is asked of its app.
    fn lacks_of(&self, id: ProcId, condition: Condition) -> Option<Lacks> {
        let slot = self.known.core.slot(id)?;
        let (process, proc) = (slot.process(), self.known.registry.proc(id)?);
        let ended = || proc.last.as_ref().filter(|_| proc.ended.is_some_and(|of| !of.asked));
        let is_done = self.known.is_completed(id, proc);
        match (process.phase(), condition) {
            (Phase::Stopped, Condition::Completed | Condition::Started) if is_done => None,
            (Phase::Stopped, _) => Some(match ended() {
                Some(outcome) => Lacks::Ended { how: outcome.fact() },
                None => Lacks::Stopped,
            }),
            (Phase::Errored, _) => {
                Some(Lacks::Errored { last: proc.last.as_ref().map(Outcome::fact) })
            }
            (Phase::Held, _) => Some(Lacks::Waits),
            // Whoever needs it wakes it.
            (Phase::Sleeping { .. }, _) => Some(Lacks::Starting),
            (Phase::Backoff { .. }, _) => Some(Lacks::Pauses),
            (Phase::Stopping(_), _) => Some(match process.goal() {
                Goal::Up => Lacks::Starting,
                Goal::Down => Lacks::Stopping,
            }),
            (Phase::Starting { .. } | Phase::Online { .. }, Condition::Completed) => {
                Some(Lacks::Running)
            }
            (Phase::Starting { spawned: true, .. }, Condition::Started) => None,
            (Phase::Starting { .. }, _) => Some(Lacks::Starting),
            (Phase::Online { .. }, Condition::Started) => None,
            (Phase::Online { run, since }, Condition::Ready) => {
                self.late(run).or_else(|| self.young(process, run, since))
            }
            (Phase::Online { run, .. }, Condition::Healthy) => {
                self.late(run).or_else(|| self.not_healthy(process, run))
            }
        }
    }

    /// It should have said that it is ready, and did not.
    fn late(&self, run: RunId) -> Option<Lacks> {
        let facts = self.known.facts.get(&run)?;
        (facts.late && !facts.said_ready).then_some(Lacks::Late)
    }

    /// What does not say that it is ready is so when it listens, or has lived for long enough.
    fn young(&self, process: &Process, run: RunId, since: Millis) -> Option<Lacks> {
        let policy = &self.known.registry.version(process.spec())?.policy;
        let enough = policy.min_uptime;
        let tells = policy.readiness == Readiness::Message || self.known.core.is_listening(run);
        let is_young = !tells && self.known.at.now < since + enough;
        is_young.then_some(Lacks::Young { enough })
    }

    /// Runs that are online of the apps that a slot depends on, with the time since when they are.
    fn online_below(
        &self,
        apps: impl Iterator<Item = AppId>,
    ) -> impl Iterator<Item = (&'a Process, RunId, Millis)> {
        let slots = apps.flat_map(|app| self.slots_of(app));
        slots.filter_map(|id| {
            let process = self.known.core.slot(*id)?.process();
            process.phase().online().map(|(run, since)| (process, run, since))
        })
    }

    /// When what a slot waits for has lived for long enough.
    pub fn ripe_at(&self, id: ProcId) -> Option<Millis> {
        let online = self.online_below(self.apps_below(id).into_iter());
        let ripe = online.filter_map(|(process, _, since)| {
            let policy = &self.known.registry.version(process.spec())?.policy;
            Some(since + policy.min_uptime).filter(|at| self.known.at.now < *at)
        });
        ripe.min()
    }

    /// What has no health check is as healthy as it is ready.
    fn not_healthy(&self, process: &Process, run: RunId) -> Option<Lacks> {
        let spec = &self.known.registry.version(process.spec())?.spec;
        spec.health.as_ref()?;
        self.known.facts.get(&run)?.health.lacks()
    }

    /// Runs whose health this slot waits for, and when it is to be looked at.
    pub fn unchecked(&self, id: ProcId) -> Vec<(RunId, Millis)> {
        let (namespace, all) = self.dependencies(id);
        let healthy = all.iter().filter(|on| on.condition == Condition::Healthy);
        let online = self.online_below(healthy.filter_map(|on| self.app(namespace, &on.name)));
        let unchecked = online.filter_map(|(process, run, _)| {
            self.not_healthy(process, run)?;
            Some((run, self.known.facts.get(&run)?.health.due()?))
        });
        unchecked.collect()
    }

    /// Slots that run and are to be restarted when the app of this slot has recovered.
    pub fn restarted_with(&self, ended: ProcId) -> impl Iterator<Item = ProcId> {
        let of = self.known.registry.app_of(ended);
        let is_concerned = move |id: &ProcId| {
            let (namespace, all) = self.dependencies(*id);
            let mut with = all.iter().filter(|on| on.restart);
            with.any(|on| of.is_some() && self.app(namespace, &on.name) == of)
        };
        let runs = |process: &Process| {
            matches!(process.phase(), Phase::Starting { .. } | Phase::Online { .. })
        };
        let slots = self.known.core.slots().filter(move |(_, slot)| runs(slot.process()));
        slots.map(|(id, _)| id).filter(is_concerned)
    }

    /// Slots that these depend on, at any distance, that do not run, are not to run, and are not
    /// there as they are.
    pub fn down_below(&self, ids: &[ProcId]) -> Vec<ProcId> {
        let below = all_below(ids, &self.edges());
        let is_down = |id: &ProcId| {
            let down = self
                .known
                .core
                .slot(*id)
                .is_some_and(|slot| slot.process().goal() == Goal::Down && !slot.removing());
            let proc = self.known.registry.proc(*id);
            down && !ids.contains(id) && proc.is_some_and(|of| !self.known.is_completed(*id, of))
        };
        below.into_iter().filter(is_down).collect()
    }

    /// What a slot waits for in vain, as things stand, at any distance.
    pub fn in_vain(&self, id: ProcId) -> Option<Waits> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![id]);
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            let (namespace, _) = self.dependencies(id);
            for waits in self.waits(id) {
                if waits.lacks.is_in_vain() {
                    return Some(waits);
                }
                if waits.lacks == Lacks::Waits {
                    let app = self.app(namespace, &waits.app);
                    left.extend(app.into_iter().flat_map(|app| self.slots_of(app)));
                }
            }
        }
        None
    }
}

impl Known {
    /// Whether a process has ended by itself with success, and is not to run again.
    pub(in super::super) fn is_completed(&self, id: ProcId, proc: &Proc) -> bool {
        let Some(process) = self.core.slot(id).map(|slot| slot.process()) else { return false };
        let by_itself = proc.ended.is_some_and(|ended| !ended.asked);
        let policy = self.registry.version(process.spec()).map(|version| &version.policy);
        let with_success = match proc.last {
            Some(Outcome::Ended(Exit::Code(code))) => {
                policy.is_some_and(|policy| policy.is_success(code))
            }
            Some(_) | None => false,
        };
        process.phase() == Phase::Stopped && by_itself && with_success
    }
}

/// The fact that a condition is, over the wire.
fn condition(condition: Condition) -> control::Condition {
    match condition {
        Condition::Started => control::Condition::Started,
        Condition::Ready => control::Condition::Ready,
        Condition::Healthy => control::Condition::Healthy,
        Condition::Completed => control::Condition::Completed,
    }
}
