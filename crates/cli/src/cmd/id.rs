//! `id`: the ids of an app.

use super::list::{self, meant};
use super::told;
use crate::caller;
use crate::failed::Failed;
use crate::inspect::inspect;
use crate::program::Program;
use crate::session::Session;

/// Runs the command `id`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let known = session.about(&name)?;
    if session.program == Program::Ostler {
        let ids = meant(&name, &known, &caller::cwd()?)?;
        if told::names_fields(session) {
            return list::asked_of(session, &ids);
        }
        if session.args.wants_json() {
            session.out.object(&ids.into());
            return Ok(());
        }
        for id in ids {
            session.out.data(&format!("{id}\n"));
        }
        return Ok(());
    }
    let ids: Vec<u32> =
        known.iter().filter(|process| process.name == name).map(|process| process.id).collect();
    session.out.screen(&inspect(&serde_json::Value::from(ids)));
    Ok(())
}
