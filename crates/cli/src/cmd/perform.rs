//! One action on processes: which ones a word means, what is told before, what is asked, and how it
//! went with each.

use std::collections::BTreeMap;

use ostler_client::Answer;
use ostler_wire::control::{Action, Change, Code, Event, Failure, Reply, Request, Watch};

use super::{first_run, unwritten};
use crate::apps;
use crate::args::{Command, FlagId};
use crate::caller;
use crate::failed::Failed;
use crate::output::Output;
use crate::program::Program;
use crate::select::{Picked, select_as};
use crate::session::{Session, ticket, unexpected};
use crate::voice::{Act, Notice, Problem, Selector, Subject};
use crate::wait;

/// Returns the processes that a word means.
pub(super) fn pick(session: &mut Session, word: &str) -> Result<Picked, Failed> {
    refuse_only(session, word)?;
    let list = session.about(word)?;
    Ok(select_as(session.program, word, &list, &caller::cwd()?)?)
}

/// Returns what the options change in processes that exist already.
pub(super) fn changes(session: &mut Session) -> Result<Change, Failed> {
    let change = unchanged(session)?;
    refuse_env(session)?;
    let watch = apps::watch(session);
    let patch = apps::patch(session, watch == Some(Watch::Toggle))?;
    let env = session.has(FlagId::UpdateEnv).then(caller::environment);
    if env.is_none() {
        session.out.tell(&Notice::KeepsEnvironment);
    }
    Ok(Change { patch, env, watch, ..change })
}

/// Returns a change of nothing: only how many processes are acted on at a time.
pub(super) fn unchanged(session: &Session) -> Result<Change, Failed> {
    let parallel = match session.args.value(FlagId::Parallel) {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|_| Failed::misuse(format!("`--parallel {text}` is not a number")))?,
        ),
    };
    // PM2 has no words for it.
    let connections = session.program == Program::Ostler;
    let doing = session.out.progress().is_some();
    Ok(Change { parallel, connections, doing, ..Change::default() })
}

/// Refuses `--env`, which means nothing where no process file is read.
pub(super) fn refuse_env(session: &Session) -> Result<(), Failed> {
    if !session.has(FlagId::Env) {
        return Ok(());
    }
    let command = session.args.command.map_or("start", Command::name);
    let env = session.args.value(FlagId::Env).unwrap_or("production").to_owned();
    Err(Problem::EnvWithoutFile { command, env }.into())
}

/// Refuses `--only`, `--profile` and `--strict` with a word that is no process file. PM2 takes the
/// first, and does nothing about it.
pub(super) fn refuse_only(session: &Session, word: &str) -> Result<(), Failed> {
    const CHOOSES: &str = "chooses among the apps of";
    let options = [
        (FlagId::Only, "--only", CHOOSES),
        (FlagId::Profile, "--profile", CHOOSES),
        (FlagId::Strict, "--strict", "is about"),
    ];
    let given = options.into_iter().find(|(flag, ..)| session.has(*flag));
    let Some((flag, option, does)) = given.filter(|_| session.program == Program::Ostler) else {
        return Ok(());
    };
    let message = format!("`{option}` {does} a process file, and `{word}` is none");
    let line = session.args.typed.without_option(option, session.args.value(flag));
    Err(Failed::misuse(message).hint(match line {
        Some(line) => format!("`{line}` does without it"),
        None => "leave it out, and name the apps".to_owned(),
    }))
}

/// Returns the processes that a word means, having told what will be done with them.
pub(super) fn choose(session: &mut Session, act: Act, word: &str) -> Result<Picked, Failed> {
    match pick(session, word) {
        Ok(picked) => {
            announce(session, act, word, &picked);
            Ok(picked)
        }
        Err(Failed { problem: Some(Problem::NoSuchId { word, .. }), .. }) => {
            Err(unknown_id(session, act, word))
        }
        Err(other) => Err(other),
    }
}

/// Says that no process has an id, of which PM2 announces first what it will do with it.
pub(super) fn unknown_id(session: &mut Session, act: Act, word: String) -> Failed {
    if session.program == Program::Pm2 {
        let ids = serde_json::json!([word]);
        let selector = Some(Selector { word: &word, ids: &ids });
        session.out.tell(&Notice::Begun { act, selector, targets: &[] });
    }
    Problem::NoSuchId { word, act: Some(act) }.into()
}

/// Tells what will be done with which processes.
pub(super) fn announce(session: &mut Session, act: Act, word: &str, picked: &Picked) {
    let selector = Some(Selector { word, ids: &picked.shown });
    session.out.tell(&Notice::Begun { act, selector, targets: &picked.targets });
}

/// Asks for what was announced, reports how it went with each process, and tells the end; fails
/// when it failed with one of them.
pub(super) fn act(
    session: &mut Session,
    act: Act,
    action: Action,
    ids: Vec<u32>,
    change: Change,
) -> Result<(), Failed> {
    let (done, result) = ask(session, action, ids, change);
    if action == Action::Restart {
        first_run::watch(session, &done);
    }
    let result = finish(session, act, result, &[]);
    if action == Action::Restart {
        unwritten::warn(session);
    }
    result
}

/// Processes with which it went well, also beside one with which it did not, and how it went.
pub(super) type Done = (Vec<u32>, Result<(), Failed>);

