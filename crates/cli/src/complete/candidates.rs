//! Which words may stand at the cursor, by the tables that the parser reads.

use std::collections::BTreeSet;

use super::known::Known;
use super::shell::Shell;
use ostler_config::attributes::Rule;
use ostler_export::Engine;

use crate::args::commands::Arg;
use crate::args::flags::{FLAGS, Flag, Scope, Takes};
use crate::args::told::{What, is_value, told};
use crate::args::{Command, FlagId};
use crate::boot::Platform;
use crate::program::Program;
use crate::show::field_names;
use crate::voice::Progress;

/// What may stand at the cursor.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Candidates {
    /// Words, each with a few words about it, which may be none.
    pub(super) words: Vec<(String, String)>,
    /// Whether the name of a file may stand there too.
    pub(super) files: bool,
    /// Whether it may, but is worth a line only where nothing else fits: a command that takes apps
    /// takes process files as well.
    files_at_last: bool,
}

/// What is known of a command line from the words before the cursor.
#[derive(Debug, Default)]
struct Before<'w> {
    command: Option<&'static Command>,
    arguments: Vec<&'w str>,
    /// The option whose value stands at the cursor.
    awaits: Option<&'static Flag>,
    /// Whether `--` was given: the rest belongs to the app.
    ended: bool,
}

/// Returns what may stand at the cursor, after `before` and beginning with `current`.
pub(super) fn candidates(
    before: &[String],
    current: &str,
    program: Program,
    known: &mut Known,
) -> Candidates {
    let before = Before::of(before, program);
    let mut found = match (&before, current.split_once('=')) {
        (Before { ended: true, .. }, _) => Candidates { files: true, ..Candidates::default() },
        (Before { awaits: Some(flag), command, .. }, _) => values(flag, *command, current, known),
        (_, Some((option, value))) if option.starts_with("--") => {
            let values = |flag| values(flag, before.command, value, known);
            let mut found = long(option, before.command).map_or_else(Candidates::default, values);
            for (word, _) in &mut found.words {
                *word = format!("{option}={word}");
            }
            found
        }
        (_, _) if current.starts_with('-') => options(before.command, program),
        (Before { command: None, .. }, _) => commands(current, program),
        (Before { command: Some(command), arguments, .. }, _) => {
            arguments_of(command, arguments, known)
        }
    };
    found.words.retain(|(word, _)| word.starts_with(current));
    found.files |= found.words.is_empty() && std::mem::take(&mut found.files_at_last);
    found
}

impl<'w> Before<'w> {
    fn of(words: &'w [String], program: Program) -> Self {
        let mut before = Self::default();
        let mut words = words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            if word == "--" {
                return Self { ended: true, ..before };
            }
            let Some(flag) = option(word, before.command) else {
                if !word.starts_with('-') {
                    before.word(word, program);
                }
                continue;
            };
            match flag.takes {
                Takes::Nothing | Takes::Joined(_) => {}
                Takes::One(_) => {
                    if words.next().is_none() {
                        before.awaits = Some(flag);
                    }
                }
                Takes::Maybe(_) | Takes::Numbers(_) => {
                    let (command, given) = (before.command, before.arguments.len());
                    let is_fields = flag.id == FlagId::Fields;
                    let is_of = |word: &str| !is_fields || is_value(word, command, given);
                    let is_value = |next: &&str| match flag.takes {
                        Takes::Numbers(_) => next.bytes().all(|byte| byte.is_ascii_digit()),
                        _ => !next.starts_with('-') && is_of(next),
                    };
                    // A name of an app may stand at the cursor as well, but who asked for fields is
                    // in the middle of them.
                    if words.peek().is_none() && is_fields && is_of("") {
                        before.awaits = Some(flag);
                    }
                    while words.next_if(is_value).is_some()
                        && matches!(flag.takes, Takes::Numbers(_))
                    {}
                }
            }
        }
        before
    }

    fn word(&mut self, word: &'w str, program: Program) {
        match self.command {
            None => self.command = Command::find(word, program),
            Some(_) => self.arguments.push(word),
        }
    }
}

/// Returns the option of a word that does not carry its value.
fn option(word: &str, command: Option<&Command>) -> Option<&'static Flag> {
    let mut letters = word.strip_prefix('-')?.chars();
    match (letters.next()?, letters.next()) {
        ('-', _) => long(word, command),
        (letter, None) => FLAGS.iter().find(|flag| flag.short == Some(letter)),
        (_, Some(_)) => None,
    }
}

