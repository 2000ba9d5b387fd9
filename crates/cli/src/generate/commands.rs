//! `docs/commands.md`: each command with its options.

use super::markdown::{code, head, sentence, table};
use crate::args::commands::COMMANDS;
use crate::args::flags::{FLAGS, Flag};
use crate::args::{Command, help};

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Commands", "commands");
    out.push_str(
        "`ostler [options] <command> [arguments]`. Options stand before or after the command; what \
         stands after `--` are the arguments of the app. `ostler <command> --help` shows the same \
         in a terminal. Under the name `pm2` the program looks and speaks as PM2 does.\n\n",
    );
    out.push_str(&overview());
    for command in COMMANDS {
        out.push_str(&section(command));
    }
    out.push_str("## Options\n\nEvery command takes these, as in PM2.\n\n");
    for (title, flags) in help::chapters() {
        out.push_str(&format!("### {title}\n\n"));
        out.push_str(&options(flags.into_iter()));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn overview() -> String {
    let row = |command: &Command| {
        let name = command.name();
        [format!("[`{name}`](#{})", name.to_lowercase()), sentence(command.doc)]
    };
    table(["command", "does"], &COMMANDS.iter().map(row).collect::<Vec<_>>())
}

fn section(command: &Command) -> String {
    let mut usage = format!("ostler {}", command.name());
    usage.push_str(&command.arguments());
    let mut out =
        format!("## {}\n\n```\n{usage}\n```\n\n{}", command.name(), sentence(command.doc));
    if !command.detail.is_empty() {
        out.push_str(&format!(" {}", command.detail));
    }
    out.push_str("\n\n");
    if let [_, others @ ..] = command.names
        && !others.is_empty()
    {
        let names: Vec<String> = others.iter().map(|name| code(name)).collect();
        out.push_str(&format!("Other names: {}.\n\n", names.join(", ")));
    }
    let own = FLAGS.iter().filter(|flag| flag.is_only_of(command.id));
    if own.clone().next().is_some() {
        out.push_str(&options(own));
    }
    out
}

fn options<'f>(flags: impl Iterator<Item = &'f Flag>) -> String {
    let rows: Vec<[String; 2]> = flags.map(|flag| [names(flag), sentence(flag.doc)]).collect();
    table(["option", "means"], &rows)
}

/// Returns every name of an option: `-n`, `--name <name>`.
fn names(flag: &Flag) -> String {
    let short = flag.short.map(|short| code(&format!("-{short}")));
    let others = flag.long.iter().skip(1).map(|long| code(&format!("--{long}")));
    let all: Vec<String> =
        short.into_iter().chain([code(&flag.long_shown())]).chain(others).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::flags::Scope;

    #[test]
    fn every_option_is_in_one_table() {
        let page = page();
        for flag in FLAGS.iter() {
            let found = page.matches(&format!("| {} |", names(flag).replace('|', "\\|"))).count();
            let expected = if let Scope::Only(commands) = flag.scope { commands.len() } else { 1 };
            assert_eq!(found, expected, "{}", flag.name());
        }
    }
}
