//! In our own words.

use super::kinds::{Given, Misuse, Near, Said};
use crate::args::absent::When;
use crate::args::commands::{Arg, Group};
use crate::args::flags::{FLAGS, Flag, FlagId};
use crate::args::sample;
use crate::args::typed::Typed;
use crate::args::{Command, CommandId, examples_of};
use crate::program::Program;

const NAME: &str = "ostler";

/// Returns what is said about a misuse.
pub(super) fn said(misuse: &Misuse, typed: &Typed) -> Said {
    Said { text: text(misuse, typed), hint: hint(misuse, typed) }
}

fn text(misuse: &Misuse, typed: &Typed) -> String {
    match misuse {
        Misuse::Command { name, .. } => format!("unknown command `{name}`"),
        Misuse::Absent { name, row } => match row.when {
            When::Later => format!("`{name}` is not there yet: {}", row.what),
            When::Vendor | When::Never => format!("there is no `{name}`: {}", row.what),
        },
        Misuse::Option { name, .. } => format!("unknown option `{name}`"),
        Misuse::AbsentOption { name, when, lacks, .. } => match when {
            When::Later => format!("no `{name}` yet: {lacks}"),
            When::Vendor | When::Never => format!("there is no `{name}`: {lacks}"),
        },
        Misuse::Elsewhere { name, command, flag, .. } => {
            let why = match (flag.id, command.id) {
                (FlagId::Fields | FlagId::Template, CommandId::Jlist | CommandId::Prettylist) => {
                    "prints all that PM2 prints: it "
                }
                (FlagId::Fields | FlagId::Template, _) => "prints no objects: it ",
                (_, _) => "",
            };
            format!("`{}` {why}does not take `{name}`", command.name())
        }
        Misuse::Value { option, unexpected: false } => {
            let name = option.split(' ').next().unwrap_or_default();
            // As it was written: an option may have several names.
            let written = flag_of(option).and_then(|flag| typed.written(&names_of(flag)));
            format!("`{}` needs a value", written.unwrap_or(name))
        }
        Misuse::Value { option, unexpected: true } => format!("`{option}` takes no value"),
        Misuse::NoCommand { name, .. } => {
            format!("`{name}` is an option of a command, and no command is given")
        }
        Misuse::Contrary { one, other, value } => {
            // `--json` alone may be with what is said of lines, but not fields of a line.
            let value = value.as_ref().filter(|_| other.id == FlagId::Fields);
            let value = value.map_or_else(String::new, |value| format!("={value}"));
            format!("`--{}` and `--{}{value}` exclude each other", one.name(), other.name())
        }
        Misuse::Apart { flag, value } => {
            format!(
                "`{value}` would be an argument of its own, and not the value of `--{}`",
                flag.name()
            )
        }
        Misuse::Swallowed { flag, value, .. } => {
            format!("`{value}` was taken as the value of `--{}`", flag.name())
        }
        Misuse::Dashed { flag, value } => {
            format!("`--{}` needs a value, and `{value}` looks like an option", flag.name())
        }
        Misuse::Taken { option, word } => {
            format!("`{word}` was taken as the value of `{option}`")
        }
        Misuse::ExitCode { option, value } => {
            let name = option.split(' ').next().unwrap_or_default();
            format!("`{value}` is not an exit code, which `{name}` needs")
        }
        Misuse::NotANumber { flag, value, least } if is_below(value, *least) => {
            format!("`--{}` must be at least {least}, but is {value}", flag.name())
        }
        Misuse::NotANumber { flag, value, .. } => {
            format!("`--{}` needs a number, but is `{value}`", flag.name())
        }
        Misuse::Missing { argument, command, .. } => {
            format!("`{}` needs `{}`", command.name(), argument.shown())
        }
        Misuse::Extra { word, command } if command.takes.is_empty() => {
            format!("`{}` takes no argument, but there is `{word}`", command.name())
        }
        Misuse::Extra { word, command } => {
            format!("`{}` does not take so many arguments: `{word}`", command.name())
        }
        Misuse::Whose { option, near: None, of, command, .. } => {
            let command = command.name();
            format!("`{option}` behind `{of}` is an option of `{NAME} {command}` too")
        }
        Misuse::Whose { option, near: Some(near), of, .. } => {
            format!("`{option}` behind `{of}` is nearly `--{}`", near.name())
        }
        Misuse::NotText(word) => format!("`{word}` is not valid UTF-8"),
    }
}

