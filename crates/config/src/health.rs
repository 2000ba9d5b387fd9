//! The `health` object: one probe and how often it is asked.

use ostler_core::Url;
use ostler_core::spec::{Health, Probe};
use serde_json::{Value as Json, json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::{self, Bad, unknown_key};
use crate::value::{Entry, Node, Value};

const INTERVAL: u64 = 1000;
const TIMEOUT: u64 = 2000;
const RETRIES: u64 = 3;
/// A run that has just begun is not restarted for its health, ms.
const GRACE: u64 = 10_000;
/// What may be asked.
const PROBES: [&str; 4] = ["http", "tcp", "grpc", "exec"];
const KEYS: [&str; 10] = [
    "http",
    "tcp",
    "grpc",
    "service",
    "exec",
    "interval",
    "timeout",
    "retries",
    "restart_after",
    "grace",
];
/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "properties": {
    "http": {
      "description": "URL; an answer of 2xx or 3xx is healthy.",
      "type": ["string", "null"],
      "pattern": "^http://[^/]"
    },
    "tcp": {
      "description": "`host:port`, or a port of this machine; a connection is healthy.",
      "type": ["string", "number", "null"]
    },
    "grpc": {
      "description": "`host:port`, or a port of this machine, of a gRPC server that serves.",
      "type": ["string", "number", "null"]
    },
    "service": {
      "description": "With `grpc`: the service that is asked about, else the server as a whole.",
      "type": ["string", "null"]
    },
    "exec": {
      "description": "Shell command; exit code 0 is healthy.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "interval": {
      "description": "Milliseconds between two probes.",
      "type": ["number", "string", "null"],
      "minimum": 1,
      "default": 1000
    },
    "timeout": {
      "description": "Milliseconds that a probe may take.",
      "type": ["number", "string", "null"],
      "minimum": 1,
      "default": 2000
    },
    "retries": {
      "description": "Failed probes in a row that make it unhealthy.",
      "type": ["number", "string", "null"],
      "minimum": 1,
      "default": 3
    },
    "restart_after": {
      "description": "Failed probes in a row after which a process is restarted.",
      "type": ["number", "string", "null"],
      "minimum": 1
    },
    "grace": {
      "description": "Milliseconds from its start on in which it is not asked for that.",
      "type": ["number", "string", "null"],
      "minimum": 1,
      "default": 10000
    }
  },
  "oneOf": [
    { "required": ["http"] }, { "required": ["tcp"] }, { "required": ["grpc"] },
    { "required": ["exec"] }
  ],
  "additionalProperties": false
}"#;
const HELP: &str = "write one of `http` (a URL), `tcp` and `grpc` (`host:port`), and `exec` (a \
                    shell command)";

impl FieldType for Option<Health> {
    fn write(&self) -> Json {
        let Some(health) = self else { return Json::Null };
        let (key, asked) = match &health.probe {
            Probe::Http { url } => ("http", url),
            Probe::Tcp { address } => ("tcp", address),
            Probe::Grpc { address, .. } => ("grpc", address),
            Probe::Exec { command } => ("exec", command),
        };
        let mut object = json!({
            key: asked,
            "interval": health.interval,
            "timeout": health.timeout,
            "retries": health.retries,
        });
        if let Probe::Grpc { service, .. } = &health.probe
            && !service.is_empty()
            && let Some(object) = object.as_object_mut()
        {
            object.insert("service".to_owned(), service.as_str().into());
        }
        if let (Some(failures), Some(object)) = (health.restart_after, object.as_object_mut()) {
            object.insert("restart_after".to_owned(), failures.into());
            object.insert("grace".to_owned(), health.grace.into());
        }
        object
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        parse(node).map(Some).map_err(objects::said)
    }
}

/// How long a check may take in all before it is given up: every try and the pauses between them.
pub(crate) fn budget(health: &Health) -> u64 {
    health.interval.saturating_add(health.timeout).saturating_mul(u64::from(health.retries))
}

type Wrong<'n> = Vec<Bad<'n>>;

