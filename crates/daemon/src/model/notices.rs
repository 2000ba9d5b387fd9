//! What the supervision machine says: into the log, to whoever waits, to what is shown.

use ostler_core::{AppId, Exit, Failure as Why, Notice, ProcId, RunId, SpecId};
use ostler_wire::control::{self, Cause, Code, Failure, Lifecycle, Step};

use super::Model;
use super::awaited::AwaitedTail;
use super::facts::RunFacts;
use super::failures::see_logs;
use super::input::{ClientId, Effect};
use super::outcome::{Outcome, exit_fact, signal_name};
use super::registry::{Ended, Rollout};
use crate::environment;

/// How the failure of a reload ends where the way back did not fail too.
const OLD_SERVES: &str = "the old version goes on serving";
/// Counters of apps that crash and are restarted at once are saved so late at most, ms.
const SAVE_WITHIN: u64 = 1000;

impl Model {
    /// Takes one notice.
    pub(super) fn on_notice(&mut self, notice: Notice, out: &mut Vec<Effect>) {
        match notice {
            Notice::Online { proc, run, late } => self.on_online(proc, run, late, out),
            Notice::Ended { proc, run, exit, asked, again } => {
                self.count_dropped(proc, run);
                if !again {
                    self.tell_end((proc, run), exit, out);
                }
                self.on_ended((proc, run), exit, asked);
            }
            Notice::WillRestart { proc, delay } => self.on_will_restart(proc, delay, out),
            Notice::GaveUp { proc, unstable } => {
                out.push(Effect::Complain(format!(
                    "Script of app [{}] had too many unstable restarts ({unstable}). \
                     Stopped. \"errored\"",
                    self.registry.label(proc)
                )));
                self.publish(proc, Lifecycle::RestartOverlimit, out);
                self.on_rest(proc, out);
            }
            Notice::Refused { proc } | Notice::Stopped { proc } => self.on_rest(proc, out),
            Notice::OverMemory { proc, memory, limit, .. } => {
                self.on_over_memory(proc, memory, limit, out);
            }
            Notice::Removed { proc } => self.on_removed(proc, out),
            Notice::Verifying { proc, run } => {
                self.set_rollout(proc, Some(Rollout::Reloading));
                self.step_verifying(proc, run, out);
            }
            Notice::Replaced { proc, run, old } => self.on_replaced(proc, run, old, out),
            Notice::Failed { proc, run, why } => {
                self.set_rollout(proc, None);
                self.step_failed(proc, run, why, out);
                self.remember_failure(proc, run, why, out);
            }
            Notice::Left { proc, run } => {
                self.publish(proc, Lifecycle::Exit, out);
                if let Some(app) = self.registry.app_of(proc) {
                    self.tidy_listeners(app, out);
                }
                self.changed.insert(proc);
                self.count_dropped(proc, run);
                self.step_left(proc, run, out);
                // It may have been the room that was missing.
                self.begin_queued_reloads();
            }
            Notice::CanaryWaits { app, proc } => {
                self.set_rollout(proc, Some(Rollout::Canary));
                self.step(app, proc, &Step::CanaryServes, out);
                self.reload_over(app, None);
            }
            Notice::RollingBack { app, procs } => {
                self.unsaved = true;
                if let Some(first) = procs.first() {
                    let ids = procs.iter().map(|id| id.0).collect();
                    self.step(app, *first, &Step::RollingBack { ids }, out);
                }
            }
            Notice::ReloadEnded { app, spec, failure } => {
                self.on_reload_ended(app, spec, failure, out);
            }
        }
    }

    fn on_online(&mut self, id: ProcId, run: RunId, late: bool, out: &mut Vec<Effect>) {
        if let Some(facts) = self.facts.get_mut(&run) {
            facts.late = late;
        }
        out.push(Effect::Log(format!("App [{}] online", self.registry.label(id))));
        self.publish(id, Lifecycle::Online, out);
        self.changed.insert(id);
        self.tickets.online(id);
        self.begin_settling(run);
    }

