//! Taking up the work of a daemon that lost its memory.
//!
//! Two things are known: what was saved (slots, goals, counters, reloads), and what the keeper
//! holds (runs, and how they ended). Everything else is worked out again. Where the two disagree,
//! runs are facts and the saved goal is the wish.

use std::collections::{BTreeMap, BTreeSet};

use super::prepare::Concerned;
use super::{Slot, Supervisor};
use crate::candidate::{Candidate, Needs};
use crate::ending::Ending;
use crate::event::Notice;
use crate::phase::{Goal, Phase};
use crate::place::Taken;
use crate::process::Process;
use crate::reload::{Held, Reload, SavedReload};
use crate::run::{AppId, ProcId, Role, RunId, SeenRun, SpecId};
use crate::runs::Runs;
use crate::saved::SavedProcess;
use crate::spec::Version;
use crate::{Action, Event, Millis};

impl Supervisor {
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
        let mut supervisor = Self { runs: Runs::after(last), ..Self::default() };
        for saved in processes {
            let mut slot = Slot::new(saved.app, Process::from_saved(saved));
            slot.removing = saved.removing;
            supervisor.slots.insert(saved.id, slot);
        }
        let missed = supervisor.adopt_runs(now, processes, &reloads, seen, &version_of, out);
        for saved in reloads {
            let app = saved.app;
            let of_app = |id| supervisor.slots.get(&id).filter(|slot: &&Slot| slot.app == app);
            let held = |id: ProcId| of_app(id).map(held);
            let reload = Reload::recover(saved, held);
            supervisor.reloads.insert(app, reload);
        }
        for saved in processes {
            supervisor.verify_again(now, saved, out);
            supervisor.pursue_goal(now, saved, out);
        }
        supervisor.report_missed(now, (&missed, processes), seen, out);
        let apps: Vec<AppId> = supervisor.reloads.keys().copied().collect();
        for app in apps {
            supervisor.drive(now, app, out);
        }
        supervisor.prepare(now, Concerned::All, out.len(), out);
        debug_assert_eq!(supervisor.check(), Ok(()));
        supervisor
    }

    /// Gives every run back to its slot, the newest first. Returns those that are dead, but for
    /// those whose end is to be acted upon, and those that left: their ends may not have been told.
    fn adopt_runs(
        &mut self,
        now: Millis,
        processes: &[SavedProcess],
        reloads: &[SavedReload],
        seen: &[SeenRun],
        version_of: &dyn Fn(SpecId) -> Option<Version>,
        out: &mut Vec<Action>,
    ) -> BTreeSet<RunId> {
        let mut missed = BTreeSet::new();
        let mut newest_first: Vec<&SeenRun> = seen.iter().collect();
        newest_first.sort_by_key(|seen| std::cmp::Reverse(seen.run));
        let current = current_runs(processes, reloads, &newest_first);
        let stopping: BTreeSet<RunId> = processes.iter().filter_map(|one| one.stopping).collect();
        for seen in newest_first {
            let Some(slot) = self.slots.get_mut(&seen.proc) else {
                out.push(Action::Kill(seen.run));
                continue;
            };
            self.runs.adopt(seen.run, seen.proc);
            let taken = slot.process.taken();
            let followed = is_followed(seen, current.get(&seen.proc), taken);
            let counted = !seen.ending && (followed || is_counted(processes, seen));
            if counted || followed {
                missed.insert(seen.run);
            }
            if counted {
                if followed {
                    slot.process.note_followed(seen.run, out);
                } else {
                    slot.process.leave_orphans(seen.run, out);
                }
                continue;
            }
            if seen.listening {
                self.runs.note_listening(seen.run);
            }
            let version = version_of(seen.spec).unwrap_or_else(|| slot.process.version().clone());
            let is_current = current.get(&seen.proc) == Some(&seen.run);
            let reloads = reloads.iter().any(|reload| reload.app == slot.app);
            let seen = SeenRun { ending: seen.ending || stopping.contains(&seen.run), ..*seen };
            adopt_run(now, slot, &seen, is_current, reloads, version, out);
        }
        missed
    }

    /// A candidate is verified from the start: it may have covered everything already, and the
    /// driver compares again. One whose reload is over goes.
    fn verify_again(&mut self, now: Millis, saved: &SavedProcess, out: &mut Vec<Action>) {
        let reload = self.reloads.get(&saved.app);
        let active = reload.is_some_and(|reload| reload.is_active(saved.id));
        let Some(slot) = self.slots.get_mut(&saved.id) else { return };
        let Some(candidate) = slot.candidate.take() else { return };
        let listens = slot.process.run().is_some_and(|run| self.runs.listens(run));
        let needs = Needs::of(listens, reload.is_some_and(Reload::may_change_port));
        let run = candidate.run();
        slot.candidate = Some(candidate.again(now, needs));
        if self.runs.listens(run) {
            out.push(Action::Note { run });
        }
        if !active {
            self.dismiss_candidate(now, saved.id, out);
        }
    }

    /// Brings what the slot holds in line with what was wanted of it.
    fn pursue_goal(&mut self, now: Millis, saved: &SavedProcess, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&saved.id) else { return };
        match (saved.removing, saved.goal, slot.process.run()) {
            (true, _, _) => {
                // One that is on its way out already may go on finishing its connections.
                let stop = |process: &mut Process, out: &mut Vec<Action>| match process.phase() {
                    Phase::Stopping(_) => (),
                    Phase::Stopped
                    | Phase::Errored
                    | Phase::Held
                    | Phase::Sleeping { .. }
                    | Phase::Starting { .. }
                    | Phase::Online { .. }
                    | Phase::Backoff { .. } => process.on_stop(now, out),
                };
                self.remove(now, saved.id, out, stop);
            }
            (false, Goal::Down, Some(_)) => slot.process.on_stop(now, out),
            (false, Goal::Up, None) => slot.process.resume(now, &mut self.runs, out),
            (false, Goal::Up, Some(_)) => slot.process.end_outdated(now, out),
            (false, Goal::Down, None) => (),
        }
    }

    /// Reports what happened while nobody listened, the usual way.
    fn report_missed(
        &mut self,
        now: Millis,
        (missed, processes): (&BTreeSet<RunId>, &[SavedProcess]),
        seen_all: &[SeenRun],
        out: &mut Vec<Action>,
    ) {
        // A candidate does not say `ready` twice.
        for seen in seen_all.iter().filter(|seen| seen.role == Role::Candidate && seen.ready) {
            self.on_event(now, Event::ReadyMessage(seen.run), out);
        }
        // The ends of a slot are told in the order in which its runs were its current one.
        let order = |seen: &&SeenRun| {
            let saved = processes.iter().find(|saved| saved.id == seen.proc);
            Taken::order(saved.and_then(|saved| saved.taken), seen.run)
        };
        let mut in_order: Vec<&SeenRun> = seen_all.iter().collect();
        in_order.sort_by_cached_key(order);
        for seen in in_order {
            let (run, proc) = (seen.run, seen.proc);
            let Some(exit) = seen.exit else { continue };
            if missed.contains(&run) {
                let slot = self.slots.get(&proc);
                let phase = slot.map(|slot| slot.process.phase());
                let saved = processes.iter().find(|saved| saved.id == proc);
                let noted = saved.filter(|of| of.ended == Some(Taken::place(of.taken, run)));
                let asked = noted
                    .and_then(|of| of.asked)
                    .unwrap_or(matches!(phase, Some(Phase::Stopped | Phase::Stopping(_))));
                let again = saved.is_some_and(|saved| is_told(saved, run, seen_all));
                out.push(Action::Tell(Notice::Ended { proc, run, exit, asked, again }));
                if !again {
                    // No run need follow with which that would be noted.
                    out.push(Action::Note { run });
                }
            }
            self.on_event(now, Event::Exited { run, exit, next: None }, out);
        }
    }
}

