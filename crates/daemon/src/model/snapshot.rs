//! The model as it is saved, and taken up again.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::reload::Direction;
use ostler_core::{
    Action, AppId, Exit, Failure, Goal, Phase, ProcId, ReloadOptions, RunId, SavedProcess,
    SavedReload, SeenRun, SpecId, Supervisor, Taken,
};
use ostler_pm2::in_app::InApp;
use ostler_wire::control::Notified;

use super::Model;
use super::counters::Counters;
use super::facts::RunFacts;
use super::input::{Effect, Moment};
use super::known::Known;
use super::operations::Operations;
use super::outcome::Outcome;
use super::registry::{App, Ended, Proc, Rollout};
use super::scheduled::Scheduled;
use super::state::{self, State};
use super::tickets::Tickets;

/// A run that the keeper holds for a daemon that begins.
#[derive(Clone, Debug)]
pub struct FoundRun {
    /// What the supervision machine must know of it.
    pub seen: SeenRun,
    /// Process of the run; 0 when it is not known to be alive.
    pub pid: u32,
    /// When it was asked for, ms since 1970.
    pub since: u64,
    /// Counters of the slot, as they were noted with the run.
    pub counters: Counters,
}

impl Model {
    /// What must be saved.
    pub fn snapshot(&mut self) -> State {
        let used = self.operations.specs_in_use(&self.known);
        self.known.registry.forget_versions(&used);
        self.memory.arm(&self.known);
        self.schedules.arm(&mut self.known);
        let mut state = State::empty(self.known.settings.boot.clone());
        state.ending = self.known.closing && !self.writes_last;
        state.last_run = self.known.core.last_run();
        let apps = self.known.registry.apps();
        state.apps = apps
            .map(|(id, app)| (id.0, app.namespace.clone(), app.name.clone(), app.spec.0))
            .collect();
        let versions = self.known.registry.versions();
        state.specs =
            versions.filter_map(|(id, version)| Some((id.0, version.record()?))).collect();
        state.procs = self
            .known
            .core
            .saved_processes()
            .into_iter()
            .filter_map(|of| self.known.saved_proc(of))
            .collect();
        state.reloads = self.known.core.saved_reloads().iter().map(saved_reload).collect();
        state.tickets = self.tickets.to_saved();
        state.alerts = self.alerts.to_saved();
        state
    }

    /// Takes up what was saved and what was found.
    pub fn recover(&mut self, at: Moment, state: State, found: &[FoundRun], out: &mut Vec<Effect>) {
        self.known.at = at;
        for (id, record) in state.specs {
            match ostler_pm2::record::from_record(record.get(), self.known.settings.cpus) {
                Ok(spec) => self.known.registry.insert_saved_version(SpecId(id), spec, record),
                Err(_) => out.push(Effect::Complain(format!(
                    "saved specification {id} is not understood; its processes are lost"
                ))),
            }
        }
        for (id, namespace, name, spec) in state.apps {
            self.known.registry.insert_app(AppId(id), App { namespace, name, spec: SpecId(spec) });
        }
        self.tickets = Tickets::new(state.tickets);
        self.alerts.recover(state.alerts);
        let (mut processes, mut in_app, mut said) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for saved in state.procs {
            let Some(process) = self.known.saved_process(&saved, found) else { continue };
            in_app.extend(saved.in_app.clone().map(|(run, of)| (RunId(run), of)));
            said.extend(saved.notified.clone().map(|(run, of)| (RunId(run), of)));
            self.known.registry.insert_proc(ProcId(saved.id), proc_of(saved));
            processes.push(process);
        }
        self.known.registry.forget_apps_without_procs();
        let reloads =
            state.reloads.iter().filter_map(|saved| self.known.reload_of(saved)).collect();
        self.known.take_up_runs(found, in_app, said);
        let seen: Vec<SeenRun> = found.iter().map(|run| run.seen).collect();
        let registry = &self.known.registry;
        let version_of = |spec: SpecId| Some((spec, registry.version(spec)?.policy.clone()));
        let mut actions = Vec::new();
        self.known.core = Supervisor::recover(
            at.now,
            state.last_run,
            &processes,
            reloads,
            &seen,
            version_of,
            &mut actions,
        );
        self.actions.extend(actions);
        let slots = self.known.core.slots();
        let online = slots.filter(|(_, of)| matches!(of.process().phase(), Phase::Online { .. }));
        // The daemon before may have died before it noted that they are.
        online.for_each(|(id, _)| self.tickets.online(id));
        self.look_after_all();
        self.take_up_reloads();
        self.recover_rollouts();
        self.known.unsaved = true;
        self.dependents.stale = true;
        self.settle(out);
        self.await_callers(out);
        self.watches.begin_anew();
        self.watches.arm(&self.known, out);
        if state.ending {
            self.close();
            self.settle(out);
        }
        self.alerts.tell(out);
    }