/// Whether a text is a whole number below the least one.
fn is_below(text: &str, least: u32) -> bool {
    text.parse::<i64>().is_ok_and(|number| number < i64::from(least))
}

fn hint(misuse: &Misuse, typed: &Typed) -> Option<String> {
    match misuse {
        Misuse::Command { name, near: Some(near) } => {
            let command = Command::find(near, Program::Ostler).filter(|of| needs_words(of));
            if let Some(command) = command.filter(|command| lacks_argument(command, typed)) {
                return Some(format!("did you mean `{near}`? {}", example(command)));
            }
            // The rest of the line is what it was.
            let line = typed.corrected(name, near).filter(|_| !near.starts_with('-'));
            let line = line.unwrap_or_else(|| format!("{NAME} {near}"));
            Some(format!("did you mean `{line}`?"))
        }
        Misuse::Command { near: None, .. } => Some(format!("`{NAME} help` shows every command")),
        Misuse::Absent { row, .. } => {
            let nobody = "nothing is sent to anybody; `$ jlist` prints what a program may read";
            let instead = row.instead.or((row.when == When::Vendor).then_some(nobody));
            instead.map(|instead| instead.replace('$', NAME))
        }
        Misuse::Option { name, command, near: Some(near) } => {
            Some(meant(name, *command, *near, typed))
        }
        Misuse::Option { command, near: None, .. } => Some(match command {
            Some(of) => format!("`{NAME} help {command}` shows its options", command = of.name()),
            None => format!("`{NAME} help` shows every command"),
        }),
        Misuse::AbsentOption { instead, .. } => Some(instead.replace('$', NAME)),
        Misuse::Elsewhere { name, command, flag, given } => {
            Some(elsewhere(name, command, flag, given, typed))
        }
        Misuse::Value { option, unexpected: false } => Some(valued(option, typed)),
        Misuse::Dashed { flag, value } => Some(dashed(flag, value, typed)),
        Misuse::Extra { command, .. } => Some(example(command)),
        Misuse::Missing { command, given, .. } => Some(completed(command, *given, typed)),
        Misuse::NoCommand { flag, .. } => Some(no_command(flag, typed)),
        Misuse::Contrary { other, value, .. } => {
            let option = other.long_bare();
            let line = typed.without_option(&option, value.as_deref());
            Some(match line {
                Some(line) => format!("`{line}` does without the second"),
                None => format!("leave out `{option}`"),
            })
        }
        Misuse::Apart { flag, value } => Some(format!("write `--{}={value}`", flag.name())),
        Misuse::Swallowed { flag, value, command } => {
            let pasted = format!("{} --{}", ostler_shell::word(value), flag.name());
            let option = format!("--{}={}", flag.name(), ostler_shell::word(value));
            Some(format!(
                "`{NAME} {command} {pasted}` is about `{value}`; where it is the value, write \
                 `{option}`",
                command = command.name()
            ))
        }
        Misuse::Taken { option, word } => Some(match typed.command_first(word) {
            Some(line) => format!("write the command first: `{line}`"),
            None => format!("write the command before `{option}`"),
        }),
        Misuse::NotANumber { flag, value, .. } => {
            let line = typed.with_value(flag.name(), value, &sample::of(flag));
            Some(format!("write a number, as in `{line}`"))
        }
        Misuse::ExitCode { option, value } => {
            let range = "exit codes are numbers from 0 to 255";
            let name = option.split(' ').next().unwrap_or_default().trim_start_matches('-');
            let line = typed.corrected(value, "0").map(|line| format!("`{line}`; {range}"));
            Some(line.unwrap_or_else(|| format!("`--{name} 0`; {range}")))
        }
        Misuse::NotText(_) => {
            Some("an app may be named by its id, which `ostler list --all` shows".to_owned())
        }
        Misuse::Whose { of, words, .. } => Some(whose(of, words, typed)),
        Misuse::Value { option, unexpected: true } => Some(format!("write `{option}`")),
    }
}

