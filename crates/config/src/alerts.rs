//! The `alerts` object: who is told when something happens to an app, of what, and how often.

use ostler_core::spec::{AlertKind, AlertTarget, AlertTo, Alerts};
use serde_json::{Map, Value as Json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::{self, Bad};
use crate::receivers;
use crate::units;
use crate::value::{Entry, Node, Value};

const EVERY: &str = "every";
const KINDS: [&str; 7] = ["webhook", "slack", "discord", "telegram", "command", "mail", EVERY];
/// What an object of one receiver may have.
const KEYS: [&str; 3] = ["to", "on", "headers"];
/// The query of a URL of Telegram that says to which chat its bot writes.
const CHAT: &str = "chat_id=";
/// An interval below this is taken for a mistake, ms.
const LEAST: u64 = 1000;
const HELP: &str = concat!(
    "write an object of `webhook`, `slack`, `discord`, `telegram` (URLs), `command` and `mail`; ",
    "each may be an object of `to` and `on` (such as `[\"errored\", \"memory\"]`); ",
    "`every` is a time such as `\"10m\"`",
);

/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "properties": {
    "webhook": {
      "description": "A URL that a JSON object is posted to.",
      "type": ["string", "object", "null"]
    },
    "slack": {
      "description": "The URL of an incoming webhook of Slack.",
      "type": ["string", "object", "null"]
    },
    "discord": {
      "description": "The URL of a webhook of Discord.",
      "type": ["string", "object", "null"]
    },
    "telegram": {
      "description": "`https://api.telegram.org/botTOKEN/sendMessage?chat_id=CHAT`.",
      "type": ["string", "object", "null"]
    },
    "command": {
      "description": "A shell command that has the alert as JSON on its standard input.",
      "type": ["string", "object", "null"]
    },
    "mail": {
      "description": "A mail address, for the system's `sendmail`.",
      "type": ["string", "object", "null"]
    },
    "every": {
      "description": "From one alert of a kind to the next: milliseconds, or `10m`.",
      "type": ["number", "string", "null"]
    }
  },
  "additionalProperties": false
}"#;

impl FieldType for Alerts {
    fn write(&self) -> Json {
        if *self == Self::default() {
            return Json::Null;
        }
        let mut object: Map<_, _> = self.to.iter().map(write).collect();
        object.extend(self.every.map(|every| (EVERY.to_owned(), every.into())));
        object.into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        parse(node).map_err(objects::said)
    }
}

fn write(one: &AlertTo) -> (String, Json) {
    let to = match &one.target {
        AlertTarget::Webhook { url, .. }
        | AlertTarget::Slack { url }
        | AlertTarget::Discord { url } => url.clone(),
        AlertTarget::Telegram { url, chat } => format!("{url}?{CHAT}{chat}"),
        AlertTarget::Command { command } => command.clone(),
        AlertTarget::Mail { to } => to.clone(),
    };
    let mut more = Map::new();
    if !one.on.is_empty() {
        let words = one.on.iter().map(|kind| kind.word());
        more.insert("on".to_owned(), words.collect::<Vec<_>>().into());
    }
    if let AlertTarget::Webhook { headers, .. } = &one.target
        && !headers.is_empty()
    {
        more.insert("headers".to_owned(), receivers::written_headers(headers));
    }
    receivers::written(one.target.key(), to, more)
}

/// Reads the object.
fn parse(node: &Node) -> Result<Alerts, Vec<Bad<'_>>> {
    let Value::Object(entries) = &node.value else {
        let wrong = Diagnostic::error("wrong-type", "`alerts` must be an object").help(HELP);
        return Err(vec![(node, wrong)]);
    };
    let (mut alerts, mut wrong) = (Alerts::default(), Vec::new());
    for entry in entries {
        // Nobody is as good as no key.
        if matches!(entry.node.value, Value::Null | Value::Bool(false)) {
            continue;
        }
        let taken = if entry.key == EVERY {
            every(&entry.node).map(|every| alerts.every = Some(every))
        } else {
            one(entry).map(|one| alerts.to.push(one))
        };
        wrong.extend(taken.err());
    }
    // In whatever order they are written, they are the same.
    alerts.to.sort();
    if wrong.is_empty() { Ok(alerts) } else { Err(wrong) }
}

