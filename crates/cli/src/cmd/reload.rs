//! `reload`: replaces workers one by one. A worker that does not come up ends it, and the old ones
//! stay.

use std::collections::BTreeSet;

use ostler_client::Answer;
use ostler_wire::control::{Change, Event, ProcView, ReloadOptions, Reply, Request};

use super::{act, start};
use crate::apps::App;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::inspect::inspect;
use crate::program::Program;
use crate::session::{Session, unexpected};

/// `reload`
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if word == "-" || ostler_config::is_config_file(&word) {
        return start::reload_file(session, &word);
    }
    let change = act::options(session, true)?;
    let picked = act::pick(session, &word)?;
    let ids = inspect(&picked.shown);
    session.out.say(&format!("Applying action reloadProcessId on app [{word}](ids: {ids})"));
    let list = session.list()?;
    perform(session, &picked.ids, change, &list)
}

/// Says for each app of a file what will be reloaded.
pub(super) fn announce_apps(session: &mut Session, apps: &[App], list: &[ProcView]) {
    for app in apps {
        let ids: Vec<u32> = list
            .iter()
            .filter(|process| process.name == app.name)
            .map(|process| process.id)
            .collect();
        let ids = inspect(&serde_json::Value::from(ids));
        session
            .out
            .say(&format!("Applying action reloadProcessId on app [{}](ids: {ids})", app.name));
    }
}

/// Asks for it, says every step (which PM2 has no words for) and, at the end, every process that
/// was replaced.
pub(super) fn perform(
    session: &mut Session,
    ids: &[u32],
    change: Change,
    list: &[ProcView],
) -> Result<(), Failed> {
    let options = options(session)?;
    let steps = session.program == Program::Ostler;
    let mut said: BTreeSet<u32> = BTreeSet::new();
    let mut failed = false;
    let request = Request::Reload { ids: ids.to_vec(), change, options, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| {
        if let Event::Acted { id, .. } = &event {
            said.insert(*id);
        }
        match event {
            Event::Step { name, id, text } if steps => {
                out.say(&format!("[{name}]({id}) {text}"));
                // A reload may take minutes; what happens is shown as it happens. A reader that
                // left is noticed at the end.
                let _ = out.flush();
            }
            other => failed |= !act::acted(out, &other),
        }
    })?;
    match answer {
        Answer::Reply(Reply::Done) => {}
        other => return Err(unexpected(&other)),
    }
    if failed {
        return Err(Failed::quiet(1));
    }
    if options.canary {
        let command = session.program.name();
        session.out.say(&format!(
            "One worker is replaced; `{command} promote NAME` goes on, `{command} rollback NAME` goes back"
        ));
        return Ok(());
    }
    for process in ids
        .iter()
        .filter(|id| !said.contains(id))
        .filter_map(|id| list.iter().find(|process| process.id == *id))
    {
        session.out.say(&format!("[{}]({}) ✓", process.name, process.id));
    }
    Ok(())
}

/// A word that no other request has: the daemon may die in the middle, and its successor is asked
/// by it.
pub(super) fn ticket() -> String {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", std::process::id(), since.as_nanos())
}

fn options(session: &Session) -> Result<ReloadOptions, Failed> {
    let number = |id: FlagId, name: &str| match session.args.value(id) {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Failed::new(format!("`{name} {text}` is not a number"))),
    };
    Ok(ReloadOptions {
        parallel: number(FlagId::Parallel, "--parallel")?,
        surge: number(FlagId::Surge, "--surge")?,
        canary: session.has(FlagId::Canary),
        no_rollback: session.has(FlagId::NoRollback),
        wait: session.has(FlagId::Wait),
    })
}
