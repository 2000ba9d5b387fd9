//! What is known about one attribute.

use ostler_core::spec::AppSpec;
use serde_json::Value as Json;

use super::access::{Access, BadValue};
use crate::diagnostic::Diagnostic;
use crate::value::Node;

/// One attribute of an app: a row of the table.
#[derive(Debug)]
pub struct Attribute {
    /// Key in a process file.
    pub name: &'static str,
    /// Other keys that mean the same. The camelCase form of every key counts too.
    pub aliases: &'static [&'static str],
    /// Types that a value may have; for numbers, digits in a text are accepted as well.
    pub types: &'static [Type],
    /// What a value must be beside its type.
    pub rule: Rule,
    /// JSON Schema of what is inside an object, as text of an object; empty: anything.
    pub inside: &'static str,
    /// What a number or text counts or names.
    pub unit: Option<Unit>,
    /// What holds when the attribute is not given.
    pub usual: Usual,
    /// From when on a change of it counts.
    pub applies: Applies,
    /// Options of the command line that set it.
    pub flags: &'static [Flag],
    /// Whether the command line goes over what a process file says; others are ignored with a file,
    /// as in PM2.
    pub over_file: bool,
    /// What it is, one phrase in lower case without a full stop.
    pub help: &'static str,
    /// What to write, for the help line of a complaint.
    pub advice: &'static str,
    /// A value, as JSON text; never the default.
    pub example: &'static str,
    /// How a value of a process file becomes one of the specification.
    pub input: Input,
    /// Key in PM2's record.
    pub record: &'static str,
    /// Whether the record has it also at its default, because PM2's has.
    pub always_recorded: bool,
    /// Record key of the attribute that this one is computed from unless it differs: when that one
    /// changes, this one is computed anew.
    pub follows: Option<&'static str>,
    /// Whether the app sees it as a variable of its environment, under its record key.
    pub in_environment: bool,
    /// What ostler does with it.
    pub effect: Effect,
    pub(crate) access: Access,
}

/// JavaScript's types, in PM2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text in quotes.
    Text,
    /// A number, or digits in a text.
    Number,
    /// `true` or `false`.
    Bool,
    /// A list in brackets.
    List,
    /// An object in braces.
    Object,
}

/// What a value must be beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing more than its type.
    Any,
    /// A number not below this.
    Min(u32),
    /// A whole number from the first to the second.
    Between(i32, i32),
    /// Percent from 1 up: a number or `150%`.
    Percent,
    /// Bytes: a number or `100M`.
    Memory,
    /// Milliseconds from 100 up, or `10m`.
    Uptime,
    /// A port: a number, `auto`, or a range such as `3000-3999`.
    Port,
    /// A whole number, or `max`.
    Count,
    /// A date format with at least one part of a date.
    Date,
    /// A pattern of cron, or `0` for none.
    Cron,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Text that may not be empty.
    NotEmpty,
    /// A list without lists or objects inside.
    PlainItems,
    /// A number that a process can exit with, or a list of them.
    ExitCodes,
}

/// What a number or text counts or names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A time in milliseconds.
    Milliseconds,
    /// A size in bytes.
    Bytes,
    /// A path, relative to the app's `cwd`.
    Path,
}

/// What holds when an attribute is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usual {
    /// The value that [`AppSpec::new`] has.
    Spec,
    /// This JSON text, which every app gets that is started from a script or a file.
    Json(&'static str),
    /// What these words say; it depends on the app or the machine.
    Said(&'static str),
}

/// From when on a change counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// At once, also for processes that run.
    AtOnce,
    /// With the next start of each process: the one of the `restart` or `reload` that brings it.
    NextStart,
    /// In reloads, from the one on that brings it.
    Reload,
    /// Only when the app is added: delete it and start it again.
    Added,
}

/// How a value of a process file becomes one of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// As it is written.
    Direct,
    /// By looking at other attributes or at the machine: paths, programs, users, counts.
    Resolved,
    /// Not at all: it has no key in a process file, only one in the record.
    RecordOnly,
}

/// What ostler does with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It acts on it.
    Acts,
    /// It keeps it for others and shows it.
    Kept,
    /// It keeps it, and will act on it in a later version; whoever asks for it is told.
    NotYet {
        /// What is not done, as a clause: `no file is written`.
        lacks: &'static str,
        /// What helps until it is done.
        instead: &'static str,
    },
}

