//! What may be wrong with a command line, and what is said about it.

use crate::args::absent::{Absent, When};
use crate::args::commands::{Arg, Command};
use crate::args::flags::Flag;

/// Why a command line is not understood.
#[derive(Debug)]
pub(crate) enum Misuse {
    /// No such command.
    Command { name: String, near: Option<&'static str> },
    /// A command of PM2 that is not there.
    Absent { name: String, row: &'static Absent },
    /// No such option.
    Option { name: String, command: Option<&'static Command>, near: Option<&'static str> },
    /// An option of PM2 that is not there: what ostler does not do, and what to do instead.
    AbsentOption { name: String, when: When, lacks: &'static str, instead: &'static str },
    /// An option of other commands.
    Elsewhere { name: String, command: &'static Command, flag: &'static Flag },
    /// The value of an option is missing, or was given to one that takes none.
    Value { option: String, unexpected: bool },
    /// The value of an option that takes exit codes is none.
    ExitCode { option: String, value: String },
    /// The value of an option that takes a number is none.
    NotANumber { flag: &'static Flag, value: String },
    /// An argument is missing.
    Missing { argument: Arg, command: &'static Command },
    /// There is one word too many.
    Extra { word: String, command: &'static Command },
    /// There are arguments for an app, and no app to give them to.
    AppArguments { word: String, command: &'static Command },
    /// A word is not UTF-8.
    NotText(String),
}

/// What is said about a misuse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What is wrong.
    pub(crate) text: String,
    /// What to do, if anything is known.
    pub(crate) hint: Option<String>,
}
