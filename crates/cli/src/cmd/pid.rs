//! `pid`: the pids of all processes, or of one app.

use super::list::{self, meant};
use super::told;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `pid`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.words.first().cloned();
    let known = match &name {
        Some(word) => session.about(word)?,
        None => session.known()?,
    };
    if session.program == Program::Ostler {
        let wanted = match &name {
            Some(word) => meant(word, &known, &caller::cwd()?)?,
            None => known.iter().map(|process| process.id).collect(),
        };
        // Not those that do not run: to `kill`, 0 means its own group.
        let running = |id: &u32| known.iter().find(|of| of.id == *id && of.pid != 0);
        let running: Vec<_> = wanted.iter().filter_map(running).collect();
        if told::names_fields(session) {
            let ids: Vec<u32> = running.iter().map(|of| of.id).collect();
            return list::asked_of(session, &ids);
        }
        let pids: Vec<u32> = running.iter().map(|of| of.pid).collect();
        if session.args.wants_json() {
            session.out.object(&pids.into());
            return Ok(());
        }
        for pid in pids {
            session.out.data(&format!("{pid}\n"));
        }
        return Ok(());
    }
    let pids: Vec<String> = known
        .iter()
        .filter(|process| name.as_ref().is_none_or(|name| process.name == *name))
        .map(|process| process.pid.to_string())
        .collect();
    session.out.screen(&pids.join("\n"));
    Ok(())
}
