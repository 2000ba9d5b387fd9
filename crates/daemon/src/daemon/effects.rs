//! Doing what the model asks for.

use ostler_core::Action;
use ostler_keeper::failpoint::hit;

use super::Daemon;
use crate::clock;
use crate::daemon_log;
use crate::model::{Effect, Input};
use crate::saver::Task;

impl Daemon {
    /// Does one thing that the model asks for.
    pub(super) fn carry_out(&mut self, effect: Effect) {
        let (before, after) = places(&effect);
        hit(before);
        match effect {
            Effect::Core(action) => self.driver().act(&action),
            Effect::Reply { client, reply } => self.reply(client.0, &reply),
            Effect::List { client, which } => {
                self.clients.reply_list(client.0, &self.model.model().known().list_reply(&which));
            }
            Effect::Raw { client, text } => self.clients.reply_raw(client.0, text),
            Effect::Event { client, event } => match client.call() {
                Some(call) => self.rpc.event(call, &event),
                None => self.clients.event(client.0, &event),
            },
            Effect::Lifecycle { id, name, what, by_call } => {
                self.clients.publish(id, &name, what);
                if !by_call {
                    self.bus.lifecycle(self.model.model(), id, &name, what);
                }
            }
            Effect::Log(line) => daemon_log::log(line),
            Effect::Alert { number, alert } => {
                let (registry, mailbox) = (self.model.registry(), &self.inbox.mailbox);
                if self.alerts.tell(number, &alert, registry, mailbox) {
                    self.model.push(Input::Alerted(number));
                }
            }
            Effect::SeenTo(number) => self.alerts.on_seen_to(number),
            Effect::Told { id, end } => self.runs.note_told(id, end),
            Effect::Complain(line) => daemon_log::error(line),
            Effect::RemovePidFile(path) => {
                // It may never have been written.
                _ = self.logs.files().remove(&path);
            }
            Effect::CloseListeners { app, which } => self.driver().close_listeners(app, which),
            Effect::ForgetApp(app) => self.driver().forget_app(app),
            Effect::LookForCallers { app, runs, seen, pause } => {
                self.driver().look_for_callers(app, runs, seen, pause);
            }
            Effect::Unpause(runs) => self.driver().pause(&runs, false),
            Effect::AwaitCaller(app) => self.driver().await_caller(app),
            Effect::Admit(run) => self.driver().worker_admitted(run),
            Effect::SetBalance { app, spec } => self.driver().apply_balance(app, spec),
            Effect::Measure(runs) => {
                let now = clock::monotonic();
                let measure = |(run, limit)| (run, self.runs.memory(run, limit, now));
                self.model.push(Input::Measured(runs.into_iter().map(measure).collect()));
            }
            Effect::Prelude(of) | Effect::Hook(of) => self.begin_hook(*of),
            Effect::EndHooks(run) => self.hooks.end(run),
            Effect::ForgetPrelude(run) => self.runs.forget_unborn_group(run),
            Effect::CheckHealth(run) => self.driver().check_health(run),
            Effect::ReadStderrTail(run) => {
                let lines = self.runs.stderr_tail(run);
                self.model.push(Input::StderrTail { run, lines });
            }
            Effect::Watch(list) => {
                let failed = self.files.set(list, &self.inbox.mailbox);
                failed.into_iter().for_each(|input| self.model.push(input));
            }
            Effect::WriteDump { client, count, text } => {
                let task = Task::Write { client, count, text };
                self.saver.push(task, &self.inbox.mailbox, &mut self.reports);
            }
            Effect::ReadDump { client, told } => {
                self.saver.push(
                    Task::Read { client, told },
                    &self.inbox.mailbox,
                    &mut self.reports,
                );
            }
        }
        hit(after);
    }
}

/// Where a test may kill this process.
fn places(effect: &Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Core(Action::Spawn { .. }) => ("spawn.before", "spawn.after"),
        Effect::Core(Action::Prepare { .. }) => ("prepare.before", "prepare.after"),
        Effect::Core(Action::Revoke { .. }) => ("revoke.before", "revoke.after"),
        Effect::Core(Action::Begun { .. }) => ("begun.before", "begun.after"),
        Effect::Core(Action::Disconnect(_)) => ("disconnect.before", "disconnect.after"),
        Effect::Core(Action::Terminate(_) | Action::Kill(_) | Action::Sweep(_)) => {
            ("terminate.before", "terminate.after")
        }
        Effect::Core(Action::Probe(_) | Action::Note { .. } | Action::Tell(_)) => {
            ("note.before", "note.after")
        }
        Effect::Reply { .. }
        | Effect::List { .. }
        | Effect::Raw { .. }
        | Effect::Event { .. }
        | Effect::Lifecycle { .. }
        | Effect::Log(_)
        | Effect::Alert { .. }
        | Effect::SeenTo(_)
        | Effect::Told { .. }
        | Effect::Complain(_)
        | Effect::RemovePidFile(_)
        | Effect::CloseListeners { .. }
        | Effect::ForgetApp(_)
        | Effect::Admit(_)
        | Effect::LookForCallers { .. }
        | Effect::Unpause(_)
        | Effect::AwaitCaller(_)
        | Effect::SetBalance { .. }
        | Effect::Measure(_)
        | Effect::CheckHealth(_)
        | Effect::Prelude(_)
        | Effect::Hook(_)
        | Effect::EndHooks(_)
        | Effect::ForgetPrelude(_)
        | Effect::ReadStderrTail(_)
        | Effect::Watch(_)
        | Effect::WriteDump { .. }
        | Effect::ReadDump { .. } => ("tell.before", "tell.after"),
    }
}
