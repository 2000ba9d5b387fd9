//! Starting apps that are not in the list yet.

use std::collections::BTreeMap;

use ostler_wire::control::{Event, Request};

use super::perform;
use crate::apps::App;
use crate::failed::Failed;
use crate::output::Output;
use crate::session::{Session, ticket};

/// Starts the one app that a command line describes.
pub(super) fn one(session: &mut Session, app: App) -> Result<(), Failed> {
    launch(session, vec![app], |_, _, _| ())
}

/// Starts apps of a process file whose names are not in the list.
pub(super) fn missing(session: &mut Session, apps: Vec<App>) -> Result<(), Failed> {
    let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
    session.out.warn(&format!("Applications {} not running, starting...", names.join(", ")));
    launch(session, apps, |out, name, count| {
        out.say(&format!("App [{name}] launched ({count} instances)"));
    })
}

/// Starts apps; `on_up` is called for each that is up, with its name and number of processes.
fn launch(
    session: &mut Session,
    apps: Vec<App>,
    on_up: impl Fn(&mut Output, &str, u32),
) -> Result<(), Failed> {
    // Two apps of a file may share a name; the first to be up is the first of them.
    let mut counts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for app in apps.iter().rev() {
        counts.entry(app.name.clone()).or_default().push(app.instances);
        session.begun.names.insert(app.name.clone());
    }
    let mut failed = false;
    let apps = apps.into_iter().map(|app| app.record).collect();
    let request = Request::Start { apps, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| match event {
        // That one was late is told by a warning.
        Event::Started { name, ids, late: _ } => {
            let asked = counts.get_mut(&name).and_then(Vec::pop);
            on_up(out, &name, asked.unwrap_or(u32::try_from(ids.len()).unwrap_or(u32::MAX)));
        }
        // The message names the app.
        Event::Failed { error, .. } => {
            failed = true;
            out.error(&error.message, error.hint.as_deref());
        }
        other => failed |= !perform::report(out, &other),
    })?;
    perform::done(&answer, failed)
}
