//! `pid`: the pids of all processes, or of one app.

use super::list::meant;
use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `pid`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.words.first().cloned();
    let list = match &name {
        Some(word) => session.about(word)?,
        None => session.known()?,
    };
    if session.program == Program::Ostler {
        let wanted = match &name {
            Some(word) => meant(word, &list, &caller::cwd()?)?,
            None => list.iter().map(|process| process.id).collect(),
        };
        // Not those that do not run: to `kill`, 0 means its own group.
        let running = |id: &&u32| list.iter().find(|of| of.id == **id && of.pid != 0);
        let pids: Vec<u32> = wanted.iter().filter_map(|id| Some(running(&id)?.pid)).collect();
        if session.has(FlagId::Object) {
            session.out.object(&pids.into());
            return Ok(());
        }
        for pid in pids {
            session.out.data(&format!("{pid}\n"));
        }
        return Ok(());
    }
    let pids: Vec<String> = list
        .iter()
        .filter(|process| name.as_ref().is_none_or(|name| process.name == *name))
        .map(|process| process.pid.to_string())
        .collect();
    session.out.screen(&pids.join("\n"));
    Ok(())
}
