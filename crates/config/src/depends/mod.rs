//! `depends_on`: which apps must have come to what before an app begins.
//!
//! A list of names, one name, or an object of names, each with its condition: a word, or an object
//! `{ condition, restart }`, as in a file of Docker Compose, whose words are understood.

mod across;
mod schema;

use ostler_core::depends::order;
use ostler_core::spec::{AppSpec, Condition, Dependency};
use serde_json::{Map, Value as Json, json};

pub(crate) use across::check;
pub(crate) use schema::SCHEMA;

use crate::attributes::{BadValue, FieldType};
use crate::diagnostic::Diagnostic;
use crate::objects::unknown_key;
use crate::suggest;
use crate::value::{Entry, Node, Span, Value};

/// Our words for conditions.
const WORDS: [(&str, Condition); 4] = [
    ("started", Condition::Started),
    ("ready", Condition::Ready),
    ("healthy", Condition::Healthy),
    ("completed", Condition::Completed),
];
/// The words of Docker Compose for conditions.
const OF_COMPOSE: [(&str, Condition); 3] = [
    ("service_started", Condition::Started),
    ("service_healthy", Condition::Healthy),
    ("service_completed_successfully", Condition::Completed),
];
const KEYS: [&str; 3] = ["condition", "restart", "required"];
const HELP: &str = "write a list of names, such as `[\"db\"]`, or conditions by name, such as \
                    `{ \"db\": \"healthy\" }`";
const CONDITIONS: &str = "write `started`, `ready`, `healthy` or `completed`";

/// Returns apps so that each comes after those that it depends on, and otherwise as they are given.
#[must_use]
pub fn in_order(apps: Vec<AppSpec>) -> Vec<AppSpec> {
    let on = |app: &AppSpec| {
        let names = app.depends_on.iter().map(|on| &on.name);
        names.filter_map(|name| apps.iter().position(|of| of.name == *name)).collect()
    };
    let order = order(&apps.iter().map(on).collect::<Vec<_>>());
    let mut apps: Vec<Option<AppSpec>> = apps.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| apps.get_mut(at)?.take()).collect()
}

/// What to do about apps that wait for each other.
pub const OUT_OF_A_CYCLE: &str = "leave one of these dependencies out";

/// Returns what is wrong with apps of which each depends on the next, and the last on the first.
#[must_use]
pub fn in_a_cycle(names: &[&str]) -> String {
    let Some((first, rest)) = names.split_first() else { return String::new() };
    if rest.is_empty() {
        return format!("`{first}` depends on itself");
    }
    let on: Vec<String> = rest.iter().chain([first]).map(|name| format!("`{name}`")).collect();
    format!("none of these apps can begin: `{first}` waits for {}", on.join(", which waits for "))
}

/// Returns our word for a condition.
#[must_use]
pub fn condition_word(condition: Condition) -> &'static str {
    WORDS.iter().find(|(_, of)| *of == condition).map_or("ready", |(word, _)| word)
}

impl FieldType for Vec<Dependency> {
    fn write(&self) -> Json {
        let is_plain = |of: &Dependency| of.condition == Condition::default() && !of.restart;
        if self.iter().all(is_plain) {
            return self.iter().map(|of| Json::from(of.name.as_str())).collect();
        }
        let written = self.iter().map(|of| {
            let word = condition_word(of.condition);
            let value = match of.restart {
                true => json!({ "condition": word, "restart": true }),
                false => word.into(),
            };
            (of.name.clone(), value)
        });
        written.collect::<Map<_, _>>().into()
    }

    fn read(node: &Node) -> Result<Self, BadValue> {
        let read = parse(node);
        if read.wrong.is_empty() {
            Ok(read.dependencies.into_iter().map(|(dependency, _)| dependency).collect())
        } else {
            Err(BadValue::Said(read.wrong))
        }
    }
}

/// What a value says, and what is wrong with it. Each with its place.
#[derive(Debug, Default)]
struct Read {
    dependencies: Vec<(Dependency, Option<Span>)>,
    wrong: Vec<(Option<Span>, Diagnostic)>,
}

fn parse(node: &Node) -> Read {
    let mut read = Read::default();
    match &node.value {
        Value::Text(_) => read.add_name(node),
        Value::List(items) => {
            items.iter().filter(|item| !item.is_null()).for_each(|item| read.add_name(item));
        }
        Value::Object(entries) => {
            entries.iter().filter(|entry| !entry.node.is_null()).for_each(|one| read.add(one));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let message = format!("`depends_on` must be names, but is {}", node.shown());
            read.refuse(node.span, Diagnostic::error("wrong-type", message).help(HELP));
        }
    }
    read
}

impl Read {
    fn refuse(&mut self, span: Option<Span>, diagnostic: Diagnostic) {
        self.wrong.push((span, diagnostic));
    }

    fn add_name(&mut self, item: &Node) {
        match &item.value {
            Value::Text(name) => self.put(name, item.span, Condition::default(), false),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Object(_) => {
                let message =
                    format!("`depends_on` must have names of apps, but has {}", item.shown());
                self.refuse(item.span, Diagnostic::error("wrong-type", message).help(HELP));
            }
        }
    }

