//! The help of `--help`, made from the two tables.

use std::fmt::Write as _;

use super::commands::{COMMANDS, Command};
use super::flags::{FLAGS, Flag, Scope};

/// Returns the options that every command takes, in chapters with their titles, for longer texts.
pub(crate) fn chapters() -> Vec<(&'static str, Vec<&'static Flag>)> {
    let mut chapters: Vec<(&str, Vec<&Flag>)> = Vec::new();
    for flag in FLAGS.iter() {
        let title = match flag.scope {
            Scope::General => "General",
            Scope::List => "Listing",
            Scope::Action => "Acting on apps",
            Scope::App(title) => title,
            Scope::Compatibility => "Compatibility",
            Scope::Only(_) => continue,
        };
        match chapters.iter_mut().find(|(known, _)| *known == title) {
            Some((_, flags)) => flags.push(flag),
            None => chapters.push((title, vec![flag])),
        }
    }
    chapters
}

/// Returns what is printed when no command was given.
pub(crate) fn usage(program: &str, home: &str) -> String {
    format!(
        "usage: {program} [options] <command>\n\n\
         {program} -h, --help             all available commands and options\n\
         {program} <command> -h           help on a specific command\n\n\
         Access {program} files in {home}\n"
    )
}

/// Returns help about everything, or about one command.
pub(crate) fn help(program: &str, command: Option<&Command>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    match command {
        Some(command) => {
            let _ = write!(
                out,
                "\n  Usage: {program} [options] {}\n\n  {}\n",
                command.usage(),
                command.doc
            );
            options(
                &mut out,
                FLAGS.iter().filter(|flag| flag.is_only_of(command.id)),
                "Options of this command",
            );
        }
        None => {
            let _ = write!(out, "\n  Usage: {program} [options] <command>\n\n  Commands:\n\n");
            let width =
                COMMANDS.iter().map(|command| command.usage().chars().count()).max().unwrap_or(0);
            for command in COMMANDS {
                let _ = writeln!(out, "    {:width$}  {}", command.usage(), command.doc);
            }
            options(
                &mut out,
                FLAGS.iter().filter(|flag| !flag.is_of_all()),
                "Options of single commands",
            );
        }
    }
    options(&mut out, FLAGS.iter().filter(|flag| flag.is_of_all()), "Options of every command");
    let _ = write!(out, "\n  What stands after -- are the arguments of the app.\n\n");
    out
}

fn options<'f>(out: &mut String, flags: impl Iterator<Item = &'f Flag>, title: &str) {
    let flags: Vec<&Flag> = flags.collect();
    if flags.is_empty() {
        return;
    }
    let width = FLAGS.iter().map(|flag| flag.shown().chars().count()).max().unwrap_or(0);
    let _ = write!(out, "\n  {title}:\n\n");
    for flag in flags {
        let _ = writeln!(out, "    {:width$}  {}", flag.shown(), flag.doc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_on_a_command_shows_its_own_options_first() {
        let text = help("ostler", Command::find("logs"));
        assert!(
            text.starts_with("\n  Usage: ostler [options] logs|log [id|name|namespace]\n"),
            "{text}"
        );
        let (own, every) =
            (text.find("--nostream").unwrap(), text.find("--namespace <name>").unwrap());
        assert!(own < every);
        assert!(!text.contains("--canary"));
    }

    #[test]
    fn help_on_everything_has_every_command_and_option() {
        let text = help("pm2", None);
        for name in COMMANDS.iter().flat_map(|command| command.names) {
            assert!(text.contains(name), "{name}");
        }
        for flag in FLAGS.iter() {
            assert!(text.contains(&flag.shown()), "{}", flag.shown());
        }
    }
}
