//! What the supervision machine says: into the log, to whoever waits, to what is shown.

use ostler_core::spec::Hook;
use ostler_core::{AppId, Exit, Failure as Why, Notice, ProcId, RunId, SpecId};
use ostler_wire::control::{Failure, Lifecycle, Step};

use super::Model;
use super::input::Effect;
use super::outcome::Outcome;
use super::registry::{Ended, Rollout};
use super::reload_failures::{AwaitedTail, not_serving, with_tail};

/// Counters of apps that crash and are restarted at once are saved so late at most, ms.
const SAVE_WITHIN: u64 = 1000;

impl Model {
    /// Takes one notice.
    pub(super) fn on_notice(&mut self, notice: Notice, out: &mut Vec<Effect>) {
        match notice {
            Notice::Online { proc, run, late } => self.on_online(proc, run, late, out),
            Notice::Ended { proc, run, exit, asked, again } => {
                self.operations.count_dropped(&self.known, proc, run);
                if !again {
                    self.known.tell_end((proc, run), exit, out);
                    self.on_dependency_ended(proc);
                }
                self.on_ended((proc, run), exit, asked);
            }
            Notice::WillRestart { proc, delay } => self.on_will_restart(proc, delay, out),
            Notice::GaveUp { proc, unstable } => {
                out.push(Effect::Complain(format!(
                    "Script of app [{}] had too many unstable restarts ({unstable}). \
                     Stopped. \"errored\"",
                    self.known.registry.label(proc)
                )));
                self.known.publish(proc, Lifecycle::RestartOverlimit, out);
                self.alert_given_up(proc, unstable);
                self.on_rest(proc, out);
            }
            Notice::Held { proc } => self.on_held(proc, out),
            Notice::Sleeps { proc, run } => self.on_sleeps(proc, run, out),
            Notice::Wakes { proc } => self.on_wakes(proc, out),
            Notice::Refused { proc } => {
                self.alert_refused(proc);
                self.on_rest(proc, out);
            }
            Notice::Stopped { proc } => self.on_rest(proc, out),
            Notice::OverMemory { proc, memory, limit, .. } => {
                self.on_over_memory(proc, memory, limit, out);
            }
            Notice::Unhealthy { proc, run } => self.on_unhealthy(proc, run, out),
            Notice::Removed { proc } => self.on_removed(proc, out),
            Notice::Verifying { proc, run } => {
                self.known.registry.set_rollout(proc, Some(Rollout::Reloading));
                self.operations.step_verifying(&self.known, proc, run, out);
            }
            Notice::Replaced { proc, run, old } => self.on_replaced(proc, run, old, out),
            Notice::Failed { proc, run, why } => {
                self.known.registry.set_rollout(proc, None);
                self.operations.step_failed(&mut self.known, proc, run, why, out);
                self.remember_failure(proc, run, why, out);
            }
            Notice::Left { proc, run } => {
                self.known.publish(proc, Lifecycle::Exit, out);
                if let Some(app) = self.known.registry.app_of(proc) {
                    self.known.tidy_listeners(app, out);
                }
                self.changed.insert(proc);
                self.operations.count_dropped(&self.known, proc, run);
                self.operations.step_left(&self.known, proc, run, out);
                // It may have been the room that was missing.
                self.begin_queued_reloads();
            }
            Notice::CanaryWaits { app, proc } => {
                self.known.registry.set_rollout(proc, Some(Rollout::Canary));
                self.operations.step(&self.known, app, proc, &Step::CanaryServes, out);
                self.reload_over(app, None);
            }
            Notice::RollingBack { app, procs } => {
                self.known.unsaved = true;
                if let Some(first) = procs.first() {
                    let ids = procs.iter().map(|id| id.0).collect();
                    self.operations.step(&self.known, app, *first, &Step::RollingBack { ids }, out);
                }
            }
            Notice::ReloadEnded { app, spec, failure } => {
                self.on_reload_ended(app, spec, failure, out);
            }
        }
    }

