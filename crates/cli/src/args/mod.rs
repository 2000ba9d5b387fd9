//! From words to what is wanted, by the two tables: nothing is done here, and nothing is printed.

pub(crate) mod commands;
pub(crate) mod flags;
pub(crate) mod help;
mod parse;
mod suggest;

pub(crate) use commands::{Command, CommandId};
pub(crate) use flags::FlagId;
pub(crate) use parse::parse;

/// A command line, understood.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The command; `None` when none was given.
    pub(crate) command: Option<&'static Command>,
    /// Its arguments.
    pub(crate) words: Vec<String>,
    /// Options as given, in order.
    pub(crate) given: Vec<(FlagId, Option<String>)>,
    /// What stands after `--`.
    pub(crate) rest: Option<Vec<String>>,
}

/// Why a command line is not understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Misuse {
    /// No such command.
    Command { name: String, near: Option<&'static str> },
    /// No such option, or not with this command.
    Option { name: String, hint: Option<String> },
    /// The value of an option is missing, or was given to one that takes none.
    Value { option: String, unexpected: bool },
    /// An argument is missing.
    Missing { argument: &'static str, usage: String },
    /// There is one word too many.
    Extra { word: String, command: &'static str },
    /// A word is not UTF-8.
    NotText(String),
}

impl Parsed {
    /// Whether the option was given.
    pub(crate) fn has(&self, id: FlagId) -> bool {
        self.given.iter().any(|(given, _)| *given == id)
    }

    /// The last value given.
    pub(crate) fn value(&self, id: FlagId) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| *given == id)?.1.as_deref()
    }

    /// All values given.
    pub(crate) fn values(&self, id: FlagId) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter(move |(given, _)| *given == id)
            .filter_map(|(_, value)| value.as_deref())
    }

    /// The first argument, empty when there is none.
    pub(crate) fn word(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

impl Misuse {
    /// What is wrong, in PM2's words.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Command { .. } => "Command not found".to_owned(),
            Self::Option { name, .. } => format!("unknown option `{name}'"),
            Self::Value { option, unexpected: false } => {
                format!("option `{option}' argument missing")
            }
            Self::Value { option, unexpected: true } => {
                format!("option `{option}' takes no argument")
            }
            Self::Missing { argument, .. } => format!("missing required argument `{argument}'"),
            Self::Extra { word, .. } => format!("Unknown command argument: {word}"),
            Self::NotText(word) => format!("argument `{word}' is not valid UTF-8"),
        }
    }

    /// What to do, if anything is known.
    pub(crate) fn hint(&self, program: &str) -> Option<String> {
        match self {
            Self::Command { near, .. } => {
                near.map(|near| format!("did you mean `{program} {near}`?"))
            }
            Self::Option { hint, .. } => hint.clone(),
            Self::Missing { usage, .. } => Some(format!("usage: {program} {usage}")),
            Self::Extra { command, .. } => {
                Some(format!("`{program} {command}` takes no such argument"))
            }
            Self::Value { .. } | Self::NotText(_) => None,
        }
    }
}
