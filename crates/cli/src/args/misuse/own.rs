//! In our own words.

use super::kinds::{Given, Misuse, Near, Said};
use crate::args::absent::When;
use crate::args::flags::Flag;
use crate::args::{Command, CommandId, examples_of};

const NAME: &str = "ostler";

/// Returns what is said about a misuse.
pub(super) fn said(misuse: &Misuse) -> Said {
    Said { text: text(misuse), hint: hint(misuse) }
}

fn text(misuse: &Misuse) -> String {
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
        Misuse::Elsewhere { name, command, .. } => {
            format!("`{}` does not take `{name}`", command.name())
        }
        Misuse::Value { option, unexpected: false } => {
            let name = option.split(' ').next().unwrap_or_default();
            format!("`{name}` needs a value")
        }
        Misuse::Value { option, unexpected: true } => format!("`{option}` takes no value"),
        Misuse::NoCommand { name, .. } => format!("there is no command, which `{name}` is for"),
        Misuse::Bare { option, word, command } => format!(
            "`{option}` takes no value with `{}`, and `{word}` is one argument too many",
            command.name()
        ),
        Misuse::Apart { flag, value } => {
            format!(
                "`{value}` would be an argument of its own, and not the value of `--{}`",
                flag.name()
            )
        }
        Misuse::Swallowed { flag, value, .. } => {
            format!("`{value}` was taken as the value of `--{}`", flag.name())
        }
        Misuse::ExitCode { option, value } => {
            let name = option.split(' ').next().unwrap_or_default();
            format!("`{value}` is not an exit code, which `{name}` needs")
        }
        Misuse::NotANumber { flag, value } if value == "0" => {
            format!("`--{}` must be at least 1, but is 0", flag.name())
        }
        Misuse::NotANumber { flag, value } => {
            format!("`--{}` needs a number, but is `{value}`", flag.name())
        }
        Misuse::Missing { argument, command } => {
            format!("`{}` needs `{}`", command.name(), argument.shown())
        }
        Misuse::Extra { word, command } if command.takes.is_empty() => {
            format!("`{}` takes no argument, but there is `{word}`", command.name())
        }
        Misuse::Extra { word, command } => {
            format!("`{}` does not take so many arguments: `{word}`", command.name())
        }
        Misuse::NotText(word) => format!("`{word}` is not valid UTF-8"),
    }
}

fn hint(misuse: &Misuse) -> Option<String> {
    match misuse {
        Misuse::Command { near: Some(near), .. } => Some(format!("did you mean `{NAME} {near}`?")),
        Misuse::Command { near: None, .. } => Some(format!("`{NAME} help` shows every command")),
        Misuse::Absent { row, .. } => {
            let nobody = "nothing is sent to anybody; `$ jlist` prints what a program may read";
            let instead = row.instead.or((row.when == When::Vendor).then_some(nobody));
            instead.map(|instead| instead.replace('$', NAME))
        }
        Misuse::Option { command, near: Some(near), .. } => Some(meant(*command, *near)),
        Misuse::Option { command, near: None, .. } => Some(match command {
            Some(of) => format!("`{NAME} help {command}` shows its options", command = of.name()),
            None => format!("`{NAME} help` shows every command"),
        }),
        Misuse::AbsentOption { instead, .. } => Some(instead.replace('$', NAME)),
        Misuse::Elsewhere { name, command, flag, given } => {
            Some(elsewhere(name, command, flag, given))
        }
        Misuse::Value { option, unexpected: false } => Some(format!("write `{option}`")),
        Misuse::Missing { command, .. } | Misuse::Extra { command, .. } => Some(example(command)),
        Misuse::NoCommand { flag, .. } => Some(match list(&flag.takers()) {
            none if none.is_empty() => format!("`{NAME} help` shows every command"),
            takers => format!("`--{}` is for {takers}", flag.name()),
        }),
        Misuse::Bare { command, .. } => Some(example(command)),
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
        Misuse::NotANumber { flag, .. } => {
            Some(format!("write a number, as in `--{} 4`", flag.name()))
        }
        Misuse::ExitCode { .. } => Some("exit codes are numbers from 0 to 255".to_owned()),
        Misuse::NotText(_) => {
            Some("an app may be named by its id, which `ostler list --all` shows".to_owned())
        }
        Misuse::Value { option, unexpected: true } => Some(format!("write `{option}`")),
    }
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

/// Returns the option that was meant, and whose it is where the command does not take it.
fn meant(command: Option<&Command>, Near { name, flag }: Near) -> String {
    let question = format!("did you mean `--{name}`?");
    match command {
        Some(command) if !flag.acts_with(command.id) => match list(&flag.takers()) {
            none if none.is_empty() => format!("{question} No command takes it yet"),
            takers => format!("{question} It is for {takers}"),
        },
        Some(_) | None => question,
    }
}

/// Returns where an option belongs, or what does here what it does in other programs.
fn elsewhere(name: &str, command: &Command, flag: &Flag, given: &Given) -> String {
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
        (_, "verbose", _) => format!("write `{NAME} --version --verbose`"),
        (..) => format!("`--{}` is for {}", flag.name(), list(&flag.takers())),
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