fn long(word: &str, command: Option<&Command>) -> Option<&'static Flag> {
    let name = word.strip_prefix("--")?;
    Flag::meant(FLAGS.iter().filter(|flag| flag.long.contains(&name)), command)
}

/// Returns the commands; another name of one only where its first name does not begin so.
fn commands(current: &str, program: Program) -> Candidates {
    let names = Command::of(program).filter_map(|command| {
        let mut names = command.names.iter().filter(|name| name.starts_with(current));
        names.next().map(|name| ((*name).to_owned(), command.doc.to_owned()))
    });
    Candidates { words: names.collect(), ..Candidates::default() }
}

fn options(command: Option<&Command>, program: Program) -> Candidates {
    let fitting = FLAGS.iter().filter(|flag| match command {
        _ if flag.scope == Scope::Compatibility => false,
        Some(command) => flag.fits(command.id, program),
        None => match program {
            Program::Ostler => matches!(flag.id, FlagId::Verbose) || flag.scope == Scope::General,
            Program::Pm2 => flag.is_of_all_in_pm2(),
        },
    });
    let doc = |flag: &Flag| command.map_or(flag.doc, |command| flag.doc_for(command.id));
    let words = fitting.map(|flag| (format!("--{}", flag.name()), doc(flag).to_owned()));
    Candidates { words: words.collect(), ..Candidates::default() }
}

fn values(flag: &Flag, command: Option<&Command>, current: &str, known: &mut Known) -> Candidates {
    let attribute = ostler_config::attributes::find_flag(flag.name()).map(|(found, _)| found);
    let words: &[&str] = match (flag.id, attribute.map(|found| found.rule), flag.name()) {
        (FlagId::Sort, _, _) => crate::view::SORT_FIELDS,
        (FlagId::Only, _, _) => {
            return Candidates { words: plain(known.names()), ..Candidates::default() };
        }
        (FlagId::For, _, _) => &["ready", "exit", "log="],
        (FlagId::Since, _, _) => &["run", "now"],
        (FlagId::Progress, _, _) => &Progress::WORDS,
        (FlagId::Fields, _, _) => return fields(command, current),
        (FlagId::Wait | FlagId::Timeout, _, _) => &["10s", "30s", "1m", "5m"],
        (_, Some(Rule::Words(words)), _) => words,
        (_, _, "interpreter") => &["node", "bun", "deno", "python3", "bash", "none"],
        (_, _, "kill-signal") => &["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"],
        _ => &[],
    };
    let takes_file = match flag.takes {
        Takes::One(value) | Takes::Maybe(value) => matches!(value, "path" | "paths" | "program"),
        Takes::Nothing | Takes::Joined(_) | Takes::Numbers(_) => false,
    };
    let words = plain(words.iter().map(|word| (*word).to_owned()));
    Candidates { words, files: takes_file, ..Candidates::default() }
}

/// Returns the names of fields of a command, behind those that are written already: `name,p`.
fn fields(command: Option<&Command>, current: &str) -> Candidates {
    let names = match command.and_then(|command| told(command.id)).map(|told| told.what) {
        Some(What::Objects(fields)) => fields.to_vec(),
        Some(What::Named) => Vec::new(),
        Some(What::Described) => field_names(true),
        Some(What::Processes) | None => field_names(false),
    };
    let written = current.rfind(',').map_or("", |comma| &current[..=comma]);
    let names = names.into_iter().filter(|name| !written.split(',').any(|one| one == *name));
    let words = plain(names.map(|name| format!("{written}{name}")));
    Candidates { words, ..Candidates::default() }
}

fn plain(words: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
    words.into_iter().map(|word| (word, String::new())).collect()
}

