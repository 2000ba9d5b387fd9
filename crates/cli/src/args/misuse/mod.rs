//! Why a command line is not understood, and what was probably meant: one type, which is said in
//! our words or in PM2's.

mod own;
mod pm2;
#[cfg(test)]
mod tests;

use super::absent::Absent;
use super::commands::Command;
use super::flags::Flag;
use crate::program::Program;

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
    AbsentOption { name: String, lacks: &'static str, instead: &'static str },
    /// An option of other commands.
    Elsewhere { name: String, command: &'static Command, flag: &'static Flag },
    /// The value of an option is missing, or was given to one that takes none.
    Value { option: String, unexpected: bool },
    /// The value of an option that takes exit codes is none.
    ExitCode { option: String, value: String },
    /// An argument is missing.
    Missing { argument: super::commands::Arg, command: &'static Command },
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

impl Misuse {
    /// Returns what is said about it under a name of the program.
    pub(crate) fn said(&self, program: Program) -> Said {
        match program {
            Program::Ostler => own::said(self),
            Program::Pm2 => pm2::said(self),
        }
    }
}

/// Returns names in backticks: `a`, `b` and `c`.
fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
