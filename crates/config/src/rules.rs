//! The `log_rules` list: what is done when an app writes a line of some kind.

use ostler_core::spec::{LogRule, LogSink, RuleAction};
use serde_json::{Map, Value as Json};

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::{self, Bad};
use crate::units;
use crate::value::{Node, Value};

const KEYS: [&str; 5] = ["name", "match", "level", "then", "every"];
/// So many rules an app may have: each line is looked at for each.
const MOST: usize = 50;
/// The longest pattern, characters.
const LONGEST: usize = 1000;
/// A shorter time is taken for a mistake, ms.
const LEAST: u64 = 1000;
const HELP: &str = concat!(
    "write a list of regular expressions, or of objects of `match` or `level`, `then` ",
    "(`\"alert\"`, `\"restart\"`, `\"count\"` or a list of them), `name` and `every` ",
    "(a time such as `\"5m\"`)",
);

/// JSON Schema of what is inside.
pub(crate) const SCHEMA: &str = r#"{
  "items": {
    "type": ["string", "object"],
    "properties": {
      "name": { "description": "How it is called in counters.", "type": "string" },
      "match": { "description": "A regular expression.", "type": "string" },
      "level": {
        "description": "Lines that are as grave as this.",
        "enum": ["trace", "debug", "info", "warn", "error", "fatal"]
      },
      "then": {
        "description": "What is done: `alert`, `restart`; `count` is done always.",
        "type": ["string", "array"]
      },
      "every": {
        "description": "It is done once in this time: milliseconds, or `5m`.",
        "type": ["number", "string"]
      }
    },
    "additionalProperties": false
  }
}"#;

impl FieldType for Vec<LogRule> {
    fn write(&self) -> Json {
        if self.is_empty() { Json::Null } else { self.iter().map(write).collect() }
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        parse(node).map_err(objects::said)
    }
}

fn write(rule: &LogRule) -> Json {
    let mut object = Map::new();
    object.insert("name".to_owned(), rule.name.as_str().into());
    let pattern = rule.pattern.as_deref().map(|of| ("match".to_owned(), of.into()));
    let level = rule.level.as_deref().map(|of| ("level".to_owned(), of.into()));
    object.extend(pattern.into_iter().chain(level));
    let then: Vec<&str> = rule.then.iter().map(|of| of.word()).collect();
    if !then.is_empty() {
        object.insert("then".to_owned(), then.into());
    }
    if rule.every != LogRule::EVERY {
        object.insert("every".to_owned(), rule.every.into());
    }
    object.into()
}

/// Reads the list.
fn parse(node: &Node) -> Result<Vec<LogRule>, Vec<Bad<'_>>> {
    let Value::List(items) = &node.value else {
        let wrong = Diagnostic::error("wrong-type", "`log_rules` must be a list").help(HELP);
        return Err(vec![(node, wrong)]);
    };
    let (mut rules, mut wrong) = (Vec::<LogRule>::new(), Vec::new());
    for item in items {
        match one(item) {
            Ok(rule) if rules.iter().any(|other| other.name == rule.name) => {
                let message = format!("`log_rules` has two rules `{}`", rule.name);
                wrong.push(form(item, message));
            }
            Ok(rule) => rules.push(rule),
            Err(one) => wrong.push(one),
        }
    }
    if MOST < rules.len() {
        wrong.push(form(node, format!("`log_rules` has more than {MOST} rules")));
    }
    if wrong.is_empty() { Ok(rules) } else { Err(wrong) }
}

fn form(node: &Node, message: String) -> Bad<'_> {
    (node, Diagnostic::error("wrong-form", message).help(HELP))
}

fn one(item: &Node) -> Result<LogRule, Bad<'_>> {
    let entries = match &item.value {
        Value::Text(text) => {
            let pattern = pattern(item, text)?;
            let then = vec![RuleAction::Alert];
            let name = pattern.clone();
            return Ok(LogRule {
                name,
                pattern: Some(pattern),
                level: None,
                then,
                every: LogRule::EVERY,
            });
        }
        Value::Object(entries) => entries,
        _ => return Err(form(item, "a rule must be a text or an object".to_owned())),
    };
    if let Some(other) = entries.iter().find(|of| !KEYS.contains(&of.key.as_str())) {
        let message = format!("a rule of `log_rules` has no key `{}`", other.key);
        return Err((&other.node, Diagnostic::error("unknown-key", message).help(HELP)));
    }
    let part = |key: &str| item.get(key).filter(|node| !matches!(node.value, Value::Null));
    let pattern = part("match").map(|node| pattern(node, &node.plain())).transpose()?;
    let level = part("level").map(level).transpose()?;
    let name = match (part("name"), &pattern, &level) {
        (Some(node), ..) if node.plain().trim().is_empty() => {
            return Err(form(node, "a rule of `log_rules` has an empty name".to_owned()));
        }
        (Some(node), ..) => node.plain(),
        (None, Some(pattern), _) => pattern.clone(),
        (None, None, Some(level)) => level.clone(),
        (None, None, None) => {
            return Err(form(item, "a rule needs `match` or `level`".to_owned()));
        }
    };
    if pattern.is_none() && level.is_none() {
        return Err(form(item, format!("the rule `{name}` needs `match` or `level`")));
    }
    let then = part("then").map_or(Ok(Vec::new()), then)?;
    let every = part("every").map_or(Ok(LogRule::EVERY), every)?;
    Ok(LogRule { name, pattern, level, then, every })
}

