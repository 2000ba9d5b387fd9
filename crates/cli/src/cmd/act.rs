//! `stop`, `restart`, `delete`: one action on every process that the words mean, word after word.

use ostler_client::Answer;
use ostler_wire::control::{Action, Change, Event, Reply, Request};

use super::{file, list};
use crate::apps;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::select::{Picked, select};
use crate::session::{Session, unexpected};

/// `stop`
pub(super) fn stop(session: &mut Session) -> Result<(), Failed> {
    each_word(session, Action::Stop)
}

/// `restart`
pub(super) fn restart(session: &mut Session) -> Result<(), Failed> {
    each_word(session, Action::Restart)?;
    super::logs::attach(session)
}

/// `delete`
pub(super) fn delete(session: &mut Session) -> Result<(), Failed> {
    each_word(session, Action::Delete)
}

fn each_word(session: &mut Session, action: Action) -> Result<(), Failed> {
    for word in session.args.words.clone() {
        if word == "-" || ostler_config::is_config_file(&word) {
            file::act(session, &word, action)?;
            continue;
        }
        let change = if action == Action::Restart {
            options(session, true)?
        } else {
            options(session, false)?
        };
        let picked = pick(session, &word)?;
        announce(session, action, &word, &picked);
        perform(session, action, picked.ids, change)?;
    }
    list::table(session)
}

/// What the options change in a process that is there already.
pub(super) fn options(session: &mut Session, changes: bool) -> Result<Change, Failed> {
    let parallel = match session.args.value(FlagId::Parallel) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Failed::new(format!("`--parallel {text}` is not a number")))?,
        ),
    };
    if !changes {
        return Ok(Change { parallel, ..Change::default() });
    }
    if session.has(FlagId::Env) {
        return Err(Failed::new(
            "Using --env [env] without passing the ecosystem.config.js does not work",
        ));
    }
    let patch = apps::patch(session)?;
    let env = session.has(FlagId::UpdateEnv).then(apps::environment);
    if env.is_none() {
        session.out.message("Use --update-env to update environment variables");
    }
    Ok(Change { records: Vec::new(), patch, env, parallel })
}

/// The processes that a word means.
pub(super) fn pick(session: &mut Session, word: &str) -> Result<Picked, Failed> {
    let list = session.list()?;
    select(word, &list, &apps::cwd()?)
        .map_err(|none| none.say(&mut session.out, session.program.name()))
}

/// PM2's name of an action.
pub(super) fn method(action: Action) -> &'static str {
    match action {
        Action::Stop => "stopProcessId",
        Action::Restart => "restartProcessId",
        Action::Delete => "deleteProcessId",
        Action::Reset => "resetMetaProcessId",
    }
}

pub(super) fn announce(session: &mut Session, action: Action, word: &str, picked: &Picked) {
    let ids = crate::inspect::inspect(&picked.shown);
    session.out.say(&format!("Applying action {} on app [{word}](ids: {ids})", method(action)));
}

/// Asks for it and says how it went with each process; fails when one failed.
pub(super) fn perform(
    session: &mut Session,
    action: Action,
    ids: Vec<u32>,
    change: Change,
) -> Result<(), Failed> {
    let mut failed = false;
    let request = Request::Act { action, ids, change };
    let answer = session.ask_with(&request, |out, event| failed |= !acted(out, &event))?;
    match answer {
        Answer::Reply(Reply::Done) if failed => Err(Failed::quiet(1)),
        Answer::Reply(Reply::Done) => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// Says how it went with one process; `false` when it failed.
pub(super) fn acted(out: &mut crate::out::Out, event: &Event) -> bool {
    match event {
        Event::Acted { id, name, error: None, .. } => {
            out.say(&format!("[{name}]({id}) ✓"));
            true
        }
        Event::Acted { id, name, error: Some(failure), .. } => {
            out.error(&format!("[{name}]({id}) {}", failure.message), failure.hint.as_deref());
            false
        }
        Event::Failed { name, error } => {
            out.error(&format!("[{name}] {}", error.message), error.hint.as_deref());
            false
        }
        Event::Started { .. }
        | Event::Step { .. }
        | Event::Log(_)
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Restored { .. }
        | Event::Warning { .. } => true,
    }
}