/// Gives one run, whose end was not counted, back to its slot. `reloads`: its app has a reload that
/// is under way.
fn adopt_run(
    now: Millis,
    slot: &mut Slot,
    seen: &SeenRun,
    is_current: bool,
    reloads: bool,
    version: Version,
    out: &mut Vec<Action>,
) {
    let goes_on = reloads && slot.candidate.is_none() && seen.exit.is_none() && !seen.ending;
    match seen.role {
        Role::Current | Role::Candidate if is_current => {
            // A worker that was to be removed may have been finishing its connections (a scale).
            let drains = slot.removing && slot.process.is_cluster() && seen.ready;
            slot.process.adopt(now, seen, version, drains, out);
        }
        Role::Candidate if goes_on => {
            // What it must listen on is decided when the current run is known.
            slot.candidate = Some(Candidate::new(now, seen.run, version, Needs::Same));
        }
        // An older run that was still noted as current: its successor was noted, its leaving was
        // not.
        Role::Current | Role::Leaving => {
            slot.leaving.push(Ending::drain(now, seen.run, &version.1, out));
        }
        Role::Candidate => slot.leaving.push(Ending::ask(now, seen.run, &version.1, out)),
    }
}

/// Returns what the reload must know of the slot.
fn held(slot: &Slot) -> Held {
    let candidate = slot.candidate().map(|(_, spec)| spec);
    Held { spec: slot.process.spec(), run: slot.process.run(), candidate }
}

