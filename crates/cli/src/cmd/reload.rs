//! `reload`: replaces workers one by one. A worker that does not come up ends it, and the
//! old ones stay.

use super::file::{self, Known};
use super::ready::{self, Counts};
use super::{act, list, perform, rolling, watching};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Act;

/// Runs the command `reload`. Apps of a process file that do not run are started.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsEnd, reload)?;
    list::asked_for(session)
}

fn reload(session: &mut Session) -> Result<(), Failed> {
    match session.program {
        Program::Ostler => all_words(session),
        Program::Pm2 => first_word(session),
    }
}

/// Understands every word, then reloads each process once.
fn all_words(session: &mut Session) -> Result<(), Failed> {
    let (files, named) = act::understood(session, true)?;
    if !named.is_empty() {
        let change = perform::changes(session)?;
        for (word, picked) in &named {
            perform::announce(session, Act::Reload, word, picked);
        }
        let list = session.known()?;
        let ids: Vec<u32> = named.iter().flat_map(|(_, picked)| picked.ids()).collect();
        rolling::reload(session, &ids, change, &list)?;
        watching::tell(session)?;
    }
    files.into_iter().try_for_each(|file| file::start(session, file, Known::Reload))
}

/// As PM2, which passes over every word but the first.
fn first_word(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if file::is_meant(&word) {
        let file = file::read(session, &word)?;
        return file::start(session, file, Known::Reload);
    }
    let change = perform::changes(session)?;
    let picked = perform::choose(session, Act::Reload, &word)?;
    let list = session.known()?;
    rolling::reload(session, &picked.ids(), change, &list)
}
