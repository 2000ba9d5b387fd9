//! `reloadLogs`: opens every log file again, after a rotation by renaming.

use ostler_wire::control::Request;

use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Notice;

/// Runs the command `reloadLogs`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    session.out.tell(&Notice::ReopensLogs);
    session.ask(&Request::ReloadLogs)?;
    session.out.tell(&Notice::ReopenedLogs);
    Ok(())
}
