//! Everything the command line can say about an app, as text, so that wrong values are diagnosed in
//! one place with the same words as in a file.

use crate::attributes::{Attribute, Flag, Gives, NotYet, attributes, find_flag};
use crate::diagnostic::{COMMAND_LINE, Diagnostic};
use crate::value::{Entry, Node, Value};

/// Options of `start`, `restart` and `reload`. Values are as typed; they are checked when they are
/// resolved, and a complaint says `command line`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What stands after `--`; `Some` replaces configured arguments, also when empty.
    pub args: Option<Vec<String>>,
    /// `--env`: which `env_<name>` of a process file.
    pub env: Option<String>,
    /// `--only`: names of apps of a process file, split on `,` or blanks; empty = all.
    pub only: Vec<String>,
    /// `--profile`: which apps with `profiles` are meant, split on `,` or blanks;
    /// [`ALL_PROFILES`](crate::ALL_PROFILES) = all of them.
    pub profiles: Vec<String>,
    /// `--strict`: a warning about a process file counts as an error.
    pub strict: bool,
    /// Options of attributes in the order in which they were typed, each with its value if it has
    /// one; an option that takes several is here once for each.
    pub given: Vec<(&'static Flag, Option<String>)>,
}

impl Options {
    /// Adds an option of an attribute by one of its names, without dashes. Returns whether an
    /// attribute has such an option.
    pub fn give(&mut self, long: &str, value: Option<&str>) -> bool {
        let flag = find_flag(long).map(|(_, flag)| flag);
        self.given.extend(flag.map(|flag| (flag, value.map(str::to_owned))));
        flag.is_some()
    }

    /// Whether nothing is said about attributes of an app.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// What was given, in the order of the table.
    pub(crate) fn values(&self) -> Vec<(&'static Attribute, Node)> {
        let value = |attribute: &'static Attribute| match (attribute.name, &self.args) {
            ("args", Some(args)) => Some((attribute, list(args))),
            _ => self.value(attribute).map(|node| (attribute, node)),
        };
        attributes().filter_map(value).collect()
    }

    /// Complains about what is asked for and not done yet.
    pub(crate) fn refuse_not_yet(&self, report: &mut Vec<Diagnostic>) {
        for (attribute, node) in self.values() {
            let Some(flag) = self.flag_of(attribute) else { continue };
            let not_yet = NotYet::of(attribute, &node.to_json());
            report.extend(not_yet.map(|of| of.of_option(flag).origin(COMMAND_LINE)));
        }
    }

    /// The option by which something is said of an attribute, the first of the table.
    pub(crate) fn flag_of(&self, attribute: &'static Attribute) -> Option<&'static Flag> {
        let given = |flag: &&Flag| self.given.iter().any(|(known, _)| known == flag);
        attribute.flags.iter().find(given)
    }

    fn value(&self, attribute: &Attribute) -> Option<Node> {
        let mut parts = Vec::new();
        for flag in attribute.flags {
            let given = self.given.iter().filter(|(known, _)| *known == flag);
            let values: Vec<_> = given.map(|(_, value)| value.as_deref()).collect();
            if values.is_empty() {
                continue;
            }
            match (flag.gives, node(flag.gives, values)) {
                (Gives::Part(key), Some(node)) => {
                    parts.push(Entry { key: key.to_owned(), key_span: None, node });
                }
                (_, node) => return node,
            }
        }
        (!parts.is_empty()).then(|| Node::bare(Value::Object(parts)))
    }
}

/// The value that an option gives which was given with these values, each of which may be missing.
fn node(gives: Gives, values: Vec<Option<&str>>) -> Option<Node> {
    let last = values.last().copied().flatten();
    let all: Vec<&str> = values.into_iter().flatten().collect();
    let truth = |value| Node::bare(Value::Bool(value));
    match gives {
        // `null` takes away what the app has: no value at all.
        Gives::Value if last == Some("null") => Some(Node::bare(Value::Null)),
        Gives::Value => last.map(Node::text),
        Gives::Bool(value) => Some(truth(value)),
        Gives::Part(_) | Gives::ValueOrTrue => Some(last.map_or_else(|| truth(true), Node::text)),
        Gives::Delay => last.map(delay),
        Gives::List => (!all.is_empty()).then(|| list(&all)),
        Gives::ListOrTrue if all.is_empty() || all == ["true"] => Some(truth(true)),
        Gives::ListOrTrue if all == ["false"] => Some(truth(false)),
        Gives::ListOrTrue => Some(list(&all)),
        // `--stop-exit-codes "1, 2"` and `--stop-exit-codes 1 2` mean the same.
        Gives::SplitList => {
            let items = all.iter().flat_map(|text| text.split([',', ' ']));
            Some(list(&items.filter(|item| !item.is_empty()).collect::<Vec<_>>()))
        }
    }
}

/// The milliseconds of `4` or `4000ms`; what is neither stays as it is, to be complained about.
fn delay(text: &str) -> Node {
    let ms = match text.strip_suffix("ms") {
        Some(ms) => ms.trim().parse::<f64>().ok(),
        None => text.trim().parse::<f64>().ok().map(|seconds| seconds * 1000.0),
    };
    // What is below 0 is complained about as it was typed.
    ms.filter(|ms| 0.0 <= *ms)
        .map_or_else(|| Node::text(text), |ms| Node::bare(Value::Number(ms.round())))
}

fn list(items: &[impl AsRef<str>]) -> Node {
    Node::bare(Value::List(items.iter().map(|item| Node::text(item.as_ref())).collect()))
}
