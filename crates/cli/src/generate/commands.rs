//! `docs/commands.md`: each command with its options.

use super::markdown::{code, head, table};
use crate::args::commands::{COMMANDS, Group};
use crate::args::flags::{Flag, Scope};
use crate::args::told::{Told, What, told};
use crate::args::{Command, chapters, examples, sentence};

/// What an exit status means.
pub(super) const STATUS: [[&str; 2]; 4] = [
    ["0", "It was done."],
    [
        "1",
        "It was not, or not wholly: no app has that name, an app did not start, the disk is full.",
    ],
    [
        "2",
        "The command line cannot be meant, whatever runs: an unknown command or option, a value \
         that is none. Nothing was done.",
    ],
    ["124", "What was waited for did not come in time (`wait --timeout`, `--wait`)."],
];

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = head("Commands", "commands");
    out.push_str(
        "`ostler <command> [options] [arguments]`. Options stand before or after the command; what \
         stands after `--` are the arguments of the app. `ostler help <command>` shows the same in \
         a terminal. An option that a command does not act on is refused.\n\n\
         `--json` alone gives all that a command shows, and `--json name,pid` these fields of it; \
         `--format` is a line for each object. What stands behind `=` are always fields, as in \
         `--json=name`; a single word apart from `--json` may be an argument where a command shows \
         other objects than processes: `validate --json app.json`. A name that is none, or is \
         there twice, is refused, and so are options that exclude each other.\n\n\
         Under the name `pm2` the program looks and speaks as PM2 does: every command takes every \
         option of PM2, and where the exit status would be 2 it is 1.\n\n",
    );
    out.push_str(&table(["exit status", "means"], &STATUS.map(|row| row.map(str::to_owned))));
    for group in Group::ALL {
        out.push_str(&overview(group));
    }
    for command in COMMANDS {
        out.push_str(&section(command));
    }
    out.push_str("## Common options\n\nEvery command takes these.\n\n");
    out.push_str(&table(
        ["option", "means"],
        &chapters::common().map(|flag| [names(flag), sentence(flag.doc)]).collect::<Vec<_>>(),
    ));
    out.push_str(
        "## Options of apps\n\nThey set attributes of the apps that a command is about.\n\n",
    );
    for (title, flags) in chapters::of_apps() {
        out.push_str(&format!("### {title}\n\n"));
        let row = |flag: &&Flag| [names(flag), sentence(flag.doc), takers(flag)];
        let rows: Vec<[String; 3]> = flags.iter().map(row).collect();
        out.push_str(&table(["option", "means", "with"], &rows));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Returns the name that GitHub gives to a heading.
fn anchor(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn overview(group: Group) -> String {
    let row = |command: &Command| {
        let name = command.name();
        [format!("[`{name}`](#{})", anchor(name)), sentence(command.doc)]
    };
    table([group.title(), "does"], &group.commands().map(row).collect::<Vec<_>>())
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
    if !command.others().is_empty() {
        let names: Vec<String> = command.others().iter().map(|name| code(name)).collect();
        out.push_str(&format!("Other names: {}.\n\n", names.join(", ")));
    }
    if let Some(Told { what: What::Objects(fields), .. }) = told(command.id) {
        let fields: Vec<String> = fields.iter().map(|field| code(field)).collect();
        out.push_str(&format!("Fields: {}.\n\n", fields.join(", ")));
    }
    let own = own(command);
    if !own.is_empty() {
        let row = |flag: &&Flag| [names(flag), sentence(flag.doc_for(command.id))];
        out.push_str(&table(["option", "means"], &own.iter().map(row).collect::<Vec<_>>()));
    }
    // What stands in the table above is none of them.
    let mut others = chapters::of_command(command.id).into_iter().filter(|of| of.0 != "Options");
    if others.any(|(_, flags)| flags.iter().any(is_of_apps)) {
        out.push_str("It also takes [options of apps](#options-of-apps).\n\n");
    }
    out.push_str("```sh\n");
    for (line, about) in examples::of(command.id) {
        out.push_str(&format!("{line}  # {about}\n"));
    }
    out.push_str("```\n\n");
    out
}

/// Returns the options of a command that stand in its own section.
fn own(command: &Command) -> Vec<&'static Flag> {
    let chapters = chapters::of_command(command.id).into_iter();
    chapters.filter(|(title, _)| *title == "Options").flat_map(|(_, flags)| flags).collect()
}

fn is_of_apps(flag: &&'static Flag) -> bool {
    matches!(flag.scope, Scope::App(_)) && flag.takers().contains(&"start")
}

fn takers(flag: &Flag) -> String {
    flag.takers().into_iter().map(code).collect::<Vec<_>>().join(", ")
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
    use crate::args::flags::FLAGS;

    #[test]
    fn every_option_stands_where_it_is_taken() {
        let page = page();
        for flag in FLAGS.iter() {
            let found = page.matches(&format!("| {} |", names(flag).replace('|', "\\|"))).count();
            let own = COMMANDS
                .iter()
                .filter(|command| own(command).iter().any(|of| names(of) == names(flag)));
            let shared = usize::from(
                chapters::common()
                    .chain(chapters::of_apps().into_iter().flat_map(|(_, all)| all))
                    .any(|of| names(of) == names(flag)),
            );
            assert_eq!(found, own.count() + shared, "{}", flag.name());
            assert!(0 < found || flag.takers().is_empty(), "{}", flag.name());
        }
    }
}