/// Which run each slot should show: the newest that is noted as current, or a candidate of the
/// specification that was saved for the slot, which had taken over when that was saved, whatever
/// its note says.
fn current_runs(
    processes: &[SavedProcess],
    reloads: &[SavedReload],
    seen: &[&SeenRun],
) -> BTreeMap<ProcId, RunId> {
    // In a reload from a specification to the same, the specification says nothing.
    let same = |saved: &SavedProcess| {
        let of_app = reloads.iter().find(|reload| reload.app == saved.app);
        of_app.is_some_and(|reload| {
            reload.from.iter().any(|(id, old)| *id == saved.id && old.0 == reload.to.0)
        })
    };
    let current = |saved: &SavedProcess| {
        // A run before the last that ended was replaced, whatever its note says.
        let place = |run: RunId| Taken::place(saved.taken, run);
        let of_slot = |seen: &&&SeenRun| {
            let later =
                saved.ended < Some(place(seen.run)) && saved.sleeps_after() < Some(seen.run);
            seen.proc == saved.id && seen.role != Role::Leaving && later
        };
        let took_over = |run: RunId| saved.taken.is_some_and(|taken| taken.run == run);
        let is_it = |seen: &&&SeenRun| {
            let noted = seen.role == Role::Current || took_over(seen.run);
            noted || (seen.spec == saved.spec && !same(saved))
        };
        let runs = seen.iter().filter(of_slot).filter(is_it).map(|seen| seen.run);
        Some((saved.id, runs.max_by_key(|run| Taken::order(saved.taken, *run))?))
    };
    processes.iter().filter_map(current).collect()
}

/// Whether the end of the run is in what was saved or noted: it must not be counted twice. That of
/// a candidate is no end of its slot, unless it took over.
fn is_counted(processes: &[SavedProcess], seen: &SeenRun) -> bool {
    let saved = processes.iter().find(|saved| saved.id == seen.proc);
    let counted = |saved: &SavedProcess| {
        let took_over = saved.taken.is_some_and(|taken| taken.run == seen.run);
        (seen.role != Role::Candidate || took_over)
            && saved.ended >= Some(Taken::place(saved.taken, seen.run))
    };
    seen.exit.is_some() && saved.is_some_and(counted)
}

/// Whether the end of the run was told. The last one that is counted and that the keeper holds no
/// more was told before it was forgotten.
fn is_told(saved: &SavedProcess, run: RunId, seen: &[SeenRun]) -> bool {
    let place = |run: RunId| Some(Taken::place(saved.taken, run));
    let held = |seen: &SeenRun| seen.proc == saved.id && place(seen.run) == saved.ended;
    let forgotten = saved.ended.filter(|_| !seen.iter().any(held));
    place(run) <= saved.told.max(forgotten)
}

/// Whether the run was followed by the one that was prepared, which is the `current` one of its
/// slot or was followed by that: if it ended by itself, its end is in what is noted with it.
fn is_followed(seen: &SeenRun, current: Option<&RunId>, taken: Option<Taken>) -> bool {
    let order = |run: RunId| Taken::order(taken, run);
    seen.next.is_some_and(|next| current.is_some_and(|current| order(next) <= order(*current)))
}
