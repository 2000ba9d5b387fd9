//! One action on processes: which ones a word means, what is said before, what is asked, and how it
//! went with each.

use ostler_client::Answer;
use ostler_wire::control::{Action, Change, Event, Reply, Request};

use crate::apps;
use crate::args::FlagId;
use crate::failed::Failed;
use crate::inspect::inspect;
use crate::output::Output;
use crate::select::{Picked, select};
use crate::session::{Session, ticket, unexpected};

/// Returns the processes that a word means.
pub(super) fn pick(session: &mut Session, word: &str) -> Result<Picked, Failed> {
    let list = session.list()?;
    select(word, &list, &apps::cwd()?)
        .map_err(|none| none.report(&mut session.out, session.program.name()))
}

/// Returns what the options change in processes that exist already.
pub(super) fn changes(session: &mut Session) -> Result<Change, Failed> {
    let change = unchanged(session)?;
    refuse_env(session)?;
    let patch = apps::patch(session)?;
    let env = session.has(FlagId::UpdateEnv).then(apps::environment);
    if env.is_none() {
        session.out.message("Use --update-env to update environment variables");
    }
    Ok(Change { patch, env, ..change })
}

/// Returns a change of nothing: only how many processes are acted on at a time.
pub(super) fn unchanged(session: &Session) -> Result<Change, Failed> {
    let parallel = match session.args.value(FlagId::Parallel) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Failed::new(format!("`--parallel {text}` is not a number")))?,
        ),
    };
    Ok(Change { parallel, ..Change::default() })
}

/// Refuses `--env`, which means nothing where no process file is read.
pub(super) fn refuse_env(session: &Session) -> Result<(), Failed> {
    if session.has(FlagId::Env) {
        return Err(Failed::new(
            "Using --env [env] without passing the ecosystem.config.js does not work",
        ));
    }
    Ok(())
}

/// Says what will be done with which processes.
pub(super) fn announce(session: &mut Session, action: Action, word: &str, picked: &Picked) {
    let ids = inspect(&picked.shown);
    session.out.say(&format!("Applying action {} on app [{word}](ids: {ids})", method(action)));
}

/// PM2's name of an action.
fn method(action: Action) -> &'static str {
    match action {
        Action::Stop => "stopProcessId",
        Action::Restart => "restartProcessId",
        Action::Delete => "deleteProcessId",
        Action::Reset => "resetMetaProcessId",
    }
}

/// Asks for an action and reports how it went with each process; fails when one failed.
pub(super) fn act(
    session: &mut Session,
    action: Action,
    ids: Vec<u32>,
    change: Change,
) -> Result<(), Failed> {
    let mut failed = false;
    session.begun.ids.extend(&ids);
    let request = Request::Act { action, ids, change, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| failed |= !report(out, &event))?;
    done(&answer, failed)
}

/// The end of a request that is answered by events, one of which may have told of a failure.
pub(super) fn done(answer: &Answer, failed: bool) -> Result<(), Failed> {
    match answer {
        Answer::Reply(Reply::Done) if failed => Err(Failed::quiet(1)),
        Answer::Reply(Reply::Done) => Ok(()),
        other => Err(unexpected(other)),
    }
}

/// Reports how it went with one process; `false` when it failed.
pub(super) fn report(out: &mut Output, event: &Event) -> bool {
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
        | Event::Following { .. }
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Restored { .. }
        | Event::Warning { .. } => true,
    }
}