/// Whether the words behind the first are no argument for this command, as far as they tell.
fn lacks_argument(command: &Command, typed: &Typed) -> bool {
    let is_of_file = command.takes.first().is_some_and(|arg| arg.words().any(|of| of == "file"));
    typed.is_one_word()
        || is_of_file && !typed.words().skip(1).any(|word| word.contains(['.', '/']))
}

/// Returns the line of a command that shows something with this option, or where it is explained.
fn no_command(flag: &Flag, typed: &Typed) -> String {
    let takers = flag.takers();
    let Some(first) = takers.first() else {
        return format!("`{NAME} help` shows every command");
    };
    let line = match takers.as_slice() {
        [one] => Command::find(one, Program::Ostler)
            .filter(|of| of.group == Group::Watch && !needs_words(of))
            .and_then(|_| typed.behind(one)),
        _ => None,
    };
    let page = line.map_or_else(
        || format!("`{NAME} help {command}` shows how it is written", command = first),
        |line| format!("write it as in `{line}`"),
    );
    format!("`--{}` is for {}; {page}", flag.name(), some(&takers))
}

/// Whether it does nothing without an argument.
fn needs_words(command: &Command) -> bool {
    matches!(command.takes.first(), Some(Arg::Needed(_) | Arg::Many(_)))
}

/// Returns the line with a value of the option that has none.
fn valued(option: &str, typed: &Typed) -> String {
    let Some(flag) = flag_of(option) else {
        return format!("write `{option}`");
    };
    let value = sample::of(flag);
    let line = typed.with_missing(&names_of(flag), &value);
    let line = line.unwrap_or_else(|| format!("--{} {value}", flag.name()));
    format!("write it as in `{line}`")
}

/// The option that is shown so.
fn flag_of(shown: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long_shown() == shown)
}

/// Every way to write an option.
fn names_of(flag: &Flag) -> Vec<String> {
    let names = flag.long.iter().map(|long| format!("--{long}"));
    names.chain(flag.short.map(|short| format!("-{short}"))).collect()
}

/// Returns the line in which a name is one although it looks like an option.
fn dashed(flag: &Flag, value: &str, typed: &Typed) -> String {
    let option = format!("--{}={value}", flag.name());
    let line = typed.joined(value, &option);
    let line = line.unwrap_or_else(|| ostler_shell::word(&option).into_owned());
    let pasted = ostler_shell::operand(value);
    format!(
        "where that is the name, write `{line}`; commands then take it as `{NAME} stop {pasted}`"
    )
}

/// Returns a line that can be pasted, and where the rest is. A usage is none: to a shell its `<`
/// and `>` mean files.
fn example(command: &Command) -> String {
    let page = format!("`{NAME} help {command}` shows what it takes", command = command.name());
    match examples_of(command.id).first() {
        Some((line, _)) => format!("write it as in `{line}`; {page}"),
        None => page,
    }
}

/// The same with what was typed already, where some of the arguments were.
fn completed(command: &Command, given: usize, typed: &Typed) -> String {
    let first = typed.words().nth(1).unwrap_or_default();
    let is_signal = || ostler_pm2::words::signal_number(first).is_some();
    if command.id == CommandId::SendSignal && given == 1 && !is_signal() {
        // The signal was forgotten, and not the app.
        let pasted = ostler_shell::operand(first);
        return format!("write it as in `{NAME} sendSignal SIGUSR2 {pasted}`");
    }
    let line = (0 < given).then(|| examples_of(command.id).first()).flatten().and_then(|example| {
        // The program, the command, and what is there.
        let missing: Vec<&str> = example.0.split(' ').skip(2 + given).collect();
        typed.followed_by(1 + given, &missing).filter(|_| !missing.is_empty())
    });
    match line {
        Some(line) => format!("write it as in `{line}`"),
        None => example(command),
    }
}

