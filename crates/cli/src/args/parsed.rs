//! A command line as it was understood.

use super::commands::Command;
use super::flags::FlagId;
use super::misuse::Misuse;
use super::typed::Typed;

/// A command line.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The command, if one was given.
    pub(crate) command: Option<&'static Command>,
    /// The arguments of the command.
    pub(crate) words: Vec<String>,
    /// Options as given, in order.
    pub(crate) given: Vec<(FlagId, Option<String>)>,
    /// What stands after `--`.
    pub(crate) rest: Option<Vec<String>>,
    /// What stands behind the first word, where that may be a program and this its own.
    pub(crate) tail: Option<Tail>,
    /// Options that are not known and were tolerated.
    pub(crate) ignored: Vec<String>,
    /// All of it as it was typed.
    pub(crate) typed: Typed,
}

/// The words behind the first one, which may be a program, and why they cannot be ours, if it is
/// the words themselves that say so.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The words as they were typed.
    pub(crate) words: Vec<String>,
    /// Why the line is no line of ours.
    pub(crate) misuse: Option<Misuse>,
}

impl Parsed {
    /// Whether the option was given.
    pub(crate) fn has(&self, id: FlagId) -> bool {
        self.given.iter().any(|(given, _)| *given == id)
    }

    /// Whether a program wants objects.
    pub(crate) fn wants_json(&self) -> bool {
        self.has(FlagId::Fields) || self.has(FlagId::Json)
    }

    /// Whether an option was given that sets an attribute and has this name.
    pub(crate) fn has_attribute(&self, long: &str) -> bool {
        self.attributes(long).next().is_some()
    }

    /// Returns the value that was given last to the option of an attribute.
    pub(crate) fn attribute(&self, long: &str) -> Option<&str> {
        self.attributes(long).last()?.as_deref()
    }

    fn attributes(&self, long: &str) -> impl Iterator<Item = &Option<String>> {
        let has =
            move |id: &FlagId| matches!(id, FlagId::Attribute(flag) if flag.long.contains(&long));
        self.given.iter().filter(move |(id, _)| has(id)).map(|(_, value)| value)
    }

    /// Returns the value that was given last.
    pub(crate) fn value(&self, id: FlagId) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| *given == id)?.1.as_deref()
    }

    /// Returns all values, in order.
    pub(crate) fn values(&self, id: FlagId) -> impl Iterator<Item = &str> {
        self.given
            .iter()
            .filter(move |(given, _)| *given == id)
            .filter_map(|(_, value)| value.as_deref())
    }

    /// Returns an argument by its place, empty when there is none.
    pub(crate) fn nth(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }

    /// Returns the first argument, empty when there is none.
    pub(crate) fn word(&self) -> &str {
        self.nth(0)
    }
}
