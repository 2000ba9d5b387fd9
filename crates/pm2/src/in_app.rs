//! What apps say over their channel (runtime behaviour §13), and what is kept of it: actions that
//! can be triggered, metrics, options.
//!
//! An app that says too much loses what is beyond the limits, and costs nobody else anything.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use ostler_wire::control::Measured;

use crate::json_text::push_json;
use agent::Agent;

mod agent;

/// Actions that one process may declare.
const MOST_ACTIONS: usize = 100;
/// Metrics, and options, that are kept of one process.
const MOST_VALUES: usize = 200;
/// A name or a value may be so long, bytes.
const LONGEST: usize = 4096;

/// The beginning of the messages of the agent in an app of Node.
const AGENT: &str = r#"{"type":"ostler:agent""#;

/// A message of an app, understood as far as PM2 does.
#[derive(Clone, Debug, PartialEq)]
pub enum AppMessage {
    /// It is kept, and not passed on.
    Kept(Kept),
    /// For the bus, under its own name: data.
    Typed(String, String),
    /// For the bus, as it is.
    Raw,
    /// It is between the app and the daemon.
    Nothing,
}

/// What is kept of a process.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// An action by its name.
    Action(String, String),
    /// Metrics by their names.
    Monitor(BTreeMap<String, String>),
    /// Options by their names.
    Options(BTreeMap<String, String>),
    /// What the agent in an app of Node measures.
    Agent(Agent),
}

/// Returns whether something of this message may be kept: most are for the bus alone.
#[must_use]
pub fn may_be_kept(message: &str) -> bool {
    message.starts_with('{') && (message.contains("\"axm:") || message.starts_with(AGENT))
}

/// Understands a message, JSON text.
#[must_use]
pub fn read(message: &str) -> AppMessage {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<Cow<'a, str>>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        node_version: Option<&'a RawValue>,
    }
    if !message.starts_with('{') {
        return AppMessage::Raw;
    }
    let Ok(typed) = serde_json::from_str::<Typed<'_>>(message) else { return AppMessage::Raw };
    if typed.node_version.is_some() {
        return AppMessage::Nothing;
    }
    let data = typed.data.map(RawValue::get).filter(|data| is_truthy(data));
    match (typed.kind.filter(|kind| !kind.is_empty()), data) {
        (Some(kind), Some(data)) => of_type(&kind, data),
        (_, _) => AppMessage::Raw,
    }
}

/// The type of the messages in which apps answer to actions.
pub const REPLY: &str = "axm:reply";

/// Returns which action was answered to and what it returned, JSON text, if the data of a
/// [`REPLY`] tells that.
#[must_use]
pub fn reply(data: &str) -> Option<(String, Option<String>)> {
    #[derive(Deserialize)]
    struct Reply<'a> {
        action_name: String,
        #[serde(borrow, rename = "return")]
        answer: Option<&'a RawValue>,
    }
    let Reply { action_name, answer } = serde_json::from_str(data).ok()?;
    Some((action_name, answer.map(|answer| answer.get().to_owned())))
}

/// Whether JavaScript takes a JSON value for true.
fn is_truthy(value: &str) -> bool {
    !matches!(value, "null" | "false" | "0" | "-0" | "0.0" | "\"\"")
}

fn of_type(kind: &str, data: &str) -> AppMessage {
    match kind {
        "axm:action" => action(data).map_or(AppMessage::Nothing, AppMessage::Kept),
        "axm:monitor" => {
            values(data).map_or(AppMessage::Nothing, |all| AppMessage::Kept(Kept::Monitor(all)))
        }
        "axm:option:configuration" => {
            values(data).map_or(AppMessage::Nothing, |all| AppMessage::Kept(Kept::Options(all)))
        }
        "ostler:agent" => Agent::read(data)
            .map_or(AppMessage::Nothing, |agent| AppMessage::Kept(Kept::Agent(agent))),
        "axm:option:setPID" | "ostler:rejections" | "ostler:profiled" => AppMessage::Nothing,
        _ => AppMessage::Typed(kind.to_owned(), data.to_owned()),
    }
}

/// Whether a value that others are shown is nested so little that each of their parsers takes it.
fn is_flat(value: &str) -> bool {
    const MOST: usize = 64;
    value.bytes().filter(|byte| b"[{".contains(byte)).count() <= MOST
}

