//! What the machine tells: into the log, to whoever waits, to what is shown.

use ostler_core::{AppId, Exit, Notice, ProcId, RunId};
use ostler_wire::control::{Failure, Lifecycle};

use crate::book::{LastExit, signal_name};
use crate::daemon::Daemon;
use crate::{environment, logbook};

/// Counters of apps that crash and are restarted at once are saved so late at most, ms.
const SAVE_WITHIN: u64 = 1000;

impl Daemon {
    /// Takes one notice.
    pub fn tell(&mut self, notice: Notice) {
        match notice {
            Notice::Online { proc, run, late } => {
                if let Some(held) = self.runs.get_mut(&run) {
                    held.ready = !late;
                }
                logbook::log(format!("App [{}] online", self.label(proc)));
                self.lifecycle(proc, Lifecycle::Online);
                self.touched.insert(proc);
            }
            Notice::Ended { proc, exit, .. } => self.on_ended(proc, exit),
            Notice::WillRestart { proc, delay } => {
                if 0 < delay {
                    self.remove_pid_file(proc);
                    logbook::log(format!("App [{}] will restart in {delay}ms", self.label(proc)));
                    // Nothing of it may be left in the keeper when the time has come.
                    self.dirty = true;
                } else {
                    // Its counters go with the next run; only the loss of the keeper would cost
                    // them.
                    self.save_by.get_or_insert(crate::clock::monotonic() + SAVE_WITHIN);
                }
                self.touched.insert(proc);
            }
            Notice::OverMemory { proc, memory, limit, .. } => {
                self.on_over_memory(proc, memory, limit);
            }
            Notice::GaveUp { proc, unstable } => {
                logbook::error(format!(
                    "Script of app [{}] had too many unstable restarts ({unstable}). Stopped. \"errored\"",
                    self.label(proc)
                ));
                self.lifecycle(proc, Lifecycle::RestartOverlimit);
                self.remove_pid_file(proc);
                self.tidy_listeners_of(proc);
                self.touched.insert(proc);
                self.dirty = true;
            }
            Notice::Stopped { proc } => {
                self.remove_pid_file(proc);
                self.tidy_listeners_of(proc);
                self.touched.insert(proc);
                self.dirty = true;
            }
            Notice::Removed { proc } => self.on_removed(proc),
            Notice::Verifying { proc, run } => {
                self.set_rollout(proc, Some("reloading"));
                self.step_proving(proc, run);
            }
            Notice::Replaced { proc, run, old } => self.on_replaced(proc, run, old),
            Notice::Failed { proc, run, why } => {
                self.set_rollout(proc, None);
                self.step_failed(proc, run, why);
                self.remember_failure(proc, run, why);
            }
            Notice::Left { proc, run } => {
                self.lifecycle(proc, Lifecycle::Exit);
                self.tidy_listeners_of(proc);
                self.touched.insert(proc);
                self.step_left(proc, run);
            }
            Notice::CanaryWaits { app, proc } => {
                self.set_rollout(proc, Some("canary"));
                self.dirty = true;
                let name = self.app_name(app);
                let text = format!(
                    "the canary serves; `ostler promote {name}` or `ostler rollback {name}`"
                );
                self.step(app, proc, &text);
                self.reload_over(app, None);
            }
            Notice::RollingBack { app, procs } => {
                self.dirty = true;
                if let Some(first) = procs.first() {
                    let list: Vec<String> = procs.iter().map(|id| id.0.to_string()).collect();
                    self.step(
                        app,
                        *first,
                        &format!("rolling back to the old version: {}", list.join(", ")),
                    );
                }
            }
            Notice::ReloadEnded { app, spec, failure } => {
                if let Some(of_book) = self.book.apps.get_mut(&app) {
                    of_book.spec = spec;
                }
                self.apply_balance(app, spec);
                self.tidy_listeners(app);
                let ids: Vec<ProcId> = self.book.procs_of(app).map(|(id, _)| id).collect();
                for id in ids {
                    self.set_rollout(id, None);
                }
                let failure = failure.map(|(id, run, why)| {
                    // Another daemon may have seen it, and known more.
                    self.book
                        .tickets
                        .failure(app)
                        .unwrap_or_else(|| self.reload_failure(app, id, run, why))
                });
                self.words.retain(|_, (of, _)| *of != app);
                self.reload_over(app, failure.as_ref());
            }
        }
    }

    fn on_ended(&mut self, id: ProcId, exit: Exit) {
        let text = match exit {
            Exit::Code(code) => format!("exited with code [{code}]"),
            Exit::Signal { number: signal, .. } => {
                format!("exited with code [0] via signal [{}]", signal_name(signal))
            }
            Exit::Unknown => "exited; how is not known".to_owned(),
            Exit::NotSpawned => "could not be started".to_owned(),
        };
        logbook::log(format!("App [{}] {text}", self.label(id)));
        self.lifecycle(id, Lifecycle::Exit);
        if let Some(proc) = self.book.procs.get_mut(&id) {
            let reason = proc
                .last_exit
                .take()
                .and_then(|last| last.reason)
                .filter(|_| exit == Exit::NotSpawned);
            proc.last_exit = Some(LastExit { exit, reason });
        }
        self.touched.insert(id);
    }

