//! Carrying out the reload of an app: candidates are begun, take over or go.

use super::Supervisor;
use crate::candidate::{Candidate, Needs, Verdict};
use crate::event::Notice;
use crate::reload::{AfterFailure, NextMove, Reload, ReloadOptions};
use crate::run::{AppId, Failure, ProcId};
use crate::spec::Version;
use crate::{Action, Millis};

impl Supervisor {
    pub(super) fn begin_reload(
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
            Some((*id, slot.process.version().clone()))
        };
        let slots = procs.iter().filter_map(of_app).collect();
        self.reloads.insert(app, Reload::new(to, slots, self.runs.last(), options));
        self.drive(now, app, out);
    }

    pub(super) fn promote(&mut self, now: Millis, app: AppId, keep: bool, out: &mut Vec<Action>) {
        if let Some(reload) = self.reloads.get_mut(&app) {
            reload.on_promote(keep);
        }
        self.drive(now, app, out);
    }

    /// Does all steps of the app's reload that can be done now.
    pub(super) fn drive(&mut self, now: Millis, app: AppId, out: &mut Vec<Action>) {
        loop {
            let of_app = self.slots.values().filter(|slot| slot.app == app);
            let extra: usize = of_app.map(|slot| slot.extra_runs()).sum();
            let Some(reload) = self.reloads.get_mut(&app) else { return };
            match reload.next_step(now, extra) {
                NextMove::Begin(id, version) => self.begin_candidate(now, id, version, out),
                NextMove::CanaryWaits(proc) => {
                    out.push(Action::Tell(Notice::CanaryWaits { app, proc }));
                }
                NextMove::Wait => return,
                NextMove::End(spec) => {
                    let failure = reload.failure();
                    self.reloads.remove(&app);
                    out.push(Action::Tell(Notice::ReloadEnded { app, spec, failure }));
                    return self.reload_over_memory(now, app, out);
                }
            }
        }
    }

    fn begin_candidate(
        &mut self,
        now: Millis,
        id: ProcId,
        version: Version,
        out: &mut Vec<Action>,
    ) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let listens = slot.process.run().is_some_and(|run| self.runs.listens(run));
        let reload = self.reloads.get(&slot.app);
        let needs = Needs::of(listens, reload.is_some_and(Reload::may_change_port));
        let run = self.runs.allot(id);
        out.push(Action::Spawn { proc: id, run, spec: version.0 });
        out.push(Action::Tell(Notice::Verifying { proc: id, run }));
        slot.candidate = Some(Candidate::new(now, run, version, needs));
    }

    /// Does what follows from a verdict about the slot's candidate.
    pub(super) fn on_verdict(
        &mut self,
        now: Millis,
        id: ProcId,
        verdict: Verdict,
        out: &mut Vec<Action>,
    ) {
        let Some(app) = self.slots.get(&id).map(|slot| slot.app) else { return };
        match verdict {
            Verdict::Open => return,
            Verdict::Passed => {
                self.take_over(now, id, out);
                let run = self.slots.get(&id).and_then(|slot| slot.process.run());
                let serves = run.is_some_and(|run| self.runs.listens(run));
                if let Some(reload) = self.reloads.get_mut(&app) {
                    reload.on_replaced(now, id, serves);
                }
            }
            Verdict::Failed(why) => self.on_candidate_failed(now, app, id, why, out),
        }
        self.drive(now, app, out);
    }

    fn on_candidate_failed(
        &mut self,
        now: Millis,
        app: AppId,
        id: ProcId,
        why: Failure,
        out: &mut Vec<Action>,
    ) {
        let Some((run, _)) = self.slots.get(&id).and_then(|slot| slot.candidate()) else { return };
        out.push(Action::Tell(Notice::Failed { proc: id, run, why }));
        let reload = self.reloads.get_mut(&app);
        match reload.map_or(AfterFailure::Dismiss, |reload| reload.on_failed(id, run, why)) {
            AfterFailure::Dismiss => self.dismiss_candidate(now, id, out),
            AfterFailure::TurnBack(procs) => {
                let of_app = self.slots.iter().filter(|(_, slot)| slot.app == app);
                let all: Vec<ProcId> = of_app.map(|(id, _)| *id).collect();
                for id in all {
                    self.dismiss_candidate(now, id, out);
                }
                out.push(Action::Tell(Notice::RollingBack { app, procs }));
            }
            AfterFailure::TakeOver => {
                self.take_over(now, id, out);
                // It lives by the restart rules from now on, and so does its end.
                if let (Failure::Exited(exit), Some(slot)) = (why, self.slots.get_mut(&id)) {
                    let leaves = slot.process.on_exited(now, exit, None, &mut self.runs, out);
                    slot.leaving.extend(leaves);
                }
            }
        }
    }

    /// The candidate becomes the current run; the current run leaves.
    fn take_over(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(candidate) = slot.candidate.take() else { return };
        slot.leaving.extend(slot.process.on_taken_over(now, candidate, &mut self.runs, out));
    }

    /// The candidate is asked to go; the current run stays.
    pub(super) fn dismiss_candidate(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let Some(candidate) = slot.candidate.take() else { return };
        slot.leaving.push(candidate.dismiss(now, out));
    }

    /// The user decided something else for the slot than the reload did.
    pub(super) fn take_from_reload(&mut self, now: Millis, id: ProcId, out: &mut Vec<Action>) {
        let Some(app) = self.slots.get(&id).map(|slot| slot.app) else { return };
        self.dismiss_candidate(now, id, out);
        if let Some(reload) = self.reloads.get_mut(&app) {
            reload.on_dropped(id);
        }
    }
}