    /// What serves is looked after as if it had just begun to.
    fn look_after_all(&mut self) {
        self.settling.begin_all(&self.known);
        self.liveness.begin_all(&self.known);
        self.watchdogs.begin_all(&self.known);
        self.sleepers.begin_all(&self.known);
    }

    /// The part that each slot has in a reload is not saved: it follows from the reload.
    fn recover_rollouts(&mut self) {
        let verified = self.known.core.slots().filter(|(_, slot)| slot.candidate().is_some());
        let verified = verified.map(|(id, _)| (id, Rollout::Reloading));
        let reloads = self.known.core.saved_reloads().into_iter();
        let canaries = reloads.filter(|reload| reload.direction == Direction::Canary);
        let canaries = canaries.flat_map(|reload| reload.done).map(|id| (id, Rollout::Canary));
        for (id, rollout) in verified.chain(canaries).collect::<Vec<_>>() {
            self.known.registry.set_rollout(id, Some(rollout));
        }
    }

    /// Lets every action of the supervision machine out, and every notice in.
    pub(super) fn settle(&mut self, out: &mut Vec<Effect>) {
        loop {
            while let Some(action) = self.actions.pop_front() {
                match action {
                    Action::Tell(notice) => self.on_notice(notice, out),
                    Action::Spawn { proc, run, spec } | Action::Begun { proc, run, spec } => {
                        self.known.facts.insert(run, RunFacts::new(proc, spec, self.known.at.wall));
                        self.let_out(action, out);
                    }
                    other => self.let_out(other, out),
                }
            }
            self.settle_sleepers();
            self.settle_dependents(out);
            self.delete_in_order();
            self.advance(out);
            if self.is_settled() {
                return;
            }
        }
    }

    /// Whether nothing is left to be let out, or to be looked at again.
    pub(super) fn is_settled(&self) -> bool {
        self.actions.is_empty()
            && self.changed.is_empty()
            && !self.look_again
            && !self.dependents.stale
    }
}

impl Known {
    /// Takes up what is known of the runs that were found.
    fn take_up_runs(
        &mut self,
        found: &[FoundRun],
        mut in_app: BTreeMap<RunId, InApp>,
        mut notified: BTreeMap<RunId, Notified>,
    ) {
        for run in found {
            let mut facts = RunFacts::new(run.seen.proc, run.seen.spec, run.since);
            (facts.pid, facts.is_new) = (run.pid, false);
            facts.in_app = in_app.remove(&run.seen.run).map(Box::new);
            facts.notified = notified.remove(&run.seen.run).unwrap_or_default();
            self.facts.insert(run.seen.run, facts);
        }
    }