fn pattern<'n>(node: &'n Node, text: &str) -> Result<String, Bad<'n>> {
    if text.is_empty() || LONGEST < text.chars().count() {
        let message = format!("a pattern of `log_rules` has 1 to {LONGEST} characters");
        return Err(form(node, message));
    }
    match regex_lite::Regex::new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default();
            Err(form(node, format!("`{text}` is no regular expression: {why}")))
        }
    }
}

fn level(node: &Node) -> Result<String, Bad<'_>> {
    let word = node.plain();
    if LogSink::LEVELS.contains(&word.as_str()) {
        return Ok(word);
    }
    let all = LogSink::LEVELS.join(", ");
    Err(form(node, format!("the level of a rule is `{word}`; levels are {all}")))
}

fn then(node: &Node) -> Result<Vec<RuleAction>, Bad<'_>> {
    let wrong = |said: &str| {
        form(node, format!("`then` of a rule {said}; it is `alert`, `restart` or `count`"))
    };
    let words = node.words().filter(|words| !words.is_empty());
    let mut then = Vec::new();
    for word in words.ok_or_else(|| wrong("has no word"))? {
        if word == LogRule::COUNT {
            continue;
        }
        let action = RuleAction::ALL.into_iter().find(|of| of.word() == word);
        then.push(action.ok_or_else(|| wrong(&format!("has `{word}`")))?);
    }
    then.sort();
    then.dedup();
    Ok(then)
}

fn every(node: &Node) -> Result<u64, Bad<'_>> {
    let text = node.plain();
    let every = units::uptime(text.trim()).filter(|every| LEAST <= *every);
    every.ok_or_else(|| {
        form(node, format!("`every` of a rule is `{text}`, which is no time from 1 s up"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<LogRule>, Vec<String>> {
        let node = Node::from_json(&serde_json::from_str::<Json>(text).unwrap());
        parse(&node).map_err(|wrong| wrong.into_iter().map(|(_, of)| of.message).collect())
    }

    #[test]
    fn what_is_written_comes_back() {
        for text in [
            r#"[{"name":"oom","match":"out of memory","then":["restart"]}]"#,
            r#"[{"name":"error","level":"error","then":["alert","restart"],"every":5000}]"#,
            r#"[{"name":"paid","match":"^paid"}]"#,
        ] {
            assert_eq!(read(text).unwrap().write().to_string(), text);
        }
        let short = read(r#"["panic|FATAL", {"level": "warn", "then": "count"}]"#).unwrap();
        let long = concat!(
            r#"[{"name":"panic|FATAL","match":"panic|FATAL","then":["alert"]},"#,
            r#"{"name":"warn","level":"warn"}]"#
        );
        assert_eq!(short.write().to_string(), long);
    }

    #[test]
    fn a_rule_that_says_too_little_or_too_much_is_refused() {
        for (text, why) in [
            (r#"["("]"#, "`(` is no regular expression"),
            (r#"[""]"#, "has 1 to 1000 characters"),
            (r#"[{"then": "alert"}]"#, "needs `match` or `level`"),
            (r#"[{"name": "x", "then": "alert"}]"#, "the rule `x` needs `match` or `level`"),
            (r#"[{"match": "x", "then": "page"}]"#, "has `page`; it is `alert`"),
            (r#"[{"match": "x", "level": "loud"}]"#, "levels are trace"),
            (r#"[{"match": "x", "every": "soon"}]"#, "no time from 1 s up"),
            (r#"[{"match": "x", "do": "alert"}]"#, "has no key `do`"),
            (r#"["x", "x"]"#, "two rules `x`"),
            (r#"[5]"#, "must be a text or an object"),
            (r#"{"match": "x"}"#, "must be a list"),
        ] {
            let wrong = read(text).unwrap_err().join("\n");
            assert!(wrong.contains(why), "{text}: {wrong}");
        }
    }
}
