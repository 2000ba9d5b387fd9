//! Variables of an app that are in files: `env_file`, and `env_file_<name>` with `--env <name>`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use ostler_core::spec::AppSpec;

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::dotenv;
use crate::value::{Node, Value};

/// Largest file of variables that is read, bytes.
const LARGEST: u64 = 1 << 20;
/// Bytes of the values of a file, with what is put into them: no program is started with more,
/// and a file whose lines double each other soon has more than there is memory.
const MOST: usize = 2 << 20;

/// Gives the app the variables of the files that a value names, one after the other, over those
/// that it has. Returns what there is to say, each with the part of the value that it is about.
pub(crate) fn put<'n>(
    spec: &mut AppSpec,
    node: &'n Node,
    ctx: &Context,
) -> Vec<(&'n Node, Diagnostic)> {
    let files = match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    let mut said = Vec::new();
    for file in files {
        let path = file.plain();
        match read(&ctx.absolute(&spec.cwd, &path)) {
            Ok(text) => said.extend(put_text(spec, &text, &path).map(|warning| (file, warning))),
            Err(Unread::Missing(at)) => {
                let message = format!("there is no file `{path}`; its variables are missing");
                let warning = Diagnostic::warning("no-env-file", message);
                said.push((file, warning.help(format!("it is looked for at {at}"))));
            }
            Err(Unread::Other(why)) => {
                let message = format!("cannot read variables from `{path}`: {why}");
                said.push((file, Diagnostic::error("bad-env-file", message)));
            }
        }
    }
    said
}

fn put_text(spec: &mut AppSpec, text: &str, path: &str) -> Option<Diagnostic> {
    let (mut unknown, mut room) = (Vec::new(), MOST);
    for variable in dotenv::parse(text) {
        let value = if variable.expands {
            let value_of = |name: &str| spec.env.get(name).map(str::to_owned);
            dotenv::expand(&variable.value, value_of, room, &mut unknown)
        } else {
            variable.value
        };
        let Some(rest) = room.checked_sub(value.len()) else {
            let name = &variable.name;
            let message = format!("the variables of `{path}` have more than 2 MB up to `{name}`");
            return Some(Diagnostic::error("bad-env-file", message));
        };
        room = rest;
        spec.file_variables.insert(variable.name.clone());
        spec.put_env([(variable.name, value)], &std::collections::BTreeSet::new());
    }
    unknown.sort();
    unknown.dedup();
    (!unknown.is_empty()).then(|| {
        let names: Vec<String> = unknown.iter().map(|name| format!("`${{{name}}}`")).collect();
        let message = format!("`{path}` uses {}, and no such variable is set", names.join(", "));
        Diagnostic::warning("unset-variable", message)
            .help("it is empty; write `${NAME:-default}` for a default, or single quotes around it")
    })
}

enum Unread {
    Missing(String),
    Other(String),
}

fn read(path: &Path) -> Result<String, Unread> {
    let other = |why: &str| Err(Unread::Other(why.to_owned()));
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Unread::Missing(path.display().to_string()),
        _ => Unread::Other(error.to_string()),
    };
    let meta = fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return other("it is a directory");
    }
    if LARGEST < meta.len() {
        return other("it has more than 1 MB");
    }
    let bytes = fs::read(path).map_err(failed)?;
    String::from_utf8(bytes)
        .or_else(|error| other(&format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())))
}
