//! Whether options and words belong to the command.

use super::commands::{Arg, Command, CommandId};
use super::contrary;
use super::flags::{Flag, FlagId};
use super::misuse::{Given, Misuse};
use super::parsed::Parsed;
use super::unknown::{Written, elsewhere, unknown_option};
use super::values;
use crate::program::Program;

/// Whether options and arguments belong to the command.
pub(super) fn check(
    parsed: Parsed,
    options: &[Written],
    program: Program,
) -> Result<Parsed, Misuse> {
    unknown_option(options, parsed.command, program)?;
    if parsed.has(FlagId::Help) || parsed.has(FlagId::Version) {
        return Ok(parsed);
    }
    let Some(command) = parsed.command else {
        return match options.iter().find(|(flag, _)| flag.is_some_and(Flag::needs_command)) {
            Some((Some(flag), name)) if program == Program::Ostler => {
                Err(Misuse::NoCommand { name: name.clone(), flag })
            }
            Some(_) | None => Ok(parsed),
        };
    };
    for (flag, name) in options.iter().filter_map(|(flag, name)| Some(((*flag)?, name))) {
        if !flag.fits(command.id, program) {
            let value = parsed.given.iter().find(|(id, _)| *id == flag.id);
            let value = value.and_then(|(_, value)| value.clone());
            let given = Given { word: parsed.words.first().cloned(), value };
            return Err(elsewhere(flag, name.clone(), command, given));
        }
    }
    if program == Program::Ostler {
        values::check(&parsed)?;
        contrary::check(&parsed, options)?;
    }
    if parsed.has_attribute("module") {
        return without_script(parsed, command);
    }
    let mut most = 0;
    for (at, arg) in command.takes.iter().enumerate() {
        match arg {
            Arg::Needed(_) | Arg::Many(_) if parsed.words.len() <= at => {
                let given = parsed.words.len();
                return Err(Misuse::Missing { argument: *arg, command, given });
            }
            Arg::Needed(_) | Arg::Maybe(_) => most += 1,
            Arg::Many(_) | Arg::Any(_) => most = usize::MAX,
        }
    }
    match parsed.words.get(most.min(parsed.words.len())) {
        Some(word) if refuses_more(command, program) => {
            Err(Misuse::Extra { word: word.clone(), command })
        }
        Some(_) | None => Ok(parsed),
    }
}

/// Where a module of Python is named nothing else is.
fn without_script(parsed: Parsed, command: &'static Command) -> Result<Parsed, Misuse> {
    match parsed.words.first() {
        Some(word) => Err(Misuse::Extra { word: word.clone(), command }),
        None => Ok(parsed),
    }
}

/// PM2 refuses a word too many only where it would be mistaken for something; we always do.
fn refuses_more(command: &Command, program: Program) -> bool {
    program == Program::Ostler
        || matches!(
            command.id,
            CommandId::Run
                | CommandId::Save
                | CommandId::Cleardump
                | CommandId::Resurrect
                | CommandId::Kill
                | CommandId::Prettylist
        )
}
