//! A process in PM2's `jlist` (wire protocol §5).
//!
//! A list of a thousand processes is asked for again and again, and nearly all of it stays the
//! same. So JSON text is written directly, and the part that is the same for all processes of one
//! version of a specification is made once, as [`SharedText`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use ostler_core::spec::AppSpec;
use ostler_core::{Exit, ProcId};
use ostler_wire::control::Phase;
use serde_json::Value as Json;

use crate::environment::ABSENT_PARTS;
use crate::in_app::InApp;
use crate::json_text::push_json;
use crate::{files, record, words};

/// What `jlist` tells of a process. Times are ms since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its number (`pm_id`).
    pub id: ProcId,
    /// The name it was started under.
    pub name: &'a str,
    /// The version of its specification that is in force.
    pub spec: &'a AppSpec,
    /// The text of that version.
    pub shared: &'a SharedText,
    /// What is true of it.
    pub phase: Phase,
    /// Pid; 0 when none runs.
    pub pid: u32,
    /// When the current run began; `None` when none runs.
    pub since: Option<u64>,
    /// When it was added or its counters were reset.
    pub created_at: u64,
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// Number of the instance (`NODE_APP_INSTANCE`).
    pub instance: u32,
    /// Value of the variable that `increment_var` names, if one is named.
    pub increment: Option<u32>,
    /// The version of Node that runs it, where that is known.
    pub node_version: Option<&'a str>,
    /// PM2's `unique_id`: one for all processes added by one start.
    pub unique_id: &'a str,
    /// How the last run ended.
    pub last_exit: Option<Exit>,
    /// What is being rolled out to it: `reloading`, `canary`.
    pub rollout: Option<&'a str>,
    /// What it said of itself.
    pub in_app: &'a InApp,
    /// Whether a user had it monitored.
    pub monitored: Option<bool>,
    /// Whether its files are watched.
    pub watching: bool,
    /// Resident memory, bytes.
    pub memory: u64,
    /// CPU use, percent of one core.
    pub cpu: f32,
}

/// The part of `pm2_env` that all processes of one version of a specification share: the keys of
/// the record and, beside them, every variable.
#[derive(Clone, Debug)]
pub struct SharedText {
    text: String,
    /// Where in it the variables stand by themselves.
    variables: Range<usize>,
}

impl SharedText {
    /// Makes the text.
    #[must_use]
    pub fn new(spec: &AppSpec) -> Self {
        let mut keys: BTreeMap<String, Json> = record::variables(spec).into_iter().collect();
        keys.extend(record::to_map(spec));
        // PM2's client writes what it is shown into its dump: paths have the process's number
        // there, as in a dump of PM2's, and not as in a record of ours.
        keys.remove(record::MARK);
        let mut text = String::new();
        let mut variables = 0..0;
        for (name, value) in keys.iter().filter(|(name, _)| !is_of_process(spec, name)) {
            let start = text.len();
            push_json(&mut text, name);
            // Writing to a string cannot fail.
            _ = write!(text, ":{value},");
            if name == "env" {
                variables = start..text.len();
            }
        }
        Self { text, variables }
    }
}

/// Whether each process has a value of its own for this key.
fn is_of_process(spec: &AppSpec, key: &str) -> bool {
    const KEYS: [&str; 11] = [
        "watch",
        "node_version",
        "name",
        "pm_out_log_path",
        "pm_err_log_path",
        "pm_log_path",
        "pm_pid_path",
        "version",
        "unique_id",
        "status",
        "pm_id",
    ];
    // The variable that is one higher for each instance is shown beside the others, and among them.
    let varies = spec.increment_var.as_deref().is_some_and(|name| key == name || key == "env");
    KEYS.contains(&key) || ABSENT_PARTS.contains(&key) || key == spec.instance_var || varies
}

/// A list that is being written.
#[derive(Debug)]
pub struct List {
    text: String,
    expected: usize,
}

impl List {
    /// Begins a list of about so many processes.
    #[must_use]
    pub fn new(expected: usize) -> Self {
        Self { text: String::from("["), expected }
    }

    /// Adds a process.
    pub fn push(&mut self, facts: &Facts<'_>) {
        let is_first = self.text.len() == 1;
        if !is_first {
            self.text.push(',');
        }
        write(facts, &mut self.text);
        if is_first {
            // Elements are about as long as the first. The little more is for whoever frames it.
            let length = self.text.len();
            self.text.reserve((length + length / 16) * self.expected);
        }
    }

    /// Returns the JSON text of the list.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push(']');
        self.text
    }
}

