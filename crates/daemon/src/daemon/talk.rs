//! What clients say to processes that run, and what these answer.

use ostler_core::{ProcId, RunId};
use ostler_pm2::in_app::InApp;
use ostler_pm2::rpc::{asked_for, asked_of_agent};
use ostler_wire::control::{Code, Event, Failure, Reply, Talk};
use serde_json::Value as Json;

use super::Daemon;
use crate::clients::Clients;
use crate::model::{Input, Model};
use crate::rpc::{line, run_of};
use crate::runs::{InputError, Runs};

/// Actions that clients wait for.
#[derive(Debug, Default)]
pub(super) struct Actions(Vec<Waiting>);

/// A client that waits for what processes answer to an action.
#[derive(Debug)]
struct Waiting {
    client: usize,
    action: String,
    /// Who has not answered.
    runs: Vec<(ProcId, RunId)>,
}

impl Daemon {
    /// A client says something to processes.
    pub(super) fn talk(&mut self, client: usize, ids: &[u32], talk: Talk) {
        match talk {
            Talk::Signal { number } => self.say(client, ids, |daemon, run| {
                daemon.runs.signal(run, number).map_err(|error| {
                    Failure::new(Code::System, format!("it cannot be signalled: {error}"))
                })
            }),
            Talk::Input { text } => self.say(client, ids, |daemon, run| {
                daemon.runs.write_input(run, text.as_bytes()).map_err(InputError::failure)
            }),
            Talk::Monitor { on } => {
                for id in ids {
                    self.model.push(Input::Monitored { id: ProcId(*id), on });
                }
                self.model.decide();
                self.reply(client, &Reply::Done);
            }
            Talk::Action { name, params } => {
                self.ask_for(client, ids, name, params.as_deref());
            }
        }
    }

    /// Says something to each process that runs, and tells how that went.
    fn say(
        &mut self,
        client: usize,
        ids: &[u32],
        mut say: impl FnMut(&mut Self, RunId) -> Result<(), Failure>,
    ) {
        for id in ids {
            let model = self.model.model();
            let name = model.registry().proc(ProcId(*id)).map(|proc| proc.name.clone());
            let said = match run_of(ProcId(*id), model) {
                Some(run) => say(self, run),
                None => Err(InputError::Offline.failure()),
            };
            let (id, name) = (*id, name.unwrap_or_default());
            self.clients.event(client, &Event::Acted { id, name, error: said.err(), added: false });
        }
        self.reply(client, &Reply::Done);
    }

    /// Asks processes for an action that they declared.
    fn ask_for(&mut self, client: usize, ids: &[u32], action: String, params: Option<&str>) {
        let model = self.model.model();
        let has = |run: RunId| model.in_app_of(run).is_some_and(|of| of.has_action(&action));
        let runs = ids.iter().filter_map(|id| {
            let id = ProcId(*id);
            run_of(id, model).filter(|run| has(*run)).map(|run| (id, run))
        });
        let runs: Vec<(ProcId, RunId)> = runs.collect();
        if runs.is_empty() {
            let text = format!("no process that runs has declared the action `{action}`");
            let failure = Failure::new(Code::NotFound, text)
                .hint("`ostler describe NAME` shows the actions of an app");
            return self.reply(client, &Reply::Error(failure));
        }
        self.clients.event(client, &Event::Asked { count: runs.len() });
        for (id, run) in &runs {
            let is_for_agent = |of: &InApp| of.is_for_agent(&action);
            let message = if self.model.model().in_app_of(*run).is_some_and(is_for_agent) {
                asked_of_agent(&action, params.map(Json::from).as_ref())
            } else {
                asked_for(id.0, &action, params)
            };
            self.runs.send(*run, &line(&message));
        }
        self.actions.0.push(Waiting { client, action, runs });
    }
}

impl Actions {
    /// A process answered: tells who waits for that. `data`: as it came, JSON text.
    pub(super) fn on_reply(
        &mut self,
        run: RunId,
        data: &str,
        model: &Model,
        clients: &mut Clients,
    ) {
        let Some((action, answer)) = ostler_pm2::in_app::reply(data) else { return };
        for waiting in self.0.iter_mut().filter(|waiting| waiting.action == action) {
            let Some(at) = waiting.runs.iter().position(|(_, of)| *of == run) else { continue };
            let (id, _) = waiting.runs.remove(at);
            let (name, namespace) = names(model, id);
            let answer = answer.clone();
            let event = Event::Answered { id: id.0, name, namespace, answer };
            clients.event(waiting.client, &event);
        }
        self.end(clients);
    }

    /// Tells of processes that ended and have not answered.
    pub(super) fn look(&mut self, model: &Model, runs: &Runs, clients: &mut Clients) {
        if self.0.is_empty() {
            return;
        }
        for waiting in &mut self.0 {
            waiting.runs.retain(|(id, run)| {
                let lives = runs.get(*run).is_some_and(|held| !held.is_dead());
                if !lives {
                    let (name, _) = names(model, *id);
                    let text = "it ended before it answered";
                    let error = Some(Failure::new(Code::Ended, text));
                    let event = Event::Acted { id: id.0, name, error, added: false };
                    clients.event(waiting.client, &event);
                }
                lives
            });
        }
        self.end(clients);
    }

    /// Answers those who wait for nobody any more.
    fn end(&mut self, clients: &mut Clients) {
        self.0.retain(|waiting| {
            if waiting.runs.is_empty() {
                clients.reply(waiting.client, &Reply::Done);
            }
            !waiting.runs.is_empty()
        });
    }

    /// The client has left.
    pub(super) fn forget(&mut self, client: usize) {
        self.0.retain(|waiting| waiting.client != client);
    }
}

/// Name and namespace of a process.
fn names(model: &Model, id: ProcId) -> (String, String) {
    let registry = model.registry();
    let name = registry.proc(id).map_or_else(String::new, |proc| proc.name.clone());
    let app = registry.app_of(id).and_then(|app| registry.app(app));
    (name, app.map_or_else(String::new, |app| app.namespace.clone()))
}
