//! A parsed value that remembers where it stood, so that a complaint about it can point there.

use crate::units;

/// Where something stands in a text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte of it.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The same place behind so many bytes more.
    pub(crate) fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// What is there.
    pub value: Value,
    /// Its place; `None` for what did not come from a text (options, evaluated files).
    pub span: Option<Span>,
}

/// What JSON can say, order of keys kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `null` (also `undefined`).
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of any kind.
    Number(f64),
    /// A text without its quotes.
    Text(String),
    /// A list in brackets.
    List(Vec<Node>),
    /// An object in braces.
    Object(Vec<Entry>),
}

/// One key of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The key without its quotes.
    pub key: String,
    /// Place of the key.
    pub key_span: Option<Span>,
    /// The value behind it.
    pub node: Node,
}

impl Node {
    /// A value from nowhere in a text.
    pub(crate) fn bare(value: Value) -> Self {
        Self { value, span: None }
    }

    /// A text from nowhere in a text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::bare(Value::Text(text.into()))
    }

    /// The value of `key` when this is an object that has it and it is not null; the last one when
    /// doubled, as in JavaScript.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let Value::Object(entries) = &self.value else { return None };
        entries
            .iter()
            .rev()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
            .filter(|node| !node.is_null())
    }

    /// The text, when it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a list, or a text split on blanks.
    pub(crate) fn words(&self) -> Option<Vec<String>> {
        match &self.value {
            Value::Text(text) => Some(units::words(text)),
            Value::List(items) => {
                Some(items.iter().filter(|item| !item.is_null()).map(Self::plain).collect())
            }
            _ => None,
        }
    }

    /// Returns the value as the text of an argument or variable: as in PM2, objects, lists and
    /// null as JSON.
    pub(crate) fn plain(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number_text(*number),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {
                self.to_json().to_string()
            }
        }
    }

    /// Returns it as a sentence names it: what it is, or the value itself.
    pub(crate) fn shown(&self) -> String {
        /// Characters of a text that are shown.
        const MOST: usize = 40;
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Object(_) => "an object".to_owned(),
            // What would be something else without its quotes is shown with them.
            Value::Text(text) if text.is_empty() || is_other(text) => format!("`\"{text}\"`"),
            Value::Text(text) if MOST < text.chars().count() => {
                format!("`{}…`", text.chars().take(MOST).collect::<String>())
            }
            Value::Text(text) => format!("`{text}`"),
            Value::Null | Value::Bool(_) | Value::Number(_) => format!("`{}`", self.plain()),
        }
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// As JSON text.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(value) => number_to_json(*value),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Object(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// From JSON; nothing has a place.
    pub(crate) fn from_json(json: &serde_json::Value) -> Self {
        Self::bare(match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_span: None,
                        node: Self::from_json(value),
                    })
                    .collect(),
            ),
        })
    }
}

impl Value {
    /// JavaScript's name of the type, as PM2's messages use it.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "Null",
            Self::Bool(_) => "Boolean",
            Self::Number(_) => "Number",
            Self::Text(_) => "String",
            Self::List(_) => "Array",
            Self::Object(_) => "Object",
        }
    }
}

fn is_other(text: &str) -> bool {
    matches!(text, "true" | "false" | "null") || text.parse::<f64>().is_ok()
}

/// A number as JavaScript prints it: `2000`, not `2000.0`.
pub(crate) fn number_text(value: f64) -> String {
    // Rust's `Display` of a whole f64 has no fraction, as JavaScript's below 1e21.
    value.to_string()
}

fn number_to_json(value: f64) -> serde_json::Value {
    /// Above this a float no longer tells neighbours apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 53 bits")]
        let whole = value as i64;
        return whole.into();
    }
    serde_json::Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}
