//! What is said about a command line that is not understood, with a hint that can be pasted.
//!
//! Problem: a hint is the line with one thing put right, and another may be wrong in it too. Rule:
//! each command in a hint is read by our own parser, and where that refuses it the hint is the page
//! of the help instead.

use std::ffi::OsString;

use super::Command;
use super::misuse::{Misuse, Said};
use super::parse::parse;
use super::typed::Typed;
use crate::complete::words;
use crate::program::Program;

/// Returns what is said about a misuse of this line.
pub(crate) fn said(misuse: &Misuse, program: Program, typed: &Typed) -> Said {
    let said = misuse.said(program, typed);
    let is_taken = said.hint.as_deref().is_none_or(|hint| commands(hint).all(is_taken));
    match program {
        Program::Ostler if !is_taken => {
            let hint = match misuse {
                Misuse::Command { near: Some(near), .. } => {
                    format!("did you mean `{near}`? `ostler help {near}` shows what it takes")
                }
                _ => page(typed),
            };
            Said { hint: Some(hint), ..said }
        }
        Program::Ostler | Program::Pm2 => said,
    }
}

/// What stands between backticks, where it is a command of ours.
fn commands(hint: &str) -> impl Iterator<Item = &str> {
    hint.split('`').skip(1).step_by(2).filter(|text| text.starts_with("ostler "))
}

fn is_taken(line: &str) -> bool {
    let words = words::all(line).into_iter().skip(1).map(OsString::from);
    parse(words, Program::Ostler).is_ok()
}

/// Where the command is explained that the line is probably about.
fn page(typed: &Typed) -> String {
    let command = typed.words().find_map(|word| Command::find(word, Program::Ostler));
    match command {
        Some(command) => {
            format!("`ostler help {command}` shows what it takes", command = command.name())
        }
        None => "`ostler help` shows every command".to_owned(),
    }
}

#[cfg(test)]
mod tests;