fn arguments_of(command: &Command, given: &[&str], known: &mut Known) -> Candidates {
    let (at, last) = (given.len(), command.takes.last().copied());
    let repeated = last.filter(|arg| matches!(arg, Arg::Many(_) | Arg::Any(_)));
    let Some(arg) = command.takes.get(at).copied().or(repeated) else {
        return Candidates::default();
    };
    let kinds: BTreeSet<&str> = arg.words().collect();
    let mut found = Candidates::default();
    for kind in &kinds {
        match *kind {
            "name" | "app_name" => found.words.extend(plain(known.names())),
            "namespace" => found.words.extend(plain(known.namespaces())),
            // A number says nothing to a person who can choose a name.
            "id" if !kinds.contains("name") => found.words.extend(known.ids()),
            "all" => found.words.push(("all".to_owned(), "every process".to_owned())),
            "command" => found.words.extend(commands("", Program::Ostler).words),
            "platform" => found.words.extend(plain(Platform::names().map(str::to_owned))),
            "file" | "ecosystem" => found.files = true,
            "json" | "script" => found.files_at_last = true,
            "engine" => {
                let about = "a process file for this engine".to_owned();
                let engines = Engine::ALL.map(|of| (of.name().to_owned(), about.clone()));
                found.words.extend(engines);
            }
            word if Shell::named(word).is_some() => found.words.extend(plain([word.to_owned()])),
            _ => {}
        }
    }
    found.words.retain(|(word, _)| !given.contains(&word.as_str()));
    found.words.sort();
    found.words.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::commands::COMMANDS;
    use crate::view::sample::sample;

    fn at(line: &str) -> (Vec<String>, bool) {
        let mut list =
            vec![sample(0, "web"), sample(1, "worker"), sample(2, "api"), sample(3, "api")];
        list[2].namespace = "back".to_owned();
        let (before, current) = line.rsplit_once(' ').unwrap_or(("", line));
        let before: Vec<String> = before.split_whitespace().map(str::to_owned).collect();
        let found = candidates(&before, current, Program::Ostler, &mut Known::of(list));
        (found.words.into_iter().map(|(word, _)| word).collect(), found.files)
    }

    #[track_caller]
    fn check(line: &str, words: &[&str], files: bool) {
        assert_eq!(at(line), (words.iter().map(|word| (*word).to_owned()).collect(), files));
    }

    #[test]
    fn commands_come_first_and_other_names_only_when_typed() {
        check("sta", &["start", "startOrRestart", "startOrReload", "status", "startup"], false);
        check("relo", &["reload", "reloadLogs"], false);
        check("grace", &["gracefulReload"], false);
        assert_eq!(at("").0.len(), COMMANDS.len());
    }

    #[test]
    fn arguments_are_what_the_command_takes() {
        check("stop ", &["all", "api", "back", "web", "worker"], false);
        check("stop w", &["web", "worker"], false);
        check("stop web w", &["worker"], false);
        check("stop eco", &[], true);
        check("scale ", &["api", "web", "worker"], false);
        check("scale web ", &[], false);
        check("env ", &["0", "1", "2", "3"], false);
        check("reset ", &["all", "api", "web", "worker"], false);
        check("startup sys", &["systemd", "systemd-user", "systemv"], false);
        check("completion ", &["bash", "fish", "zsh"], false);
        check("list ", &["api", "back", "web", "worker"], false);
        check("ping ", &[], false);
        check("nonsense x", &[], false);
    }

    #[test]
    fn options_are_those_that_the_command_takes() {
        check("reload --c", &["--cwd", "--cron-restart", "--canary"], false);
        check("list --w", &["--watch"], false);
        check("stop --can", &[], false);
        check("--no-p", &[], false);
        check("-n web sto", &["stop"], false);
        check("help rel", &["reload", "reloadLogs"], false);
        check("start --watch --name", &["--name", "--namespace"], false);
    }

    #[test]
    fn a_value_follows_its_option() {
        check("list --sort na", &["name", "namespace"], false);
        check("list --sort=na", &["--sort=name", "--sort=namespace"], false);
        check("start -o ", &[], true);
        check("start --progress ", &["auto", "json", "plain", "none"], false);
        check("start --progress=p", &["--progress=plain"], false);
        check("list --json name,me", &["name,memory"], false);
        check("ping --json ke", &["keeper_pid"], false);
        check("logs api --json=me", &["--json=message"], false);
        check("validate --json ", &[], true);
        check("pid --json w", &["web", "worker"], false);
        check("start --wait=3", &["--wait=30s"], false);
        check("wait --since ", &["run", "now"], false);
        check("start --balance s", &["sticky", "shared"], false);
        check("start --name ", &[], false);
        check("start --only a", &["api"], false);
        check("start --stop-exit-codes 1 2 a", &["api"], true);
        check("start app.js -- --na", &[], true);
    }
}
