//! What lines have that were written for PM2 and its programs.

use super::absent;
use super::commands::CommandId;
use super::flags::Flag;
use super::misuse::Misuse;
use super::parsed::Parsed;
use super::unknown::{Written, absent_option};
use crate::program::Program;

/// Takes away what PM2 knows and what does nothing here.
pub(super) fn ignore_vain(parsed: &mut Parsed, options: &mut Vec<Written>) {
    let command = parsed.command.map(|command| command.id);
    let is_vain =
        |flag: Option<&Flag>, name: &str| flag.is_none() && absent::is_vain(name, command);
    let vain = options.iter().filter(|(flag, name)| is_vain(*flag, name));
    parsed.ignored.extend(vain.map(|(_, name)| name.clone()));
    options.retain(|(flag, name)| !is_vain(*flag, name));
}

/// What `pm2-runtime` makes of its words.
pub(super) fn of_runtime(mut parsed: Parsed, options: &mut Vec<Written>) -> Result<Parsed, Misuse> {
    if parsed.words.first().is_some_and(|word| word == "start") {
        parsed.words.remove(0);
    }
    let fits = |flag: &Flag| flag.fits(CommandId::Run, Program::Pm2);
    let is_known = |(flag, _): &Written| flag.is_some_and(fits);
    for (_, name) in options.iter().filter(|option| !is_known(option)) {
        if let Some(row) = absent::option(name.trim_start_matches('-')).filter(|row| row.is_asked())
        {
            return Err(absent_option(name.clone(), row));
        }
        parsed.ignored.push(name.clone());
    }
    options.retain(is_known);
    Ok(parsed)
}