/// Returns the line with the option that was meant. Where the command does not take that one, it
/// says which do.
fn meant(
    wrong: &str,
    command: Option<&Command>,
    Near { name, flag }: Near,
    typed: &Typed,
) -> String {
    match command {
        Some(command) if !flag.acts_with(command.id) => {
            let question = format!("did you mean `--{name}`?");
            match some(&flag.takers()) {
                none if none.is_empty() => format!("{question} No command takes it yet"),
                takers => format!("{question} It is for {takers}"),
            }
        }
        Some(_) | None => {
            let option = format!("--{name}");
            let line = typed.with_option(wrong, &option).unwrap_or(option);
            format!("did you mean `{line}`?")
        }
    }
}

/// Returns the line without the option and where that belongs, or what does the same here as that
/// option does in other programs.
fn elsewhere(name: &str, command: &Command, flag: &Flag, given: &Given, typed: &Typed) -> String {
    let value = |usual: &str| {
        let value = given.value.as_deref().map(ostler_shell::word);
        value.map_or_else(|| usual.to_owned(), |value| value.into_owned())
    };
    match (command.id, flag.name(), name) {
        (CommandId::Restart | CommandId::Reload, "instances", _) => {
            let word = given.word.as_deref().map(ostler_shell::operand);
            let word = word.map_or_else(|| "NAME".to_owned(), |word| word.to_string());
            let pasted = format!("{word} {}", value("NUMBER"));
            format!("`{NAME} scale {pasted}` changes how many processes there are")
        }
        (CommandId::Logs, "force", "-f") => {
            format!("`{NAME} logs` goes on by itself; `--nostream` ends it after the last lines")
        }
        (CommandId::Logs, "name", "-n") => format!("write `--lines {}`", value("15")),
        (CommandId::Jlist | CommandId::Prettylist | CommandId::Report, "json" | "format", _) => {
            let pasted = match flag.name() {
                "json" => format!("--json {}", value("name,pid")),
                _ => format!("--format {}", value("'{name} {pid}'")),
            };
            format!("`{NAME} list {pasted}` shows these of each process")
        }
        (_, "verbose", _) => format!("write `{NAME} --version --verbose`"),
        (CommandId::ProfileCpu | CommandId::ProfileMem, "time", _) => {
            let command = command.name();
            let word = given.word.as_deref().map_or("api".into(), ostler_shell::operand);
            format!("`{NAME} {command} {pasted} 5000` looks for 5 seconds", pasted = word)
        }
        (..) => {
            let takers = format!("`--{}` is for {}", flag.name(), some(&flag.takers()));
            let line = typed.without_option(name, given.value.as_deref());
            let is_all = flag.name() == "all";
            match line {
                // Without a word it is no line.
                _ if needs_words(command) && given.word.is_none() => {
                    let all = command.takes.iter().any(|arg| arg.words().any(|of| of == "all"));
                    match all && is_all {
                        true => {
                            format!("`{NAME} {command} all` is about all", command = command.name())
                        }
                        false => format!("{takers}; {}", example(command)),
                    }
                }
                Some(line) => format!("`{line}` does without; {takers}"),
                None => format!("{takers}; {}", example(command)),
            }
        }
    }
}

/// Returns names in backticks, and of many only the first and how many there are: who wants to see
/// all finds none among twenty.
fn some(names: &[&str]) -> String {
    const MOST: usize = 5;
    match names.get(..MOST - 2) {
        Some(first) if MOST < names.len() => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and {} more", first.join(", "), names.len() - first.len())
        }
        Some(_) | None => list(names),
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

/// Returns the line that gives all words behind a program to it.
fn whose(of: &str, words: &[String], typed: &Typed) -> String {
    let line = typed.with_rest_from(words.len());
    let line = line.map(|line| format!("`{line}` gives all of this to `{of}`"));
    let line = line.unwrap_or_else(|| format!("behind `--` all of this is for `{of}`"));
    format!("{line}; what is for ostler stands before `--`")
}
