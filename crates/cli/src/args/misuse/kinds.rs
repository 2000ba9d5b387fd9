//! What may be wrong with a command line, and what is said about it.

use crate::args::absent::{Absent, When};
use crate::args::commands::{Arg, Command};
use crate::args::flags::Flag;

/// Why a command line is not understood.
#[derive(Debug)]
pub(crate) enum Misuse {
    /// No such command.
    Command {
        /// As it was typed.
        name: String,
        /// What was probably meant: a command, or an option that every command takes.
        near: Option<&'static str>,
    },
    /// A command of PM2 that is not there.
    Absent { name: String, row: &'static Absent },
    /// No such option.
    Option { name: String, command: Option<&'static Command>, near: Option<Near> },
    /// An option of PM2 that is not there: what ostler does not do, and what to do instead.
    AbsentOption { name: String, when: When, lacks: &'static str, instead: &'static str },
    /// An option of other commands.
    Elsewhere { name: String, command: &'static Command, flag: &'static Flag, given: Given },
    /// The value of an option is missing, or was given to one that takes none.
    Value { option: String, unexpected: bool },
    /// There is no command, and an option that is for commands.
    NoCommand { name: String, flag: &'static Flag },
    /// Two options exclude each other; the value of the second.
    Contrary { one: &'static Flag, other: &'static Flag, value: Option<String> },
    /// The value of an option stands apart from it, where it would be an argument.
    Apart { flag: &'static Flag, value: String },
    /// What looks like an option stands where a name is needed.
    Dashed { flag: &'static Flag, value: String },
    /// What was meant as the argument was taken as the value of the option before it.
    Swallowed { flag: &'static Flag, value: String, command: &'static Command },
    /// The name of a command was taken as the value of the option before it.
    Taken { option: String, word: &'static str },
    /// The value of an option that takes exit codes is none.
    ExitCode { option: String, value: String },
    /// The value of an option that takes a number is none.
    NotANumber { flag: &'static Flag, value: String, least: u32 },
    /// An argument is missing; so many were given.
    Missing { argument: Arg, command: &'static Command, given: usize },
    /// There is one word too many.
    Extra { word: String, command: &'static Command },
    /// An option behind a program or a module, whose words these are, may be one of this command,
    /// or is nearly one.
    Whose {
        option: String,
        near: Option<&'static Flag>,
        of: String,
        words: Vec<String>,
        command: &'static Command,
    },
    /// A word is not UTF-8.
    NotText(String),
}

/// What stands on the command line with an option of other commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    /// The first argument.
    pub(crate) word: Option<String>,
    /// The value of the option.
    pub(crate) value: Option<String>,
}

/// An option that was probably meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Near {
    /// Its name, without the dashes.
    pub(crate) name: &'static str,
    /// The option itself.
    pub(crate) flag: &'static Flag,
}

/// What is said about a misuse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// What is wrong.
    pub(crate) text: String,
    /// What to do, if anything is known.
    pub(crate) hint: Option<String>,
}
