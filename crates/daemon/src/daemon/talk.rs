//! What clients say to processes that run, and what these answer.

use ostler_core::{ProcId, RunId};
use ostler_pm2::in_app::InApp;
use ostler_pm2::rpc::{asked_for, asked_of_agent};
use ostler_wire::control::{Code, Event, Failure, Reply, Talk};
use serde_json::Value as Json;

use super::Daemon;
use crate::model::Input;
use crate::rpc::{line, run_of};
use crate::runs::InputError;

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
            self.clients.event(client, &Event::said(id, name, said.err()));
        }
        self.reply(client, &Reply::Done);
    }

    /// Asks processes for an action that they declared.
    fn ask_for(&mut self, client: usize, ids: &[u32], action: String, params: Option<&str>) {
        let model = self.model.model();
        let names = ids.iter().filter_map(|id| Some(&model.registry().proc(ProcId(*id))?.name));
        let names: Vec<String> = names.cloned().collect();
        let has =
            |run: RunId| model.known().in_app_of(run).is_some_and(|of| of.has_action(&action));
        let runs = ids.iter().filter_map(|id| {
            let id = ProcId(*id);
            run_of(id, model).filter(|run| has(*run)).map(|run| (id, run))
        });
        let runs: Vec<(ProcId, RunId)> = runs.collect();
        if runs.is_empty() {
            let text = format!("no process that runs has declared the action `{action}`");
            let failure = Failure::new(Code::NotFound, text).hint(actions_hint(&names));
            return self.reply(client, &Reply::Error(failure));
        }
        self.clients.event(client, &Event::Asked { count: runs.len() });
        for (id, run) in &runs {
            let is_for_agent = |of: &InApp| of.is_for_agent(&action);
            let message = if self.model.model().known().in_app_of(*run).is_some_and(is_for_agent) {
                asked_of_agent(&action, params.map(Json::from).as_ref())
            } else {
                asked_for(id.0, &action, params)
            };
            self.runs.send(*run, &line(&message));
        }
        self.actions.wait(client, action, runs);
    }
}

/// Where the actions of the first of these apps are shown.
fn actions_hint(names: &[String]) -> String {
    match names.first() {
        Some(name) => {
            let pasted = ostler_shell::operand(name);
            format!("`ostler describe {pasted}` shows the actions of it")
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
        assert_eq!(hint, "`ostler describe 'my api'` shows the actions of it");
    }
}