fn form<'n>(node: &'n Node, message: String) -> Bad<'n> {
    (node, Diagnostic::error("wrong-form", message).help(HELP))
}

fn every(node: &Node) -> Result<u64, Bad<'_>> {
    let text = node.plain();
    let every = units::uptime(text.trim()).filter(|every| LEAST <= *every);
    every.ok_or_else(|| {
        let message = format!("`alerts.every` is `{text}`, which is no time from 1 s up");
        form(node, message)
    })
}

fn one(entry: &Entry) -> Result<AlertTo, Bad<'_>> {
    let key = entry.key.as_str();
    receivers::known_kind("alerts", entry, &KINDS, HELP)?;
    let node = &entry.node;
    let (to, on, headers) = match &node.value {
        Value::Object(entries) => {
            let is_own = |of: &&Entry| match of.key.as_str() {
                "headers" => key == "webhook",
                own => KEYS.contains(&own),
            };
            if let Some(other) = entries.iter().find(|of| !is_own(of)) {
                let message = format!("`alerts.{key}` has no key `{}`", other.key);
                let wrong = Diagnostic::error("unknown-key", message).help(HELP);
                return Err((&other.node, wrong));
            }
            let Some(to) = node.get("to") else {
                return Err(form(node, format!("`alerts.{key}` does not say `to` whom")));
            };
            (to, kinds(key, node.get("on"))?, headers(node.get("headers"))?)
        }
        _ => (node, Vec::new(), Vec::new()),
    };
    let text = match &to.value {
        Value::Text(text) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => return Err(form(to, format!("`alerts.{key}` must be a text or an object"))),
    };
    let target = target(key, &text, headers);
    let target = target.map_err(|why| {
        let wrong = Diagnostic::error("wrong-form", format!("`alerts.{key}` is `{text}`, {why}"));
        (to, wrong.help(example(key)))
    })?;
    Ok(AlertTo { target, on })
}

/// What to write as the target of this kind.
fn example(key: &str) -> &'static str {
    match key {
        "slack" => "write the URL of a webhook: `https://hooks.slack.com/services/T/B/KEY`",
        "discord" => "write the URL of a webhook: `https://discord.com/api/webhooks/ID/KEY`",
        "telegram" => "write `https://api.telegram.org/botTOKEN/sendMessage?chat_id=CHAT`",
        "mail" => "write an address, such as `ops@example.org`",
        _ => "write a URL, such as `https://example.org/alerts`",
    }
}

fn target(
    key: &str,
    text: &str,
    headers: Vec<(String, String)>,
) -> Result<AlertTarget, &'static str> {
    const NO_URL: &str = "which is no URL that begins with `https://` or `http://`";
    let url = if is_url(text) { Ok(text.to_owned()) } else { Err(NO_URL) };
    Ok(match key {
        "webhook" => AlertTarget::Webhook { url: url?, headers },
        "slack" => AlertTarget::Slack { url: url? },
        "discord" => AlertTarget::Discord { url: url? },
        "telegram" => {
            let url = url?;
            let chat = url.split_once('?').and_then(|(url, query)| {
                let chat = query.split('&').find_map(|part| part.strip_prefix(CHAT))?;
                Some((url.to_owned(), chat.replace("%40", "@")))
            });
            let (url, chat) = chat
                .filter(|(_, chat)| !chat.is_empty())
                .ok_or("which does not end with `?chat_id=` and the chat")?;
            AlertTarget::Telegram { url, chat }
        }
        "mail" if is_address(text) => AlertTarget::Mail { to: text.to_owned() },
        "mail" => return Err("which is no mail address"),
        _ => AlertTarget::Command { command: text.to_owned() },
    })
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && !rest.contains(|c: char| c.is_whitespace() || c.is_control())
    })
}

