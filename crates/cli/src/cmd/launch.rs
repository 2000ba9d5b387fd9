//! Starting apps that are not in the list yet.

use std::collections::BTreeMap;

use ostler_wire::control::{Event, Request};

use super::perform::Done;
use super::{address, first_run, perform, shared_port, unwritten};
use crate::apps::App;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Planned, Subject};

/// Starts the one app that a command line describes. Returns what it listens on, where
/// that is known.
pub(super) fn one(session: &mut Session, app: App) -> Result<Vec<String>, Failed> {
    let name = app.name.clone();
    let planned = planned(&app);
    let mode = if app.cluster { "cluster_mode" } else { "fork_mode" };
    let script = &app.script;
    session.out.tell(&Notice::StartsScript { script, mode, app: planned });
    let cluster = app.cluster;
    let started = launch(session, vec![app], false);
    end(session, Act::Start, started, (&name, cluster), true)
}

/// Starts the apps that a command line names. Returns what the first of them listens on.
pub(super) fn several(session: &mut Session, apps: Vec<App>) -> Result<Vec<String>, Failed> {
    let planned: Vec<Planned> = apps.iter().map(planned).collect();
    let first = apps.first().map_or((String::new(), false), |app| (app.name.clone(), app.cluster));
    session.out.tell(&Notice::StartsMissing { apps: &planned });
    let started = launch(session, apps, false);
    end(session, Act::StartFile, started, (&first.0, first.1), false)
}

fn planned(app: &App) -> Planned {
    Planned { name: app.name.clone(), instances: app.instances, starts: app.starts }
}

/// Tells the end of a start, with what was heard in a first moment of these processes, the first of
/// which is of the named app, and all of them where that `is_one`. Returns what it listens on,
/// where that is known.
pub(super) fn end(
    session: &mut Session,
    act: Act,
    (ids, result): Done,
    (name, cluster): (&str, bool),
    is_one: bool,
) -> Result<Vec<String>, Failed> {
    let first = ids.first().copied().filter(|_| cluster && result.is_ok());
    let mut addresses = first.map_or_else(Vec::new, |id| address::of(session, id));
    // Where the first of several listens, others may have ended all the same.
    if addresses.is_empty() || 1 < ids.len() {
        let heard = first_run::watch(session, &ids);
        addresses = if addresses.is_empty() { heard } else { addresses };
    }
    // Of several apps nobody would know whose address it is.
    let shown = addresses.iter().filter(|_| is_one);
    let urls: Vec<String> = shown.filter_map(|one| address::url(one)).collect();
    let result = perform::finish(session, act, result, &urls);
    // `--wait` tells it when all is ready.
    if !session.ends_ready {
        shared_port::warn(session, name, &addresses);
    }
    unwritten::warn(session);
    result.map(|()| addresses)
}

/// Starts apps of a process file whose names are not in the list.
pub(super) fn missing(session: &mut Session, apps: Vec<App>) -> Result<(), Failed> {
    let planned: Vec<Planned> = apps.iter().map(planned).collect();
    session.out.tell(&Notice::StartsMissing { apps: &planned });
    let alone = match apps.as_slice() {
        [one] => Some((one.name.clone(), one.cluster)),
        _ => None,
    };
    let launched = launch(session, apps, true);
    if let Some((name, cluster)) = alone {
        return end(session, Act::StartFile, launched, (&name, cluster), true).map(drop);
    }
    let (ids, result) = launched;
    first_run::watch(session, &ids);
    let result = perform::finish(session, Act::StartFile, result, &[]);
    unwritten::warn(session);
    result
}

/// Starts apps, and tells only what cannot be.
pub(super) fn quietly(session: &mut Session, apps: Vec<App>) -> Result<(), Failed> {
    if apps.is_empty() {
        return Ok(());
    }
    let apps = apps.into_iter().map(|app| app.record).collect();
    let answer = session.ask_with(
        &Request::Start { apps, only_new: true, each: false, doing: false, ticket: Some(ticket()) },
        |out, event| {
            if let Event::Failed { name, error } = event {
                let text = format!("`{name}` is not started: {}", error.message);
                out.warn_aside(&text);
            }
        },
    )?;
    perform::done(&answer, false)
}

/// Starts apps, and reports each.
fn launch(session: &mut Session, apps: Vec<App>, of_file: bool) -> Done {
    // Two apps of a file may share a name; the first to be up is the first of them.
    let mut counts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for app in apps.iter().rev() {
        counts.entry(app.name.clone()).or_default().push(app.instances);
        // What is only added to the list is not waited for.
        if app.starts {
            session.begun.names.insert(app.name.clone());
        }
    }
    let mut started = Vec::new();
    let mut failed = false;
    let apps = apps.into_iter().map(|app| app.record).collect();
    let only_new = !session.has(FlagId::Force);
    let each = session.out.progress().is_some();
    let request = Request::Start { apps, only_new, each, doing: each, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| match event {
        // That one was late is told by a warning.
        Event::Started { name, ids, late: _ } => {
            let asked = counts.get_mut(&name).and_then(Vec::pop);
            let asked = asked.unwrap_or(u32::try_from(ids.len()).unwrap_or(u32::MAX));
            out.tell(&Notice::Started { name: &name, ids: &ids, asked, of_file });
            started.extend(ids);
        }
        Event::Starting { id, name, up } => out.tell(&Notice::Starts { id, name: &name, up }),
        Event::Failed { name, error } => {
            failed = true;
            out.tell(&Notice::Missed { subject: Subject::Named { name: &name }, error: &error });
        }
        other => failed |= !perform::report(out, &other),
    });
    (started, answer.and_then(|answer| perform::done(&answer, failed)))
}
