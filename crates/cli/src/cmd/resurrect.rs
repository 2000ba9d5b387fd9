//! `resurrect`: starts what was saved and does not run.

use ostler_client::Answer;
use ostler_wire::control::{Event, Reply, Request};

use super::{list, perform};
use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// Runs the command `resurrect`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    restore(session)?;
    list::table(session)
}

/// Starts what was saved and does not run, and reports it.
pub(super) fn restore(session: &mut Session) -> Result<(), Failed> {
    session.connect()?;
    let dump = session.home.dump();
    session.out.say("Resurrecting");
    session.out.say(&format!("Restoring processes located in {}", dump.display()));
    let answer = session.ask_with(&Request::Resurrect, |out, event| match event {
        Event::Restored { script, error: None, .. } => {
            out.say(&format!("Process {script} restored"));
        }
        // As PM2: said, but the others count.
        Event::Restored { name, script, error: Some(error) } => {
            out.error(&format!("[{name}] {script}: {}", error.message), error.hint.as_deref());
        }
        other => {
            perform::report(out, &other);
        }
    });
    match answer {
        Ok(Answer::Reply(Reply::Done)) => Ok(()),
        Ok(other) => Err(unexpected(&other)),
        // No usable dump is no failure to PM2: boot scripts run this command before anything was
        // saved.
        Err(Failed { code: 1, message: Some(message), hint }) => {
            session.out.error(&message, hint.as_deref());
            Ok(())
        }
        Err(other) => Err(other),
    }
}