    fn saved_proc(&self, saved: SavedProcess) -> Option<state::SavedProc> {
        let proc = self.registry.proc(saved.id)?;
        Some(state::SavedProc {
            id: saved.id.0,
            app: proc.app.0,
            name: proc.name.clone(),
            instance: proc.instance,
            increment: proc.increment,
            created_at: proc.created_at,
            unique_id: proc.unique_id.clone(),
            node_version: proc.node_version.clone(),
            spec: saved.spec.0,
            next: saved.next.map(|(spec, _)| spec.0),
            up: saved.goal == Goal::Up,
            errored: saved.errored,
            restarts: saved.restarts,
            unstable: saved.unstable,
            backoff: saved.backoff,
            removing: saved.removing,
            ended: saved.ended.map(|run| run.0),
            renewed: saved.renewed.map(|run| run.0),
            taken: saved.taken.map(|taken| (taken.run.0, taken.at.0)),
            ending: saved.stopping.map(|run| run.0),
            due: saved.due,
            sleeping_after: saved.sleeping_after.map(|run| run.0),
            last_exit: proc.last.as_ref().map(state::saved_exit),
            ended_at: proc.ended.map(|ended| ended.at),
            end_asked: proc.ended.is_some_and(|ended| ended.asked),
            end_oom: proc.ended.is_some_and(|ended| ended.oom),
            own_end_at: proc.ended.and_then(|ended| ended.own_at),
            core_dump: matches!(proc.last, Some(Outcome::Ended(Exit::Signal { core: true, .. }))),
            not_verified: matches!(proc.last, Some(Outcome::NotVerified { .. })),
            over_memory: proc.over_memory,
            unhealthy: proc.unhealthy.clone(),
            monitored: proc.monitored,
            halted: Some(proc.halted),
            watch: proc.watch,
            scheduled: proc.scheduled.map(|next| (next.spec.0, next.at)),
            dependency_lost: proc.dependency_lost,
            restarted: proc.restarted.clone(),
            failed_reload: proc.failed_reload.clone(),
            asked_restarts: proc.asked_restarts,
            dropped: proc.dropped.clone(),
            in_app: self.saved_in_app(saved.id),
            notified: self.saved_notified(saved.id),
        })
    }

    fn saved_process(&self, saved: &state::SavedProc, found: &[FoundRun]) -> Option<SavedProcess> {
        let spec = SpecId(saved.spec);
        let version = self.registry.version(spec)?;
        let next = saved.next.map(SpecId);
        let next = next.and_then(|next| Some((next, self.registry.version(next)?.policy.clone())));
        // Counters are saved seldom and noted with every run; where they begin anew, they are
        // saved.
        let taken = saved.taken.map(|(run, at)| Taken { run: RunId(run), at: RunId(at) });
        let counted = saved.ended.max(saved.renewed);
        let place = |run: &FoundRun| Taken::place(taken, run.seen.run).0;
        let uncounted = |run: &&FoundRun| counted < Some(place(run));
        let of_slot = || found.iter().filter(|run| run.seen.proc.0 == saved.id);
        let noted = of_slot().filter(uncounted).map(|run| run.counters).max();
        let ended = saved.ended.map(RunId);
        let saved_ones = Counters { unstable: saved.unstable, ..Counters::default() };
        let Counters { restarts, unstable, .. } = noted.unwrap_or(saved_ones);
        let upcoming = next.as_ref().and_then(|(next, _)| self.registry.version(*next));
        let held = !upcoming.unwrap_or(version).spec.depends_on.is_empty();
        Some(SavedProcess {
            id: ProcId(saved.id),
            app: AppId(saved.app),
            spec,
            policy: version.policy.clone(),
            next,
            cluster: version.is_cluster(),
            goal: if saved.up { Goal::Up } else { Goal::Down },
            errored: saved.errored,
            restarts: restarts.max(saved.restarts),
            unstable,
            backoff: saved.backoff,
            removing: saved.removing,
            ended: of_slot().filter_map(|run| run.counters.ended).max().max(ended),
            asked: saved.ended_at.map(|_| saved.end_asked),
            told: of_slot().filter_map(|run| run.counters.told).max(),
            renewed: saved.renewed.map(RunId),
            taken,
            // Whether it is to be held is looked at when all others are known.
            held,
            stopping: saved.ending.map(RunId),
            due: saved.due,
            sleeping_after: saved.sleeping_after.map(RunId),
        })
    }

