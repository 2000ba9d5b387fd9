//! The fields of a process that a program may ask for by name: `--json name,pid`, and
//! `--format '{name} {pid}'`.
//!
//! There is an element, or a line, for each process, also where a person sees an app folded: a pid
//! belongs to a process.

use ostler_show::{UNKNOWN, short_end, status, why};
use ostler_wire::control::{Details, Outcome, Phase, ProcView};
use serde_json::{Value, json};

use super::names;
use super::template::{Part, parts};
use super::waiting::{retry_in, waits_for};
use crate::failed::Failed;

/// A process as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// What a list knows.
    pub(crate) view: &'a ProcView,
    /// The rest, where that was asked for.
    pub(crate) details: Option<&'a Details>,
    /// What its last lines say of its end.
    pub(crate) reason: Option<&'static str>,
    /// The time, ms since 1970.
    pub(crate) now: u64,
}

/// A name and its value, one under the other with all of a text.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    of: Of,
}

#[derive(Debug)]
enum Of {
    /// Known of every process.
    List(fn(&Known<'_>) -> Value),
    /// Known to `describe` alone.
    Describe(fn(&Details, &Known<'_>) -> Value),
}

use Of::{Describe, List};

/// The field that is looked up only for those who ask for it.
const PORTS: &str = "ports";

/// Every field, in the order in which they are told.
const FIELDS: &[Field] = &[
    Field { name: "id", of: List(|of| json!(of.view.id)) },
    Field { name: "name", of: List(|of| json!(of.view.name)) },
    Field { name: "namespace", of: List(|of| json!(of.view.namespace)) },
    Field { name: "pid", of: List(|of| json!(Some(of.view.pid).filter(|pid| *pid != 0))) },
    Field { name: "status", of: List(|of| json!(status(of.view))) },
    Field { name: "mode", of: List(|of| json!(if of.view.cluster { "cluster" } else { "fork" })) },
    Field { name: PORTS, of: List(ports) },
    Field {
        name: "restarts",
        of: List(|of| json!(of.view.restarts.saturating_sub(of.view.asked_restarts))),
    },
    Field { name: "cpu", of: List(|of| json!((f64::from(of.view.cpu) * 10.0).round() / 10.0)) },
    Field { name: "memory", of: List(|of| json!(of.view.memory)) },
    Field { name: "uptime", of: List(uptime) },
    Field { name: "since", of: List(|of| date(Some(of.view.since).filter(|since| 0 < *since))) },
    Field { name: "retry_in", of: List(|of| retry_in(of.view)) },
    Field { name: "waits_for", of: List(|of| waits_for(of.view)) },
    Field { name: "end", of: List(end) },
    Field { name: "end_code", of: List(end_code) },
    Field { name: "end_signal", of: List(end_signal) },
    Field { name: "ended_at", of: List(|of| date(ended_at(of))) },
    Field { name: "rollout", of: List(|of| json!(of.view.rollout)) },
    Field { name: "draining", of: List(|of| json!(of.view.leaving)) },
    Field { name: "version", of: List(|of| json!(of.view.version)) },
    Field { name: "user", of: List(|of| json!(of.view.user)) },
    Field { name: "script", of: List(|of| json!(of.view.script)) },
    Field { name: "logs", of: List(|of| json!(of.view.logs.iter().flatten().collect::<Vec<_>>())) },
    Field { name: "log_lines_dropped", of: List(|of| json!(of.view.dropped_lines)) },
    Field { name: "why", of: Describe(|of, known| json!(why(of, None, known.reason, known.now))) },
    Field { name: "args", of: Describe(|of, _| json!(of.args)) },
    Field { name: "cwd", of: Describe(|of, _| json!(of.cwd)) },
    Field { name: "interpreter", of: Describe(|of, _| json!(of.interpreter)) },
    Field { name: "interpreter_args", of: Describe(|of, _| json!(of.interpreter_args)) },
    Field { name: "node_version", of: Describe(|of, _| json!(of.node_version)) },
    Field { name: "max_memory", of: Describe(|of, _| json!(of.max_memory)) },
    Field { name: "health", of: Describe(|of, _| json!(of.health)) },
    Field { name: "settings", of: Describe(|of, _| settings(of)) },
    Field { name: "listeners", of: Describe(|of, _| json!(of.listeners)) },
    Field { name: "created_at", of: Describe(|of, _| date(Some(of.created_at))) },
    Field { name: "env", of: Describe(|of, _| json!(of.env)) },
];

/// Returns the names of the fields that a list knows, or `describe`.
pub(crate) fn field_names(describe: bool) -> Vec<&'static str> {
    FIELDS.iter().filter(|field| field.is_known(describe)).map(|field| field.name).collect()
}

/// What a program asked for.
#[derive(Debug)]
pub(crate) enum Shape {
    /// An array of objects with these fields.
    Json(Vec<&'static Field>),
    /// A line for each process.
    Lines(Vec<Piece>),
}

/// A part of a line.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Field(&'static Field),
}

impl Shape {
    /// Reads `name,pid`; without a name it is every field. `describe`: also those that
    /// only `describe` knows.
    pub(crate) fn json(fields: Option<&str>, describe: bool) -> Result<Self, Failed> {
        let Some(fields) = fields else {
            let all = FIELDS.iter().filter(|field| field.is_known(describe));
            return Ok(Self::Json(all.collect()));
        };
        let named = names::split(fields)?.into_iter().map(|name| find(name, describe));
        named.collect::<Result<_, _>>().map(Self::Json)
    }

    /// Reads `{name} {pid}`.
    pub(crate) fn lines(template: &str, describe: bool) -> Result<Self, Failed> {
        let piece = |part| match part {
            Part::Text(text) => Ok(Piece::Text(text)),
            Part::Name(name) => find(&name, describe).map(Piece::Field),
        };
        let parts = parts(template, "{name} {pid}")?.into_iter();
        Ok(Self::Lines(parts.map(piece).collect::<Result<_, _>>()?))
    }

    /// Whether ports were asked for.
    pub(crate) fn shows_ports(&self) -> bool {
        let is_ports = |field: &Field| field.name == PORTS;
        match self {
            Self::Json(fields) => fields.iter().any(|field| is_ports(field)),
            Self::Lines(pieces) => {
                pieces.iter().any(|of| matches!(of, Piece::Field(field) if is_ports(field)))
            }
        }
    }

    /// Returns what was asked for of these processes. `terminal`: a person reads it, and values are
    /// shown as they can be; a program gets them as they are.
    pub(crate) fn render(&self, processes: &[Known<'_>], terminal: bool) -> String {
        match self {
            Self::Json(fields) => {
                let object = |of: &Known<'_>| {
                    let pairs = fields
                        .iter()
                        .map(|field| format!("{}:{}", Value::from(field.name), field.value(of)));
                    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
                };
                let objects: Vec<String> = processes.iter().map(object).collect();
                let text = format!("[{}]\n", objects.join(",\n "));
                if terminal { ostler_text::json(&text).into_owned() } else { text }
            }
            Self::Lines(pieces) => {
                let piece = |piece: &Piece, of: &Known<'_>| match piece {
                    Piece::Text(text) => text.clone(),
                    // A line for each process, whatever its name has in it.
                    Piece::Field(field) => ostler_text::shown(&field.text(of)).into_owned(),
                };
                let line = |of| pieces.iter().map(|of_line| piece(of_line, of)).collect::<String>();
                processes.iter().map(|of| line(of) + "\n").collect()
            }
        }
    }
}

impl Field {
    fn is_known(&self, describe: bool) -> bool {
        describe || matches!(self.of, List(_))
    }

    fn value(&self, of: &Known<'_>) -> Value {
        match (&self.of, of.details) {
            (List(value), _) => value(of),
            (Describe(value), Some(details)) => value(details, of),
            (Describe(_), None) => Value::Null,
        }
    }

    /// Its value as a part of a line.
    fn text(&self, of: &Known<'_>) -> String {
        match self.value(of) {
            // Nothing at all would say that there are none.
            Value::Null if self.name == PORTS => UNKNOWN.to_owned(),
            value => text_of(&value),
        }
    }
}

fn find(name: &str, describe: bool) -> Result<&'static Field, Failed> {
    let known = field_names(describe);
    let field = FIELDS.iter().find(|field| field.name == name);
    match field {
        Some(Field { of: Describe(_), .. }) if !describe => {
            Err(Failed::misuse(format!("only `describe` knows the field `{name}`"))
                .hint(names::hint(&known)))
        }
        Some(field) => Ok(field),
        None => Err(names::unknown(name, &known)),
    }
}

/// A value as a part of a line.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(text_of).collect::<Vec<_>>().join(","),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn date(ms: Option<u64>) -> Value {
    json!(ms.and_then(ostler_logs::iso))
}

