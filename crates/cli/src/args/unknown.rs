//! Commands and options that are not known, or are none of this command's: what was meant.

use super::absent::{self, Absent, When};
use super::commands::Command;
use super::flags::{FLAGS, Flag};
use super::misuse::{Given, Misuse, Near};
use super::suggest;
use crate::program::Program;

/// An option as it was written, and what it is; `None` when it is not known.
pub(super) type Written = (Option<&'static Flag>, String);

/// Finds the command of this name.
pub(super) fn find_command(
    name: String,
    options: &[Written],
    program: Program,
) -> Result<&'static Command, Misuse> {
    if let Some(command) = Command::find(&name, program) {
        return Ok(command);
    }
    // What looks like a command may be the value of an option that is not known.
    if program == Program::Ostler {
        unknown_option(options, None, program)?;
    }
    Err(match absent::command(&name) {
        Some(row) => Misuse::Absent { name, row },
        None => {
            let names = Command::of(program).flat_map(|command| command.names.iter().copied());
            let near = if program == Program::Ostler && name == "version" {
                Some("--version")
            } else if let (Program::Ostler, Some(command)) = (program, suggest::as_elsewhere(&name))
            {
                Some(command)
            } else {
                suggest::nearest(&name, names.filter(|near| may_be_meant(&name, near)))
            };
            Misuse::Command { name, near }
        }
    })
}

/// Whether a command is proposed for a word that is none. What ends or removes something is, for a
/// slip of the fingers alone: `top` is no slip of `stop`, nor `dev` of `del`.
fn may_be_meant(word: &str, near: &str) -> bool {
    const ENDS: [&str; 10] = [
        "stop",
        "del",
        "delete",
        "kill",
        "flush",
        "unset",
        "uninstall",
        "cleardump",
        "unstartup",
        "reset",
    ];
    !ENDS.contains(&near)
        || word.chars().next() == near.chars().next() && !suggest::is_changed(word, near)
}

/// Refuses the first option that is not known.
pub(super) fn unknown_option(
    options: &[Written],
    command: Option<&'static Command>,
    program: Program,
) -> Result<(), Misuse> {
    let Some((_, name)) = options.iter().find(|(flag, _)| flag.is_none()) else { return Ok(()) };
    let (name, bare) = (name.clone(), name.trim_start_matches('-'));
    if let Some(row) = absent::option(bare).filter(|_| program == Program::Ostler) {
        return Err(absent_option(name, row));
    }
    let near = near_option(bare, command, program).filter(|_| name.starts_with("--"));
    Err(Misuse::Option { name, command, near })
}

/// Returns the option that was probably meant: one that the command takes, else any.
pub(super) fn near_option(
    name: &str,
    command: Option<&'static Command>,
    program: Program,
) -> Option<Near> {
    let fits = |flag: &&Flag| command.is_none_or(|command| flag.fits(command.id, program));
    let nearest = |all: bool| {
        let known = FLAGS.iter().filter(|flag| flag.exists(program));
        let names = known.filter(|flag| all || fits(flag)).flat_map(|flag| flag.long);
        // Among so few letters another one makes another word: `--foo` is no slip of `--for`.
        let names =
            names.copied().filter(|near| 3 < name.len() || !suggest::is_changed(name, near));
        suggest::nearest(name, names)
    };
    let near = nearest(false).or_else(|| nearest(true))?;
    let has = |flag: &&Flag| flag.exists(program) && flag.long.contains(&near);
    let flag = FLAGS.iter().find(|flag| has(flag) && fits(flag));
    Some(Near { name: near, flag: flag.or_else(|| FLAGS.iter().find(has))? })
}

/// An option of PM2 that is not there.
pub(super) fn absent_option(name: String, row: &'static Absent) -> Misuse {
    let instead = row.instead.unwrap_or_default();
    Misuse::AbsentOption { name, when: row.when, lacks: row.what, instead }
}

/// An option that the command does not take.
pub(super) fn elsewhere(
    flag: &'static Flag,
    name: String,
    command: &'static Command,
    given: Given,
) -> Misuse {
    match absent::not_yet(flag).filter(|_| command.takes_app_arguments()) {
        Some((lacks, instead)) => Misuse::AbsentOption { name, when: When::Later, lacks, instead },
        None => Misuse::Elsewhere { name, command, flag, given },
    }
}
