//! All slots and all reloads; the one way in and the one way out.
//!
//! # Invariants
//! - A run belongs to one slot in one role: current, candidate or leaving. Test:
//!   `invariants_hold_under_random_histories`.
//! - A report about a run that no slot knows changes nothing. Test: the same.
//! - A run that uses too much memory is replaced once. Test:
//!   `a_worker_over_its_limit_during_a_reload_waits_for_its_end`.
//! - After the daemon lost its memory at any action, the end state is the same. Test:
//!   `memory_may_be_lost_at_every_action`.

mod recover;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use recover::{SavedProcess, SavedReload};

use crate::candidate::{Candidate, Verdict};
use crate::ending::Ending;
use crate::event::Notice;
use crate::process::{Goal, Phase, Process, RunIds};
use crate::reload::{Reload, ReloadOptions, Step, Version};
use crate::run::{AppId, Exit, Failure, ProcId, Role, RunId, SpecId};
use crate::spec::Policy;
use crate::{Action, Event, Millis};

/// A slot: the process that shows, the run that may replace it, the runs on their way out.
#[derive(Clone, Debug)]
pub struct Slot {
    pub(crate) app: AppId,
    pub(crate) process: Process,
    pub(crate) candidate: Option<Candidate>,
    pub(crate) leaving: Vec<(Ending, Arc<Policy>)>,
    /// Forget the slot when nothing of it runs.
    pub(crate) removing: bool,
}

impl Slot {
    /// The process that shows.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Which app it belongs to.
    #[must_use]
    pub fn app(&self) -> AppId {
        self.app
    }

    /// The run that may replace the current one, with its specification.
    #[must_use]
    pub fn candidate(&self) -> Option<(RunId, SpecId)> {
        self.candidate.as_ref().map(|candidate| (candidate.run, candidate.spec))
    }

    /// The candidate said `ready`, or need not.
    #[must_use]
    pub fn candidate_is_ready(&self) -> bool {
        self.candidate.as_ref().is_some_and(Candidate::is_ready)
    }

    /// Runs on their way out, apart from the current one.
    pub fn leaving(&self) -> impl Iterator<Item = RunId> {
        self.leaving.iter().map(|(ending, _)| ending.run())
    }

    /// The user asked for it to be forgotten.
    #[must_use]
    pub fn removing(&self) -> bool {
        self.removing
    }

    fn deadline(&self) -> Option<Millis> {
        let candidate = self.candidate.as_ref().map(Candidate::deadline);
        let leaving = self.leaving.iter().map(|(ending, _)| ending.deadline());
        self.process.deadline().into_iter().chain(candidate).chain(leaving).min()
    }
}

/// The machine of everything.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    slots: BTreeMap<ProcId, Slot>,
    owners: BTreeMap<RunId, ProcId>,
    listening: BTreeSet<RunId>,
    reloads: BTreeMap<AppId, Reload>,
    /// Runs that are to be replaced, for their memory, when the reload of their app is over. Not
    /// saved: they will be measured again.
    over_memory: BTreeSet<RunId>,
    runs: RunIds,
}

/// What a report means to a candidate.
type Judge<'a> = &'a mut dyn FnMut(&mut Candidate, &mut Vec<Action>) -> Verdict;

impl Supervisor {
    /// Nothing to supervise yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every slot, by id.
    pub fn slots(&self) -> impl Iterator<Item = (ProcId, &Slot)> {
        self.slots.iter().map(|(id, slot)| (*id, slot))
    }

    /// One slot.
    #[must_use]
    pub fn slot(&self, id: ProcId) -> Option<&Slot> {
        self.slots.get(&id)
    }

    /// The slot that a run belongs to and what it is to it.
    #[must_use]
    pub fn owner(&self, run: RunId) -> Option<(ProcId, Role)> {
        let id = *self.owners.get(&run)?;
        let slot = self.slots.get(&id)?;
        let role = if slot.process.run() == Some(run) {
            Role::Current
        } else if slot.candidate.as_ref().is_some_and(|candidate| candidate.run == run) {
            Role::Candidate
        } else {
            Role::Leaving
        };
        Some((id, role))
    }

    /// The run has a listener.
    #[must_use]
    pub fn is_listening(&self, run: RunId) -> bool {
        self.listening.contains(&run)
    }