    fn add(&mut self, entry: &Entry) {
        let span = entry.key_span.or(entry.node.span);
        let path = format!("depends_on.{}", entry.key);
        match &entry.node.value {
            Value::Text(_) => {
                if let Some(condition) = self.condition(&path, &entry.node) {
                    self.put(&entry.key, span, condition, false);
                }
            }
            Value::Object(parts) => {
                parts.iter().for_each(|part| self.look_at_part(&path, part));
                let condition = match entry.node.get("condition") {
                    Some(node) => self.condition(&format!("{path}.condition"), node),
                    None => Some(Condition::default()),
                };
                let restart = entry.node.get("restart");
                let restart = restart.is_some_and(|node| node.value == Value::Bool(true));
                if let Some(condition) = condition {
                    self.put(&entry.key, span, condition, restart);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) => {
                let message =
                    format!("`{path}` must be a condition, but is {}", entry.node.shown());
                let said = Diagnostic::error("wrong-type", message).help(CONDITIONS);
                self.refuse(entry.node.span, said);
            }
        }
    }

    /// A part that is no condition: `restart` is a truth, and `required` may only say what holds
    /// for every dependency here.
    fn look_at_part(&mut self, path: &str, part: &Entry) {
        let (key, node) = (part.key.as_str(), &part.node);
        match key {
            "condition" => {}
            "restart" | "required" if !matches!(node.value, Value::Bool(_) | Value::Null) => {
                let message =
                    format!("`{path}.{key}` must be `true` or `false`, but is {}", node.shown());
                self.refuse(node.span, Diagnostic::error("wrong-type", message));
            }
            "required" if node.value == Value::Bool(false) => {
                let message = format!("`{path}` cannot be optional: an app waits for it or not");
                let said = Diagnostic::error("wrong-form", message)
                    .help("leave the dependency out where it need not be there");
                self.refuse(node.span, said);
            }
            "restart" | "required" => {}
            key => {
                let help = "write `condition` and, if it is wanted, `restart`";
                let span = part.key_span.or(node.span);
                self.refuse(span, unknown_key(path, key, KEYS, help));
            }
        }
    }

    fn condition(&mut self, path: &str, node: &Node) -> Option<Condition> {
        let word = node.as_text();
        let known = || WORDS.iter().chain(&OF_COMPOSE);
        if let Some((_, condition)) = known().find(|(name, _)| Some(*name) == word) {
            return Some(*condition);
        }
        let near = word.and_then(|word| suggest::nearest(word, known().map(|(name, _)| *name)));
        let help = near.map_or(CONDITIONS.to_owned(), |near| format!("did you mean `{near}`?"));
        let message = format!("`{path}` must be a condition, but is {}", node.shown());
        self.refuse(node.span, Diagnostic::error("wrong-form", message).help(help));
        None
    }

    fn put(&mut self, name: &str, span: Option<Span>, condition: Condition, restart: bool) {
        if name.trim().is_empty() {
            let said = Diagnostic::error("empty", "`depends_on` has an empty name");
            return self.refuse(span, said.help("name another app"));
        }
        if self.dependencies.iter().any(|(known, _)| known.name == name) {
            return; // Once is as good as twice.
        }
        let name = name.to_owned();
        self.dependencies.push((Dependency { name, condition, restart }, span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &Json) -> Vec<Dependency> {
        Vec::<Dependency>::read(&Node::from_json(json)).unwrap()
    }

    fn on(name: &str, condition: Condition, restart: bool) -> Dependency {
        Dependency { name: name.to_owned(), condition, restart }
    }

    #[test]
    fn every_way_to_write_it_is_understood_and_written_again_as_it_is() {
        let ready = [on("db", Condition::Ready, false), on("mq", Condition::Ready, false)];
        assert_eq!(read(&json!(["db", "mq", null, "db"])), ready);
        assert_eq!(read(&json!({ "db": "ready", "mq": {} })), ready);
        assert_eq!(read(&json!("db")), ready[..1]);
        let mixed = read(&json!({
            "db": { "condition": "service_healthy", "restart": true, "required": true },
            "jobs": "service_completed_successfully",
            "mq": { "condition": "service_started" },
        }));
        let expected = [
            on("db", Condition::Healthy, true),
            on("jobs", Condition::Completed, false),
            on("mq", Condition::Started, false),
        ];
        assert_eq!(mixed, expected);
        for all in [read(&json!(["db", "mq"])), mixed, Vec::new()] {
            assert_eq!(read(&all.write()), all);
        }
    }

    #[test]
    fn all_that_is_wrong_with_it_is_said_at_once() {
        let node = Node::from_json(&json!({
            "a": "helthy", "b": 3, "c": { "conditon": "ready" }, "": "ready",
            "d": { "required": false, "restart": "yes" },
        }));
        let wrong: Vec<String> = parse(&node).wrong.into_iter().map(|one| one.1.message).collect();
        let expected = [
            "`depends_on.a` must be a condition, but is `helthy`",
            "`depends_on.b` must be a condition, but is `3`",
            "`depends_on.c` has no key `conditon`",
            "`depends_on` has an empty name",
            "`depends_on.d` cannot be optional: an app waits for it or not",
            "`depends_on.d.restart` must be `true` or `false`, but is `yes`",
        ];
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        assert!(expected.iter().all(|one| wrong.iter().any(|said| said == one)), "{wrong:?}");
    }
}
