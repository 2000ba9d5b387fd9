//! From a record to an app.
//!
//! A record comes from a program, not a person, so that a complaint names the key and has no place.
//! It is bounded by the frame it came in.

use std::path::{Path, PathBuf};

use ostler_config::{Attribute, Diagnostic, attributes, instances_of, name_of_script};
use ostler_core::spec::{AppSpec, LogSpec};
use serde_json::{Map, Value as Json};

use super::{MARK, VERSION, wrong};
use crate::not_json::not_json;

/// Keys that only a process that ran before has: its paths carry an id.
const RAN: [&str; 3] = ["pm_uptime", "created_at", "restart_time"];

/// Returns the app that a record describes: one of [`to_record`](super::to_record), of PM2's
/// client, or of a dump by PM2. `cpus` is what PM2's client leaves to the daemon: how many
/// processes 0, `max` and numbers below 0 mean.
///
/// # Errors
/// What is missing or of the wrong kind, all of it.
pub fn from_record(text: &str, cpus: u32) -> Result<AppSpec, Vec<Diagnostic>> {
    match serde_json::from_str(text) {
        Ok(Json::Object(map)) => from_map(&map, cpus),
        Ok(_) => Err(vec![wrong("a record must be an object")]),
        Err(error) => Err(vec![wrong(format!(
            "a record must be JSON: {}",
            not_json(text.as_bytes(), &error)
        ))]),
    }
}

/// As [`from_record`], of what was parsed already.
///
/// # Errors
/// As those of [`from_record`].
pub fn from_map(map: &Map<String, Json>, cpus: u32) -> Result<AppSpec, Vec<Diagnostic>> {
    let mut reader = Reader { map, cpus, report: Vec::new() };
    reader.version();
    let spec = reader.spec();
    if reader.report.is_empty() { Ok(spec) } else { Err(reader.report) }
}

struct Reader<'a> {
    map: &'a Map<String, Json>,
    cpus: u32,
    report: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn version(&mut self) {
        let Some(version) = self.get(MARK) else { return };
        match version.as_u64() {
            Some(..=VERSION) => {}
            Some(version) => {
                let message =
                    format!("this record has version {version}, and only {VERSION} is known");
                let help = "it was written by a newer ostler; update this one";
                self.report.push(wrong(message).help(help));
            }
            None => {
                let message = format!("\"{MARK}\" must be a number, but is `{version}`");
                self.report.push(wrong(message));
            }
        }
    }

    fn spec(&mut self) -> AppSpec {
        let mut spec = AppSpec::new(PathBuf::new(), PathBuf::new());
        for attribute in attributes() {
            self.put(attribute, &mut spec);
        }
        self.script(&spec.script);
        if self.get("name").is_none() {
            spec.name = name_of_script(&spec.script);
        }
        if self.get("pm_cwd").is_none() {
            spec.cwd = spec.script.parent().map_or_else(|| "/".into(), Path::to_path_buf);
        }
        if self.get("pm_pid_path").is_none() {
            spec.pid_file = spec.cwd.join(format!("{}.pid", spec.name));
        }
        if self.is_foreign() {
            self.take_out_foreign(&mut spec);
        }
        spec
    }

    fn put(&mut self, attribute: &Attribute, spec: &mut AppSpec) {
        let Some(value) = self.get(attribute.record) else { return };
        let result = match count(attribute, value) {
            // PM2's client leaves 0 and numbers below 0 to the daemon, which counts CPUs.
            Some(number) => instances_of(number, self.cpus)
                .map(|count| spec.instances = count)
                .map_err(|message| vec![wrong(message)]),
            None => attribute.set(spec, value),
        };
        self.report.extend(result.err().into_iter().flatten());
    }

    /// The value, when there is one; `"null"` as text is none either, as in PM2.
    fn get(&self, key: &str) -> Option<&Json> {
        self.map.get(key).filter(|value| !value.is_null() && value.as_str() != Some("null"))
    }

    fn is_foreign(&self) -> bool {
        !self.map.contains_key(MARK)
    }

    fn script(&mut self, script: &Path) {
        match self.get("pm_exec_path") {
            None => self.report.push(wrong("\"pm_exec_path\" is missing")),
            Some(Json::String(_) | Json::Number(_)) if !script.is_absolute() => {
                self.report.push(wrong(format!(
                    "\"pm_exec_path\" is `{}`, which is not absolute",
                    script.display()
                )));
            }
            Some(_) => {}
        }
    }

    /// What PM2 put into a record beside what the user said.
    fn take_out_foreign(&self, spec: &mut AppSpec) {
        // PM2's client adds a variable called like the app with its module settings: empty, it
        // means nothing.
        let settings = self.get("env").and_then(|env| env.get(&spec.name));
        if settings.is_some_and(|value| value.is_object() || value.as_str() == Some("{}")) {
            spec.env.remove(&spec.name);
        }
        ostler_config::watch::as_pm2(spec);
        if RAN.iter().any(|key| self.map.contains_key(*key)) && self.get("pm_pid_path").is_some() {
            spec.pid_file = take_off_id(&spec.pid_file, &mut spec.logs);
        }
    }
}

/// How many processes, as written, where the attribute says that; `max` is 0, as in PM2.
fn count(attribute: &Attribute, value: &Json) -> Option<f64> {
    match value {
        _ if attribute.record != "instances" => None,
        Json::Number(number) => number.as_f64(),
        Json::String(text) => Some(text.trim().parse().unwrap_or(0.0)),
        _ => None,
    }
}

/// Returns the pid path without the `-<id>` that PM2 put before its end, and takes the same id out
/// of the log paths.
fn take_off_id(pid_file: &Path, logs: &mut LogSpec) -> PathBuf {
    let id = pid_file
        .file_stem()
        .and_then(|stem| stem.to_str()?.rsplit_once('-'))
        .map(|(_, id)| id.to_owned());
    let Some(id) = id.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())) else {
        return pid_file.to_owned();
    };
    if !logs.merge {
        for file in [&mut logs.out, &mut logs.err, &mut logs.combined] {
            *file = file.take().map(|path| without(&path, &id));
        }
    }
    without(pid_file, &id)
}

fn without(path: &Path, id: &str) -> PathBuf {
    let shorter =
        path.file_stem().and_then(|stem| stem.to_str()?.strip_suffix(id)?.strip_suffix('-'));
    let extension = path.extension().and_then(|extension| extension.to_str());
    match (shorter, extension) {
        (Some(stem), Some(extension)) => path.with_file_name(format!("{stem}.{extension}")),
        (Some(stem), None) => path.with_file_name(stem),
        (None, _) => path.to_owned(),
    }
}
