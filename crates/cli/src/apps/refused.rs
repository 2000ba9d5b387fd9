//! Names and words of an app that would mean something else to commands.

use ostler_config::attributes;
use ostler_config::attributes::Rule;

use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// Refuses empty values. PM2 takes them for options that were not given.
pub(super) fn refuse_empty(session: &Session) -> Result<(), Failed> {
    let never_empty = attributes().filter(|of| of.rule == Rule::NotEmpty);
    let options = never_empty.flat_map(|of| of.flags).filter_map(|flag| flag.long.first());
    let is_empty = |option: &&&str| session.args.attribute(option) == Some("");
    let mut empty = options.filter(is_empty);
    match empty.next().filter(|_| session.program == Program::Ostler) {
        Some(option) => Err(Failed::misuse(format!("`--{option}` needs a value, but is empty"))
            .hint("leave it out, or write what it is to be")),
        None => Ok(()),
    }
}

/// Refuses a name that means something else to commands. PM2 takes any.
pub(super) fn refuse_name(session: &Session, name: &str) -> Result<(), Failed> {
    match ostler_config::refused_name(name).filter(|_| session.program == Program::Ostler) {
        Some((why, hint)) => Err(Failed::misuse(why).hint(hint.replace("`name`", "`--name`"))),
        None => refuse_namespace(session),
    }
}

/// Warns of a name by which commands do not find the process any more that had it.
pub(super) fn warn_of_name(session: &mut Session, name: &str) {
    let said = ostler_config::doubtful_name(name).filter(|_| session.program == Program::Ostler);
    if let Some((text, hint)) = said {
        let hint = hint.replace("`name`", "`--name`");
        session.out.tell(&Notice::Warning { text: &text, hint: Some(&hint), apart: true });
    }
}

/// Refuses a word that is a folder here and a program elsewhere: whoever means the folder would
/// get the program. PM2 starts the program.
pub(super) fn refuse_folder_and_program(session: &Session, script: &str) -> Result<(), Failed> {
    let is_word = !script.contains('/') && session.program == Program::Ostler;
    if !is_word || session.args.has_attribute("cwd") || !caller::cwd()?.join(script).is_dir() {
        return Ok(());
    }
    let Some(program) = caller::in_path(script) else { return Ok(()) };
    let program = program.to_string_lossy().into_owned();
    let line = |word: &str| {
        let line = session.args.typed.corrected(script, word);
        line.unwrap_or_else(|| format!("ostler start {}", ostler_shell::word(word)))
    };
    let message = format!("`{script}` is a folder here and the program `{program}`");
    let (folder, program) = (line(&format!("./{script}")), line(&program));
    Err(Failed::new(message).hint(format!("`{folder}` starts the folder, `{program}` the program")))
}

/// Refuses a namespace that means something else to commands.
pub(super) fn refuse_namespace(session: &Session) -> Result<(), Failed> {
    let given = session.args.attribute("namespace");
    match given.and_then(ostler_config::refused_namespace) {
        Some((why, hint)) if session.program == Program::Ostler => {
            Err(Failed::misuse(why).hint(hint.replace("`namespace`", "`--namespace`")))
        }
        Some(_) | None => Ok(()),
    }
}
