//! `flush`: empties log files.

use std::collections::BTreeSet;

use ostler_wire::control::{ProcView, Request};

use super::list::{self, meant};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// Runs the command `flush`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned();
    let list = session.known()?;
    let wanted = wanted(session.program, word.as_deref(), &list)?;
    if word.is_none() {
        session.out.tell(&Notice::FlushesOwn { log: &session.home.log() });
    }
    let mut emptied: BTreeSet<&str> = BTreeSet::new();
    for process in &wanted {
        let files: Vec<&str> = process.logs.iter().flatten().map(String::as_str).collect();
        emptied.extend(files.iter().copied());
        session.out.tell(&Notice::Flushes { files });
    }
    // No ids means all, so an unknown name must not be asked for.
    if word.is_none() || !wanted.is_empty() {
        let ids = if word.is_none() {
            Vec::new()
        } else {
            wanted.iter().map(|process| process.id).collect()
        };
        session.ask(&Request::Flush { ids })?;
    }
    let files = emptied.len() + usize::from(word.is_none());
    session.out.tell(&Notice::Flushed { files });
    let ids: Vec<u32> = wanted.iter().map(|process| process.id).collect();
    list::asked_of(session, &ids)
}

/// Returns the processes that the word means, all without one. PM2 says nothing of a word
/// that means none.
fn wanted<'l>(
    program: Program,
    word: Option<&str>,
    list: &'l [ProcView],
) -> Result<Vec<&'l ProcView>, Failed> {
    let Some(word) = word else { return Ok(list.iter().collect()) };
    let ids = match program {
        Program::Ostler => meant(word, list, &caller::cwd()?)?,
        Program::Pm2 => {
            let is_meant = |of: &&ProcView| of.name == word || of.id.to_string() == word;
            return Ok(list.iter().filter(is_meant).collect());
        }
    };
    Ok(list.iter().filter(|process| ids.contains(&process.id)).collect())
}