    fn on_online(&mut self, id: ProcId, run: RunId, late: bool, out: &mut Vec<Effect>) {
        if let Some(facts) = self.known.facts.get_mut(&run) {
            facts.late = late;
        }
        out.push(Effect::Log(format!("App [{}] online", self.known.registry.label(id))));
        self.known.publish(id, Lifecycle::Online, out);
        self.changed.insert(id);
        self.tickets.online(id);
        self.settling.begin(&self.known, run);
        self.liveness.begin(&self.known, run);
        self.watchdogs.begin(&self.known, run);
        self.may_sleep(id);
        self.run_hook(id, run, Hook::PostStart, out);
    }

    fn on_ended(&mut self, (id, run): (ProcId, RunId), exit: Exit, asked: bool) {
        // Why a run was not spawned was noted when it was reported.
        let at = self.known.at.wall;
        let oom = self.known.facts.get(&run).is_some_and(|facts| facts.out_of_memory);
        if let Some(proc) = self.known.registry.proc_mut(id) {
            proc.ended = Some(Ended { at, asked, oom, own_at: None });
            proc.unhealthy.take_if(|lost| lost.run != run.0);
            let known = matches!(proc.last, Some(Outcome::NotSpawned { .. }));
            if !matches!(exit, Exit::NotSpawned | Exit::Refused) || !known {
                proc.last = Some(Outcome::Ended(exit));
            }
        }
        if oom {
            self.alert_out_of_memory(id);
        }
        self.changed.insert(id);
    }

    fn on_will_restart(&mut self, id: ProcId, delay: u64, out: &mut Vec<Effect>) {
        let last = self.known.registry.proc(id).and_then(|proc| proc.last.as_ref());
        if matches!(last, Some(Outcome::NotSpawned { .. })) {
            // Another try at what never ran.
            self.known.registry.count_asked_restart(id);
        }
        if 0 < delay {
            self.known.remove_pid_file(id, out);
            let label = self.known.registry.label(id);
            out.push(Effect::Log(format!("App [{label}] will restart in {delay}ms")));
            // Nothing of it may be left in the keeper when the time has come.
            self.known.unsaved = true;
        } else {
            // Its counters go with the next run; only the loss of the keeper would cost them.
            self.save_by.get_or_insert(self.known.at.now + SAVE_WITHIN);
        }
        self.changed.insert(id);
    }

    /// A slot has no run, and its next one waits.
    fn on_held(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        self.known.remove_pid_file(id, out);
        self.changed.insert(id);
        // No run follows at once with which its counters would be noted.
        self.known.unsaved = true;
    }

    /// A slot has no run and none is due.
    fn on_rest(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        self.known.remove_pid_file(id, out);
        if let Some(app) = self.known.registry.app_of(id) {
            self.settling.tidy_rested(&self.known, app, out);
        }
        self.changed.insert(id);
        self.known.unsaved = true;
    }

    fn on_removed(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        self.known.remove_pid_file(id, out);
        if let Some(proc) = self.known.registry.remove_proc(id) {
            out.push(Effect::Log(format!("App [{}] deleted", proc.label(id))));
            let (name, what) = (proc.name, Lifecycle::Delete);
            out.push(Effect::Lifecycle { id, name, what, by_call: false });
            if self.known.registry.app(proc.app).is_none() {
                self.settling.forget(proc.app);
                self.sleepers.forget(proc.app);
                out.push(Effect::ForgetApp(proc.app));
            } else {
                self.known.tidy_listeners(proc.app, out);
            }
        }
        self.changed.insert(id);
        self.known.unsaved = true;
    }

    fn on_replaced(&mut self, id: ProcId, run: RunId, old: Option<RunId>, out: &mut Vec<Effect>) {
        out.push(Effect::Admit(run));
        self.liveness.begin(&self.known, run);
        self.watchdogs.begin(&self.known, run);
        self.may_sleep(id);
        self.run_hook(id, run, Hook::PostStart, out);
        self.known.publish(id, Lifecycle::Online, out);
        let app = self.known.registry.app_of(id);
        let clients = app.map(|app| self.operations.clients_of_reload(app)).unwrap_or_default();
        let by_call = clients.into_iter().find(|client| client.call().is_some());
        self.known.publish_by(by_call, id, Lifecycle::Reload, out);
        self.known.registry.set_rollout(id, None);
        self.known.registry.count_asked_restart(id);
        self.known.unsaved = true;
        self.changed.insert(id);
        self.operations.step_replaced(&self.known, id, run, old, out);
        self.known.note_replaced(id, run, old);
    }

