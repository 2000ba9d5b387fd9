//! What a program asks for by `--json FIELDS` and `--format TEMPLATE`, of every command that has
//! objects. What cannot be meant is refused before anything is done.

use serde_json::{Map, Value};

use crate::args::suggest::nearest;
use crate::args::told::{Told, What, told};
use crate::args::{CommandId, FlagId};
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::show::{self, Asked, Shape};
use crate::voice::{Problem, Progress};

/// Refuses a way to print the result which cannot be meant.
pub(super) fn check(session: &Session, command: CommandId) -> Result<(), Failed> {
    match told(command).map(|told| told.what) {
        // Its file decides what there is to ask for.
        Some(What::Processes) if command == CommandId::Import => Ok(()),
        Some(What::Processes) => shape(session, false).map(drop),
        Some(What::Described) => shape(session, true).map(drop),
        Some(What::Objects(_) | What::Named) => asked(session).map(drop),
        None => Ok(()),
    }
}

/// Refuses what cannot be printed at once.
pub(super) fn refuse_two(session: &Session) -> Result<(), Failed> {
    let asked = match (session.has(FlagId::Fields), session.has(FlagId::Template)) {
        (true, _) => "json",
        (false, true) => "format",
        (false, false) => return Ok(()),
    };
    let exclude = |other: &str, hint: &str| {
        let message = format!("`{other}` and `--{asked}` exclude each other");
        Err(Failed::misuse(message).hint(hint))
    };
    if session.out.progress() == Some(Progress::Json) {
        let hint = "leave one of them out: each has standard output for itself";
        return exclude("--progress json", hint);
    }
    if session.has(FlagId::MiniList) && session.program == Program::Ostler {
        return exclude("--mini-list", "leave one of them out");
    }
    Ok(())
}

/// Returns what a program asked for, if one did: of processes.
pub(super) fn shape(session: &Session, describe: bool) -> Result<Option<Shape>, Failed> {
    refuse_two(session)?;
    let known = || show::field_names(describe);
    if session.has(FlagId::Fields) {
        let fields = session.args.value(FlagId::Fields);
        let shape = Shape::json(fields, describe).map(Some);
        return shape.map_err(|why| of_fields(session, why, &known()));
    }
    let Some(template) = session.args.value(FlagId::Template) else { return Ok(None) };
    let shape = Shape::lines(template, describe).map(Some);
    shape.map_err(|why| of_template(session, why, &known()))
}

/// Returns what a program asked for of objects that are no processes, if one did.
pub(super) fn asked(session: &Session) -> Result<Option<Asked>, Failed> {
    let told = session.args.command.and_then(|command| told(command.id));
    asked_of(
        session,
        match told {
            Some(Told { what: What::Objects(fields), .. }) => Some(fields),
            Some(_) | None => None,
        },
    )
}

/// The same of objects with these fields.
pub(super) fn asked_of(session: &Session, known: Option<&[&str]>) -> Result<Option<Asked>, Failed> {
    refuse_two(session)?;
    let told = session.args.command.and_then(|command| told(command.id));
    if session.has(FlagId::Fields) {
        let fields = session.args.value(FlagId::Fields);
        let asked = Asked::json(fields, known);
        return asked.map(Some).map_err(|why| of_fields(session, why, known.unwrap_or_default()));
    }
    let Some(template) = session.args.value(FlagId::Template) else { return Ok(None) };
    let format = told.map_or("", |told| told.format);
    // The page of the help has one.
    let example = format.rsplit('`').nth(1).unwrap_or("{name}");
    let asked = Asked::lines(template, known, example);
    asked.map(Some).map_err(|why| of_template(session, why, known.unwrap_or_default()))
}

/// Whether a program names what it wants of each process, where `--json` alone is shorter.
pub(super) fn names_fields(session: &Session) -> bool {
    session.args.value(FlagId::Fields).is_some() || session.has(FlagId::Template)
}

