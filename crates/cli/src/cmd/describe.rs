//! `describe`: everything about the processes of a name, or of an id.

use ostler_client::Answer;
use ostler_wire::control::{Reply, Request};

use crate::apps;
use crate::failed::Failed;
use crate::session::{Session, unexpected};
use crate::view;

/// `describe`
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let list = session.list()?;
    let wanted = |process: &&ostler_wire::control::ProcView| process.name == word || process.id.to_string() == word;
    let ids: Vec<u32> = list.iter().filter(wanted).map(|process| process.id).collect();
    if ids.is_empty() {
        session.out.warn_aside(&format!("{word} doesn't exist"));
        return Err(Failed::quiet(1));
    }
    let local = apps::environment();
    for id in ids {
        let details = match session.ask(&Request::Describe { id })? {
            Answer::Reply(Reply::Describe(details)) => details,
            other => return Err(unexpected(&other)),
        };
        let text = view::describe(&details, &local, session.program, view::now(), session.out.paint);
        session.out.message(text.trim_end_matches('\n'));
    }
    Ok(())
}
