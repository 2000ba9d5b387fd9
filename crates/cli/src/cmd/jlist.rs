//! `jlist`: the daemon's own text, untouched, without a line end.

use ostler_client::Answer;
use ostler_wire::control::Request;

use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// Runs the command `jlist`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let text = ask(session)?;
    session.out.json(text);
    Ok(())
}

/// The list as JSON.
pub(super) fn ask(session: &mut Session) -> Result<Vec<u8>, Failed> {
    match session.ask(&Request::Jlist)? {
        Answer::Raw(text) => Ok(text),
        other => Err(unexpected(&other)),
    }
}