    /// The reload of an app that is under way.
    #[must_use]
    pub fn reload(&self, app: AppId) -> Option<&Reload> {
        self.reloads.get(&app)
    }

    /// When to call [`handle`](Self::handle) with [`Event::Deadline`] if nothing happens first.
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        self.slots.values().filter_map(Slot::deadline).min()
    }

    /// The only way anything changes. Actions are to be carried out in their order.
    pub fn handle(&mut self, now: Millis, event: Event, out: &mut Vec<Action>) {
        match event {
            Event::Add { proc, app, spec, policy, cluster } => {
                let process = Process::new(proc, spec, policy, cluster);
                let slot =
                    Slot { app, process, candidate: None, leaving: Vec::new(), removing: false };
                self.slots.entry(proc).or_insert(slot);
            }
            Event::Start(id) => {
                self.command(now, id, out, |process, runs, out| process.on_start(now, runs, out));
            }
            Event::Stop(id) => {
                self.take_from_reload(now, id, out);
                self.skip_drain_of_leaving(now, id, out);
                self.command(now, id, out, |process, _, out| process.on_stop(now, out));
            }
            Event::Restart { proc, change } => self.restart(now, proc, change, out),
            Event::Delete(id) => {
                self.remove(now, id, out, |process, out| process.on_stop(now, out));
            }
            Event::Retire(id) => {
                self.remove(now, id, out, |process, out| process.on_retire(now, out));
            }
            Event::Reset(id) => self.command(now, id, out, |process, _, _| process.on_reset()),
            Event::Reload { app, procs, spec, policy, options } => {
                self.begin_reload(now, app, &procs, (spec, policy), options, out);
            }
            Event::Promote { app, keep } => {
                if let Some(reload) = self.reloads.get_mut(&app) {
                    reload.on_promote(keep);
                }
                self.drive(now, app, out);
            }
            Event::Spawned(run) => {
                self.report(now, run, out, |process, _, out| process.on_spawned(run, out), None);
            }
            Event::RuntimeOnline(run) => {
                self.report(
                    now,
                    run,
                    out,
                    |process, _, out| process.on_runtime_online(run, out),
                    None,
                );
            }
            Event::ReadyMessage(run) => self.report(
                now,
                run,
                out,
                |process, _, out| process.on_ready(run, false, out),
                Some(&mut |candidate, out| candidate.on_ready_message(now, out)),
            ),
            Event::Listening(run) => {
                if self.owners.contains_key(&run) && self.listening.insert(run) {
                    out.push(Action::Note { run });
                }
                self.report(
                    now,
                    run,
                    out,
                    |_, _, _| (),
                    Some(&mut |candidate, out| candidate.on_listening(now, false, out)),
                );
            }
            Event::Covers(run) => self.report(
                now,
                run,
                out,
                |_, _, _| (),
                Some(&mut |candidate, out| candidate.on_listening(now, true, out)),
            ),
            Event::Probed { run, healthy } => {
                self.report(
                    now,
                    run,
                    out,
                    |_, _, _| (),
                    Some(&mut |candidate, _| candidate.on_probed(now, healthy)),
                );
            }
            Event::Measured { run, memory } => self.on_measured(now, run, memory, out),
            Event::Disconnected(run) => self.on_disconnected(now, run, out),
            Event::Exited { run, exit } => self.on_exited(now, run, exit, out),
            Event::TreeGone(run) => self.on_tree_gone(now, run, out),
            Event::Deadline => self.on_deadline(now, out),
        }
    }

    fn restart(&mut self, now: Millis, id: ProcId, change: Option<Version>, out: &mut Vec<Action>) {
        self.take_from_reload(now, id, out);
        self.command(now, id, out, |process, runs, out| {
            process.next = change.or(process.next.take());
            process.on_restart(now, runs, out);
        });
    }

    /// A command of the user to a slot.
    fn command(
        &mut self,
        now: Millis,
        id: ProcId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Process, &mut RunIds, &mut Vec<Action>),
    ) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if slot.removing {
            return;
        }
        act(&mut slot.process, &mut self.runs, out);
        self.adopt_run(id);
        self.settle(now, id, out);
    }

    /// The keeper's or the run's report: to the current process or, with `judge`, to the candidate.
    fn report(
        &mut self,
        now: Millis,
        run: RunId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Process, &mut RunIds, &mut Vec<Action>),
        judge: Option<Judge<'_>>,
    ) {
        let Some((id, role)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        match role {
            Role::Current => act(&mut slot.process, &mut self.runs, out),
            Role::Candidate => {
                if let (Some(candidate), Some(judge)) = (&mut slot.candidate, judge) {
                    let verdict = judge(candidate, out);
                    self.on_verdict(now, id, verdict, out);
                }
            }
            Role::Leaving => (),
        }
        self.adopt_run(id);
    }

    /// A run over its memory limit is replaced: a worker by a reload, so that no connection is lost.
    fn on_measured(&mut self, now: Millis, run: RunId, memory: u64, out: &mut Vec<Action>) {
        let Some((id, Role::Current)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get(&id) else { return };
        let Some(limit) = slot.process.memory_limit_below(run, memory) else { return };
        let (app, cluster) = (slot.app, slot.process.cluster);
        if self.reloads.get(&app).is_some_and(|reload| reload.is_open(id)) {
            return; // It is about to be replaced.
        }
        if cluster && !self.over_memory.insert(run) {
            return; // It waits for the end of another reload.
        }
        out.push(Action::Tell(Notice::OverMemory { proc: id, run, memory, limit }));
        if cluster {
            self.reload_over_memory(now, app, out);
        } else {
            self.restart(now, id, None, out);
        }
    }

    /// Reloads the app's workers that use too much memory, unless a reload is under way. Those of
    /// another version than the first are left for the next time.
    fn reload_over_memory(&mut self, now: Millis, app: AppId, out: &mut Vec<Action>) {
        if self.reloads.contains_key(&app) {
            return;
        }
        let over = |slot: &Slot| match slot.process.phase {
            Phase::Online { run, .. } => slot.app == app && self.over_memory.contains(&run),
            Phase::Stopped
            | Phase::Errored
            | Phase::Starting { .. }
            | Phase::Stopping(_)
            | Phase::Backoff { .. } => false,
        };
        let slots: Vec<&Slot> = self.slots.values().filter(|slot| over(slot)).collect();
        let Some(version) = slots.first().map(|slot| slot.process.next_version()) else { return };
        let alike = slots.iter().filter(|slot| slot.process.next_spec() == version.0);
        let procs: Vec<ProcId> = alike.map(|slot| slot.process.id).collect();
        for run in procs.iter().filter_map(|id| self.slots.get(id)?.process.run()) {
            self.over_memory.remove(&run);
        }
        self.begin_reload(now, app, &procs, version, ReloadOptions::default(), out);
    }

    fn on_disconnected(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        let Some((id, role)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        match role {
            Role::Current => slot.process.on_disconnected(now, run, out),
            Role::Candidate => (),
            Role::Leaving => {
                for (ending, policy) in &mut slot.leaving {
                    if ending.run() == run {
                        ending.skip_drain(now, policy, out);
                    }
                }
            }
        }
    }

    fn on_exited(&mut self, now: Millis, run: RunId, exit: Exit, out: &mut Vec<Action>) {
        let Some((id, role)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        match role {
            Role::Current => {
                slot.process.on_exited(now, run, exit, &mut self.runs, out);
                self.adopt_run(id);
                self.settle(now, id, out);
            }
            Role::Candidate => {
                self.on_verdict(now, id, Verdict::Failed(Failure::Exited(exit)), out);
            }
            Role::Leaving => {}
        }
        if let Some(slot) = self.slots.get_mut(&id) {
            for (ending, policy) in &mut slot.leaving {
                if ending.run() == run {
                    ending.on_exited(now, policy, out);
                }
            }
        }
    }

    fn on_tree_gone(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        let Some((id, _)) = self.owner(run) else { return };
        self.listening.remove(&run);
        self.over_memory.remove(&run);
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.process.on_tree_gone(now, run, &mut self.runs, out);
        let before = slot.leaving.len();
        slot.leaving.retain(|(ending, _)| ending.run() != run);
        if slot.leaving.len() < before {
            out.push(Action::Tell(Notice::Left { proc: id, run }));
        }
        if slot.process.run() != Some(run) {
            self.owners.remove(&run);
        }
        self.adopt_run(id);
        self.settle(now, id, out);
    }

    fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) {
        let due = |slot: &Slot| slot.deadline().is_some_and(|at| at <= now);
        let ids: Vec<ProcId> =
            self.slots.iter().filter(|(_, slot)| due(slot)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            slot.process.on_deadline(now, &mut self.runs, out);
            for (ending, policy) in &mut slot.leaving {
                ending.on_deadline(now, policy, out);
            }
            let verdict = slot
                .candidate
                .as_mut()
                .map_or(Verdict::Open, |candidate| candidate.on_deadline(now, out));
            // A run that the process began just now must be known before the candidate sends it
            // away.
            self.adopt_run(id);
            self.on_verdict(now, id, verdict, out);
        }
    }

    /// Remembers whose the slot's current run is.
    fn adopt_run(&mut self, id: ProcId) {
        if let Some(run) = self.slots.get(&id).and_then(|slot| slot.process.run()) {
            self.owners.insert(run, id);
        }
    }

    /// Forgets a slot that is to be removed and has come to rest; moves the app's reload on.
    fn settle(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(&id) else { return };
        let app = slot.app;
        let at_rest =
            slot.process.run().is_none() && slot.leaving.is_empty() && slot.candidate.is_none();
        if slot.removing && at_rest {
            self.slots.remove(&id);
            self.owners.retain(|_, owner| *owner != id);
            out.push(Action::Tell(Notice::Removed { proc: id }));
        }
        self.drive(now, app, out);
    }

    /// What the user wants down is not left to finish its connections.
    fn skip_drain_of_leaving(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        for (ending, policy) in
            self.slots.get_mut(&id).into_iter().flat_map(|slot| &mut slot.leaving)
        {
            ending.skip_drain(now, policy, out);
        }
    }

    fn remove(
        &mut self,
        now: Millis,
        id: ProcId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Process, &mut Vec<Action>),
    ) {
        self.take_from_reload(now, id, out);
        self.skip_drain_of_leaving(now, id, out);
        let Some(slot) = self.slots.get_mut(&id) else { return };
        slot.removing = true;
        act(&mut slot.process, out);
        self.settle(now, id, out);
    }

    fn begin_reload(
        &mut self,
        now: Millis,
        app: AppId,
        procs: &[ProcId],
        to: Version,
        options: ReloadOptions,
        out: &mut Vec<Action>,
    ) {
        if self.reloads.contains_key(&app) {
            return; // The driver refuses or queues it: one reload of an app at a time.
        }
        let of_app = |id: &ProcId| {
            let slot = self.slots.get(id).filter(|slot| slot.app == app && !slot.removing)?;
            Some((*id, (slot.process.spec, Arc::clone(&slot.process.policy))))
        };
        let slots: Vec<_> = procs.iter().filter_map(of_app).collect();
        self.reloads.insert(app, Reload::new(to, slots, RunId(self.runs.last), options));
        self.drive(now, app, out);
    }

    /// Does all steps of the app's reload that can be done now.
    fn drive(&mut self, now: Millis, app: AppId, out: &mut Vec<Action>) {
        loop {
            let extra = self.slots.values().filter(|slot| slot.app == app);
            let extra: usize =
                extra.map(|slot| slot.leaving.len() + usize::from(slot.candidate.is_some())).sum();
            let Some(reload) = self.reloads.get_mut(&app) else { return };
            match reload.next_step(u32::try_from(extra).unwrap_or(u32::MAX)) {
                Step::Begin(id, version) => self.begin_candidate(now, id, version, out),
                Step::CanaryWaits(proc) => {
                    out.push(Action::Tell(Notice::CanaryWaits { app, proc }));
                }
                Step::Wait => return,
                Step::End(spec) => {
                    let failure = reload.failure;
                    self.reloads.remove(&app);
                    out.push(Action::Tell(Notice::ReloadEnded { app, spec, failure }));
                    self.reload_over_memory(now, app, out);
                    return;
                }
            }
        }
    }

    fn begin_candidate(
        &mut self,
        now: Millis,
        id: ProcId,
        (spec, policy): Version,
        out: &mut Vec<Action>,
    ) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let must_cover = slot.process.run().is_some_and(|run| self.listening.contains(&run));
        let run = self.runs.allot();
        slot.candidate = Some(Candidate::new(now, run, spec, policy, must_cover));
        self.owners.insert(run, id);
        out.push(Action::Spawn { proc: id, run, spec });
        out.push(Action::Tell(Notice::Verifying { proc: id, run }));
    }

    fn on_verdict(&mut self, now: Millis, id: ProcId, verdict: Verdict, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get(&id) else { return };
        let app = slot.app;
        match verdict {
            Verdict::Open => return,
            Verdict::Passed => {
                self.take_over(now, id, out);
                if let Some(reload) = self.reloads.get_mut(&app) {
                    reload.on_replaced(id);
                }
            }
            Verdict::Failed(why) => self.on_candidate_failed(now, id, why, out),
        }
        self.adopt_run(id);
        self.drive(now, app, out);
    }

    fn on_candidate_failed(
        &mut self,
        now: Millis,
        id: ProcId,
        why: Failure,
        out: &mut Vec<Action>,
    ) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(run) = slot.candidate.as_ref().map(|candidate| candidate.run) else { return };
        out.push(Action::Tell(Notice::Failed { proc: id, run, why }));
        let app = slot.app;
        let Some(reload) = self.reloads.get_mut(&app) else {
            self.dismiss_candidate(now, id, out);
            return;
        };
        let turned_back = reload.on_failed(id, run, why);
        if turned_back {
            let all: Vec<ProcId> =
                self.slots.iter().filter(|(_, slot)| slot.app == app).map(|(id, _)| *id).collect();
            for id in all {
                self.dismiss_candidate(now, id, out);
            }
            if let Some(reload) = self.reloads.get(&app) {
                let procs = reload.pending.iter().copied().collect();
                out.push(Action::Tell(Notice::RollingBack { app, procs }));
            }
        } else if reload.options.no_rollback
            && reload.direction == crate::reload::Direction::Forward
        {
            // PM2's way: the new run takes over whatever it is worth, and lives by the restart
            // rules.
            self.take_over(now, id, out);
            if let (Failure::Exited(exit), Some(slot)) = (why, self.slots.get_mut(&id)) {
                slot.process.on_exited(now, run, exit, &mut self.runs, out);
            }
        } else {
            self.dismiss_candidate(now, id, out);
        }
    }

    /// The candidate becomes the current run; the current run leaves.
    fn take_over(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(candidate) = slot.candidate.take() else { return };
        let process = &mut slot.process;
        let old = process.run();
        let old_policy = Arc::clone(&process.policy);
        let phase = process.phase;
        process.phase = Phase::Online { run: candidate.run, since: candidate.since };
        process.policy = candidate.policy;
        process.spec = candidate.spec;
        process.next = None;
        process.goal = Goal::Up;
        process.unstable = 0;
        process.backoff = 0;
        process.restarts += 1;
        if let Some(orphans) = process.orphans.take() {
            out.push(Action::Sweep(orphans));
        }
        // First note who is current, then send the old one away: a daemon that forgets in between
        // finds both.
        out.push(Action::Note { run: candidate.run });
        out.push(Action::Tell(Notice::Replaced { proc: id, run: candidate.run, old }));
        let ending = match phase {
            Phase::Online { run, .. } => Ending::drain(now, run, &old_policy, out),
            Phase::Starting { run, .. } => Ending::ask(now, run, &old_policy, out),
            Phase::Stopping(ending) => ending,
            Phase::Stopped | Phase::Errored | Phase::Backoff { .. } => return,
        };
        slot.leaving.push((ending, old_policy));
    }

    /// The candidate is asked to go; the current run stays.
    fn dismiss_candidate(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(candidate) = slot.candidate.take() else { return };
        let ending = Ending::ask(now, candidate.run, &candidate.policy, out);
        slot.leaving.push((ending, candidate.policy));
    }

    fn take_from_reload(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(app) = self.slots.get(&id).map(|slot| slot.app) else { return };
        self.dismiss_candidate(now, id, out);
        if let Some(reload) = self.reloads.get_mut(&app) {
            reload.on_dropped(id);
        }
    }
}
