//! `--no-daemon`: a command after which the program stays in the foreground, with the logs. The
//! daemon that it started ends with it, and so do the apps; one that ran before is only watched.

use super::foreground::Foreground;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;

/// Runs a command and stays.
pub(super) fn run(
    session: &mut Session,
    command: impl FnOnce(&mut Session) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut foreground = Foreground::with_daemon()?;
    session.foreground = true;
    session.connect()?;
    if !session.started {
        foreground.disown();
    }
    foreground.listen(session)?;
    let result = command(session).and_then(|()| {
        if session.program == Program::Pm2 {
            let pid = std::process::id();
            session.out.message("[--no-daemon] Continue to stream logs");
            session.out.message(&format!("[--no-daemon] Exit on target PM2 exit pid={pid}"));
        }
        session.out.end();
        session.out.flush()?;
        foreground.stay(session)
    });
    match result {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failed::passed_on(code)),
        Err(failed) => foreground.end(session).and(Err(failed)),
    }
}
