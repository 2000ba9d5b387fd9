//! The help of `--help` and `help`, made from the two tables, for a terminal of 80 columns.

use std::fmt::Write as _;

use super::chapters::{self, COMMON};
use super::commands::{COMMANDS, Command, CommandId, Group};
use super::examples::{self, Example, FIRST};
use super::flags::Flag;
use super::text::{columns, sentence, wrapped};

/// The column at which the meaning of an option begins.
const MEANING: usize = 31;

/// Returns what is printed when nothing was asked for.
pub(crate) fn first_words() -> String {
    let mut out = String::from("ostler keeps applications running. Begin with one of these:\n\n");
    out.push_str(&lines(FIRST));
    out.push_str("\n`ostler help` shows every command, `ostler help start` one of them.\n");
    out
}

/// Returns every page of the help, for the tests.
pub(crate) fn pages() -> String {
    let page = |line: String, text: String| format!("$ {line}\n{text}\n");
    let of =
        |command: &Command| page(format!("ostler help {}", command.name()), of_command(command));
    let first =
        [page("ostler".to_owned(), first_words()), page("ostler help".to_owned(), overview())];
    first.into_iter().chain(COMMANDS.iter().map(of)).collect()
}

/// Returns help about everything, or about one command.
pub(crate) fn help(command: Option<&Command>) -> String {
    match command {
        Some(command) => of_command(command),
        None => overview(),
    }
}

fn overview() -> String {
    let mut out = String::from(
        "ostler keeps applications running: it starts, watches, scales and reloads them.\n\n\
         Usage: ostler <command> [options] [arguments]\n",
    );
    let names = || Group::ALL.into_iter().flat_map(Group::commands).map(Command::name);
    let at = names().map(str::len).max().unwrap_or(0) + 4;
    for group in Group::ALL {
        heading(&mut out, group.title());
        for command in group.commands() {
            out.push_str(&columns(command.name(), command.doc, at));
        }
    }
    options(&mut out, COMMON, chapters::common(), None);
    heading(&mut out, "Examples");
    out.push_str(&lines(FIRST));
    out.push_str("\n`ostler help <command>` shows what a command takes.\n");
    out
}

fn of_command(command: &Command) -> String {
    let mut out = wrapped(&sentences(command), 0);
    let rest = if command.takes_app_arguments() { " [-- args]" } else { "" };
    // Writing to a string cannot fail.
    let _ =
        writeln!(out, "\nUsage: ostler {} [options]{}{rest}", command.name(), command.arguments());
    if !command.others().is_empty() {
        let _ = writeln!(out, "Also:  {}", command.others().join(", "));
    }
    for (title, flags) in chapters::of_command(command.id) {
        options(&mut out, title, flags.into_iter(), Some(command.id));
    }
    heading(&mut out, "Examples");
    out.push_str(&lines(examples::of(command.id)));
    out
}

fn sentences(command: &Command) -> String {
    format!("{} {}", sentence(command.doc), command.detail)
}

fn heading(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{title}");
}

fn options<'f>(
    out: &mut String,
    title: &str,
    flags: impl Iterator<Item = &'f Flag>,
    command: Option<CommandId>,
) {
    heading(out, title);
    for flag in flags {
        let left = if flag.short.is_some() { "" } else { "    " };
        let (shown, doc) = match command {
            Some(command) => (flag.shown_for(command), flag.doc_for(command)),
            None => (flag.shown(), flag.doc),
        };
        out.push_str(&columns(&format!("{left}{shown}"), doc, MEANING));
    }
}

/// Returns examples, each with what it does as a comment, so that the line can be pasted.
fn lines(examples: &[Example]) -> String {
    let width = examples.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    examples.iter().map(|(line, about)| format!("  {line:width$}  # {about}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::flags::{FLAGS, Scope};
    use super::super::text::WIDTH;
    use super::*;
    use crate::complete::words_of;
    use crate::program::Program;

    #[test]
    fn no_line_of_help_is_wider_than_80_columns() {
        for line in pages().lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }

    #[test]
    fn the_overview_has_one_line_for_each_command() {
        let page = help(None);
        for command in COMMANDS {
            let start = format!("  {} ", command.name());
            let lines: Vec<&str> = page.lines().filter(|line| line.starts_with(&start)).collect();
            assert!(lines.len() == 1 && lines[0].ends_with(command.doc), "{lines:?}");
        }
    }

    #[test]
    fn each_option_stands_in_the_help_of_exactly_the_commands_that_take_it() {
        for command in COMMANDS {
            let page = help(Some(command));
            for flag in FLAGS.iter() {
                let shown = |line: &str| {
                    let line = line.trim_start();
                    let shown = flag.shown_for(command.id);
                    line == shown || line.starts_with(&format!("{shown}  "))
                };
                let found = page.lines().filter(|line| shown(line)).count();
                // Two options of one name are shown alike where they do the like.
                let is_alike = |other: &&Flag| {
                    other.acts_with(command.id)
                        && other.shown_for(command.id) == flag.shown_for(command.id)
                };
                let expected = FLAGS.iter().filter(is_alike).count();
                assert_eq!(found, expected, "{} {}", command.name(), flag.shown());
            }
        }
    }

    #[test]
    fn each_example_is_understood() {
        let all = COMMANDS.iter().map(|command| (Some(command), examples::of(command.id)));
        for (command, examples) in all.chain([(None, FIRST)]) {
            assert!((2..=6).contains(&examples.len()), "{examples:?}");
            for (line, about) in examples {
                let before = line.split(['|', '>', '<']).next().unwrap();
                let words: Vec<String> = words_of(before);
                assert_eq!(words[0], "ostler");
                let words = words.into_iter().skip(1).map(OsString::from);
                let parsed = super::super::parse(words, Program::Ostler);
                let parsed = parsed.unwrap_or_else(|misuse| panic!("{line}: {misuse:?}"));
                let is_about = command.is_none_or(|of| {
                    of.name() == "help" || parsed.command.is_some_and(|found| found.id == of.id)
                });
                assert!(is_about && !about.is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn what_every_command_takes_is_in_the_overview() {
        let page = help(None);
        for flag in FLAGS.iter().filter(|flag| flag.scope == Scope::General) {
            assert!(page.contains(&flag.shown()), "{}", flag.shown());
        }
    }
}
