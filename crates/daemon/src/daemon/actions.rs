//! Actions of processes that clients asked for, until they are answered.

use ostler_core::{ProcId, RunId};
use ostler_wire::control::{Code, Event, Failure, Reply};

use crate::clients::Clients;
use crate::model::Model;
use crate::runs::Runs;

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

impl Actions {
    /// The client waits until each of these has answered or ended.
    pub(super) fn wait(&mut self, client: usize, action: String, runs: Vec<(ProcId, RunId)>) {
        self.0.push(Waiting { client, action, runs });
    }

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
                    clients.event(waiting.client, &Event::said(id.0, name, error));
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
