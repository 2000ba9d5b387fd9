//! What clients say to processes that run, and what these answer.

use ostler_core::{ProcId, RunId};
use ostler_pm2::rpc::{asked_for, asked_of_agent};
use ostler_wire::control::{Code, Event, Failure, Reply, Talk};
use serde_json::Value as Json;

use super::Daemon;
use crate::clients::Clients;
use crate::model::{Input, Model};
use crate::rpc::{line, run_of};
use crate::runs::{InputError, Runs};

impl Daemon {
    /// A client says something to processes.
    pub(super) fn talk(&mut self, client: usize, ids: &[u32], talk: Talk) {
        let (model, runs, clients) = (self.model.model(), &mut self.runs, &mut self.clients);
        let talker = Talker { client, ids, model, runs, clients };
        match talk {
            Talk::Signal { number } => talker.say(|runs, run| {
                runs.signal(run, number).map_err(|error| {
                    Failure::new(Code::System, format!("it cannot be signalled: {error}"))
                })
            }),
            Talk::Input { text } => talker.say(|runs, run| {
                runs.write_input(run, text.as_bytes()).map_err(InputError::failure)
            }),
            Talk::Monitor { on } => {
                for id in ids {
                    self.model.push(Input::Monitored { id: ProcId(*id), on });
                }
                self.model.decide();
                self.reply(client, &Reply::Done);
            }
            Talk::Action { name, params } => {
                if let Some(asked) = talker.ask_for(&name, params.as_deref()) {
                    self.actions.wait(client, name, asked);
                }
            }
        }
    }
}

/// A client that says something to processes, with the parts that this needs.
struct Talker<'a> {
    client: usize,
    ids: &'a [u32],
    model: &'a Model,
    runs: &'a mut Runs,
    clients: &'a mut Clients,
}

impl Talker<'_> {
    /// Says something to each process that runs, and tells how that went.
    fn say(self, mut say: impl FnMut(&mut Runs, RunId) -> Result<(), Failure>) {
        for id in self.ids {
            let name = self.model.registry().proc(ProcId(*id)).map(|proc| proc.name.clone());
            let said = match run_of(ProcId(*id), self.model) {
                Some(run) => say(self.runs, run),
                None => Err(InputError::Offline.failure()),
            };
            let (id, name) = (*id, name.unwrap_or_default());
            self.clients.event(self.client, &Event::said(id, name, said.err()));
        }
        self.clients.reply(self.client, &Reply::Done);
    }

    /// Asks processes for an action that they declared. Returns those that will answer; where none
    /// has declared it, the client is told.
    fn ask_for(self, action: &str, params: Option<&str>) -> Option<Vec<(ProcId, RunId)>> {
        let Self { client, ids, model, runs, clients } = self;
        let in_app = |run: RunId| model.known().in_app_of(run);
        let asked = ids.iter().filter_map(|id| {
            let run = run_of(ProcId(*id), model)?;
            in_app(run).is_some_and(|of| of.has_action(action)).then_some((ProcId(*id), run))
        });
        let asked: Vec<(ProcId, RunId)> = asked.collect();
        if asked.is_empty() {
            let proc = |id: &u32| model.registry().proc(ProcId(*id));
            let names: Vec<String> =
                ids.iter().filter_map(proc).map(|proc| proc.name.clone()).collect();
            let text = format!("no process that runs has declared the action `{action}`");
            let failure = Failure::new(Code::NotFound, text).hint(actions_hint(&names));
            clients.reply(client, &Reply::Error(failure));
            return None;
        }
        clients.event(client, &Event::Asked { count: asked.len() });
        for (id, run) in &asked {
            let message = match in_app(*run).is_some_and(|of| of.is_for_agent(action)) {
                true => asked_of_agent(action, params.map(Json::from).as_ref()),
                false => asked_for(id.0, action, params),
            };
            runs.send(*run, &line(&message));
        }
        Some(asked)
    }
}

/// Where the actions of the first of these apps are shown.
fn actions_hint(names: &[String]) -> String {
    match names.first() {
        Some(name) => {
            let pasted = ostler_shell::operand(name);
            format!("`ostler describe {pasted}` shows its actions")
        }
        None => "`ostler list` shows what there is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::actions_hint;

    #[test]
    fn the_hint_about_actions_names_the_app_that_was_asked() {
        let hint = actions_hint(&["my api".to_owned(), "b".to_owned()]);
        assert_eq!(hint, "`ostler describe 'my api'` shows its actions");
    }
}