fn action(data: &str) -> Option<Kept> {
    #[derive(Deserialize)]
    struct Action {
        action_name: String,
    }
    let Action { action_name } = serde_json::from_str(data).ok()?;
    let fits = data.len() <= LONGEST && is_flat(data) && !action_name.is_empty();
    fits.then(|| Kept::Action(action_name, data.to_owned()))
}

fn values(data: &str) -> Option<BTreeMap<String, String>> {
    let all: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data).ok()?;
    let all = all.into_iter().map(|(name, value)| (name, value.get().to_owned()));
    let fits =
        |(name, value): &(String, String)| name.len() + value.len() <= LONGEST && is_flat(value);
    Some(all.filter(fits).collect())
}

/// What is kept of one process; values are JSON text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InApp {
    /// Actions with their names, in the order in which they were declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    actions: Vec<(String, String)>,
    /// Metrics, which are told again and again: they are not saved.
    #[serde(skip)]
    monitor: BTreeMap<String, String>,
    /// Options, which are said once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<String, String>,
    /// What the agent measures, which is told again and again.
    #[serde(skip)]
    agent: Agent,
    /// Whether the agent does what its actions ask for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    agent_acts: bool,
}

impl InApp {
    /// Keeps something. Returns whether what is to be saved has changed.
    pub fn keep(&mut self, kept: Kept) -> bool {
        match kept {
            Kept::Action(name, text) => self.keep_action(name, text),
            Kept::Monitor(values) => {
                merge(&mut self.monitor, values);
                false
            }
            Kept::Options(values) => merge(&mut self.options, values),
            Kept::Agent(agent) => {
                let acts = agent.acts;
                self.agent = agent;
                std::mem::replace(&mut self.agent_acts, acts) != acts
            }
        }
    }

    fn keep_action(&mut self, name: String, text: String) -> bool {
        let has_room = self.actions.len() < MOST_ACTIONS;
        match self.actions.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => std::mem::replace(known, text.clone()) != text,
            None if has_room => {
                self.actions.push((name, text));
                true
            }
            None => false,
        }
    }

    /// Whether it declared an action of this name, or its agent has it.
    #[must_use]
    pub fn has_action(&self, name: &str) -> bool {
        self.declares(name) || self.is_for_agent(name)
    }

    /// Whether an action is the agent's: what the app declares itself is the app's.
    #[must_use]
    pub fn is_for_agent(&self, name: &str) -> bool {
        self.agent_acts && agent::does(name) && !self.declares(name)
    }

    /// Whether there is an agent in the app.
    #[must_use]
    pub fn has_agent(&self) -> bool {
        self.agent_acts || self.agent.is_there()
    }

    /// Names of all actions.
    #[must_use]
    pub fn action_names(&self) -> Vec<String> {
        self.all_actions().map(|(name, _)| name.to_owned()).collect()
    }

    /// All metrics for a person: names, and values with their units.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, String)> {
        let of_agent = self.agent.shown().into_iter();
        let mut all: Vec<(String, String)> =
            of_agent.filter(|(name, _)| !self.monitor.contains_key(name)).collect();
        all.extend(self.monitor.iter().map(|(name, text)| (name.clone(), shown(text))));
        all
    }

    /// All metrics that are numbers.
    #[must_use]
    pub fn measured(&self) -> Vec<Measured> {
        let of_agent = self.agent.measured().into_iter();
        let mut all: Vec<Measured> =
            of_agent.filter(|of| !self.monitor.contains_key(&of.name)).collect();
        all.extend(self.monitor.iter().filter_map(|(name, text)| measured(name, text)));
        all
    }

    fn declares(&self, name: &str) -> bool {
        self.actions.iter().any(|(known, _)| known == name)
    }

    fn all_actions(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let of_agent = agent::actions().filter(|(name, _)| self.is_for_agent(name));
        let own = self.actions.iter().map(|(name, text)| (name.as_str(), Cow::from(text)));
        own.chain(of_agent.map(|(name, text)| (name, Cow::from(text))))
    }

    /// Whether it holds what is said once, and not again and again.
    #[must_use]
    pub fn is_worth_saving(&self) -> bool {
        self.agent_acts || !self.actions.is_empty() || !self.options.is_empty()
    }

    /// Writes the keys of `pm2_env` that tell of it, each behind a comma; `name`: of the process.
    pub(crate) fn write(&self, name: &str, out: &mut String) {
        out.push_str(",\"axm_actions\":[");
        for (at, (_, text)) in self.all_actions().enumerate() {
            out.push_str(if at == 0 { "" } else { "," });
            out.push_str(&text);
        }
        out.push(']');
        let of_agent = self.agent.monitor();
        let of_agent = of_agent.iter().map(|(name, text)| (*name, text.as_str()));
        let of_agent = of_agent.filter(|(name, _)| !self.monitor.contains_key(*name));
        object("axm_monitor", of_agent.chain(texts(&self.monitor)), out);
        let mut module = String::new();
        push_json(&mut module, name);
        let has_none = self.agent.is_there() && !self.options.contains_key("module_name");
        let module = has_none.then_some(("module_name", module.as_str()));
        object("axm_options", module.into_iter().chain(texts(&self.options)), out);
        out.push_str(",\"axm_dynamic\":{}");
    }
}

