//! Reports about a run go to the part that it concerns, by the run's role. A report about a run
//! that no slot has changes nothing: it is doubled, late, or meant for another daemon.

use super::Supervisor;
use super::slot::Slot;
use crate::candidate::{Candidate, Verdict};
use crate::event::Notice;
use crate::process::Process;
use crate::reload::Reload;
use crate::run::{AppId, Exit, Failure, ProcId, Role, RunId};
use crate::{Action, Millis};

impl Supervisor {
    /// A report that matters if the run is its slot's current one.
    pub(super) fn on_current(&mut self, run: RunId, act: impl FnOnce(&mut Process)) {
        if let Some((id, Role::Current)) = self.owner(run)
            && let Some(slot) = self.slots.get_mut(&id)
        {
            act(&mut slot.process);
        }
    }

    /// A report that matters if the run is a candidate.
    pub(super) fn on_candidate(
        &mut self,
        now: Millis,
        run: RunId,
        out: &mut Vec<Action>,
        judge: impl FnOnce(&mut Candidate, &mut Vec<Action>) -> Verdict,
    ) {
        if let Some((id, Role::Candidate)) = self.owner(run)
            && let Some(candidate) =
                self.slots.get_mut(&id).and_then(|slot| slot.candidate.as_mut())
        {
            let verdict = judge(candidate, out);
            self.on_verdict(now, id, verdict, out);
        }
    }

    pub(super) fn on_listening(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        if self.runs.note_listening(run) {
            out.push(Action::Note { run });
        }
        self.on_candidate(now, run, out, |it, out| it.on_listening(now, false, out));
    }

    pub(super) fn on_disconnected(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        match self.owner(run) {
            Some((_, Role::Current)) => {
                self.on_current(run, |process| process.on_disconnected(now, out));
            }
            Some((id, Role::Leaving)) => self.skip_drain(now, id, run, out),
            Some((_, Role::Candidate)) | None => {}
        }
    }

    pub(super) fn on_exited(
        &mut self,
        now: Millis,
        run: RunId,
        exit: Exit,
        next: Option<RunId>,
        out: &mut Vec<Action>,
    ) {
        let Some((id, role)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let begun = slot.take_begun(run, next, &mut self.runs);
        if role == Role::Current {
            let process = &mut slot.process;
            let leaves = process.on_exited(now, exit, begun, &mut self.runs, out);
            slot.leaving.extend(leaves);
            return self.settle(now, id, out);
        }
        // Another run took over before this one ended: what begins by its end is not wanted.
        slot.leaving.extend(begun.map(|begun| begun.end(now, id, out)));
        if role == Role::Candidate {
            self.on_verdict(now, id, Verdict::Failed(Failure::Exited(exit)), out);
        } else {
            self.skip_drain(now, id, run, out);
        }
    }

    pub(super) fn on_tree_gone(&mut self, now: Millis, run: RunId, out: &mut Vec<Action>) {
        let Some((id, _)) = self.owner(run) else { return };
        let Some(slot) = self.slots.get_mut(&id) else { return };
        if slot.allotted.iter().any(|one| one.run == run) {
            return; // It has not begun.
        }
        _ = slot.take_begun(run, None, &mut self.runs);
        slot.process.on_tree_gone(now, run, &mut self.runs, out);
        let before = slot.leaving.len();
        slot.leaving.retain(|ending| ending.run() != run);
        if slot.leaving.len() < before {
            out.push(Action::Tell(Notice::Left { proc: id, run }));
        }
        if slot.process.run() != Some(run) {
            self.runs.forget(run);
        }
        self.settle(now, id, out);
    }

    pub(super) fn on_deadline(&mut self, now: Millis, out: &mut Vec<Action>) {
        let is_due = |slot: &Slot| slot.deadline().is_some_and(|at| at <= now);
        let due = self.slots.iter().filter(|(_, slot)| is_due(slot));
        let ids: Vec<ProcId> = due.map(|(id, _)| *id).collect();
        for id in ids {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            let app = slot.app;
            slot.process.on_deadline(now, &mut self.runs, out);
            for ending in &mut slot.leaving {
                ending.on_deadline(now, out);
            }
            if let Some(candidate) = &mut slot.candidate {
                let verdict = candidate.on_deadline(now, out);
                self.on_verdict(now, id, verdict, out);
            }
            // A reload does not wait for the end of what cannot be ended.
            self.drive(now, app, out);
        }
        let rested =
            |(_, reload): &(&AppId, &Reload)| reload.deadline().is_some_and(|at| at <= now);
        let apps: Vec<AppId> = self.reloads.iter().filter(rested).map(|(app, _)| *app).collect();
        for app in apps {
            self.drive(now, app, out);
        }
    }

    /// A leaving run has nothing more to finish.
    fn skip_drain(&mut self, now: Millis, id: ProcId, run: RunId, out: &mut Vec<Action>) {
        let leaving = self.slots.get_mut(&id).into_iter().flat_map(|slot| &mut slot.leaving);
        for ending in leaving.filter(|ending| ending.run() == run) {
            ending.skip_drain(now, out);
        }
    }
}