/// An option of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The letter after a single dash, if it has one.
    pub short: Option<char>,
    /// Names without the dashes; the first is shown.
    pub long: &'static [&'static str],
    /// What follows it.
    pub takes: Takes,
    /// What it gives the attribute.
    pub gives: Gives,
    /// What it does, where the attribute's own help does not say it.
    pub help: Option<&'static str>,
}

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// No value follows.
    Nothing,
    /// One value, called this in the help.
    One(&'static str),
    /// One value or nothing; a following word that is no option is the value.
    Maybe(&'static str),
    /// One value after `=`, or nothing; a following word is never the value.
    Joined(&'static str),
    /// As many numbers as follow.
    Numbers(&'static str),
}

/// What an option gives its attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// The value as typed; the last one counts.
    Value,
    /// This truth, always.
    Bool(bool),
    /// The value as typed, or `true` without one.
    ValueOrTrue,
    /// Milliseconds: the value as typed is in seconds, or ends with `ms`.
    Delay,
    /// A list of all values.
    List,
    /// A list of all values, or `true` without any.
    ListOrTrue,
    /// A list of all values, each split at commas and blanks.
    SplitList,
    /// The value for this key of an object, or `true` without one.
    Part(&'static str),
}

impl Type {
    /// Returns the name that `Object.prototype.toString` has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Number => "Number",
            Self::Bool => "Boolean",
            Self::List => "Array",
            Self::Object => "Object",
        }
    }

    /// Returns what it is called in a sentence.
    #[must_use]
    pub fn in_words(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["a text"],
            Self::Number => &["a number"],
            Self::Bool => &["`true`", "`false`"],
            Self::List => &["a list"],
            Self::Object => &["an object"],
        }
    }
}

impl Attribute {
    /// Returns the value that the app has, in the form of the record; null when it has none.
    #[must_use]
    pub fn get(&self, spec: &AppSpec) -> Json {
        match &self.access {
            Access::Field(field) => (field.get)(spec),
            Access::Kept => spec.passthrough.get(self.name).map_or(Json::Null, kept_value),
            Access::Command => Json::Null,
        }
    }

    /// Gives the app a value in the form of the record. What is for the command alone is ignored.
    ///
    /// # Errors
    /// The value is of the wrong form; the app is as it was then.
    pub fn set(&self, spec: &mut AppSpec, value: &Json) -> Result<(), Vec<Diagnostic>> {
        if let Access::Kept = self.access {
            // As it is: a number is not even written in another way.
            spec.passthrough.insert(self.name, value.to_string());
            return Ok(());
        }
        self.put(spec, &Node::from_json(value)).map_err(|refusal| match refusal {
            BadValue::Wanted(wanted) | BadValue::Part { wanted, .. } => {
                let shown: String = value.to_string().chars().take(80).collect();
                let message = format!("\"{}\" must be {wanted}, but is `{shown}`", self.record);
                vec![Diagnostic::error("bad-record", message)]
            }
            BadValue::Said(list) => list.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        })
    }

    /// Gives the app a value as it was written.
    pub(crate) fn put(&self, spec: &mut AppSpec, node: &Node) -> Result<(), BadValue> {
        match &self.access {
            Access::Field(field) => (field.set)(spec, node)?,
            Access::Kept => {
                spec.passthrough.insert(self.name, node.to_json().to_string());
            }
            Access::Command => {}
        }
        Ok(())
    }

    /// Whether it is a field of the specification that a record of `spec` has, where `usual` is
    /// what [`AppSpec::new`] gives.
    #[must_use]
    pub fn is_recorded(&self, spec: &AppSpec, usual: &AppSpec) -> bool {
        match &self.access {
            Access::Field(field) => self.always_recorded || !(field.same)(spec, usual),
            Access::Kept | Access::Command => false,
        }
    }

    /// Whether it has a key in a process file.
    #[must_use]
    pub fn is_in_files(&self) -> bool {
        self.input != Input::RecordOnly
    }

    /// Whether PM2 takes what is false in JavaScript for "not given": where it is known under
    /// another name too, the camelCase form counted, and some more.
    #[must_use]
    pub fn may_be_falsy(&self) -> bool {
        matches!(self.name, "name" | "instances" | "env" | "port")
            || self.name.contains('_')
            || !self.aliases.is_empty()
    }

    /// Whether apps have it; what is not is for the command that reads the file.
    #[must_use]
    pub fn is_of_app(&self) -> bool {
        !matches!(self.access, Access::Command)
    }

    /// Returns its default where that is the same for every app.
    #[must_use]
    pub fn default(&self) -> Option<Json> {
        let value = match self.usual {
            Usual::Spec => self.get(&AppSpec::new("/".into(), "/".into())),
            Usual::Json(text) => serde_json::from_str(text).unwrap_or_default(),
            Usual::Said(_) => Json::Null,
        };
        Some(value).filter(|value| !value.is_null())
    }
}

/// Returns the value whose JSON text an app keeps.
#[must_use]
pub fn kept_value(text: &str) -> Json {
    // What is no JSON can only be text that lost its quotes.
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