fn texts(values: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    values.iter().map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Writes a key behind a comma, with an object of these names and JSON texts.
fn object<'a>(key: &str, values: impl Iterator<Item = (&'a str, &'a str)>, out: &mut String) {
    // Writing to a string cannot fail.
    _ = write!(out, ",\"{key}\":{{");
    for (at, (name, value)) in values.enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        push_json(out, name);
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
}

/// A metric as an app tells it.
#[derive(Deserialize)]
struct Told {
    value: serde_json::Value,
    unit: Option<String>,
}

/// The metric, if its value is a number, or a text of one with or without its unit.
fn measured(name: &str, metric: &str) -> Option<Measured> {
    let told = serde_json::from_str(metric).or_else(|_| {
        let value = serde_json::from_str(metric);
        value.map(|value| Told { value, unit: None })
    });
    let Told { value, unit } = told.ok()?;
    let unit = unit.filter(|unit| !unit.is_empty());
    let value = match value.as_str() {
        Some(text) => {
            let number = unit.as_ref().and_then(|unit| text.strip_suffix(unit.as_str()));
            number.unwrap_or(text).trim().parse().ok()?
        }
        None => value.as_f64()?,
    };
    value.is_finite().then(|| Measured { name: name.to_owned(), value, unit })
}

/// The value of a metric with its unit.
fn shown(metric: &str) -> String {
    let Ok(Told { value, unit }) = serde_json::from_str(metric) else {
        return metric.to_owned();
    };
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    // Some write the unit into the value, too.
    match unit.filter(|unit| !unit.is_empty() && !value.ends_with(unit.as_str())) {
        Some(unit) => format!("{value} {unit}"),
        None => value,
    }
}

/// Takes values in. Returns whether that changes anything.
fn merge(into: &mut BTreeMap<String, String>, values: BTreeMap<String, String>) -> bool {
    let mut changed = false;
    for (name, value) in values {
        let is_known = into.contains_key(&name);
        if is_known || into.len() < MOST_VALUES {
            changed |= into.get(&name) != Some(&value);
            into.insert(name, value);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_that_are_numbers_are_measured_in_their_units() {
        let mut app = InApp::default();
        let data = r#"{"Sold":{"value":"1.5 pcs","unit":"pcs"},"queue":7,"state":{"value":"ok"},
            "HTTP":{"value":"60","unit":""},"none":{"value":null},"far":{"value":"inf"}}"#;
        let Some(Kept::Agent(agent)) = kept("ostler:agent", r#"{"figures":[7,1],"actions":true}"#)
        else {
            panic!("an agent")
        };
        app.keep(Kept::Agent(agent));
        app.keep(kept("axm:monitor", data).expect("metrics"));
        app.keep(kept("axm:monitor", r#"{"Heap Size":{"value":9}}"#).expect("metrics"));
        let told = app.measured().into_iter();
        let told: Vec<_> = told.map(|of| (of.name, of.value, of.unit)).collect();
        let of = |name: &str, value: f64, unit: Option<&str>| {
            (name.to_owned(), value, unit.map(str::to_owned))
        };
        let expected = [
            of("Heap Usage", 1.0, Some("%")),
            of("HTTP", 60.0, None),
            of("Heap Size", 9.0, None),
            of("Sold", 1.5, Some("pcs")),
            of("queue", 7.0, None),
        ];
        assert_eq!(told, expected);
    }

    fn kept(kind: &str, data: &str) -> Option<Kept> {
        match of_type(kind, data) {
            AppMessage::Kept(kept) => Some(kept),
            _ => None,
        }
    }
}
