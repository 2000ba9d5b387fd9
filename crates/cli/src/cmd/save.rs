//! `save`: the list of apps, for `resurrect`.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, unexpected};

/// Runs the command `save`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let force = session.has(FlagId::Force);
    session.out.say("Saving current process list...");
    match session.ask(&Request::Save { force })? {
        Answer::Reply(Reply::Saved { count: 0, .. }) if !force => {
            session.out.warn("PM2 is not managing any process, skipping save...");
            session
                .out
                .warn(&format!("To force saving use: {} save --force", session.program.name()));
            Ok(())
        }
        Answer::Reply(Reply::Saved { path, .. }) => {
            session.out.say(&format!("Successfully saved in {path}"));
            Ok(())
        }
        other => Err(unexpected(&other)),
    }
}
