//! `reloadLogs`: opens every log file again, after a rotation by renaming.

use ostler_wire::control::Request;

use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `reloadLogs`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    session.out.message("Reloading all logs...");
    session.ask(&Request::ReloadLogs)?;
    session.out.message("All logs reloaded");
    Ok(())
}
