//! Words of the command line that belong to the one before them.

use std::ffi::OsString;

use super::commands::{Command, CommandId};
use super::flags::{Flag, FlagId, Takes};
use super::misuse::Misuse;
use super::parsed::Parsed;
use super::told;
use crate::program::Program;

/// Returns a word as text.
pub(super) fn text(word: OsString) -> Result<String, Misuse> {
    word.into_string().map_err(|word| Misuse::NotText(word.to_string_lossy().into_owned()))
}

/// Takes the values of an option off the words.
pub(super) fn take_values(
    flag: &'static Flag,
    parser: &mut lexopt::Parser,
    parsed: &mut Parsed,
    program: Program,
) -> Result<(), Misuse> {
    let Parsed { given, words, command, .. } = parsed;
    let of_command = |word: &str| match flag.id {
        FlagId::Fields => told::is_value(word, *command, words.len()),
        _ => true,
    };
    let is_number = |word: &str| program == Program::Ostler && is_negative(word);
    let missing = || Misuse::Value { option: flag.long_shown(), unexpected: false };
    match flag.takes {
        // A value behind `=` is found out with the next word; in `-am`, `m` is another option.
        Takes::Nothing => given.push((flag.id, None)),
        Takes::One(_) => {
            let value = match parser.optional_value() {
                Some(joined) => text(joined)?,
                None => apart(flag, text(parser.value().map_err(|_| missing())?)?, program)?,
            };
            given.push((flag.id, Some(value)));
        }
        Takes::Maybe(what) => {
            let is_value = |word: &str| {
                let is_of = may_be(flag.id, word) && of_command(word);
                !word.starts_with('-') && is_of || what == "n" && is_number(word)
            };
            let value = match parser.optional_value() {
                Some(value) => Some(value),
                None => next_word(parser, is_value),
            };
            given.push((flag.id, value.map(text).transpose()?));
        }
        Takes::Joined(_) => {
            given.push((flag.id, parser.optional_value().map(text).transpose()?));
        }
        Takes::Numbers(_) => {
            let mut values: Vec<OsString> = parser.optional_value().into_iter().collect();
            let numeric = |word: &str| {
                !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || c == ',' || c == ' ')
            };
            while let Some(value) = next_word(parser, numeric) {
                values.push(value);
            }
            if values.is_empty() {
                let given = next_word(parser, |word| !word.starts_with('-') || is_number(word));
                return Err(match given.map(text).transpose()? {
                    Some(value) => Misuse::ExitCode { option: flag.long_shown(), value },
                    None => missing(),
                });
            }
            for value in values {
                given.push((flag.id, Some(text(value)?)));
            }
        }
    }
    Ok(())
}

/// Refuses what looks like an option where a name is needed: `--name -i 4`.
fn apart(flag: &'static Flag, value: String, program: Program) -> Result<String, Misuse> {
    let is_name = matches!(flag.name(), "name" | "namespace");
    match is_name && program == Program::Ostler && value.starts_with('-') {
        true => Err(Misuse::Dashed { flag, value }),
        false => Ok(value),
    }
}

/// Refuses the value of an option that takes one only behind `=`, where it would be taken for an
/// argument: `start app.js --wait 5s`.
pub(super) fn refuse_apart(
    flag: &'static Flag,
    command: Option<&Command>,
    parser: &mut lexopt::Parser,
) -> Result<(), Misuse> {
    if command.is_none() || !matches!(flag.takes, Takes::Joined(_)) {
        return Ok(());
    }
    let Some(raw) = parser.try_raw_args() else { return Ok(()) };
    match raw.peek().and_then(|word| word.to_str()).filter(|word| is_time(word)) {
        Some(value) => Err(Misuse::Apart { flag, value: value.to_owned() }),
        None => Ok(()),
    }
}

/// Whether a word may be the value of an option that may have one: what stands after
/// `--timestamp` and says nothing of a date is an argument.
fn may_be(flag: FlagId, word: &str) -> bool {
    let dates = ["YY", "MM", "DD", "HH", "hh", "mm", "ss", "SSS"];
    flag != FlagId::Timestamp || dates.iter().any(|date| word.contains(date))
}

/// Whether a word is a time with its unit, as a limit is written.
fn is_time(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.len() < word.len() && matches!(unit, "ms" | "s" | "m" | "h")
}

/// `-1` is an option to the parser, but a number to `scale`, and a port that is none to `web`.
pub(super) fn negative_number(
    parser: &mut lexopt::Parser,
    command: Option<&Command>,
    program: Program,
) -> Option<String> {
    match (command?.id, program) {
        (CommandId::Scale, _) | (CommandId::Web | CommandId::Serve, Program::Ostler) => {}
        _ => return None,
    }
    let word = parser.try_raw_args()?.next_if(|word| word.to_str().is_some_and(is_negative))?;
    word.into_string().ok()
}

/// Whether a word is a number below 0.
fn is_negative(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn next_word(parser: &mut lexopt::Parser, wanted: impl Fn(&str) -> bool) -> Option<OsString> {
    parser.try_raw_args()?.next_if(|word| word.to_str().is_some_and(&wanted))
}
