//! Whose the words behind the first one of `start` and `run` are, where that is a program: the rule
//! is in `args::tail`.

use std::path::Path;

use ostler_wire::control::ProcView;

use super::misused;
use crate::apps;
use crate::args::{Tail, tail};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::{is_full_name, select};
use crate::session::Session;
use crate::voice::Notice;

/// Makes what stands behind a program its arguments, where it can be nothing else, and tells so.
pub(super) fn settle(session: &mut Session) -> Result<(), Failed> {
    let Some(Tail { words, misuse }) = session.args.tail.take() else { return Ok(()) };
    let program = session.args.word().to_owned();
    let is_program = is_program(session, &program)?;
    if !is_program || misuse.is_none() && !has_arguments(session, &words, &program)? {
        return misuse.map_or(Ok(()), |misuse| Err(misused::failed(&misuse, &session.args.typed)));
    }
    session.args.words.truncate(1);
    tail::own(&mut session.args, &program, words)
        .map_err(|misuse| misused::failed(&misuse, &session.args.typed))?;
    let given = session.args.rest.iter().flatten().map(|word| ostler_shell::word(word));
    let line = given.collect::<Vec<_>>().join(" ");
    session.out.tell(&Notice::Note { text: &format!("`{program}` is given `{line}`") });
    Ok(())
}

/// Whether a word is a program that is started once more under another name, and not the app that
/// has the program's.
pub(super) fn is_another(session: &Session, word: &str) -> Result<bool, Failed> {
    let is_named = session.args.attribute("name").is_some_and(|name| name != word);
    let has_words = session.args.rest.is_some() && session.program == Program::Ostler;
    Ok(is_named && has_words && is_program(session, word)?)
}

/// Whether a word is a program for the app that is started, and no script.
fn is_program(session: &Session, word: &str) -> Result<bool, Failed> {
    let context = apps::context(session)?;
    Ok(ostler_config::is_program(word, session.args.attribute("cwd"), &context))
}

/// Whether the other words of the line are arguments of the program, since one of them is nothing
/// that could be started.
fn has_arguments(session: &mut Session, tail: &[String], program: &str) -> Result<bool, Failed> {
    let list = match session.connect_if_running()? {
        true => session.known()?,
        false => Vec::new(),
    };
    let here = caller::cwd()?;
    let is_path = |word: &String| word == "-" || here.join(word).exists();
    let others = session.args.words.get(1..).unwrap_or_default();
    for word in others {
        let is_known = is_path(word)
            || ostler_config::ends_as_script(word)
            || names_app(word, &list, &here)
            || is_program(session, word)?;
        if !is_known {
            return Ok(true);
        }
    }
    match others.iter().find(|word| is_path(word)) {
        Some(word) => Err(either(session, tail, program, word)),
        None => Ok(false),
    }
}

/// Whether a word means apps of the list.
fn names_app(word: &str, list: &[ProcView], here: &Path) -> bool {
    let is_full = || list.iter().any(|process| is_full_name(word, process));
    select(word, list, here).is_ok() || is_full()
}

/// A file behind a program may be what the program is to read, or an app.
fn either(session: &Session, tail: &[String], program: &str, word: &str) -> Failed {
    let message = format!("`{word}` behind `{program}` may be its argument or an app of its own");
    let pasted = format!("{} {}", ostler_shell::word(word), ostler_shell::word(program));
    let apart = format!("`ostler start {pasted}` starts two apps");
    let line = session.args.typed.with_rest_from(tail.len());
    let line = line.map_or_else(String::new, |line| format!("`{line}` gives it to `{program}`, "));
    Failed::misuse(message).hint(line + &apart)
}
