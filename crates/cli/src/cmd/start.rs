//! `start`: a script, a process file, standard input, or processes that are there already.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_client::Answer;
use ostler_wire::control::{Action, Change, Event, ProcView, Reply, Request};

use super::{act, file, first_steps, list, reload};
use crate::apps::{self, App};
use crate::args::FlagId;
use crate::failed::Failed;
use crate::select::{Picked, select};
use crate::session::{Session, unexpected};

/// What happens to the apps of a process file that run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Restart,
    Reload,
}

/// `start`
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut words = session.args.words.clone();
    if words.is_empty() {
        words.push("ecosystem.config.js".to_owned());
    }
    for word in &words {
        if word == "-" || ostler_config::is_config_file(word) {
            of_file(session, word, Known::Restart)?;
        } else if !existing(session, word)? {
            of_script(session, word)?;
        }
    }
    list::table(session)?;
    first_steps::say(session);
    super::logs::attach(session)
}

/// `startOrRestart`
pub(super) fn or_restart(session: &mut Session) -> Result<(), Failed> {
    let path = only_file(session)?;
    of_file(session, &path, Known::Restart)?;
    list::table(session)
}

/// `startOrReload`
pub(super) fn or_reload(session: &mut Session) -> Result<(), Failed> {
    let path = only_file(session)?;
    of_file(session, &path, Known::Reload)?;
    list::table(session)
}

/// `reload` of a process file: apps that do not run are started.
pub(super) fn reload_file(session: &mut Session, path: &str) -> Result<(), Failed> {
    of_file(session, path, Known::Reload)
}

fn only_file(session: &Session) -> Result<String, Failed> {
    let word = session.args.word();
    if word == "-" || ostler_config::is_config_file(word) {
        return Ok(word.to_owned());
    }
    Err(Failed::new(format!("`{word}` is not a process file"))
        .hint("give a file such as ecosystem.config.js or apps.json"))
}

/// Restarts the processes that the word means; `false` when it means none.
fn existing(session: &mut Session, word: &str) -> Result<bool, Failed> {
    let path = Path::new(word);
    if word.contains('/') || path.extension().is_some() || word.contains(char::is_whitespace) {
        return Ok(false);
    }
    let list = session.list()?;
    let picked = match select(word, &list, &apps::cwd()?) {
        Ok(picked) => picked,
        Err(none) if word == "all" => {
            return Err(none.say(&mut session.out, session.program.name()));
        }
        Err(_) => return Ok(false),
    };
    restart(session, word, picked)?;
    session.out.say("Process successfully started");
    Ok(true)
}

fn restart(session: &mut Session, word: &str, picked: Picked) -> Result<(), Failed> {
    if session.has(FlagId::Env) {
        return Err(Failed::new(
            "Using --env [env] without passing the ecosystem.config.js does not work",
        ));
    }
    let patch = apps::patch(session)?;
    let env = session.has(FlagId::UpdateEnv).then(apps::environment);
    act::announce(session, Action::Restart, word, &picked);
    act::perform(session, Action::Restart, picked.ids, Change { patch, env, ..Change::default() })
}

fn of_script(session: &mut Session, script: &str) -> Result<(), Failed> {
    let app = apps::of_script(session, script)?;
    let list = session.list()?;
    let same: Vec<&ProcView> = list
        .iter()
        .filter(|process| process.name == app.name && process.script == app.script)
        .collect();
    if !session.has(FlagId::Force) && !same.is_empty() {
        let ids: Vec<u32> = same
            .iter()
            .filter(|process| matches!(process.status.as_str(), "stopped" | "stopping" | "errored"))
            .map(|process| process.id)
            .collect();
        if ids.len() < same.len() {
            return Err(Failed::new(
                "Script already launched, add -f option to force re-execution",
            )
            .hint(format!(
                "`{} restart {}` restarts it",
                session.program.name(),
                app.name
            )));
        }
        let shown = serde_json::Value::from(ids.as_slice());
        let name = app.name;
        return restart(session, &name, Picked { ids, shown });
    }
    if let Some(pattern) = session.args.value(FlagId::Cron).map(str::to_owned) {
        session.out.say(&format!("cron restart at {pattern}"));
    }
    let plural = if app.instances == 1 { "" } else { "s" };
    session.out.say(&format!(
        "Starting {} in {} ({} instance{plural})",
        app.script, app.mode, app.instances
    ));
    launch(session, vec![app], |_, _, _| ())?;
    session.out.say("Done.");
    Ok(())
}

fn of_file(session: &mut Session, path: &str, known_do: Known) -> Result<(), Failed> {
    let (apps, bad) = apps::of_file(session, path)?;
    let list = session.list()?;
    let (known, missing) = file::split(apps, &list);
    if !known.is_empty() {
        let ids = file::ids_of(&known, &list);
        match known_do {
            Known::Restart => file::announce(session, Action::Restart, &known, &list),
            Known::Reload => reload::announce_apps(session, &known, &list),
        }
        let change = Change {
            records: known.into_iter().map(|app| app.record).collect(),
            ..act::options(session, false)?
        };
        match known_do {
            Known::Restart => act::perform(session, Action::Restart, ids, change)?,
            Known::Reload => reload::perform(session, &ids, change, &list)?,
        }
    }
    if !missing.is_empty() {
        new_apps(session, missing)?;
    }
    // What was wrong with the other apps was said; as in PM2 there is no table then.
    if bad { Err(Failed::quiet(1)) } else { Ok(()) }
}

/// Starts apps of a process file whose names are not in the list.
pub(super) fn new_apps(session: &mut Session, apps: Vec<App>) -> Result<(), Failed> {
    let names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
    session.out.warn(&format!("Applications {} not running, starting...", names.join(", ")));
    launch(session, apps, |out, name, count| {
        out.say(&format!("App [{name}] launched ({count} instances)"));
    })
}

/// Starts apps; `on_up` is told of each that is up.
fn launch(
    session: &mut Session,
    apps: Vec<App>,
    on_up: impl Fn(&mut crate::out::Out, &str, u32),
) -> Result<(), Failed> {
    // Two apps of a file may share a name; the first to be up is the first of them.
    let mut counts: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for app in apps.iter().rev() {
        counts.entry(app.name.clone()).or_default().push(app.instances);
    }
    let mut failed = false;
    let request = Request::Start { apps: apps.into_iter().map(|app| app.record).collect() };
    let answer = session.ask_with(&request, |out, event| match event {
        Event::Started { name, ids, late } => {
            let asked = counts.get_mut(&name).and_then(Vec::pop);
            on_up(out, &name, asked.unwrap_or(u32::try_from(ids.len()).unwrap_or(u32::MAX)));
            if late {
                out.warn(&format!("App [{name}] was not ready in time and is taken as online"));
            }
        }
        Event::Failed { error, .. } => {
            failed = true;
            out.error(&error.message, error.hint.as_deref());
        }
        other => failed |= !act::acted(out, &other),
    })?;
    match answer {
        Answer::Reply(Reply::Done) if failed => Err(Failed::quiet(1)),
        Answer::Reply(Reply::Done) => Ok(()),
        other => Err(unexpected(&other)),
    }
}
