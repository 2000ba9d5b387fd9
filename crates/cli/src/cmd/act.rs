//! `stop`, `restart`, `delete`: one action on every process that the words mean, word after word.

use ostler_wire::control::{Action, Change, Watch};

use super::ready::{self, Counts};
use super::{file, list, logs, perform};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Act;

/// Runs the command `stop`.
pub(super) fn stop(session: &mut Session) -> Result<(), Failed> {
    each_word(session, Act::Stop, Action::Stop)
}

/// Runs the command `restart`.
pub(super) fn restart(session: &mut Session) -> Result<(), Failed> {
    let restart = |session: &mut Session| each_word(session, Act::Restart, Action::Restart);
    ready::after(session, Counts::FromItsBegin, restart)?;
    logs::attach(session)
}

/// Runs the command `delete`.
pub(super) fn delete(session: &mut Session) -> Result<(), Failed> {
    each_word(session, Act::Delete, Action::Delete)
}

fn each_word(session: &mut Session, act: Act, action: Action) -> Result<(), Failed> {
    for word in session.args.words.clone() {
        if file::is_meant(&word) {
            file::act(session, &word, act, action)?;
            continue;
        }
        let change = if action == Action::Restart {
            perform::changes(session)?
        } else {
            // In PM2 a stop ends the watching, also for the start after it.
            let off = session.program == Program::Pm2 || session.args.has_attribute("watch");
            let watch = (action == Action::Stop && off).then_some(Watch::Off);
            Change { watch, ..perform::unchanged(session)? }
        };
        let picked = perform::choose(session, act, &word)?;
        perform::act(session, act, action, picked.ids(), change)?;
    }
    list::table(session)
}