/// What it was given, as the process file would say it.
fn settings(of: &Details) -> Value {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| text.into());
    of.settings.iter().map(|(name, text)| (name.clone(), value(text))).collect()
}

fn uptime(of: &Known<'_>) -> Value {
    let online = of.view.phase == Phase::Online && 0 < of.view.since;
    json!(online.then(|| of.now.saturating_sub(of.view.since) / 1000))
}

/// Where it listens; null when that cannot be seen.
fn ports(of: &Known<'_>) -> Value {
    let known = !of.view.listens.iter().any(|address| address == UNKNOWN);
    json!(known.then_some(&of.view.listens))
}

fn end(of: &Known<'_>) -> Value {
    json!(of.view.ended.as_ref().map(|ended| match of.reason {
        _ if ended.asked && of.view.over_memory.is_some_and(|over| over.at <= ended.at) => {
            "over memory".to_owned()
        }
        _ if ended.asked
            && let Some(lost) = &of.view.unhealthy =>
            lost.word().to_owned(),
        Some(reason) if ended.by_itself().is_some() => reason.to_owned(),
        Some(_) | None => short_end(ended),
    }))
}

/// When its last run ended, though a command may have stopped it since.
fn ended_at(of: &Known<'_>) -> Option<u64> {
    of.view.ended.as_ref().map(|ended| ended.by_itself().unwrap_or(ended.at))
}

fn end_code(of: &Known<'_>) -> Value {
    match of.view.ended.as_ref().map(|ended| &ended.how) {
        Some(Outcome::Code(code)) => json!(code),
        Some(_) | None => Value::Null,
    }
}

fn end_signal(of: &Known<'_>) -> Value {
    match of.view.ended.as_ref().map(|ended| &ended.how) {
        Some(Outcome::Signal { name, .. }) => json!(name),
        Some(_) | None => Value::Null,
    }
}

#[cfg(test)]
mod tests;