/// Adds what was probably meant to why the fields of `--json` are refused.
pub(super) fn of_fields(session: &Session, why: Failed, known: &[&str]) -> Failed {
    let Some(fields) = session.args.value(FlagId::Fields) else { return why };
    let typed = &session.args.typed;
    if fields.trim().is_empty() || fields.trim() == "," {
        let bare = typed.without_option("--json", Some(fields));
        return match bare.filter(|line| !line.contains(" -- ")) {
            Some(line) => why.hint(format!("`{line} --json` gives every field")),
            None => why,
        };
    }
    match show::meant_fields(fields, known).and_then(|meant| typed.corrected(fields, &meant)) {
        Some(line) => why.asks(&line),
        None => not_app(why, session, fields),
    }
}

/// Adds what was probably meant to why a template is refused.
pub(super) fn of_template(session: &Session, why: Failed, known: &[&str]) -> Failed {
    let template = session.args.value(FlagId::Template).unwrap_or("");
    let meant = show::meant_template(template, known).filter(|_| !known.is_empty());
    match meant.and_then(|meant| session.args.typed.corrected(template, &meant)) {
        Some(line) => why.asks(&line),
        None => why,
    }
}

/// Says how an argument is given that was taken for the fields of `--json`.
fn not_app(why: Failed, session: &Session, fields: &str) -> Failed {
    let Some(command) = session.args.command else { return why };
    let words = &session.args.words;
    let takes = words.len() < command.takes_at_most();
    let hint = match &why.problem {
        Some(Problem::Other { hint: Some(hint), .. }) if !fields.contains(',') && takes => {
            let command = command.name();
            let all = words.iter().map(String::as_str).chain([fields]);
            let quoted: Vec<_> = all.map(ostler_shell::word).collect();
            let pasted_words = quoted.join(" ");
            format!("if it is an argument: `ostler {command} {pasted_words} --json`; {hint}")
        }
        Some(_) | None => return why,
    };
    why.hint(hint)
}

/// Prints what was asked for of one object, with a line end.
pub(super) fn object(session: &mut Session, asked: &Asked, object: &Value) {
    match asked.line(object) {
        Some(line) => session.out.data(&line),
        None => session.out.object(&asked.of(object)),
    }
}

/// Prints what was asked for of several: one array, or a line for each.
pub(super) fn array(session: &mut Session, asked: &Asked, objects: &[Value]) {
    inside(session, asked, objects, Value::Array);
}

/// Prints what was asked for of several that are a part of one object: that, or a line for each.
pub(super) fn inside(
    session: &mut Session,
    asked: &Asked,
    objects: &[Value],
    whole: impl FnOnce(Vec<Value>) -> Value,
) {
    if let Asked::Lines(_) = asked {
        objects.iter().for_each(|one| object(session, asked, one));
    } else {
        session.out.object(&whole(objects.iter().map(|one| asked.of(one)).collect()));
    }
}

/// Prints what was asked for of an object whose names are known now. `missing` says that it has not
/// this one, `page` which it has.
pub(super) fn named(
    session: &mut Session,
    asked: &Asked,
    object: &Map<String, Value>,
    missing: impl Fn(&str) -> Failed,
    page: &str,
) -> Result<(), Failed> {
    let args = &session.args;
    let text = args.value(FlagId::Fields).or(args.value(FlagId::Template)).unwrap_or("");
    let missing = |name: &str| {
        let near = nearest(name, object.keys().map(String::as_str));
        let meant = near.and_then(|near| args.typed.corrected(text, &text.replace(name, near)));
        match meant {
            Some(line) => missing(name).asks(&line),
            None => missing(name).hint(page),
        }
    };
    let text = asked.text_of_named(object, missing)?;
    if let Asked::Lines(_) = asked {
        session.out.value(&text);
    } else {
        session.out.json(text.into_bytes());
    }
    Ok(())
}
