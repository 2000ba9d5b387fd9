//! Taking up the work of a daemon that lost its memory.
//!
//! What is known = what was saved (slots, goals, counters, reloads) + what the keeper holds (runs
//! and how they ended). Everything else is worked out again. Where the two disagree, runs are facts
//! and the saved goal is the wish.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Slot, Supervisor};
use crate::candidate::Candidate;
use crate::ending::Ending;
use crate::event::Notice;
use crate::process::{Goal, Phase, Process, RunIds};
use crate::reload::{Direction, Reload, ReloadOptions, Version};
use crate::run::{AppId, Failure, ProcId, Role, RunId, SeenRun, SpecId};
use crate::spec::Policy;
use crate::{Action, Event, Millis};

/// A slot as it was saved.
#[derive(Clone, Debug)]
pub struct SavedProcess {
    /// Which slot.
    pub id: ProcId,
    /// Of which app.
    pub app: AppId,
    /// Specification of the current run.
    pub spec: SpecId,
    /// Its rules.
    pub policy: Arc<Policy>,
    /// Specification of the next run, where it differs.
    pub next: Option<Version>,
    /// A cluster worker.
    pub cluster: bool,
    /// What the user wants.
    pub goal: Goal,
    /// It had been given up.
    pub errored: bool,
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// Last pause of the growing back-off, ms.
    pub backoff: Millis,
    /// It is to be forgotten.
    pub removing: bool,
    /// The last run whose end is in these counters.
    pub ended: Option<RunId>,
    /// When the next run is due, if it waits for that.
    pub due: Option<Millis>,
}

/// A reload as it was saved.
#[derive(Clone, Debug)]
pub struct SavedReload {
    /// Of which app.
    pub app: AppId,
    /// The new version.
    pub to: Version,
    /// What each slot had before.
    pub from: Vec<(ProcId, Version)>,
    /// The last run given out before it.
    pub began_after: RunId,
    /// How it goes.
    pub options: ReloadOptions,
    /// Which way it goes.
    pub direction: Direction,
    /// Slots that were replaced.
    pub done: Vec<ProcId>,
    /// Slots that the user took away from it.
    pub dropped: Vec<ProcId>,
    /// The first candidate that failed.
    pub failure: Option<(ProcId, RunId, Failure)>,
}

impl Supervisor {
    /// What must be saved about every slot.
    #[must_use]
    pub fn saved_processes(&self) -> Vec<SavedProcess> {
        let saved = |(id, slot): (&ProcId, &Slot)| SavedProcess {
            id: *id,
            app: slot.app,
            spec: slot.process.spec,
            policy: Arc::clone(&slot.process.policy),
            next: slot.process.next.clone(),
            cluster: slot.process.cluster,
            goal: slot.process.goal,
            errored: slot.process.phase == Phase::Errored,
            restarts: slot.process.restarts,
            unstable: slot.process.unstable,
            backoff: slot.process.backoff,
            removing: slot.removing,
            ended: slot.process.ended,
            due: match slot.process.phase {
                Phase::Backoff { until } => Some(until),
                Phase::Stopped
                | Phase::Errored
                | Phase::Starting { .. }
                | Phase::Online { .. }
                | Phase::Stopping(_) => None,
            },
        };
        self.slots.iter().map(saved).collect()
    }

    /// What must be saved about every reload.
    #[must_use]
    pub fn saved_reloads(&self) -> Vec<SavedReload> {
        let saved = |(app, reload): (&AppId, &Reload)| SavedReload {
            app: *app,
            to: reload.to.clone(),
            from: reload.from.iter().map(|(id, version)| (*id, version.clone())).collect(),
            began_after: reload.began_after,
            options: reload.options,
            direction: reload.direction,
            done: reload.done.clone(),
            dropped: reload.dropped.iter().copied().collect(),
            failure: reload.failure,
        };
        self.reloads.iter().map(saved).collect()
    }

    /// The last run number given out; save it, or take the highest that the keeper knows.
    #[must_use]
    pub fn last_run(&self) -> u64 {
        self.runs.last
    }