/// Asks for what was announced and reports how it went with each process; fails when one failed.
pub(super) fn ask(session: &mut Session, action: Action, ids: Vec<u32>, change: Change) -> Done {
    let (mut well, mut failed) = (Vec::new(), false);
    let mut gone: Gone = BTreeMap::new();
    let ours = session.program == Program::Ostler;
    session.begun.ids.extend(&ids);
    let request = Request::Act { action, ids, change, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| match event {
        // Whoever deletes an app meanwhile deletes all of its processes.
        Event::Acted { name, error: Some(error), .. } if ours && error.code == Code::NotFound => {
            gone.entry(name).or_default().push(error);
        }
        event => {
            if let Event::Acted { id, error: None, .. } = &event {
                well.push(*id);
            }
            failed |= !report(out, &event);
        }
    });
    failed |= !gone.is_empty();
    tell_gone(&mut session.out, gone);
    (well, answer.and_then(|answer| done(&answer, failed)))
}

/// What failed since somebody else deleted it, by the name of the app.
type Gone = BTreeMap<String, Vec<Failure>>;

/// Tells which apps somebody else has deleted, each in one line.
fn tell_gone(out: &mut Output, gone: Gone) {
    for (name, error) in of_gone(gone) {
        out.tell(&Notice::Missed { subject: subject_of(&name), error: &error });
    }
}

fn of_gone(gone: Gone) -> impl Iterator<Item = (String, Failure)> {
    together(gone).into_iter().map(|(name, failures)| match failures.as_slice() {
        [one] => (name, one.clone()),
        all => {
            let text = format!("{} processes were deleted meanwhile", all.len());
            (name, Failure::new(Code::NotFound, text))
        }
    })
}

fn subject_of(name: &str) -> Subject<'_> {
    if name.is_empty() { Subject::Named { name } } else { Subject::App { name } }
}

/// Counts those that were gone before the daemon looked for their names with the others, where
/// there is only one app that they can be of.
fn together(mut gone: Gone) -> Gone {
    if gone.len() == 2
        && let Some(nameless) = gone.remove("")
        && let Some(mut app) = gone.first_entry()
    {
        app.get_mut().extend(nameless);
    }
    gone
}

/// Tells the end of what was begun: why it failed, then that it is over, as the last word of all.
/// PM2 says it the other way round. What was not waited for goes on, and so does the command.
pub(super) fn finish<T: Default>(
    session: &mut Session,
    act: Act,
    result: Result<T, Failed>,
    urls: &[String],
) -> Result<T, Failed> {
    let failed = result.is_err();
    let result = result.map_err(|why| match (&why.problem, session.program) {
        (Some(problem), Program::Ostler) => {
            session.out.problem(problem);
            Failed { problem: None, ..why }
        }
        (Some(_), Program::Pm2) | (None, _) => why,
    });
    let is_late = |why: &Failed| why.code == wait::TIMED_OUT && session.limit.is_some();
    let late = result.as_ref().is_err_and(is_late);
    if session.ends_ready && (late || !failed) {
        session.out.tell(&Notice::BroughtUp);
        session.unfinished.get_or_insert(act);
    } else {
        session.unfinished = None;
        session.out.tell(&Notice::Finished { act, failed, urls });
    }
    if late {
        session.late = true;
        return Ok(T::default());
    }
    result
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
        Event::Acted { id, name, error: None, added: _, connections } => {
            out.tell(&Notice::Acted { id: *id, name, connections: *connections });
            true
        }
        Event::Acted { id, name, error: Some(error), .. } => {
            out.tell(&Notice::Missed { subject: Subject::Process { id: *id, name }, error });
            false
        }
        Event::Failed { name, error } => {
            out.tell(&Notice::Missed { subject: Subject::App { name }, error });
            false
        }
        Event::Step { name, id, step } => {
            out.tell(&Notice::Stepped { id: *id, name, step });
            true
        }
        Event::Doing { id, name, what } => {
            out.tell(&Notice::Does { id: *id, name, what });
            true
        }
        Event::Started { .. }
        | Event::Starting { .. }
        | Event::Restoring { .. }
        | Event::Log(_)
        | Event::Following { .. }
        | Event::Process { .. }
        | Event::Own { .. }
        | Event::Asked { .. }
        | Event::Answered { .. }
        | Event::Restored { .. }
        | Event::Warning { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::Paint;
    use crate::voice::Voice;

    /// A `delete` while a `restart` ran printed a line for each process, in two forms.
    #[test]
    fn processes_that_were_deleted_meanwhile_are_one_line() {
        let failures = |ids: std::ops::Range<u32>| {
            let text = |id| format!("process {id} was deleted meanwhile");
            ids.map(|id| Failure::new(Code::NotFound, text(id))).collect::<Vec<_>>()
        };
        let check = |gone: &[(&str, std::ops::Range<u32>)], said: &[&str]| {
            let gone = gone.iter().map(|(name, ids)| ((*name).to_owned(), failures(ids.clone())));
            let mut lines = Vec::new();
            let mut voice = Voice::new(Program::Ostler);
            for (name, error) in of_gone(gone.collect()) {
                let subject = subject_of(&name);
                let told = voice.lines(&Notice::Missed { subject, error: &error }, Paint::PLAIN);
                lines.extend(told.iter().map(|line| format!("{line:?}")));
            }
            assert_eq!(lines.len(), said.len(), "{lines:?}");
            for (line, said) in lines.iter().zip(said) {
                assert!(line.contains(said), "{line}");
            }
        };
        check(&[("", 0..2), ("x2", 2..15)], &["error: x2: 15 processes were deleted meanwhile"]);
        check(&[("x2", 3..4)], &["error: x2: process 3 was deleted meanwhile"]);
        check(&[("", 3..4)], &["error: process 3 was deleted meanwhile"]);
        let two = ["error: a: 2 processes were", "error: b: process 2 was"];
        check(&[("a", 0..2), ("b", 2..3)], &two);
    }
}
