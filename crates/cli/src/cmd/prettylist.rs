//! `prettylist`: the data of `jlist` in Node's notation, without a line end.

use crate::failed::Failed;
use crate::inspect::inspect;
use crate::session::Session;

/// Runs the command `prettylist`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let text = super::jlist::ask(session)?;
    let value = serde_json::from_slice(&text)
        .map_err(|error| Failed::new(format!("the daemon's list is not JSON: {error}")))?;
    session.out.value(&inspect(&value));
    Ok(())
}