    /// Takes up the work. `version_of` gives the rules of a specification that a run names.
    #[must_use]
    pub fn recover(
        now: Millis,
        last_run: u64,
        processes: &[SavedProcess],
        reloads: Vec<SavedReload>,
        seen: &[SeenRun],
        version_of: impl Fn(SpecId) -> Option<Version>,
        out: &mut Vec<Action>,
    ) -> Self {
        let last = seen.iter().map(|seen| seen.run.0).chain([last_run]).max().unwrap_or(0);
        let mut supervisor = Self { runs: RunIds { last }, ..Self::default() };
        for saved in processes {
            supervisor.slots.insert(saved.id, slot_of(saved));
        }
        let mut newest_first: Vec<&SeenRun> = seen.iter().collect();
        newest_first.sort_by_key(|seen| std::cmp::Reverse(seen.run));
        let current = current_runs(processes, &reloads, &newest_first);
        for seen in newest_first {
            if is_counted(processes, seen) {
                supervisor.take_orphans(seen, out);
                continue;
            }
            let rolling = |app: AppId| reloads.iter().any(|reload| reload.app == app);
            let is_current = current.get(&seen.proc) == Some(&seen.run);
            supervisor.take_up(now, seen, is_current, &rolling, &version_of, out);
        }
        for saved in reloads {
            let reload = supervisor.reload_of(saved);
            supervisor.reloads.insert(reload.0, reload.1);
        }
        for saved in processes {
            supervisor.make_true(now, saved, out);
        }
        // A candidate does not say `ready` twice.
        for seen in seen.iter().filter(|seen| seen.role == Role::Candidate && seen.ready) {
            supervisor.handle(now, Event::ReadyMessage(seen.run), out);
        }
        // What ended while nobody listened is reported now, the usual way.
        for seen in seen {
            let (run, proc) = (seen.run, seen.proc);
            match seen.exit {
                // Its effects were saved before anybody may have been told.
                Some(exit) if is_counted(processes, seen) => {
                    out.push(Action::Tell(Notice::Ended { proc, run, exit }));
                }
                Some(exit) => supervisor.handle(now, Event::Exited { run, exit }, out),
                None => {}
            }
        }
        let apps: Vec<AppId> = supervisor.reloads.keys().copied().collect();
        for app in apps {
            supervisor.drive(now, app, out);
        }
        supervisor
    }

    /// A run whose end had its effect before the memory was lost: only its descendants may be left.
    fn take_orphans(&mut self, seen: &SeenRun, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&seen.proc) else { return };
        self.owners.insert(seen.run, seen.proc);
        match slot.process.orphans {
            // The newest stays for the next spawn to sweep.
            Some(_) => out.push(Action::Sweep(seen.run)),
            None => slot.process.orphans = Some(seen.run),
        }
    }

    /// Gives one run back to its slot.
    fn take_up(
        &mut self,
        now: Millis,
        seen: &SeenRun,
        is_current: bool,
        rolling: &dyn Fn(AppId) -> bool,
        version_of: &dyn Fn(SpecId) -> Option<Version>,
        out: &mut Vec<Action>,
    ) {
        let Some(slot) = self.slots.get_mut(&seen.proc) else {
            out.push(Action::Kill(seen.run));
            return;
        };
        self.owners.insert(seen.run, seen.proc);
        if seen.listening {
            self.listening.insert(seen.run);
        }
        let (spec, policy) = version_of(seen.spec)
            .unwrap_or_else(|| (slot.process.spec, Arc::clone(&slot.process.policy)));
        match seen.role {
            Role::Current | Role::Candidate if is_current => {
                let run = seen.run;
                slot.process.phase = if seen.ending {
                    // A worker that was to be forgotten may have been finishing its connections (a
                    // scale).
                    let drains = slot.removing && slot.process.cluster && seen.ready;
                    let end = if drains { Ending::drain } else { Ending::ask };
                    Phase::Stopping(end(now, run, &policy, out))
                } else if seen.ready || seen.role == Role::Candidate {
                    Phase::Online { run, since: seen.since }
                } else {
                    Phase::Starting { run, since: seen.since, ready_by: now + policy.ready_timeout }
                };
                slot.process.spec = spec;
                slot.process.policy = policy;
            }
            Role::Candidate
                if rolling(slot.app)
                    && slot.candidate.is_none()
                    && seen.exit.is_none()
                    && !seen.ending =>
            {
                let must_cover = true; // Decided below, when the current run is known.
                slot.candidate = Some(Candidate::new(now, seen.run, spec, policy, must_cover));
            }
            // An older run that was still noted as current: its successor was noted, its leaving
            // was not.
            Role::Current | Role::Leaving => {
                slot.leaving.push((Ending::drain(now, seen.run, &policy, out), policy));
            }
            Role::Candidate => {
                slot.leaving.push((Ending::ask(now, seen.run, &policy, out), policy));
            }
        }
    }

    fn reload_of(&mut self, saved: SavedReload) -> (AppId, Reload) {
        let mut reload = Reload::new(saved.to, saved.from, saved.began_after, saved.options);
        reload.direction = saved.direction;
        reload.failure = saved.failure;
        reload.pending.clear();
        reload.dropped = saved.dropped.into_iter().collect();
        for (id, (old, _)) in &reload.from {
            if reload.dropped.contains(id) {
                continue;
            }
            let Some(slot) = self.slots.get_mut(id) else { continue };
            let target = if saved.direction == Direction::Back { *old } else { reload.to.0 };
            let back = saved.direction == Direction::Back;
            let replaced = if reload.changes(*id) {
                slot.process.spec == target && slot.process.run().is_some()
            } else {
                // The specification says nothing, but the run's number does.
                back || Some(saved.began_after) < slot.process.run()
            };
            let replaced = replaced || (!back && saved.done.contains(id));
            match &slot.candidate {
                Some(candidate) if candidate.spec == target => _ = reload.active.insert(*id),
                _ if replaced && !back => reload.done.push(*id),
                _ if replaced => (),
                _ => reload.pending.push_back(*id),
            }
        }
        (saved.app, reload)
    }

    /// Brings what the slot holds in line with what was wanted of it.
    fn make_true(&mut self, now: Millis, saved: &SavedProcess, out: &mut Vec<Action>) {
        let reloading =
            self.reloads.get(&saved.app).is_some_and(|reload| reload.active.contains(&saved.id));
        let Some(slot) = self.slots.get_mut(&saved.id) else { return };
        let listens = slot.process.run().is_some_and(|run| self.listening.contains(&run));
        if let Some(candidate) = slot.candidate.take() {
            let Candidate { run, spec, policy, .. } = candidate;
            slot.candidate = Some(Candidate::new(now, run, spec, policy, listens));
            if self.listening.contains(&run) {
                // It may have covered everything already: the driver compares again after the
                // takeover.
                out.push(Action::Note { run });
            }
            if !reloading {
                self.dismiss_candidate(now, saved.id, out);
            }
        }
        let Some(slot) = self.slots.get_mut(&saved.id) else { return };
        match (saved.removing, saved.goal, slot.process.run()) {
            (true, _, _) => {
                self.remove(now, saved.id, out, |process, out| process.on_stop(now, out));
            }
            (false, Goal::Down, Some(_)) => slot.process.on_stop(now, out),
            (false, Goal::Up, None) if !saved.errored && saved.due.is_none() => {
                let restarts = (slot.process.unstable, slot.process.backoff);
                slot.process.on_start(now, &mut self.runs, out);
                (slot.process.unstable, slot.process.backoff) = restarts;
                self.adopt_run(saved.id);
            }
            (false, Goal::Down | Goal::Up, _) => (),
        }
    }
}

