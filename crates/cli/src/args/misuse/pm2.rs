//! In PM2's words.

use super::kinds::{Misuse, Near, Said};
use crate::args::Command;
use crate::args::absent::When;
use crate::program::Program;

const NAME: &str = "pm2";

/// Returns what is said about a misuse.
pub(super) fn said(misuse: &Misuse) -> Said {
    Said { text: text(misuse), hint: hint(misuse) }
}

fn text(misuse: &Misuse) -> String {
    match misuse {
        Misuse::Command { .. } => "Command not found".to_owned(),
        Misuse::Absent { name, row } => match row.when {
            When::Later => format!("`{name}` is not there yet"),
            When::Vendor => format!("`{name}` belongs to PM2's vendor and is not there"),
            When::Never => format!("`{name}` is not there"),
        },
        Misuse::AbsentOption { name, lacks, .. } => {
            format!("option `{name}' is not there: {lacks}")
        }
        Misuse::Option { name, .. } | Misuse::Elsewhere { name, .. } => {
            format!("unknown option `{name}'")
        }
        Misuse::Value { option, unexpected: false } => {
            format!("option `{option}' argument missing")
        }
        Misuse::Value { option, unexpected: true } => {
            format!("option `{option}' takes no argument")
        }
        Misuse::ExitCode { option, value } => {
            format!("option `{option}': `{value}` is no exit code")
        }
        Misuse::NotANumber { flag, value, .. } => {
            format!("option `{}': `{value}` is not a number", flag.long_shown())
        }
        Misuse::Missing { argument, .. } => {
            let words: Vec<&str> = argument.words().collect();
            format!("missing required argument `{}'", words.join("|"))
        }
        Misuse::NoCommand { name: word, .. }
        | Misuse::Extra { word, .. }
        | Misuse::Apart { value: word, .. }
        | Misuse::Dashed { value: word, .. }
        | Misuse::Swallowed { value: word, .. } => {
            format!("Unknown command argument: {word}")
        }
        Misuse::Contrary { one, other, .. } => {
            format!("options `--{}' and `--{}' exclude each other", one.name(), other.name())
        }
        Misuse::Whose { option, .. } => format!("unknown option `{option}'"),
        Misuse::Taken { word, .. } => format!("Unknown command argument: {word}"),
        Misuse::NotText(word) => format!("argument `{word}' is not valid UTF-8"),
    }
}

fn hint(misuse: &Misuse) -> Option<String> {
    match misuse {
        Misuse::Command { near, .. } => near.map(|near| format!("did you mean `{NAME} {near}`?")),
        Misuse::Absent { row, .. } => row.instead.map(|instead| instead.replace('$', NAME)),
        Misuse::Option { near, .. } => {
            near.map(|Near { name, .. }| format!("did you mean `--{name}`?"))
        }
        Misuse::Elsewhere { flag, .. } => {
            let with: Vec<&str> = Command::of(Program::Pm2)
                .filter(|command| flag.fits(command.id, Program::Pm2))
                .map(Command::name)
                .collect();
            Some(format!("`--{}` belongs to `{}`", flag.name(), with.join("`, `")))
        }
        Misuse::Missing { command, .. } => Some(format!("usage: {NAME} {}", command.pm2_usage())),
        Misuse::Extra { command, .. } => {
            Some(format!("`{NAME} {command}` takes no such argument", command = command.name()))
        }
        Misuse::ExitCode { .. } => Some("they are numbers from 0 to 255".to_owned()),
        Misuse::AbsentOption { .. }
        | Misuse::Value { .. }
        | Misuse::NoCommand { .. }
        | Misuse::Apart { .. }
        | Misuse::Dashed { .. }
        | Misuse::Swallowed { .. }
        | Misuse::Whose { .. }
        | Misuse::Taken { .. }
        | Misuse::NotANumber { .. }
        | Misuse::Contrary { .. }
        | Misuse::NotText(_) => None,
    }
}
