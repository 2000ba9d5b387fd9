//! Changes to an app that exists: options given at a restart, and what PM2's client sends as
//! `current_conf`.

use std::path::Path;

use ostler_core::spec::AppSpec;
use serde_json::{Map, Value as Json};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::fds;
use crate::fields::{COMMAND_LINE, Fields, plain};
use crate::health;
use crate::interpreter;
use crate::keys::{self, Use};
use crate::options::Options;
use crate::record::{MARK, read::from_map, to_map, wrong};
use crate::resolve;
use crate::run_as;
use crate::units;
use crate::value::Value;

/// Keys of a process file that have another name in a record.
const RENAMED: [(&str, &str); 7] = [
    ("script", "pm_exec_path"),
    ("cwd", "pm_cwd"),
    ("interpreter", "exec_interpreter"),
    ("out_file", "pm_out_log_path"),
    ("error_file", "pm_err_log_path"),
    ("log_file", "pm_log_path"),
    ("pid_file", "pm_pid_path"),
];

/// The app with the keys of `patch` (a JSON object) put over its record; `null`, also as text,
/// clears a key.
///
/// As in PM2, the mode never changes, an empty `env` is ignored and any other replaces all of it.
/// Keys may have the names of a process file or of a record; unknown ones are ignored. `time` sets
/// the date format.
///
/// # Errors
/// What is of the wrong kind, all of it; the app stays as it was.
pub fn patch(spec: &AppSpec, patch: &str) -> Result<AppSpec, Vec<Diagnostic>> {
    let changes: Map<String, Json> = match serde_json::from_str(patch) {
        Ok(Json::Object(changes)) => changes,
        Ok(_) => return Err(vec![wrong("the changes must be an object")]),
        Err(error) => return Err(vec![wrong(format!("the changes must be JSON: {error}"))]),
    };
    let mut map = to_map(spec);
    for (written, value) in changes {
        let key = record_name(&written);
        let cleared = value.is_null() || value.as_str() == Some("null");
        match key.as_str() {
            MARK | "exec_mode" => {}
            "env" if value.as_object().is_some_and(Map::is_empty) => {}
            "time" if value == Json::Bool(true) => {
                map.insert("log_date_format".to_owned(), "YYYY-MM-DDTHH:mm:ss".into());
                map.insert(key, value);
            }
            _ if cleared => {
                map.remove(&key);
                if key == "listen_timeout" {
                    map.remove("prove_timeout");
                }
            }
            // What follows from them must follow the new value.
            "listen_timeout" => {
                map.remove("prove_timeout");
                map.insert(key, value);
            }
            "health" => {
                map.remove("health_budget");
                map.insert(key, value);
            }
            "instances" => {
                map.insert("instances_given".to_owned(), true.into());
                map.insert(key, value);
            }
            _ => {
                map.insert(key, value);
            }
        }
    }
    from_map(&map)
}

fn record_name(written: &str) -> String {
    let name = keys::find(written).map_or(written, |key| key.name);
    RENAMED.iter().find(|(file, _)| *file == name).map_or(name, |(_, record)| record).to_owned()
}

/// Options given at a restart as changes for [`patch`], JSON text; paths are made absolute.
///
/// # Errors
/// Values of the wrong kind, all of them.
pub fn options_patch(options: &Options, ctx: &Context) -> Result<String, Vec<Diagnostic>> {
    let mut report = Vec::new();
    let fields = Fields::of_options(&Options { env: None, ..options.clone() }, &mut report);
    let cwd = fields.text("cwd").map_or_else(|| ctx.cwd.clone(), |cwd| ctx.absolute(&ctx.cwd, cwd));
    let mut changes = Map::new();
    for (key, node) in
        fields.iter().filter(|(key, _)| key.goes != Use::Drop && key.name != "execute_command")
    {
        let value = match (key.name, &node.value) {
            ("cwd", _) => cwd.to_string_lossy().into(),
            ("out_file" | "error_file", Value::Text(text)) if text == "NULL" => {
                super::NO_FILE.into()
            }
            ("out_file" | "error_file" | "pid_file" | "log_file", Value::Text(text)) => {
                ctx.absolute(&cwd, text).to_string_lossy().into()
            }
            ("args" | "node_args", _) => fields.words(key.name).unwrap_or_default().into(),
            // Without a path the place depends on the app's name, which is not known here.
            ("log_file", _) => {
                let diagnostic =
                    Diagnostic::error("no-path", "--log needs a path when the app exists already");
                report.push(diagnostic.origin(COMMAND_LINE).help("write `--log <path>`"));
                continue;
            }
            _ => node.to_json(),
        };
        changes.insert(key.name.to_owned(), value);
    }
    check(&fields, &cwd, ctx, &mut changes, &mut report);
    match report.iter().any(Diagnostic::is_error) {
        true => Err(report),
        false => Ok(Json::Object(changes).to_string()),
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
    if let Some(signal) =
        fields.node("kill_signal").map(plain).filter(|text| units::signal(text).is_none())
    {
        let message = format!("\"kill_signal\" is `{signal}`, which is no signal");
        report.push(fields.at("kill_signal", Diagnostic::error("no-signal", message)));
    }
    // Checks the codes and the probe too; what they mean is read from the record.
    resolve::stop_exit_codes(fields, report);
    health::read(fields, report);
    fds::read(fields, report);
}
