//! `start`: a script, a process file, standard input, or processes that exist already.

use std::path::Path;

use ostler_wire::control::{Action, Change, Phase, ProcView, Watch};

use super::file::{self, Known};
use super::ready::{self, Counts};
use super::{first_steps, launch, list, logs, perform};
use crate::apps::{self, App};
use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::{Picked, select};
use crate::session::Session;
use crate::voice::{Act, Problem, Target};

/// Runs the command `start`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let mut addresses = Vec::new();
    ready::after(session, Counts::FromItsBegin, |session| {
        addresses = words(session)?;
        Ok(())
    })?;
    first_steps::tell(session, &addresses);
    logs::attach(session)
}

fn words(session: &mut Session) -> Result<Vec<String>, Failed> {
    let mut words = session.args.words.clone();
    if words.is_empty() {
        words.push("ecosystem.config.js".to_owned());
    }
    let mut addresses = Vec::new();
    for word in &words {
        if file::is_meant(word) {
            refuse_force(session, word)?;
            file::start(session, word, Known::Restart)?;
        } else if !existing(session, word)? {
            addresses.extend(script(session, word)?);
        }
    }
    list::table(session)?;
    Ok(addresses)
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
        return Err(Failed::misuse(format!("`{word}` is not a process file"))
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
    let list = session.known()?;
    let picked = match select(word, &list, &caller::cwd()?) {
        Ok(picked) => picked,
        Err(none) if word == "all" => return Err(none.into()),
        Err(_) => return Ok(false),
    };
    perform::refuse_only(session, word)?;
    refuse_force(session, word)?;
    if let Some(option) = apps::given_for_new_apps(session) {
        let pasted = ostler_shell::word(word);
        return Err(Failed::new(format!("`--{option}` is for an app that is not in the list yet"))
            .hint(format!(
                "`ostler scale {pasted} NUMBER` changes how many processes there are; for the \
                 rest, `ostler delete {pasted}` and start it anew"
            )));
    }
    again(session, Act::StartAgain, word, &picked)?;
    Ok(true)
}

/// Refuses `--force` where no script is named, of which another process could be started.
fn refuse_force(session: &Session, word: &str) -> Result<(), Failed> {
    if session.program == Program::Pm2 || !session.has(FlagId::Force) {
        return Ok(());
    }
    let message = format!("`--force` starts a script once more, and `{word}` is none");
    Err(Failed::misuse(message).hint("leave it out, or name the script"))
}

/// Starts processes of the list again.
fn again(session: &mut Session, act: Act, word: &str, picked: &Picked) -> Result<(), Failed> {
    perform::refuse_env(session)?;
    let patch = apps::patch(session, false)?;
    let watch = session.args.has_attribute("watch").then_some(Watch::Configured);
    let env = session.has(FlagId::UpdateEnv).then(caller::environment);
    perform::announce(session, act, word, picked);
    let change = Change { patch, env, watch, ..Change::default() };
    perform::act(session, act, Action::Restart, picked.ids(), change)
}

/// Starts a script. Returns what it listens on, where that is known.
fn script(session: &mut Session, script: &str) -> Result<Vec<String>, Failed> {
    perform::refuse_only(session, script)?;
    let app = apps::of_script(session, script)?;
    let list = session.known()?;
    if !session.has(FlagId::Force)
        && let Some(targets) = startable(&app, &list)?
    {
        // The same command as before is no mistake, another number would be ignored.
        let count = usize::try_from(app.instances).unwrap_or(usize::MAX);
        if session.program == Program::Ostler
            && session.args.has_attribute("instances")
            && count != targets.len()
        {
            let (name, now) = (&app.name, targets.len());
            let processes = if now == 1 { "process" } else { "processes" };
            let pasted = ostler_shell::word(name);
            let message = format!("`{name}` is in the list with {now} {processes}, not {count}");
            return Err(Failed::new(message)
                .hint(format!("`ostler scale {pasted} {count}` changes how many there are")));
        }
        again(session, Act::StartSame, &app.name, &Picked::numbered(targets))?;
        return Ok(Vec::new());
    }
    launch::one(session, app)
}

/// Returns the processes of an app that is in the list with the same name and script; `None` when
/// there is none. Fails when one of them runs.
fn startable(app: &App, list: &[ProcView]) -> Result<Option<Vec<Target>>, Failed> {
    let same = list.iter().filter(|other| other.name == app.name && other.script == app.script);
    let mut targets = Vec::new();
    for process in same {
        if !matches!(process.phase, Phase::Stopped | Phase::Stopping | Phase::Errored) {
            return Err(Problem::AlreadyRuns { name: app.name.clone() }.into());
        }
        targets.push(Target::of(process));
    }
    Ok((!targets.is_empty()).then_some(targets))
}
