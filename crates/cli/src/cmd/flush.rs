//! `flush`: empties log files.

use std::collections::BTreeSet;

use ostler_wire::control::Request;

use crate::failed::Failed;
use crate::session::Session;
use crate::voice::Notice;

/// Runs the command `flush`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned();
    let list = session.known()?;
    let wanted: Vec<_> = list
        .iter()
        .filter(|process| {
            word.as_ref()
                .is_none_or(|word| process.name == *word || process.id.to_string() == *word)
        })
        .collect();
    if word.is_none() {
        session.out.tell(&Notice::FlushesOwn { log: &session.home.log() });
    }
    let mut emptied: BTreeSet<&str> = BTreeSet::new();
    for process in &wanted {
        let files: Vec<&str> = process.logs.iter().flatten().map(String::as_str).collect();
        emptied.extend(files.iter().copied());
        session.out.tell(&Notice::Flushes { files });
    }
    // No ids means all, so an unknown name must not be asked for.
    if word.is_none() || !wanted.is_empty() {
        let ids = if word.is_none() {
            Vec::new()
        } else {
            wanted.iter().map(|process| process.id).collect()
        };
        session.ask(&Request::Flush { ids })?;
    }
    let files = emptied.len() + usize::from(word.is_none());
    session.out.tell(&Notice::Flushed { files });
    Ok(())
}