/// Reads the object.
fn parse(node: &Node) -> Result<Health, Wrong<'_>> {
    let Value::Object(entries) = &node.value else {
        return Err(vec![(
            node,
            Diagnostic::error("wrong-type", "`health` must be an object").help(HELP),
        )]);
    };
    let mut wrong: Wrong<'_> = entries.iter().filter_map(unknown).collect();
    let mut number = |key: &str, usual: u64| match node.get(key) {
        None => usual,
        Some(value) => match value.plain().trim().parse::<f64>() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "fractions are cut and `as` saturates"
            )]
            Ok(number) if number >= 1.0 && number.is_finite() => number as u64,
            _ => {
                let message = format!(
                    "`health.{key}` must be a number from 1 up, but is `{}`",
                    value.plain()
                );
                let help = format!("write a number, such as `{}`", usual.max(3));
                wrong.push((value, Diagnostic::error("wrong-form", message).help(help)));
                usual
            }
        },
    };
    let interval = number("interval", INTERVAL);
    let timeout = number("timeout", TIMEOUT);
    let retries = count(number("retries", RETRIES));
    let restart_after = Some(count(number("restart_after", 0))).filter(|failures| 0 < *failures);
    let grace = number("grace", GRACE);
    if let (None, Some(grace)) = (restart_after, node.get("grace")) {
        let message = "`health.grace` is for `health.restart_after`, which is not given";
        let help = "leave `health.grace` out, or give `health.restart_after` as well";
        wrong.push((grace, Diagnostic::error("wrong-form", message).help(help)));
    }
    match probe(node) {
        Ok(probe) if wrong.is_empty() => {
            Ok(Health { probe, interval, timeout, retries, restart_after, grace })
        }
        Ok(_) => Err(wrong),
        Err(mut more) => {
            wrong.append(&mut more);
            Err(wrong)
        }
    }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn probe(node: &Node) -> Result<Probe, Wrong<'_>> {
    let given: Vec<(&str, &Node)> =
        PROBES.into_iter().filter_map(|key| Some((key, node.get(key)?))).collect();
    let (key, value) = match given.as_slice() {
        [one] => *one,
        [] => {
            return Err(vec![(
                node,
                Diagnostic::error("no-probe", "`health` does not say what to ask").help(HELP),
            )]);
        }
        [_, (key, value), ..] => {
            let message = format!("`health.{key}` is a second probe; there can be only one");
            return Err(vec![(value, Diagnostic::error("two-probes", message).help(HELP))]);
        }
    };
    let fail = |message: String, help: &str| {
        Err(vec![(value, Diagnostic::error("wrong-form", message).help(help))])
    };
    let service = service(node, key)?;
    let text = match &value.value {
        Value::Text(text) if !text.trim().is_empty() => text.clone(),
        // A port alone means this machine.
        Value::Number(_) if ["tcp", "grpc"].contains(&key) => {
            format!("127.0.0.1:{}", value.plain())
        }
        Value::Text(_) => return fail(format!("`health.{key}` is empty"), HELP),
        _ => {
            return fail(format!("`health.{key}` must be a text, but is {}", value.shown()), HELP);
        }
    };
    match key {
        "http" if Url::of(&text).is_none() => fail(
            format!("`health.http` is `{text}`, which is no URL that can be asked"),
            if text.starts_with("https://") {
                "only `http://` is asked; `exec` may ask more: `curl -fsS https://localhost/health`"
            } else {
                "write one such as `http://localhost:3000/health`"
            },
        ),
        "http" => Ok(Probe::Http { url: text }),
        "tcp" | "grpc" => match text.rsplit_once(':') {
            Some((host, port))
                if !host.is_empty()
                    && !host.contains('/')
                    && port.parse::<u16>().is_ok_and(|port| port > 0) =>
            {
                Ok(match key {
                    "grpc" => Probe::Grpc { address: text, service },
                    _ => Probe::Tcp { address: text },
                })
            }
            _ => fail(
                format!("`health.{key}` is `{text}`, which is not `host:port`"),
                "write one such as `127.0.0.1:3000`",
            ),
        },
        _ => Ok(Probe::Exec { command: text }),
    }
}

/// Returns the service that `grpc` asks about.
fn service<'n>(node: &'n Node, key: &str) -> Result<String, Wrong<'n>> {
    let Some(value) = node.get("service") else { return Ok(String::new()) };
    let fail = |message: String, help: &str| {
        Err(vec![(value, Diagnostic::error("wrong-form", message).help(help))])
    };
    match &value.value {
        _ if key != "grpc" => fail(
            "`health.service` is for `health.grpc`, which is not given".to_owned(),
            "leave `health.service` out, or ask by `grpc`",
        ),
        Value::Text(text) => Ok(text.clone()),
        _ => fail(
            format!("`health.service` must be a text, but is {}", value.shown()),
            "write the full name, such as `shop.v1.Orders`",
        ),
    }
}

fn unknown(entry: &Entry) -> Option<Bad<'_>> {
    let key = entry.key.as_str();
    let is_known = KEYS.contains(&key);
    (!is_known).then(|| (&entry.node, unknown_key("health", key, KEYS, HELP)))
}
