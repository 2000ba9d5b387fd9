//! The `ready` object: the one thing that makes a process count as up.

use ostler_core::Url;
use ostler_core::spec::{Probe, Ready};
use serde_json::{Value as Json, json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::{self, Bad, unknown_key};
use crate::value::{Entry, Node, Value};

/// What may be said.
const KEYS: [&str; 6] = ["port", "http", "log", "exec", "message", "notify"];
/// Stands for whichever port.
const ANY: &str = "any";
/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "properties": {
    "port": {
      "description": "It listens on this TCP port, or on `any`.",
      "type": ["number", "string", "null"]
    },
    "http": {
      "description": "This URL answers 2xx or 3xx.",
      "type": ["string", "null"],
      "pattern": "^http://[^/]"
    },
    "log": {
      "description": "It writes a line with this text.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "exec": {
      "description": "This shell command ends with 0; it is run until it does.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "message": {
      "description": "`true`: it sends the message `ready`, as with `wait_ready`.",
      "type": ["boolean", "null"]
    },
    "notify": {
      "description": "`true`: it sends `READY=1` to `NOTIFY_SOCKET`, as to systemd.",
      "type": ["boolean", "null"]
    }
  },
  "oneOf": [
    { "required": ["port"] }, { "required": ["http"] }, { "required": ["log"] },
    { "required": ["exec"] }, { "required": ["message"] },
    { "required": ["notify"] }
  ],
  "additionalProperties": false
}"#;
const HELP: &str = "write one of `port` (a number, or `any`), `http` (a URL), `log` (a text), \
                    `exec` (a shell command), `message: true` and `notify: true`";

type Wrong<'n> = Vec<Bad<'n>>;

impl FieldType for Option<Ready> {
    fn write(&self) -> Json {
        match self {
            None => Json::Null,
            Some(Ready::Message) => json!({ "message": true }),
            Some(Ready::Listens { port: Some(port) }) => json!({ "port": port }),
            Some(Ready::Listens { port: None }) => json!({ "port": ANY }),
            Some(Ready::Answers(Probe::Http { url })) => json!({ "http": url }),
            Some(Ready::Answers(Probe::Exec { command })) => json!({ "exec": command }),
            // Nobody can write these.
            Some(Ready::Answers(Probe::Tcp { .. } | Probe::Grpc { .. })) => Json::Null,
            Some(Ready::Line { text }) => json!({ "log": text }),
            Some(Ready::Notifies) => json!({ "notify": true }),
        }
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        parse(node).map(Some).map_err(objects::said)
    }
}

fn parse(node: &Node) -> Result<Ready, Wrong<'_>> {
    let Value::Object(entries) = &node.value else {
        let message = "`ready` must be an object";
        return Err(vec![(node, Diagnostic::error("wrong-type", message).help(HELP))]);
    };
    let unknown: Wrong<'_> = entries.iter().filter_map(unknown).collect();
    let given: Vec<(&str, &Node)> =
        KEYS.into_iter().filter_map(|key| Some((key, node.get(key)?))).collect();
    match given.as_slice() {
        _ if !unknown.is_empty() => Err(unknown),
        [(key, value)] => said(key, value).map_err(|wrong| vec![(*value, wrong)]),
        [] => {
            let message = "`ready` does not say what makes it ready";
            Err(vec![(node, Diagnostic::error("no-probe", message).help(HELP))])
        }
        [_, (key, value), ..] => {
            let message = format!("`ready.{key}` is a second sign; there can be only one");
            Err(vec![(*value, Diagnostic::error("two-probes", message).help(HELP))])
        }
    }
}

fn said(key: &str, value: &Node) -> Result<Ready, Diagnostic> {
    let wrong = |message: String, help: &str| {
        Err(Diagnostic::error("wrong-form", message).help(help.to_owned()))
    };
    let shown = value.shown();
    let only = match key {
        "message" => Some(Ready::Message),
        "notify" => Some(Ready::Notifies),
        _ => None,
    };
    if let Some(ready) = only {
        return match value.plain().as_str() {
            "true" => Ok(ready),
            _ => wrong(format!("`ready.{key}` must be `true`, but is {shown}"), HELP),
        };
    }
    if key == "port" {
        let plain = value.plain();
        let port = plain.trim().parse::<u16>().ok().filter(|port| 0 < *port);
        return match port {
            Some(port) => Ok(Ready::Listens { port: Some(port) }),
            None if plain.trim() == ANY => Ok(Ready::Listens { port: None }),
            None => wrong(
                format!("`ready.port` must be a port or `any`, but is {shown}"),
                "write a number from 1 to 65535, or `any`",
            ),
        };
    }
    let Value::Text(text) = &value.value else {
        return wrong(format!("`ready.{key}` must be a text, but is {shown}"), HELP);
    };
    let text = text.clone();
    match key {
        _ if text.trim().is_empty() => wrong(format!("`ready.{key}` is empty"), HELP),
        "http" if Url::of(&text).is_none() => wrong(
            format!("`ready.http` is `{text}`, which is no URL that can be asked"),
            "only `http://` is asked, such as `http://localhost:3000/`; `exec` may ask more: \
             `curl -fsS https://localhost/`",
        ),
        "http" => Ok(Ready::Answers(Probe::Http { url: text })),
        "log" => Ok(Ready::Line { text }),
        _ => Ok(Ready::Answers(Probe::Exec { command: text })),
    }
}

fn unknown(entry: &Entry) -> Option<Bad<'_>> {
    let key = entry.key.as_str();
    let is_known = KEYS.contains(&key);
    (!is_known).then(|| (&entry.node, unknown_key("ready", key, KEYS, HELP)))
}
