//! `reload`: replaces workers one by one. A worker that does not come up ends it, and the
//! old ones stay.

use super::file::{self, Known};
use super::ready::{self, Counts};
use super::{list, perform, rolling, watching};
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Act;

/// Runs the command `reload`. Apps of a process file that do not run are started.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsEnd, reload)?;
    list::asked_for(session)
}

fn reload(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if file::is_meant(&word) {
        let file = file::read(session, &word)?;
        return file::start(session, file, Known::Reload);
    }
    let change = perform::changes(session)?;
    let picked = perform::choose(session, Act::Reload, &word)?;
    let list = session.known()?;
    rolling::reload(session, &picked.ids(), change, &list)?;
    watching::tell(session)
}
