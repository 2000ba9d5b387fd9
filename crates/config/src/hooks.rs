//! The objects `hooks` and `secrets`.

use std::collections::BTreeMap;

use ostler_core::spec::{Hook, Hooks, Secret};
use serde_json::{Map, Value as Json, json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::unknown_key;
use crate::value::{Entry, Node, Span, Value};

/// JSON Schema of what is inside `hooks`.
pub(crate) const HOOKS: &str = r#"{
  "properties": {
    "pre_start": {
      "description": "Before each run; where it fails, the run does not begin.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "post_start": {
      "description": "When a run is online.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "pre_stop": {
      "description": "Before a run is asked to end, within `kill_timeout`.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "post_stop": {
      "description": "When nothing of a run is left.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "pre_reload": {
      "description": "Before a reload of a cluster begins its first worker.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "post_reload": {
      "description": "When a reload of a cluster has replaced all.",
      "type": ["string", "null"],
      "pattern": "\\S"
    },
    "timeout": {
      "description": "Milliseconds that each may take.",
      "type": ["number", "string", "null"],
      "minimum": 1,
      "default": 30000
    }
  },
  "additionalProperties": false
}"#;

/// JSON Schema of what is inside `secrets`.
pub(crate) const SECRETS: &str = r#"{
  "additionalProperties": {
    "type": ["object", "null"],
    "properties": {
      "file": {
        "description": "File that has the value.",
        "type": ["string", "null"],
        "pattern": "\\S"
      },
      "command": {
        "description": "Shell command that prints the value.",
        "type": ["string", "null"],
        "pattern": "\\S"
      }
    },
    "oneOf": [{ "required": ["file"] }, { "required": ["command"] }],
    "additionalProperties": false
  }
}"#;

const TIMEOUT: &str = "timeout";
const HELP: &str = "write commands by moment, such as `{ \"pre_start\": \"npm run migrate\" }`";
const SECRET_HELP: &str =
    "write `{ \"file\": \"/run/secrets/token\" }` or `{ \"command\": \"…\" }`";

type Wrong = Vec<(Option<Span>, Diagnostic)>;

impl FieldType for Option<Box<Hooks>> {
    fn write(&self) -> Json {
        let Some(hooks) = self else { return Json::Null };
        let of = |hook: Hook| Some((hook.as_str().to_owned(), hooks.command(hook)?.into()));
        let mut object: Map<String, Json> = Hook::ALL.into_iter().filter_map(of).collect();
        object.insert(TIMEOUT.to_owned(), hooks.timeout.into());
        object.into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let Value::Object(entries) = &node.value else { return Err(BadValue::Wanted("an object")) };
        let (mut hooks, mut wrong) = (Hooks::default(), Wrong::new());
        for entry in entries.iter().filter(|entry| !entry.node.is_null()) {
            if let Err(said) = read_hook(&mut hooks, entry) {
                wrong.push((entry.node.span, said));
            }
        }
        if !wrong.is_empty() {
            return Err(BadValue::Said(wrong));
        }
        let any = Hook::ALL.into_iter().any(|hook| hooks.command(hook).is_some());
        Ok(any.then(|| Box::new(hooks)))
    }
}

fn read_hook(hooks: &mut Hooks, entry: &Entry) -> Result<(), Diagnostic> {
    let (key, node) = (entry.key.as_str(), &entry.node);
    if key == TIMEOUT {
        let number =
            node.plain().trim().parse::<u64>().ok().filter(|ms| (1..=1 << 40).contains(ms));
        hooks.timeout = number.ok_or_else(|| {
            let shown = node.plain();
            let message =
                format!("`hooks.timeout` must be a whole number from 1 up, but is `{shown}`");
            Diagnostic::error("wrong-form", message).help("write milliseconds, such as `60000`")
        })?;
        return Ok(());
    }
    let Some(hook) = Hook::ALL.into_iter().find(|hook| hook.as_str() == key) else {
        let known = Hook::ALL.into_iter().map(Hook::as_str).chain([TIMEOUT]);
        return Err(unknown_key("hooks", key, known, HELP));
    };
    *hooks.command_mut(hook) = Some(command(&format!("hooks.{key}"), node, HELP)?);
    Ok(())
}

impl FieldType for BTreeMap<String, Secret> {
    fn write(&self) -> Json {
        let of = |(name, secret): (&String, &Secret)| {
            let value = match secret {
                Secret::File(path) => json!({ "file": path.to_string_lossy() }),
                Secret::Command(command) => json!({ "command": command }),
            };
            (name.clone(), value)
        };
        self.iter().map(of).collect::<Map<_, _>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let Value::Object(entries) = &node.value else { return Err(BadValue::Wanted("an object")) };
        let (mut secrets, mut wrong) = (Self::new(), Wrong::new());
        for entry in entries.iter().filter(|entry| !entry.node.is_null()) {
            match read_secret(entry) {
                Ok(secret) => _ = secrets.insert(entry.key.clone(), secret),
                Err(said) => wrong.push((entry.node.span, said)),
            }
        }
        if wrong.is_empty() { Ok(secrets) } else { Err(BadValue::Said(wrong)) }
    }
}

fn read_secret(entry: &Entry) -> Result<Secret, Diagnostic> {
    let name = &entry.key;
    if name.is_empty() || name.contains(['=', '\0']) {
        let message = format!("`{name}` is no name of a variable");
        return Err(Diagnostic::error("wrong-form", message).help("write a name, such as `TOKEN`"));
    }
    let Value::Object(parts) = &entry.node.value else {
        // The value itself is not shown: it may be the secret.
        let message = format!("`secrets.{name}` must say where the value comes from");
        return Err(Diagnostic::error("wrong-type", message).help(SECRET_HELP));
    };
    let given: Vec<&Entry> = parts.iter().filter(|part| !part.node.is_null()).collect();
    let strange = given.iter().find(|part| !["file", "command"].contains(&part.key.as_str()));
    if let Some(part) = strange {
        let of = format!("secrets.{name}");
        return Err(unknown_key(&of, &part.key, ["file", "command"], SECRET_HELP));
    }
    let [part] = given.as_slice() else {
        let message = format!("`secrets.{name}` must have one of `file` and `command`");
        return Err(Diagnostic::error("wrong-form", message).help(SECRET_HELP));
    };
    let text = command(&format!("secrets.{name}.{}", part.key), &part.node, SECRET_HELP)?;
    Ok(if part.key == "file" { Secret::File(text.into()) } else { Secret::Command(text) })
}

/// A text that is not empty.
fn command(what: &str, node: &Node, help: &str) -> Result<String, Diagnostic> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() && !text.contains('\0') => Ok(text.clone()),
        _ => {
            let message = format!("`{what}` must be a text that is not empty");
            Err(Diagnostic::error("wrong-form", message).help(help))
        }
    }
}
