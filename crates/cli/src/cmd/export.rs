//! `export`: the list as a file, or the apps of a process file as the files of an engine.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use ostler_export::{Engine, Export, File, Source, export};
use serde_json::{Value, json};

use super::{told, transfer};
use crate::apps;
use crate::args::FlagId;
use crate::args::suggest::nearest;
use crate::caller;
use crate::failed::Failed;
use crate::program::Program;
use crate::session::Session;
use crate::voice::Notice;

/// The process file where none is named.
const USUAL: &str = "ecosystem.config.js";

/// Runs the command `export`.
pub(super) fn run(session: &mut Session) -> Result<(), Failed> {
    let words = session.args.words.clone();
    let first = words.first().map(String::as_str).unwrap_or_default();
    match (Engine::named(first), words.get(1)) {
        (Some(engine), file) if session.program == Program::Ostler => {
            for_engine(session, engine, file.map_or(USUAL, String::as_str))
        }
        (_, Some(_)) if session.program == Program::Ostler => Err(unknown_engine(first)),
        (None, None) if session.program == Program::Ostler => {
            refuse_slip(session, first)?;
            transfer::export(session)
        }
        (_, _) => transfer::export(session),
    }
}

/// Refuses a word that is nearly the name of an engine, and would be a file with everything in it.
fn refuse_slip(session: &Session, word: &str) -> Result<(), Failed> {
    let near = nearest(word, Engine::ALL.map(Engine::name).into_iter());
    // What has a suffix or a folder is meant as a file.
    let Some(engine) = near.filter(|_| !word.contains(['.', '/'])) else { return Ok(()) };
    let line = session.args.typed.corrected(word, engine);
    let pasted = ostler_shell::word(word);
    let failed = Failed::misuse(format!("no engine is called `{}`", ostler_text::shown(word)))
        .hint(format!("as a file: `ostler export ./{pasted}`"));
    Err(match line {
        Some(line) => failed.asks(&line),
        None => failed,
    })
}

fn unknown_engine(name: &str) -> Failed {
    let known = Engine::ALL.map(Engine::name).join(", ");
    Failed::misuse(format!("no engine is called `{}`", ostler_text::shown(name)))
        .hint(format!("there are {known}; the list goes to one file: `ostler export apps.json`"))
}

fn for_engine(session: &mut Session, engine: Engine, path: &str) -> Result<(), Failed> {
    let specs = apps::specs_of_file(session, path)?;
    let context = apps::context(session)?;
    let file = context.absolute(&context.cwd, path);
    let folder = file.parent().map(Path::to_owned).unwrap_or(context.cwd);
    let Export { files, notes } = export(engine, &specs, &Source { file: path.to_owned(), folder });
    let into = session.args.value(FlagId::Into).map(str::to_owned);
    let into = into.map(|folder| Ok::<_, Failed>(caller::cwd()?.join(folder))).transpose()?;
    if let Some(asked) = told::asked(session)? {
        if let Some(folder) = &into {
            write(session, folder, &files)?;
        }
        let file = |File { name, text }: &File| match &into {
            Some(folder) => json!({ "name": name, "path": folder.join(name) }),
            None => json!({ "name": name, "text": text }),
        };
        let files: Vec<Value> = files.iter().map(file).collect();
        let notes: Vec<Value> =
            notes.iter().map(|note| json!({ "app": note.app, "text": note.text })).collect();
        told::inside(session, &asked, &files, |files| json!({ "files": files, "notes": notes }));
        return Ok(());
    }
    for note in notes {
        session.out.warn_aside(&format!("{}: {}", note.app, note.text));
    }
    match into {
        Some(folder) => write(session, &folder, &files),
        None => {
            for File { name, text } in &files {
                if 1 < files.len() {
                    session.out.data(&format!("# ---- {name}\n"));
                }
                session.out.data(text);
            }
            Ok(())
        }
    }
}

/// Writes all of them, or none where one is there.
fn write(session: &mut Session, folder: &Path, files: &[File]) -> Result<(), Failed> {
    let places: Vec<_> = files.iter().map(|file| folder.join(&file.name)).collect();
    if let Some(there) = places.iter().find(|place| place.symlink_metadata().is_ok()) {
        return Err(Failed::new(format!("`{}` is there already", there.display()))
            .hint("`--into` names a folder that has no such file"));
    }
    std::fs::create_dir_all(folder)
        .map_err(|error| Failed::new(format!("cannot make `{}`: {error}", folder.display())))?;
    for (place, file) in places.iter().zip(files) {
        let new = OpenOptions::new().write(true).create_new(true).open(place);
        new.and_then(|mut new| new.write_all(file.text.as_bytes()))
            .map_err(|error| Failed::new(format!("cannot write `{}`: {error}", place.display())))?;
        session.out.tell(&Notice::Generated { path: place });
    }
    Ok(())
}
