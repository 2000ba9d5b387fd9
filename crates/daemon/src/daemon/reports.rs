//! What the parts tell, taken up in the order in which they told it.

use ostler_core::RunId;
use ostler_pm2::in_app::{self, AppMessage};

use super::actions::Actions;
use super::{Daemon, listening};
use crate::bus::Bus;
use crate::clients::Clients;
use crate::daemon_log;
use crate::model::{ClientId, Input, Model};
use crate::reports::Report;

impl Daemon {
    /// Takes up what the parts have told.
    pub(super) fn take_reports(&mut self) {
        while let Some(report) = self.reports.pop_front() {
            match report {
                Report::Model(input) => self.model.push(input),
                Report::Core(event) => self.model.report(event),
                Report::Listening(run) => self.driver().on_listening(run),
                Report::SpawnAgain(run) => {
                    self.model.decide();
                    self.driver().send_spawn(run);
                }
                Report::Released(run) => self.driver().on_released(run),
                Report::AppError { app, text } => {
                    let name = self.model.registry().app_name(app);
                    daemon_log::error(format!("app [{name}] {text}"));
                }
                Report::CannotListen { app, why, holder } => {
                    let registry = self.model.registry();
                    daemon_log::error(listening::cannot(registry, app, &why, holder));
                }
                Report::Disagrees { app, holder, policy, key } => {
                    let registry = self.model.registry();
                    daemon_log::error(listening::disagree(registry, (app, holder), policy, &key));
                }
                Report::ClientGone { client, watched } => {
                    if watched {
                        self.logs.engine().unsubscribe(client as u64);
                    }
                    self.last_lines.forget(client);
                    self.node.stop_sharing(client);
                    self.actions.forget(client);
                    self.model.push(Input::ClientGone(ClientId(client)));
                }
                Report::LinesTaken(client) => self.logs.engine().taken(client as u64),
                Report::Reply { client, reply } => self.reply(client, &reply),
                Report::Said { run, text } => {
                    let (model, clients) = (self.model.model(), &mut self.clients);
                    let listeners = Listeners { actions: &mut self.actions, bus: &mut self.bus };
                    if let Some(input) = listeners.hear(run, &text, model, clients) {
                        self.model.push(input);
                    }
                }
                Report::Profiled { run, text } => {
                    if let Some((client, reply)) = self.profiles.on_message(run, &text) {
                        self.reply(client, &reply);
                    }
                }
                Report::Heard(heard) => {
                    self.node.set_heard(heard);
                    self.logs.set_heard(heard);
                    if heard {
                        daemon_log::watch(true);
                    }
                }
                Report::Upgraded { client } => self.make_room(client),
            }
        }
    }
}

/// Who hears what apps say in their channels.
struct Listeners<'a> {
    actions: &'a mut Actions,
    bus: &'a mut Bus,
}

impl Listeners<'_> {
    /// An app has said something. Returns what the model is to know of it.
    fn hear(self, run: RunId, text: &str, model: &Model, clients: &mut Clients) -> Option<Input> {
        let said = match in_app::read(text) {
            AppMessage::Kept(kept) => return Some(Input::Kept { run, kept }),
            said => said,
        };
        if let AppMessage::Typed(topic, data) = &said
            && topic == in_app::REPLY
        {
            self.actions.on_reply(run, data, model, clients);
        }
        self.bus.said(model, run, &said, text);
        None
    }
}