    fn reload_of(&self, saved: &state::SavedReload) -> Option<SavedReload> {
        let version =
            |spec: u32| Some((SpecId(spec), self.registry.version(SpecId(spec))?.policy.clone()));
        let from = saved.from.iter();
        Some(SavedReload {
            app: AppId(saved.app),
            to: version(saved.to)?,
            from: from.filter_map(|(id, spec)| Some((ProcId(*id), version(*spec)?))).collect(),
            options: ReloadOptions {
                parallel: saved.parallel,
                surge: saved.surge,
                canary: saved.canary,
                no_rollback: saved.no_rollback,
                port_change: saved.port_change,
            },
            direction: direction_of(saved.stage)?,
            began_after: RunId(saved.began_after),
            done: saved.done.iter().copied().map(ProcId).collect(),
            dropped: saved.dropped.iter().copied().map(ProcId).collect(),
            failure: saved
                .failure
                .map(|(id, run)| (ProcId(id), RunId(run), Failure::Exited(Exit::Unknown))),
        })
    }
}

impl Operations {
    fn specs_in_use(&self, known: &Known) -> BTreeSet<SpecId> {
        let slots = known
            .core
            .slots()
            .flat_map(|(_, slot)| [slot.process().spec(), slot.process().next_spec()]);
        let runs = known.facts.values().map(|facts| facts.spec);
        let reloads = known.core.saved_reloads().into_iter().flat_map(|reload| {
            let from = reload.from.into_iter().map(|(_, version)| version.0);
            from.chain([reload.to.0]).collect::<Vec<_>>()
        });
        slots.chain(runs).chain(reloads).chain(self.specs()).collect()
    }
}

fn proc_of(saved: state::SavedProc) -> Proc {
    let last = saved.outcome();
    let ended = saved.ended_at.map(|at| Ended {
        at,
        asked: saved.end_asked,
        oom: saved.end_oom,
        own_at: saved.own_end_at,
    });
    Proc {
        app: AppId(saved.app),
        name: saved.name,
        instance: saved.instance,
        increment: saved.increment,
        created_at: saved.created_at,
        unique_id: saved.unique_id,
        node_version: saved.node_version,
        last,
        ended,
        over_memory: saved.over_memory,
        unhealthy: saved.unhealthy,
        rollout: None,
        monitored: saved.monitored,
        // Earlier versions did not tell who stopped it.
        halted: saved.halted.unwrap_or(!saved.up && !saved.errored),
        watch: saved.watch,
        scheduled: saved.scheduled.map(|(spec, at)| Scheduled { spec: SpecId(spec), at }),
        dependency_lost: saved.dependency_lost,
        restarted: saved.restarted,
        failed_reload: saved.failed_reload,
        asked_restarts: saved.asked_restarts,
        dropped: saved.dropped,
    }
}

fn saved_reload(saved: &SavedReload) -> state::SavedReload {
    state::SavedReload {
        app: saved.app.0,
        to: saved.to.0.0,
        began_after: saved.began_after.0,
        from: saved.from.iter().map(|(id, version)| (id.0, version.0.0)).collect(),
        parallel: saved.options.parallel,
        surge: saved.options.surge,
        canary: saved.options.canary,
        no_rollback: saved.options.no_rollback,
        port_change: saved.options.port_change,
        stage: match saved.direction {
            Direction::Forward => 0,
            Direction::Canary => 1,
            Direction::Back => 2,
        },
        done: saved.done.iter().map(|id| id.0).collect(),
        dropped: saved.dropped.iter().map(|id| id.0).collect(),
        failure: saved.failure.map(|(id, run, _)| (id.0, run.0)),
    }
}

/// The direction of a saved reload; `None` when it is of a version that knows others.
fn direction_of(number: u8) -> Option<Direction> {
    match number {
        0 => Some(Direction::Forward),
        1 => Some(Direction::Canary),
        2 => Some(Direction::Back),
        _ => None,
    }
}
