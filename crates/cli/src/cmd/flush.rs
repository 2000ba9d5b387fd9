//! `flush`: empties log files.

use ostler_wire::control::Request;

use crate::failed::Failed;
use crate::session::Session;

/// Runs the command `flush`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.words.first().cloned();
    let list = session.list()?;
    let wanted: Vec<_> = list
        .iter()
        .filter(|process| {
            word.as_ref()
                .is_none_or(|word| process.name == *word || process.id.to_string() == *word)
        })
        .collect();
    if word.is_none() {
        let log = session.home.log();
        session.out.say(&format!("Flushing {}", log.display()));
    }
    for process in &wanted {
        session.out.say("Flushing:");
        for path in process.logs.iter().flatten() {
            session.out.say(path);
        }
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
    session.out.say("Logs flushed");
    Ok(())
}
