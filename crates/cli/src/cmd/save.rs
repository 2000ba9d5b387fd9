//! `save`: the list of apps, for `resurrect`.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use super::list;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::voice::Notice;

/// Runs the command `save`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let force = session.has(FlagId::Force);
    session.out.tell(&Notice::Saves);
    match session.ask(&Request::Save { force })? {
        Answer::Reply(Reply::Saved { count: 0, .. }) if !force => {
            session.out.tell(&Notice::NothingToSave);
            list::asked_for(session)
        }
        Answer::Reply(Reply::Saved { path, count }) => {
            session.out.tell(&Notice::Saved { path: &path, apps: count });
            list::asked_for(session)
        }
        other => Err(unexpected(&other)),
    }
}
