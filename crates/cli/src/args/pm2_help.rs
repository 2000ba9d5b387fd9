//! The help of `--help` under the name `pm2`, made from the two tables.

use std::fmt::Write as _;

use super::commands::{Command, CommandId};
use super::flags::{FLAGS, Flag, FlagId};
use crate::program::Program;

/// Returns what is printed when no command was given.
pub(crate) fn usage() -> String {
    "usage: pm2 [options] <command>\n\n\
     pm2 -h, --help             all available commands and options\n\
     pm2 examples               display pm2 usage examples\n\
     pm2 <command> -h           help on a specific command\n\n\
     Access pm2 files in ~/.pm2\n"
        .to_owned()
}

/// Returns help about everything, or about one command.
pub(crate) fn help(command: Option<&Command>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    match command {
        Some(command) => {
            let _ = write!(
                out,
                "\n  Usage: pm2 [options] {}\n\n  {}\n",
                command.pm2_usage(),
                command.doc
            );
            options(
                &mut out,
                FLAGS.iter().filter(|flag| is_own(flag) && flag.fits(command.id, Program::Pm2)),
                "Options of this command",
            );
        }
        None => {
            let _ = write!(out, "\n  Usage: pm2 [options] <command>\n\n  Commands:\n\n");
            let commands = || Command::of(Program::Pm2);
            let width = commands().map(|command| command.pm2_usage().chars().count()).max();
            let width = width.unwrap_or(0);
            for command in commands() {
                let _ = writeln!(out, "    {:width$}  {}", command.pm2_usage(), command.doc);
            }
            options(&mut out, FLAGS.iter().filter(is_own), "Options of single commands");
        }
    }
    options(
        &mut out,
        FLAGS.iter().filter(|flag| flag.is_of_all_in_pm2()),
        "Options of every command",
    );
    let _ = write!(out, "\n  What stands after -- are the arguments of the app.\n\n");
    out
}

/// Returns the help of the name `pm2-runtime`.
pub(crate) fn runtime() -> String {
    let mut out = "\n  Usage: pm2-runtime [options] [start] <app.js|json_file>\n\n  \
                   runs apps in the foreground, as the first process of a container\n"
        .to_owned();
    let own = |flag: &&Flag| {
        let is_of_run = flag.acts_with(CommandId::Run) || flag.id == FlagId::Json;
        is_of_run && flag.exists(Program::Pm2)
    };
    options(&mut out, FLAGS.iter().filter(own), "Options");
    out.push_str("\n  What stands after -- are the arguments of the app.\n\n");
    out
}

/// Whether an option is of single commands.
fn is_own(flag: &&Flag) -> bool {
    !flag.is_of_all_in_pm2() && flag.exists(Program::Pm2)
}

fn options<'f>(out: &mut String, flags: impl Iterator<Item = &'f Flag>, title: &str) {
    let flags: Vec<&Flag> = flags.collect();
    if flags.is_empty() {
        return;
    }
    let width = FLAGS.iter().map(|flag| flag.pm2_shown().chars().count()).max().unwrap_or(0);
    let _ = write!(out, "\n  {title}:\n\n");
    for flag in flags {
        let _ = writeln!(out, "    {:width$}  {}", flag.pm2_shown(), flag.doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_on_a_command_shows_its_own_options_first() {
        let text = help(Command::find("logs", Program::Pm2));
        assert!(
            text.starts_with("\n  Usage: pm2 [options] logs|log [id|name|namespace]\n"),
            "{text}"
        );
        let (own, every) =
            (text.find("--nostream").unwrap(), text.find("--namespace <name>").unwrap());
        assert!(own < every);
        assert!(!text.contains("--canary"));
    }

    #[test]
    fn help_on_everything_has_every_command_and_option() {
        let text = help(None);
        for name in Command::of(Program::Pm2).flat_map(|command| command.names) {
            assert!(text.contains(name), "{name}");
        }
        for flag in FLAGS.iter().filter(|flag| flag.exists(Program::Pm2)) {
            assert!(text.contains(&flag.pm2_shown()), "{}", flag.pm2_shown());
        }
    }
}
