//! `reset`: restart counters to zero.

use ostler_wire::control::{Action, Change, Request};

use super::list;
use crate::failed::Failed;
use crate::session::{Session, ticket};

/// Runs the command `reset`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let processes = session.list()?;
    let mut ids: Vec<u32> = processes
        .iter()
        .filter(|process| word == "all" || process.name == word)
        .map(|process| process.id)
        .collect();
    if ids.is_empty() && word != "all" {
        let Ok(id) = word.parse::<u32>() else {
            session.out.aside("Unknown process name\n");
            return Err(Failed::quiet(1));
        };
        session.out.say(&format!("Resetting meta for process id {id}"));
        if processes.iter().all(|process| process.id != id) {
            // As PM2: said, but not a failure.
            session.out.error(&format!("{id} id unknown"), None);
            return list::table(session);
        }
        ids.push(id);
    } else {
        for id in &ids {
            session.out.say(&format!("Resetting meta for process id {id}"));
        }
    }
    if !ids.is_empty() {
        let mut failed = false;
        let request = Request::Act {
            action: Action::Reset,
            ids,
            change: Change::default(),
            ticket: Some(ticket()),
        };
        session.ask_with(&request, |out, event| {
            if let ostler_wire::control::Event::Acted { id, error: Some(error), .. } = event {
                failed = true;
                out.error(&format!("({id}) {}", error.message), error.hint.as_deref());
            }
        })?;
        if failed {
            return Err(Failed::quiet(1));
        }
    }
    list::table(session)
}
