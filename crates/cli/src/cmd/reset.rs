//! `reset`: restart counters to zero.

use ostler_wire::control::{Action, Change, Connections, Event, ProcView, Request};

use super::list::{self, meant};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Problem, Subject, Target};

/// Runs the command `reset`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let processes = session.about(&word)?;
    let ids = match session.program {
        Program::Ostler => meant(&word, &processes, &caller::cwd()?)?,
        Program::Pm2 => as_pm2(session, &processes, word)?,
    };
    if !ids.is_empty() {
        perform(session, &processes, ids)?;
    }
    list::table(session)
}

/// Returns the processes of a name, else the one of an id, and says so as PM2 does. An id that no
/// process has is told, and is no failure.
fn as_pm2(session: &mut Session, processes: &[ProcView], word: String) -> Result<Vec<u32>, Failed> {
    let named = processes.iter().filter(|process| word == "all" || process.name == word);
    let mut ids: Vec<u32> = named.map(|process| process.id).collect();
    for id in &ids {
        session.out.tell(&Notice::Resets { id: *id });
    }
    if ids.is_empty() && word != "all" {
        let Ok(id) = word.parse::<u32>() else {
            return Err(Problem::NotReset { word }.into());
        };
        session.out.tell(&Notice::Resets { id });
        if processes.iter().any(|process| process.id == id) {
            ids.push(id);
        } else {
            session.out.problem(&Problem::NotResetId { id });
        }
    }
    Ok(ids)
}

/// Asks for it, and reports how it went with each process.
fn perform(session: &mut Session, processes: &[ProcView], ids: Vec<u32>) -> Result<(), Failed> {
    let targets: Vec<Target> =
        processes.iter().filter(|process| ids.contains(&process.id)).map(Target::of).collect();
    let act = Act::Reset;
    session.out.tell(&Notice::Begun { act, selector: None, targets: &targets });
    let mut failed = false;
    let (action, change) = (Action::Reset, Change::default());
    let request = Request::Act { action, ids, change, ticket: Some(ticket()) };
    let pm2 = session.program == Program::Pm2;
    let answer = session.ask_with(&request, |out, event| match event {
        Event::Acted { id, name, error: Some(error), .. } => {
            failed = true;
            let subject = Subject::Counters { id, name: &name };
            out.tell(&Notice::Missed { subject, error: &error });
        }
        // PM2 does not say that it is done.
        Event::Acted { id, name, error: None, .. } if !pm2 => {
            let connections = Connections::Nowhere;
            out.tell(&Notice::Acted { id, name: &name, connections });
        }
        _ => {}
    });
    let result = answer.and_then(|_| if failed { Err(Failed::quiet(1)) } else { Ok(()) });
    super::perform::finish(session, act, result, &[])
}
