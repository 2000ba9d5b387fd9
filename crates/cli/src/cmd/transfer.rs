//! `export` and `import`: the list as a file, for another home or another machine.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use ostler_client::Answer;
use ostler_config::STANDARD_INPUT;
use ostler_export::{Foreign, Imported};
use ostler_wire::control::Request;
use serde_json::{Value, json};

use super::{list, resurrect, told};
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::{Session, unexpected};
use crate::voice::{Notice, Progress};

/// Runs the command `export`. A file that is there is not written over; what is written is for its
/// owner only, since environments have secrets.
pub(super) fn export(session: &mut Session) -> Result<(), Failed> {
    let text = exported(session)?;
    let Some(name) = session.args.words.first().cloned().filter(|name| name != "-") else {
        session.out.json(text);
        session.out.data("\n");
        return Ok(());
    };
    let path = caller::cwd()?.join(&name);
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(&text)).map_err(|error| {
        Failed::new(format!("cannot write `{}`: {error}", path.display()))
            .hint("give the name of a file that is not there yet")
    })?;
    session.out.tell(&Notice::Generated { path: &path });
    if let Some(asked) = told::asked(session)? {
        let file = json!({ "name": name, "path": path });
        told::inside(session, &asked, &[file], |files| json!({ "files": files, "notes": [] }));
    }
    Ok(())
}

/// Returns the list as `save` writes it.
pub(super) fn exported(session: &mut Session) -> Result<Vec<u8>, Failed> {
    match session.ask(&Request::Export)? {
        Answer::Raw(text) => Ok(text),
        other => Err(unexpected(&other)),
    }
}

/// Runs the command `import`: starts what a file of `export` or a saved list has and does not run.
pub(super) fn import(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.word().to_owned();
    let text = if name == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(caller::cwd()?.join(&name))
    };
    let text = text.map_err(|error| {
        Failed::new(format!("cannot read `{name}`: {error}"))
            .hint("`ostler export apps.json` writes such a file")
    })?;
    if let Some(kind) = Foreign::of(&name, &text).filter(|_| session.program == Program::Ostler) {
        return from_other(session, kind, &name, &text);
    }
    told::shape(session, false)?;
    let elements = serde_json::from_str(&text).map_err(|error| {
        let from = if name == "-" { STANDARD_INPUT.to_owned() } else { format!("`{name}`") };
        Failed::new(format!("{from} is no list of processes: {}", not_a_list(&text, &error)))
            .hint("it is what `ostler export` or `ostler save` writes; `start` takes process files")
    })?;
    let told = session.out.progress().is_some();
    let request = Request::Import { elements, heir_of: None, told };
    resurrect::restore_from(session, &request, std::path::Path::new(&name))?;
    list::table(session)
}

/// Prints the process file that a file of another manager becomes; nothing is started.
fn from_other(session: &mut Session, kind: Foreign, name: &str, text: &str) -> Result<(), Failed> {
    if session.out.progress() == Some(Progress::Json) {
        let pasted = ostler_shell::operand(name);
        let message = format!("`import {name}` prints a process file, and has no progress");
        return Err(Failed::misuse(message).hint(format!("`ostler import {pasted}` prints it")));
    }
    let from = if name == "-" { STANDARD_INPUT } else { name };
    let Imported { text, apps, notes } =
        ostler_export::import(kind, name, text).map_err(|wrong| {
            let place = wrong.line.map_or_else(|| from.to_owned(), |line| format!("{from}:{line}"));
            let message =
                format!("`{place}` cannot be imported as {}: {}", kind.title(), wrong.why);
            let line = match session.args.typed.line() {
                Some(line) if name != "-" => format!(", then `{line}`"),
                Some(_) | None => String::new(),
            };
            Failed::new(message)
                .hint(format!("mend it there{line}; `ostler init` writes a new one"))
        })?;
    let fields: BTreeSet<&str> =
        apps.iter().filter_map(Value::as_object).flatten().map(|(name, _)| name.as_str()).collect();
    let fields: Vec<&str> = fields.into_iter().collect();
    if let Some(asked) = told::asked_of(session, Some(&fields))? {
        let notes: Vec<_> =
            notes.iter().map(|note| json!({ "app": note.app, "text": note.text })).collect();
        told::inside(session, &asked, &apps, |apps| json!({ "apps": apps, "notes": notes }));
        return Ok(());
    }
    for note in notes {
        session.out.warn_aside(&format!("{}: {}", note.app, note.text));
    }
    session.out.data(&text);
    Ok(())
}

/// What a text is instead of a list, in words.
fn not_a_list(text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return "there is nothing in it".to_owned();
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(_)) => "one of its elements is no process".to_owned(),
        Ok(_) => "it is JSON, but no array".to_owned(),
        Err(_) => ostler_pm2::not_json(text.as_bytes(), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words were those of the library: `invalid type: map, expected a sequence`.
    #[test]
    fn what_is_no_list_is_said_in_our_words() {
        let check = |text: &str, said: &str| {
            let error = serde_json::from_str::<Vec<String>>(text).unwrap_err();
            assert_eq!(not_a_list(text, &error), said, "{text}");
        };
        check("", "there is nothing in it");
        check("{}", "it is JSON, but no array");
        check("setInterval(", "line 1, column 1 is no JSON");
        check("[1]", "one of its elements is no process");
    }
}