    fn on_reload_ended(
        &mut self,
        app: AppId,
        spec: SpecId,
        failure: Option<(ProcId, RunId, Why)>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(of) = self.known.registry.app_mut(app) {
            of.spec = spec;
        }
        out.push(Effect::SetBalance { app, spec });
        // Only now its version says after which time it sleeps.
        self.sleepers.begin(&self.known, app);
        self.after_reload(app, failure.is_none(), out);
        self.known.tidy_listeners(app, out);
        let ids = self.known.registry.ids_of(app);
        for id in ids {
            self.known.registry.set_rollout(id, None);
        }
        // Another daemon may have seen it, and known more.
        let known = self.tickets.failure(app);
        let failure = failure.map(|(id, run, why)| {
            (
                run,
                known.unwrap_or_else(|| {
                    self.failures.reload_failure(&self.known, app, id, run, why)
                }),
            )
        });
        self.failures.tails.retain(|_, (of, _)| *of != app);
        let not_back = self.failures.not_back.remove(&app).and_then(|all| all.into_iter().next());
        let Some((run, failure)) = failure else { return self.reload_over(app, not_back.as_ref()) };
        match self.failures.awaited.get_mut(&run) {
            // Whoever waits is told with the last lines; the end itself is saved at once.
            Some(awaited) => {
                awaited.ended = Some(failure.clone());
                self.tickets.end(app, Some(&failure));
                self.known.unsaved = true;
            }
            None => self.reload_over(app, Some(&failure)),
        }
    }

    fn remember_failure(&mut self, id: ProcId, run: RunId, why: Why, out: &mut Vec<Effect>) {
        let Some(app) = self.known.registry.app_of(id) else { return };
        if self.known.beside_current(id, run) == std::cmp::Ordering::Less {
            // It is not why a reload failed, but why what it had replaced was not taken back.
            let failure = self.known.rollback_failure(app, id, run, why);
            return self.on_not_back(app, failure);
        }
        let failure = self.failures.reload_failure(&self.known, app, id, run, why);
        self.tickets.fail(app, &failure);
        self.known.unsaved = true;
        if !matches!(why, Why::Exited(_)) {
            self.failures.awaited.insert(run, AwaitedTail { app, noted: failure, ended: None });
            out.push(Effect::ReadStderrTail(run));
        }
    }

    /// A slot did not get its old version back. What was said of the reload's failure before must
    /// not go on to say that it serves.
    fn on_not_back(&mut self, app: AppId, failure: Failure) {
        if let Some(noted) = self.tickets.failure(app) {
            self.tickets.amend(app, &noted, &not_serving(noted.clone(), &failure));
        }
        for awaited in self.failures.awaited.values_mut().filter(|awaited| awaited.app == app) {
            awaited.noted = not_serving(awaited.noted.clone(), &failure);
        }
        self.tickets.fail(app, &failure);
        self.failures.not_back.entry(app).or_default().push(failure);
        self.known.unsaved = true;
    }

    /// The last lines that a failed worker wrote are known.
    pub(super) fn on_stderr_tail(&mut self, run: RunId, lines: Vec<String>) {
        let Some(awaited) = self.failures.awaited.remove(&run) else { return };
        let AwaitedTail { app, noted, ended } = awaited;
        let failure = with_tail(noted.clone(), &lines);
        self.tickets.amend(app, &noted, &failure);
        match ended {
            Some(ended) => {
                self.reload_over(app, Some(if ended == noted { &failure } else { &ended }));
            }
            None if self.known.core.reload(app).is_some() => {
                self.failures.tails.insert(run, (app, lines));
            }
            None => {}
        }
    }
}