/// Which run each slot should show: the newest that is noted as current, or a candidate of the
/// specification that was saved for the slot, which had taken over when that was saved, whatever
/// its note says.
fn current_runs(
    processes: &[SavedProcess],
    reloads: &[SavedReload],
    newest_first: &[&SeenRun],
) -> BTreeMap<ProcId, RunId> {
    // In a reload from a specification to the same, the specification says nothing.
    let same = |saved: &SavedProcess| {
        let of_app = reloads.iter().find(|reload| reload.app == saved.app);
        of_app.is_some_and(|reload| {
            reload.from.iter().any(|(id, old)| *id == saved.id && old.0 == reload.to.0)
        })
    };
    let current = |saved: &SavedProcess| {
        let of_slot = |seen: &&&SeenRun| seen.proc == saved.id && seen.role != Role::Leaving;
        let mut own =
            newest_first.iter().filter(of_slot).filter(|seen| !is_counted(processes, seen));
        let is_it = |seen: &&&SeenRun| {
            seen.role == Role::Current || (seen.spec == saved.spec && !same(saved))
        };
        let run = own.find(is_it)?.run;
        Some((saved.id, run))
    };
    processes.iter().filter_map(current).collect()
}

/// Whether the end of the run is in what was saved: it must not be counted twice.
fn is_counted(processes: &[SavedProcess], seen: &SeenRun) -> bool {
    let saved = processes.iter().find(|saved| saved.id == seen.proc);
    seen.exit.is_some() && !seen.ending && saved.is_some_and(|saved| saved.ended >= Some(seen.run))
}

fn slot_of(saved: &SavedProcess) -> Slot {
    let mut process = Process::new(saved.id, saved.spec, Arc::clone(&saved.policy), saved.cluster);
    process.next.clone_from(&saved.next);
    process.goal = saved.goal;
    process.phase = match saved.due {
        _ if saved.errored => Phase::Errored,
        Some(until) if saved.goal == Goal::Up => Phase::Backoff { until },
        Some(_) | None => Phase::Stopped,
    };
    process.restarts = saved.restarts;
    process.unstable = saved.unstable;
    process.backoff = saved.backoff;
    process.ended = saved.ended;
    Slot { app: saved.app, process, candidate: None, leaving: Vec::new(), removing: false }
}