/// A user of this machine, or somebody at another one.
fn is_address(text: &str) -> bool {
    !text.starts_with(['-', '@'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@.-_+=%".contains(&byte))
}

fn kinds<'n>(key: &str, node: Option<&'n Node>) -> Result<Vec<AlertKind>, Bad<'n>> {
    let Some(node) = node.filter(|node| !matches!(node.value, Value::Null)) else {
        return Ok(Vec::new());
    };
    let wrong = |said: &str| {
        let known = AlertKind::ALL.map(AlertKind::word).join(", ");
        form(node, format!("`alerts.{key}.on` {said}; it is a list of: {known}"))
    };
    let words = node.words().filter(|words| !words.is_empty());
    let words = words.ok_or_else(|| wrong("has no word"))?;
    let mut kinds = Vec::new();
    for word in &words {
        let kind = AlertKind::ALL.into_iter().find(|kind| kind.word() == word);
        kinds.push(kind.ok_or_else(|| wrong(&format!("has `{word}`")))?);
    }
    kinds.sort();
    kinds.dedup();
    Ok(kinds)
}

fn headers(node: Option<&Node>) -> Result<Vec<(String, String)>, Bad<'_>> {
    receivers::headers(node).map_err(|node| {
        let message = "`alerts.webhook.headers` must be an object of names and texts";
        form(node, message.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Alerts, Vec<String>> {
        let node = Node::from_json(&serde_json::from_str::<Json>(text).unwrap());
        parse(&node).map_err(|wrong| wrong.into_iter().map(|(_, of)| of.message).collect())
    }

    #[test]
    fn what_is_written_comes_back() {
        for text in [
            r#"{"webhook":"http://h/x"}"#,
            r#"{"webhook":{"to":"https://h/x","on":["errored","rule"],"headers":{"X-Key":"y"}}}"#,
            r#"{"slack":"https://hooks.slack.com/services/a","every":60000}"#,
            r#"{"telegram":"https://api.telegram.org/bot1:a/sendMessage?chat_id=-42"}"#,
            r#"{"command":"notify-send x","mail":{"to":"ops@example.org","on":["memory"]}}"#,
        ] {
            assert_eq!(read(text).unwrap().write().to_string(), text);
        }
        let alerts = read(r#"{"mail":null,"every":"10m","command":{"to":"x","on":"log"}}"#);
        let alerts = alerts.unwrap();
        assert_eq!(alerts.every, Some(Alerts::EVERY));
        assert_eq!(alerts.to[0].on, [AlertKind::Log]);
        assert_eq!(read("{}").unwrap().write(), Json::Null);
    }

    #[test]
    fn what_reaches_nobody_is_refused_with_what_is_wrong() {
        for (text, why) in [
            (r#"{"slack":"hooks.slack.com"}"#, "no URL"),
            (r#"{"slack":{"to":"https://h","headers":{}}}"#, "has no key `headers`"),
            (r#"{"telegram":"https://h/bot/sendMessage"}"#, "does not end with `?chat_id=`"),
            (r#"{"webhook":{"to":"https://h","headers":{"a b":"c"}}}"#, "names and texts"),
            (r#"{"mail":"a b@c"}"#, "no mail address"),
            (r#"{"mail":"-oQ/tmp"}"#, "no mail address"),
            (r#"{"command":{"on":["memory"]}}"#, "does not say `to` whom"),
            (r#"{"command":{"to":"x","on":["crash"]}}"#, "has `crash`; it is a list of: errored"),
            (r#"{"command":7}"#, "must be a text or an object"),
            (r#"{"every":"soon"}"#, "no time from 1 s up"),
            (r#"{"slak":"https://h"}"#, "no key `slak`"),
        ] {
            let wrong = read(text).unwrap_err().join("\n");
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
