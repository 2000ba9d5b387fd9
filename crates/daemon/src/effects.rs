//! Doing what the model asks for.

use ostler_core::{Action, AppId};
use ostler_keeper::failpoint::hit;

use crate::daemon::Daemon;
use crate::model::{ClientId, Effect, Input, Unneeded};
use crate::saver::{Done, Task};
use crate::{clock, logbook, state_file};

impl Daemon {
    /// Does one thing that the model asks for.
    pub fn carry_out(&mut self, effect: Effect) {
        let (before, after) = places(&effect);
        hit(before);
        self.act(effect);
        hit(after);
    }

    fn act(&mut self, effect: Effect) {
        match effect {
            Effect::Core(action) => self.act_on(&action),
            Effect::Reply { client, reply } => self.reply(client.0, &reply),
            Effect::List { client } => {
                self.clients.reply_list(client.0, &self.model.model().list_reply());
            }
            Effect::Raw { client, text } => self.clients.reply_raw(client.0, text),
            Effect::Event { client, event } => self.event(client.0, &event),
            Effect::Lifecycle { id, name, what } => self.clients.publish(id, &name, what),
            Effect::Log(line) => logbook::log(line),
            Effect::Complain(line) => logbook::error(line),
            Effect::RemovePidFile(path) => {
                // It may never have been written.
                _ = std::fs::remove_file(path);
            }
            Effect::CloseListeners { app, which } => self.close_listeners(app, which),
            Effect::ForgetApp(app) => {
                let (node, mut parts) = self.node();
                node.forget_app(app, &mut parts);
            }
            Effect::Admit(run) => self.worker_admitted(run),
            Effect::SetBalance { app, spec } => self.apply_balance(app, spec),
            Effect::Measure(runs) => {
                let now = clock::monotonic();
                for run in runs {
                    let (_, memory) = self.runs.measure(run, now);
                    self.model.push(Input::Measured { run, memory });
                }
            }
            Effect::ReadStderrTail(run) => {
                let lines = self.runs.stderr_tail(run);
                self.model.push(Input::StderrTail { run, lines });
            }
            Effect::WriteDump { client, count, text } => {
                self.begin_task(Task::Write { client, count, text });
            }
            Effect::ReadDump { client } => self.begin_task(Task::Read { client }),
        }
    }

    fn begin_task(&mut self, task: Task) {
        let refused = self.saver.push(task, &self.inbox.mailbox);
        self.model.extend(refused.and_then(Done::log));
    }

    /// A task of the saver's is over.
    pub fn on_saver(&mut self, done: Done) {
        let refused = self.saver.on_done(&self.inbox.mailbox);
        self.model.extend(done.log().into_iter().chain(refused.and_then(Done::log)));
    }

    fn act_on(&mut self, action: &Action) {
        match *action {
            Action::Spawn { proc, run, spec } => self.spawn(clock::monotonic(), proc, run, spec),
            Action::Disconnect(run) => self.disconnect(run),
            Action::Terminate(run) => self.terminate(run),
            Action::Kill(run) => self.kill(run),
            Action::Sweep(run) => self.sweep(run),
            Action::Probe(run) => self.probe(run),
            Action::Note { run } => self.note(run),
            // The model keeps notices to itself.
            Action::Tell(_) => {}
        }
    }

    /// Saves what must survive, before what follows from it is done.
    pub fn save(&mut self) {
        if let Some(state) = self.model.take_unsaved()
            && let Err(error) = state_file::write(&state, &self.config.home)
        {
            self.complain_of_save(&error);
            self.model.push(Input::SaveFailed);
        }
    }

    /// Saves whether or not anything has changed.
    pub fn save_now(&mut self) {
        let state = self.model.snapshot();
        if let Err(error) = state_file::write(&state, &self.config.home) {
            self.complain_of_save(&error);
        }
    }

    fn complain_of_save(&self, error: &std::io::Error) {
        let home = self.config.home.display();
        logbook::error(format!("could not save the state to `{home}`: {error}"));
    }

    fn close_listeners(&mut self, app: AppId, which: Unneeded) {
        let (node, mut parts) = self.node();
        match which {
            Unneeded::All => node.close_all(app, &mut parts),
            Unneeded::Unused => node.close_unused(app, &mut parts),
        }
    }

    /// Ends a client's request.
    pub fn reply(&mut self, client: usize, reply: &ostler_wire::control::Reply) {
        self.clients.reply(client, reply);
    }

    fn event(&mut self, client: usize, event: &ostler_wire::control::Event) {
        self.clients.event(client, event);
    }

    /// Forgets what a client that has left had asked for.
    pub fn on_client_gone(&mut self, client: usize, watched: bool) {
        if watched {
            self.logs.engine().unsubscribe(client as u64);
        }
        self.model.push(Input::ClientGone(ClientId(client)));
    }
}

/// Where a test may kill this process.
fn places(effect: &Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Core(Action::Spawn { .. }) => ("spawn.before", "spawn.after"),
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
        | Effect::Complain(_)
        | Effect::RemovePidFile(_)
        | Effect::CloseListeners { .. }
        | Effect::ForgetApp(_)
        | Effect::Admit(_)
        | Effect::SetBalance { .. }
        | Effect::Measure(_)
        | Effect::ReadStderrTail(_)
        | Effect::WriteDump { .. }
        | Effect::ReadDump { .. } => ("tell.before", "tell.after"),
    }
}