    fn on_removed(&mut self, id: ProcId) {
        self.remove_pid_file(id);
        if let Some(proc) = self.book.remove_proc(id) {
            logbook::log(format!("App [{}:{}] deleted", proc.name, id.0));
            self.tell_lifecycle(id, &proc.name, Lifecycle::Delete);
            self.forget_app_if_gone(proc.app);
        }
        self.touched.insert(id);
        self.dirty = true;
        self.end_if_empty();
    }

    fn on_replaced(&mut self, id: ProcId, run: RunId, old: Option<RunId>) {
        self.worker_trusted(run);
        self.lifecycle(id, Lifecycle::Online);
        self.lifecycle(id, Lifecycle::Reload);
        self.set_rollout(id, None);
        self.dirty = true;
        self.touched.insert(id);
        self.step_replaced(id, run, old);
    }

    fn remember_failure(&mut self, id: ProcId, run: RunId, why: ostler_core::Failure) {
        // What fails on the way back is not why the reload failed.
        if self.beside_current(id, run) == std::cmp::Ordering::Less {
            return;
        }
        if let Some(app) = self.book.procs.get(&id).map(|proc| proc.app) {
            let failure = self.reload_failure(app, id, run, why);
            self.book.tickets.fail(app, &failure);
            self.dirty = true;
        }
    }

    fn reload_failure(
        &self,
        app: AppId,
        id: ProcId,
        run: RunId,
        why: ostler_core::Failure,
    ) -> Failure {
        let name = self.app_name(app);
        let mut message = format!(
            "the new version of app `{name}` failed: worker {} {}",
            id.0,
            self.failure_text(id, why)
        );
        let living =
            || self.runs.get(&run).map(|held| self.last_words(held.err_mark, held.spec, id));
        let words = self
            .words
            .get(&run)
            .map(|(_, words)| words.clone())
            .or_else(living)
            .unwrap_or_default();
        if !words.is_empty() {
            message.push_str("\nits last words on stderr:");
            for line in words {
                message.push_str("\n  ");
                message.push_str(&line);
            }
        }
        message.push_str("\nthe old version goes on serving");
        Failure {
            message,
            hint: Some(format!("see `ostler logs {name} --err`; mend it and reload again")),
        }
    }

    pub fn failure_text(&self, id: ProcId, why: ostler_core::Failure) -> String {
        let spec =
            self.core.slot(id).and_then(|slot| self.book.versions.get(&slot.process().spec()));
        let limit = spec.map_or(0, |version| version.policy.verify_timeout);
        let reason =
            self.book.procs.get(&id).and_then(|proc| proc.last_exit.as_ref()?.reason.clone());
        match why {
            ostler_core::Failure::Exited(Exit::NotSpawned) => {
                reason.unwrap_or_else(|| "could not be started".to_owned())
            }
            ostler_core::Failure::Exited(exit) => {
                format!("ended with {}", LastExit { exit, reason: None }.text())
            }
            ostler_core::Failure::NotReady => format!("did not say `ready` within {limit} ms"),
            ostler_core::Failure::NotListening => {
                format!("did not listen within {limit} ms on what the old version listens on")
            }
            ostler_core::Failure::Unhealthy => {
                reason.unwrap_or_else(|| "did not pass its health check".to_owned())
            }
        }
    }

    fn tidy_listeners_of(&mut self, id: ProcId) {
        if let Some(app) = self.book.procs.get(&id).map(|proc| proc.app) {
            self.tidy_listeners(app);
        }
    }

    /// As [`step`](Self::step), of the app that the slot belongs to.
    pub fn step_of(&mut self, id: ProcId, text: &str) {
        if let Some(app) = self.book.procs.get(&id).map(|proc| proc.app) {
            self.step(app, id, text);
        }
    }

    fn set_rollout(&mut self, id: ProcId, rollout: Option<&'static str>) {
        if let Some(proc) = self.book.procs.get_mut(&id) {
            proc.rollout = rollout;
        }
    }

    fn remove_pid_file(&self, id: ProcId) {
        // A slot that was removed is known by its app only.
        let of_app = || Some(self.book.apps.get(&self.book.procs.get(&id)?.app)?.spec);
        let spec = self.core.slot(id).map(|slot| slot.process().spec()).or_else(of_app);
        if let Some(version) = spec.and_then(|spec| self.book.versions.get(&spec)) {
            // It may never have been written.
            _ = std::fs::remove_file(environment::pid_file(&version.spec, id));
        }
    }

    fn label(&self, id: ProcId) -> String {
        let name = self.book.procs.get(&id).map_or("", |proc| proc.name.as_str());
        format!("{name}:{}", id.0)
    }
}
