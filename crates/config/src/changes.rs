//! Options given at a restart, as changes to an app that exists.

use std::path::{Path, PathBuf};

use ostler_core::spec::AppSpec;
use serde_json::{Map, Value as Json};

use crate::attributes::{Attribute, Unit};
use crate::context::Context;
use crate::diagnostic::{COMMAND_LINE, Diagnostic};
use crate::fields::Fields;
use crate::interpreter;
use crate::options::Options;
use crate::resolve;
use crate::run_as;
use crate::value::{Node, Value};
use crate::watch;

/// Options given at a restart as changes: JSON text of an object with the keys of a process file,
/// paths made absolute.
///
/// # Errors
/// Values of the wrong kind, all of them.
pub fn options_patch(options: &Options, ctx: &Context) -> Result<String, Vec<Diagnostic>> {
    let mut report = Vec::new();
    let fields = Fields::of_options(options, &mut report);
    options.refuse_not_yet(&mut report);
    let cleared = options.values().into_iter().filter(|(_, node)| node.is_null());
    let cwd = fields.text("cwd").map_or_else(|| ctx.cwd.clone(), |cwd| ctx.absolute(&ctx.cwd, cwd));
    let mut changes: Map<String, Json> =
        cleared.map(|(key, _)| (key.name.to_owned(), Json::Null)).collect();
    for (key, node) in fields.iter().filter(|(key, _)| key.is_of_app()) {
        match change(key, node, &cwd, ctx) {
            Ok(value) => _ = changes.insert(key.name.to_owned(), value),
            Err(diagnostic) => report.push(diagnostic.origin(COMMAND_LINE)),
        }
    }
    watch::look_at_options(&fields, &mut report);
    check(&fields, &cwd, ctx, &mut changes, &mut report);
    match report.iter().any(Diagnostic::is_error) {
        true => Err(report),
        false => Ok(Json::Object(changes).to_string()),
    }
}

fn change(key: &Attribute, node: &Node, cwd: &Path, ctx: &Context) -> Result<Json, Diagnostic> {
    match (key.name, key.unit, &node.value) {
        ("cwd", ..) => Ok(cwd.to_string_lossy().into()),
        ("args" | "node_args", ..) => Ok(node.words().into()),
        // Not a path: no file at all.
        ("out_file" | "error_file" | "log_file", _, Value::Text(text)) if text == "NULL" => {
            Ok(node.to_json())
        }
        (_, Some(Unit::Path), Value::Text(text)) => {
            Ok(ctx.absolute(cwd, text).to_string_lossy().into())
        }
        // Without a path the place depends on the app's name, which is not known here.
        (_, Some(Unit::Path), _) => {
            let message = "--log needs a path when the app exists already";
            Err(Diagnostic::error("no-path", message).help("write `--log <path>`"))
        }
        _ => Ok(node.to_json()),
    }
}

/// User and group as numbers, and what the daemon would refuse, said here already in the words of
/// the command line.
fn check(
    fields: &Fields<'_>,
    cwd: &Path,
    ctx: &Context,
    changes: &mut Map<String, Json>,
    report: &mut Vec<Diagnostic>,
) {
    if (fields.node("uid").is_some() || fields.node("gid").is_some())
        && let Some(found) = run_as::read(fields, ctx, report)
    {
        changes.extend(found.uid.map(|uid| ("uid".to_owned(), uid.into())));
        changes.extend(found.gid.map(|gid| ("gid".to_owned(), gid.into())));
        changes.insert("username".to_owned(), found.username.into());
    }
    if let Some(program) = fields.text("interpreter").filter(|program| *program != "none") {
        match interpreter::choose(Path::new(""), Some(program), cwd, ctx) {
            Ok(found) => changes
                .extend(found.program.map(|program| ("interpreter".to_owned(), program.into()))),
            Err(diagnostic) => report.push(fields.at("interpreter", diagnostic)),
        }
    }
    // What the values mean is read by whoever applies them.
    let mut unused = AppSpec::new(PathBuf::new(), PathBuf::new());
    _ = resolve::put_direct(fields, &mut unused, report);
}
