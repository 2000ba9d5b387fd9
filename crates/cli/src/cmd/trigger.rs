//! `trigger`: an action that apps declared, and what they answer.

use std::time::Instant;

use ostler_wire::control::Talk;

use super::talk;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::{Problem, Target};
use crate::wait::{Limit, TIMED_OUT};

/// Runs the command `trigger`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let (word, name) = (session.args.word().to_owned(), session.args.nth(1).to_owned());
    let params = session.args.words.get(2).cloned();
    let limit = match session.args.value(FlagId::Timeout) {
        Some(text) => Some(Limit::parse("timeout", text)?),
        None => None,
    };
    let targets = match session.program {
        Program::Ostler => talk::targets(session, &word)?,
        Program::Pm2 => in_pm2s_way(session, &word)?,
    };
    session.until = limit.as_ref().map(|limit| Instant::now() + limit.time);
    let said = talk::say(session, &targets, Talk::Action { name: name.clone(), params });
    match said {
        Ok(_) => Ok(()),
        Err(failed) if failed.code == TIMED_OUT => {
            let within = limit.map_or_else(String::new, |limit| format!(" within {limit}"));
            let message = format!("no answer to `{name}`{within}");
            Err(Failed { code: TIMED_OUT, ..Failed::new(message) })
        }
        Err(failed) if session.program == Program::Pm2 && failed.problem.is_some() => {
            Err(talk::bare(NOBODY, ""))
        }
        Err(failed) => Err(failed),
    }
}

const NOBODY: &str = "Not any process has received a command (offline or unexistent)";

/// PM2 knows ids, names, namespaces and `all` here.
fn in_pm2s_way(session: &mut Session, word: &str) -> Result<Vec<Target>, Failed> {
    match talk::targets(session, word) {
        Ok(targets) => Ok(targets),
        Err(Failed { problem: Some(Problem::NoSuchId { word, .. }), .. }) => {
            Err(talk::bare(format!("{word} id unknown"), ""))
        }
        Err(Failed {
            problem: Some(Problem::NoSuch { .. } | Problem::NoProcess { .. }), ..
        }) => Err(talk::bare(NOBODY, "")),
        Err(other) => Err(other),
    }
}