/// Writes the element of one process, JSON text.
pub fn write(facts: &Facts<'_>, out: &mut String) {
    write_named(facts, out);
    let Facts { memory, cpu, .. } = *facts;
    // Writing to a string cannot fail.
    _ = write!(out, ",\"monit\":{{\"memory\":{memory},\"cpu\":{cpu}}}}}");
}

/// Writes the element as far as the number.
fn write_named(facts: &Facts<'_>, out: &mut String) {
    let Facts { id: ProcId(id), pid, .. } = *facts;
    // Writing to a string cannot fail.
    _ = write!(out, "{{\"pid\":{pid},\"name\":");
    push_json(out, facts.name);
    out.push_str(",\"pm2_env\":{");
    out.push_str(&facts.shared.text);
    write_env(facts, out);
    write_increment(facts, true, out);
    _ = write!(out, "}},\"pm_id\":{id}");
}

/// Returns the element without what the process uses, as calls that act on one answer it.
#[must_use]
pub fn without_usage(facts: &Facts<'_>) -> String {
    let mut out = String::new();
    write_named(facts, &mut out);
    out.push('}');
    out
}

/// Returns `pm2_env` without the variables by themselves, as events tell of a process.
#[must_use]
pub fn without_variables(facts: &Facts<'_>) -> String {
    let SharedText { text, variables } = facts.shared;
    let mut out = String::from("{");
    out.push_str(text.get(..variables.start).unwrap_or_default());
    out.push_str(text.get(variables.end..).unwrap_or_default());
    write_env(facts, &mut out);
    write_increment(facts, false, &mut out);
    out.push('}');
    out
}

/// What each process has of its own in `pm2_env`.
fn write_env(facts: &Facts<'_>, out: &mut String) {
    let spec = facts.spec;
    push_text(out, "\"name\":", facts.name);
    for (key, path) in files::of_record(spec, facts.id) {
        if let Some(path) = path {
            _ = write!(out, ",\"{key}\":");
            push_json(out, &path);
        }
    }
    push_text(out, ",", &spec.instance_var);
    _ = write!(
        out,
        ":{},\"status\":\"{}\",\"pm_uptime\":{},\"created_at\":{},\"pm_id\":{},\
         \"restart_time\":{},\"unstable_restarts\":{}",
        facts.instance,
        words::status(facts.phase),
        facts.since.unwrap_or(facts.created_at),
        facts.created_at,
        facts.id.0,
        facts.restarts,
        facts.unstable,
    );
    if let Some(version) = facts.node_version {
        push_text(out, ",\"node_version\":", version);
    }
    push_text(out, ",\"unique_id\":", facts.unique_id);
    push_text(out, ",\"version\":", spec.version.as_deref().unwrap_or("N/A"));
    facts.in_app.write(facts.name, out);
    // PM2 shows what is so, and not what was asked for.
    let asked = spec.passthrough.get("watch").filter(|asked| *asked != "false");
    let watch = if facts.watching { asked.unwrap_or("true") } else { "false" };
    _ = write!(out, ",\"watch\":{watch}");
    if let Some(monitored) = facts.monitored {
        _ = write!(out, ",\"_km_monitored\":{monitored}");
    }
    for key in ABSENT_PARTS {
        _ = write!(out, ",\"{key}\":false");
    }
    write_exit(facts.last_exit, out);
    if let Some(rollout) = facts.rollout {
        push_text(out, ",\"rollout\":", rollout);
    }
}

/// The variable that is one higher for each instance; and all variables, with it.
fn write_increment(facts: &Facts<'_>, all: bool, out: &mut String) {
    let Some(name) = &facts.spec.increment_var else { return };
    let mut variables = record::variables(facts.spec);
    if let Some(value) = facts.increment {
        variables.insert(name.clone(), value.into());
    }
    if let Some(value) = variables.get(name) {
        push_text(out, ",", name);
        _ = write!(out, ":{value}");
    }
    if all {
        _ = write!(out, ",\"env\":{}", Json::Object(variables));
    }
}

fn write_exit(exit: Option<Exit>, out: &mut String) {
    match exit {
        Some(Exit::Code(code)) => _ = write!(out, ",\"exit_code\":{code}"),
        // Beyond PM2, which shows 0 for a process that a signal killed: the signal.
        Some(Exit::Signal { number: signal, .. }) => {
            let signal = words::signal(signal);
            _ = write!(out, ",\"exit_code\":0,\"exit_signal\":\"{signal}\"");
        }
        Some(Exit::Unknown | Exit::NotSpawned | Exit::Refused) | None => {}
    }
}

/// Writes a text in JSON's notation behind what comes before it.
fn push_text(out: &mut String, before: &str, text: &str) {
    out.push_str(before);
    push_json(out, text);
}
