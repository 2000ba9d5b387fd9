//! The request for a rolling reload, its ticket, and what is said while it is under way.

use std::collections::BTreeSet;

use ostler_wire::control::{Change, Event, ProcView, ReloadOptions, Request};

use super::perform;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::inspect::inspect;
use crate::program::Program;
use crate::session::{Session, ticket};

/// Says which processes will be reloaded; `ids` as PM2 prints them.
pub(super) fn announce(session: &mut Session, word: &str, ids: &serde_json::Value) {
    let ids = inspect(ids);
    session.out.say(&format!("Applying action reloadProcessId on app [{word}](ids: {ids})"));
}

/// Asks for a reload, reports every step (for which PM2 has no words) and, at the end, every
/// process that was replaced.
pub(super) fn reload(
    session: &mut Session,
    ids: &[u32],
    change: Change,
    list: &[ProcView],
) -> Result<(), Failed> {
    let options = options(session)?;
    let steps = session.program == Program::Ostler;
    let mut reported: BTreeSet<u32> = BTreeSet::new();
    let mut failed = false;
    session.begun.ids.extend(ids);
    let request = Request::Reload { ids: ids.to_vec(), change, options, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| {
        if let Event::Acted { id, .. } = &event {
            reported.insert(*id);
        }
        match event {
            Event::Step { name, id, step } if steps => {
                out.say(&format!("[{name}]({id}) {}", step.sentence(id, &name)));
                // A reload may take minutes; what happens is shown as it happens. A reader that
                // left is noticed at the end.
                let _ = out.flush();
            }
            other => failed |= !perform::report(out, &other),
        }
    })?;
    perform::done(&answer, failed)?;
    if options.canary {
        let command = session.program.name();
        session.out.say(&format!(
            "One worker is replaced; `{command} promote NAME` goes on, \
             `{command} rollback NAME` goes back"
        ));
        return Ok(());
    }
    for process in ids
        .iter()
        .filter(|id| !reported.contains(id))
        .filter_map(|id| list.iter().find(|process| process.id == *id))
    {
        session.out.say(&format!("[{}]({}) ✓", process.name, process.id));
    }
    Ok(())
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
        port_change: session.has(FlagId::AllowPortChange),
        wait: session.has(FlagId::Wait),
    })
}
