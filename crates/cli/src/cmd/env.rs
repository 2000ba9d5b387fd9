//! `env`: the environment of one process.

use ostler_client::Answer;
use ostler_wire::control::{ProcView, Reply, Request};

use super::list::meant;
use crate::apps;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::Problem;

/// Runs the command `env`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let list = session.about(&word)?;
    if session.program == Program::Ostler {
        return ours(session, &word, &list);
    }
    let Some(id) = word.parse().ok().filter(|id| list.iter().any(|process| process.id == *id))
    else {
        return Err(Problem::NoEnvironment { word }.into());
    };
    for (name, value) in ask(session, id)? {
        let text = format!("{name}: {value}");
        session.out.screen(&session.out.readable(&text));
    }
    Ok(())
}

/// Prints what a process was given, as `env` prints it; of an app what its first process was.
fn ours(session: &mut Session, word: &str, list: &[ProcView]) -> Result<(), Failed> {
    let ids = meant(word, list, &apps::cwd()?)?;
    let Some(id) = ids.first() else { return Ok(()) };
    let mut vars = ask(session, *id)?;
    // The state is no variable: PM2 shows it among them.
    vars.retain(|(name, _)| name != "status");
    vars.sort();
    for (name, value) in vars {
        session.out.value(&format!("{name}={value}\n"));
    }
    Ok(())
}

fn ask(session: &mut Session, id: u32) -> Result<Vec<(String, String)>, Failed> {
    match session.ask(&Request::Env { id })? {
        Answer::Reply(Reply::Env { vars }) => Ok(vars),
        other => Err(unexpected(&other)),
    }
}
