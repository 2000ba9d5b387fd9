//! `describe`: everything about the processes of a name, or of an id.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::apps;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::view;
use crate::voice::Problem;

/// Runs the command `describe`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let ids = match session.ask(&Request::Find { word: word.clone() })? {
        Answer::Reply(Reply::Found { ids }) => ids,
        other => return Err(unexpected(&other)),
    };
    if ids.is_empty() {
        return Err(Problem::NotDescribed { word }.into());
    }
    let local = apps::environment();
    for id in ids {
        let details = match session.ask(&Request::Describe { id })? {
            Answer::Reply(Reply::Describe(details)) => details,
            other => return Err(unexpected(&other)),
        };
        let text =
            view::describe(&details, &local, session.program, view::now(), session.out.paint);
        session.out.message(text.trim_end_matches('\n'));
    }
    Ok(())
}