    fn tell_end(&self, (id, run): (ProcId, RunId), exit: Exit, out: &mut Vec<Effect>) {
        let text = match exit {
            Exit::Code(code) => format!("exited with code [{code}]"),
            Exit::Signal { number, .. } => {
                format!("exited with code [0] via signal [{}]", signal_name(number))
            }
            Exit::Unknown => "exited; how is not known".to_owned(),
            Exit::NotSpawned | Exit::Refused => "could not be started".to_owned(),
        };
        out.push(Effect::Log(format!("App [{}] {text}", self.registry.label(id))));
        self.publish(id, Lifecycle::Exit, out);
        if let Some(slot) = self.core.slot(id) {
            out.push(Effect::Told { id, end: slot.process().place(run) });
        }
    }

    fn on_ended(&mut self, (id, run): (ProcId, RunId), exit: Exit, asked: bool) {
        // Why a run was not spawned was noted when it was reported.
        let at = self.at.wall;
        let oom = self.facts.get(&run).is_some_and(|facts| facts.out_of_memory);
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.ended = Some(Ended { at, asked, oom });
            let known = matches!(proc.last, Some(Outcome::NotSpawned { .. }));
            if !matches!(exit, Exit::NotSpawned | Exit::Refused) || !known {
                proc.last = Some(Outcome::Ended(exit));
            }
        }
        self.changed.insert(id);
    }

    fn on_will_restart(&mut self, id: ProcId, delay: u64, out: &mut Vec<Effect>) {
        if 0 < delay {
            self.remove_pid_file(id, out);
            let label = self.registry.label(id);
            out.push(Effect::Log(format!("App [{label}] will restart in {delay}ms")));
            // Nothing of it may be left in the keeper when the time has come.
            self.unsaved = true;
        } else {
            // Its counters go with the next run; only the loss of the keeper would cost them.
            self.save_by.get_or_insert(self.at.now + SAVE_WITHIN);
        }
        self.changed.insert(id);
    }

    /// A slot has no run and none is due.
    fn on_rest(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        self.remove_pid_file(id, out);
        if let Some(app) = self.registry.app_of(id) {
            self.tidy_rested(app, out);
        }
        self.changed.insert(id);
        self.unsaved = true;
    }

    fn on_removed(&mut self, id: ProcId, out: &mut Vec<Effect>) {
        self.remove_pid_file(id, out);
        if let Some(proc) = self.registry.remove_proc(id) {
            out.push(Effect::Log(format!("App [{}] deleted", proc.label(id))));
            let (name, what) = (proc.name, Lifecycle::Delete);
            out.push(Effect::Lifecycle { id, name, what, by_call: false });
            if self.registry.app(proc.app).is_none() {
                self.settling.forget(proc.app);
                out.push(Effect::ForgetApp(proc.app));
            } else {
                self.tidy_listeners(proc.app, out);
            }
        }
        self.changed.insert(id);
        self.unsaved = true;
    }

    fn on_replaced(&mut self, id: ProcId, run: RunId, old: Option<RunId>, out: &mut Vec<Effect>) {
        out.push(Effect::Admit(run));
        self.publish(id, Lifecycle::Online, out);
        let app = self.registry.app_of(id);
        let clients = app.map(|app| self.operations.clients_of_reload(app)).unwrap_or_default();
        let by_call = clients.into_iter().find(|client| client.call().is_some());
        self.publish_by(by_call, id, Lifecycle::Reload, out);
        self.set_rollout(id, None);
        self.unsaved = true;
        self.changed.insert(id);
        self.step_replaced(id, run, old, out);
    }

    fn on_reload_ended(
        &mut self,
        app: AppId,
        spec: SpecId,
        failure: Option<(ProcId, RunId, Why)>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(of) = self.registry.app_mut(app) {
            of.spec = spec;
        }
        out.push(Effect::SetBalance { app, spec });
        self.tidy_listeners(app, out);
        let ids: Vec<ProcId> = self.registry.procs_of(app).map(|(id, _)| id).collect();
        for id in ids {
            self.set_rollout(id, None);
        }
        // Another daemon may have seen it, and known more.
        let known = self.tickets.failure(app);
        let failure = failure.map(|(id, run, why)| {
            (run, known.unwrap_or_else(|| self.reload_failure(app, id, run, why)))
        });
        self.tails.retain(|_, (of, _)| *of != app);
        let not_back = self.not_back.remove(&app).and_then(|all| all.into_iter().next());
        let Some((run, failure)) = failure else { return self.reload_over(app, not_back.as_ref()) };
        match self.awaited.get_mut(&run) {
            // Whoever waits is told with the last lines; the end itself is saved at once.
            Some(awaited) => {
                awaited.ended = Some(failure.clone());
                self.tickets.end(app, Some(&failure));
                self.unsaved = true;
            }
            None => self.reload_over(app, Some(&failure)),
        }
    }

    fn remember_failure(&mut self, id: ProcId, run: RunId, why: Why, out: &mut Vec<Effect>) {
        let Some(app) = self.registry.app_of(id) else { return };
        if self.beside_current(id, run) == std::cmp::Ordering::Less {
            // It is not why a reload failed, but why what it had replaced was not taken back.
            let failure = self.rollback_failure(app, id, run, why);
            return self.on_not_back(app, failure);
        }
        let failure = self.reload_failure(app, id, run, why);
        self.tickets.fail(app, &failure);
        self.unsaved = true;
        if !matches!(why, Why::Exited(_)) {
            self.awaited.insert(run, AwaitedTail { app, noted: failure, ended: None });
            out.push(Effect::ReadStderrTail(run));
        }
    }

    /// A slot did not get its old version back. What was said of the reload's failure before must
    /// not go on to say that it serves.
    fn on_not_back(&mut self, app: AppId, failure: Failure) {
        if let Some(noted) = self.tickets.failure(app) {
            self.tickets.amend(app, &noted, &not_serving(noted.clone(), &failure));
        }
        for awaited in self.awaited.values_mut().filter(|awaited| awaited.app == app) {
            awaited.noted = not_serving(awaited.noted.clone(), &failure);
        }
        self.tickets.fail(app, &failure);
        self.not_back.entry(app).or_default().push(failure);
        self.unsaved = true;
    }

    /// The last lines that a failed worker wrote are known.
    pub(super) fn on_stderr_tail(&mut self, run: RunId, lines: Vec<String>) {
        let Some(awaited) = self.awaited.remove(&run) else { return };
        let AwaitedTail { app, noted, ended } = awaited;
        let failure = with_tail(noted.clone(), &lines);
        self.tickets.amend(app, &noted, &failure);
        match ended {
            Some(ended) => {
                self.reload_over(app, Some(if ended == noted { &failure } else { &ended }));
            }
            None if self.core.reload(app).is_some() => _ = self.tails.insert(run, (app, lines)),
            None => {}
        }
    }

    /// Whether the reload of an app goes on, or its end is still to be told.
    pub(super) fn reload_goes_on(&self, app: AppId) -> bool {
        self.core.reload(app).is_some()
            || self.awaited.values().any(|of| of.app == app && of.ended.is_some())
    }

    fn reload_failure(&self, app: AppId, id: ProcId, run: RunId, why: Why) -> Failure {
        let tail = self.tails.get(&run).map_or(&[] as &[String], |(_, lines)| lines);
        let name = self.registry.app_name(app);
        let what = self.cause(id, run, why);
        let message =
            format!("the new version of app `{name}` failed: worker {} {what}\n{OLD_SERVES}", id.0);
        let hint = match what {
            Cause::Elsewhere { .. } => "use `--allow-port-change` if it is to listen there, or \
                                        give it its `PORT` in a process file"
                .to_owned(),
            Cause::Ended(_)
            | Cause::NotReady { .. }
            | Cause::NotListening { .. }
            | Cause::Unhealthy { .. } => {
                format!("{}; fix it and reload again", see_logs(&name))
            }
        };
        let failure = Failure { code: Code::NotVerified, message, hint: Some(hint) };
        let not_back = self.not_back.get(&app).into_iter().flatten();
        not_back.fold(with_tail(failure, tail), not_serving)
    }

    fn rollback_failure(&self, app: AppId, id: ProcId, run: RunId, why: Why) -> Failure {
        let name = self.registry.app_name(app);
        let what = self.cause(id, run, why);
        Failure {
            code: Code::NotVerified,
            message: format!(
                "the old version of app `{name}` did not come back: worker {} {what}\n\
                 process {} stays with the new version",
                id.0, id.0
            ),
            hint: Some(see_logs(&name)),
        }
    }

    /// Why a worker was not accepted.
    pub(super) fn cause(&self, id: ProcId, run: RunId, why: Why) -> Cause {
        let facts = self.facts.get(&run);
        let spec = facts.map(|facts| facts.spec);
        let spec = spec.or_else(|| Some(self.core.slot(id)?.process().spec()));
        let version = spec.and_then(|spec| self.registry.version(spec));
        let limit = version.map_or(0, |version| version.policy.verify_timeout);
        let why_not = facts.and_then(|facts| facts.why.clone());
        let budget = version.and_then(|version| version.policy.health_budget);
        match why {
            Why::Exited(Exit::NotSpawned | Exit::Refused) => {
                Cause::Ended(control::Outcome::NotSpawned { why: why_not })
            }
            Why::Exited(exit) => Cause::Ended(exit_fact(exit)),
            Why::NotReady => Cause::NotReady { limit },
            Why::NotListening => Cause::NotListening { limit },
            Why::Elsewhere => {
                let addresses = |run| self.facts.get(&run).map(RunFacts::addresses);
                let current = self.core.slot(id).and_then(|slot| slot.process().run());
                Cause::Elsewhere {
                    new: addresses(run).unwrap_or_default(),
                    old: current.and_then(addresses).unwrap_or_default(),
                }
            }
            Why::Unhealthy => {
                let late = || Some(format!("did not pass its health check within {} ms", budget?));
                Cause::Unhealthy { why: why_not.or_else(late) }
            }
        }
    }

    pub(super) fn set_rollout(&mut self, id: ProcId, rollout: Option<Rollout>) {
        if let Some(proc) = self.registry.proc_mut(id) {
            proc.rollout = rollout;
        }
    }

    fn remove_pid_file(&self, id: ProcId, out: &mut Vec<Effect>) {
        // A slot that was removed is known by its app only.
        let of_app = || Some(self.registry.app(self.registry.app_of(id)?)?.spec);
        let spec = self.core.slot(id).map(|slot| slot.process().spec()).or_else(of_app);
        let version = spec.and_then(|spec| self.registry.version(spec));
        out.extend(
            version.map(|version| Effect::RemovePidFile(environment::pid_file(&version.spec, id))),
        );
    }

    /// Tells who watches what happened to a process that is still known.
    pub(super) fn publish(&self, id: ProcId, what: Lifecycle, out: &mut Vec<Effect>) {
        self.publish_by(None, id, what, out);
    }

    /// The same of what this client brought about.
    pub(super) fn publish_by(
        &self,
        client: Option<ClientId>,
        id: ProcId,
        what: Lifecycle,
        out: &mut Vec<Effect>,
    ) {
        let by_call = client.is_some_and(|client| client.call().is_some());
        if let Some(proc) = self.registry.proc(id) {
            out.push(Effect::Lifecycle { id, name: proc.name.clone(), what, by_call });
        }
    }
}

/// The failure of a reload with the last lines that the worker wrote, which follow the reason.
fn with_tail(mut failure: Failure, tail: &[String]) -> Failure {
    if let (false, Some((why, rest))) = (tail.is_empty(), failure.message.split_once('\n')) {
        let tail: String = tail.iter().map(|line| format!("\n  {line}")).collect();
        failure.message = format!("{why}\nits last lines on stderr:{tail}\n{rest}");
    }
    failure
}

/// The failure of a reload with that of a way back: the old version does not serve everywhere.
fn not_serving(mut failure: Failure, not_back: &Failure) -> Failure {
    let before = failure.message.strip_suffix(OLD_SERVES).unwrap_or(&failure.message);
    failure.message = format!("{}\n{}", before.trim_end_matches('\n'), not_back.message);
    failure
}
