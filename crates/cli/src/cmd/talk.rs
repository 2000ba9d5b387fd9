//! What is said to processes that run: which ones a word means, what is asked, how it went.

use ostler_client::Answer;
use ostler_wire::control::{Code, Event, ProcView, Reply, Request, Talk};
use serde_json::{Value, json};

use super::list::meant;
use super::told;
use crate::args::FlagId;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Notice, Problem, Subject, TalkNotice, Target};

/// Returns the processes that a word means under our name.
pub(super) fn targets(session: &mut Session, word: &str) -> Result<Vec<Target>, Failed> {
    let list = session.known()?;
    let ids = meant(word, &list, &caller::cwd()?)?;
    Ok(of_ids(&list, &ids))
}

/// Returns the one process that a word means: a name will do where it has one process.
pub(super) fn one(session: &mut Session, word: &str) -> Result<Target, Failed> {
    let mut targets = targets(session, word)?;
    match (targets.pop(), targets.is_empty()) {
        (Some(target), true) => Ok(target),
        (last, _) => {
            targets.extend(last);
            let ids: Vec<String> = targets.iter().map(|target| target.id.to_string()).collect();
            let message = format!("`{word}` has {} processes", targets.len());
            let first = ids.first().map_or("", String::as_str);
            let line = session.args.typed.corrected(word, first);
            let line = line.map_or_else(String::new, |line| format!("`{line}`; "));
            let hint = format!("{line}the ids are {}", ids.join(", "));
            Err(Failed::new(message).hint(hint))
        }
    }
}

pub(super) fn of_ids(list: &[ProcView], ids: &[u32]) -> Vec<Target> {
    list.iter().filter(|process| ids.contains(&process.id)).map(Target::of).collect()
}

/// Says something to processes; what went wrong with one is told. Returns how many it was said to.
pub(super) fn say(session: &mut Session, targets: &[Target], talk: Talk) -> Result<usize, Failed> {
    let ids: Vec<u32> = targets.iter().map(|target| target.id).collect();
    let (mut done, mut failed) = (0, false);
    let request = Request::Talk { ids, talk };
    let pm2 = session.program == Program::Pm2;
    let (asked, json) = (told::asked(session)?, session.has(FlagId::Json));
    let answer = session.ask_with(&request, |out, event| match event {
        Event::Acted { id, name, error: Some(mut error), .. } => {
            failed = true;
            if !pm2 && error.code == Code::NotFound && error.hint.is_none() {
                let pasted = ostler_shell::operand(&name);
                error.hint = Some(format!("`ostler start {pasted}` starts it"));
            }
            let subject = Subject::Process { id, name: &name };
            out.tell(&Notice::Missed { subject, error: &error });
        }
        Event::Acted { error: None, .. } => done += 1,
        Event::Asked { count } => {
            if let Request::Talk { talk: Talk::Action { name: action, .. }, .. } = &request {
                out.tell(&Notice::Talk(TalkNotice::Asked { count, action }));
                if pm2 {
                    // Whoever waits for answers sees that somebody was asked.
                    _ = out.flush();
                }
            }
        }
        Event::Answered { id, name, namespace, answer } => {
            done += 1;
            let object = || object(id, &name, &namespace, answer.as_deref());
            if let Some(asked) = &asked {
                return match asked.line(&object()) {
                    Some(line) => out.data(&line),
                    None => out.object(&asked.of(&object())),
                };
            }
            if json {
                return out.value(&format!("{}\n", object()));
            }
            let (name, namespace, answer) = (&name, &namespace, answer.as_deref());
            out.tell(&Notice::Talk(TalkNotice::Answered { id, name, namespace, answer }));
        }
        _ => {}
    })?;
    match answer {
        Answer::Reply(Reply::Done) if failed => Err(Failed::quiet(1)),
        Answer::Reply(Reply::Done) => Ok(done),
        other => Err(unexpected(&other)),
    }
}

/// What a process answered, for programs.
fn object(id: u32, name: &str, namespace: &str, answer: Option<&str>) -> Value {
    let answer: Value =
        answer.and_then(|answer| serde_json::from_str(answer).ok()).unwrap_or_default();
    json!({ "id": id, "app": name, "namespace": namespace, "answer": answer })
}

/// A problem that PM2 tells without its prefix.
pub(super) fn bare(pm2: impl Into<String>, message: impl Into<String>) -> Failed {
    let (pm2, message) = (pm2.into(), message.into());
    Problem::Bare { pm2, message, hint: None }.into()
}
