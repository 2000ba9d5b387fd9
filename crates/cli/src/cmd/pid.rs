//! `pid`: the pids of all processes, or of one app.

use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `pid`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.words.first().cloned();
    let list = session.list()?;
    let pids: Vec<String> = list
        .iter()
        .filter(|process| name.as_ref().is_none_or(|name| process.name == *name))
        .map(|process| process.pid.to_string())
        .collect();
    session.out.message(&pids.join("\n"));
    Ok(())
}
