//! `start`: a script, a process file, standard input, or processes that exist already.

use std::path::Path;

use ostler_wire::control::{Action, Change, Phase, ProcView};

use super::file::{self, Known};
use super::ready::{self, Counts};
use super::{first_steps, launch, list, logs, perform};
use crate::apps::{self, App};
use crate::args::FlagId;
use crate::failed::Failed;
use crate::select::{Picked, select};
use crate::session::Session;

/// Runs the command `start`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsBegin, words)?;
    first_steps::say(session);
    logs::attach(session)
}

fn words(session: &mut Session) -> Result<(), Failed> {
    let mut words = session.args.words.clone();
    if words.is_empty() {
        words.push("ecosystem.config.js".to_owned());
    }
    for word in &words {
        if file::is_meant(word) {
            file::start(session, word, Known::Restart)?;
        } else if !existing(session, word)? {
            script(session, word)?;
        }
    }
    list::table(session)
}

/// Runs the command `startOrRestart`.
pub(super) fn or_restart(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsBegin, |session| only_file(session, Known::Restart))
}

/// Runs the command `startOrReload`.
pub(super) fn or_reload(session: &mut Session) -> Result<(), Failed> {
    ready::after(session, Counts::FromItsEnd, |session| only_file(session, Known::Reload))
}

fn only_file(session: &mut Session, known: Known) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if !file::is_meant(&word) {
        return Err(Failed::new(format!("`{word}` is not a process file"))
            .hint("give a file such as ecosystem.config.js or apps.json"));
    }
    file::start(session, &word, known)?;
    list::table(session)
}

/// Restarts the processes that the word means; `false` when it means none.
fn existing(session: &mut Session, word: &str) -> Result<bool, Failed> {
    let path = Path::new(word);
    // The directory here is a script, also where its app is in the list.
    if matches!(word, "." | "..") {
        return Ok(false);
    }
    if word.contains('/') || path.extension().is_some() || word.contains(char::is_whitespace) {
        return Ok(false);
    }
    let list = session.list()?;
    let picked = match select(word, &list, &apps::cwd()?) {
        Ok(picked) => picked,
        Err(none) if word == "all" => {
            return Err(none.report(&mut session.out, session.program.name()));
        }
        Err(_) => return Ok(false),
    };
    restart(session, word, picked)?;
    session.out.say("Process successfully started");
    Ok(true)
}

fn restart(session: &mut Session, word: &str, picked: Picked) -> Result<(), Failed> {
    perform::refuse_env(session)?;
    let patch = apps::patch(session)?;
    let env = session.has(FlagId::UpdateEnv).then(apps::environment);
    perform::announce(session, Action::Restart, word, &picked);
    let change = Change { patch, env, ..Change::default() };
    perform::act(session, Action::Restart, picked.ids, change)
}

fn script(session: &mut Session, script: &str) -> Result<(), Failed> {
    let app = apps::of_script(session, script)?;
    let list = session.list()?;
    if !session.has(FlagId::Force)
        && let Some(ids) = startable(session, &app, &list)?
    {
        let shown = serde_json::Value::from(ids.as_slice());
        return restart(session, &app.name, Picked { ids, shown });
    }
    let plural = if app.instances == 1 { "" } else { "s" };
    session.out.say(&format!(
        "Starting {} in {} ({} instance{plural})",
        app.script, app.mode, app.instances
    ));
    launch::one(session, app)?;
    session.out.say("Done.");
    Ok(())
}

/// Returns the processes of an app that is in the list with the same name and script; `None` when
/// there is none. Fails when one of them runs.
fn startable(session: &Session, app: &App, list: &[ProcView]) -> Result<Option<Vec<u32>>, Failed> {
    let same = list.iter().filter(|other| other.name == app.name && other.script == app.script);
    let mut ids = Vec::new();
    for process in same {
        if !matches!(process.phase, Phase::Stopped | Phase::Stopping | Phase::Errored) {
            let hint = format!("`{} restart {}` restarts it", session.program.name(), app.name);
            return Err(Failed::new(
                "Script already launched, add -f option to force re-execution",
            )
            .hint(hint));
        }
        ids.push(process.id);
    }
    Ok((!ids.is_empty()).then_some(ids))
}
