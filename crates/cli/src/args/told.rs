//! What each command tells programs, once: the fields that `--json` and `--format` may name.
//!
//! Parsing, help, completion and whoever prints read this table, so that no command takes a name
//! that it does not know, and none is forgotten.

use super::commands::{Command, CommandId};

/// What a command tells programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// What it consists of.
    pub(crate) what: What,
    /// What `--json` does, for the help.
    pub(crate) json: &'static str,
    /// What `--format` does; empty where it means something else.
    pub(crate) format: &'static str,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// Processes, with the fields of a list.
    Processes,
    /// Processes, also with what `describe` alone knows.
    Described,
    /// Objects with these fields.
    Objects(&'static [&'static str]),
    /// One object whose names are known when it is there: variables, settings, figures.
    Named,
}

/// The fields of a line of a log: what each has, then what some have.
pub(crate) const OF_LINE: [&str; 8] =
    ["message", "timestamp", "type", "process_id", "app_name", "partial", "cursor", "status"];

const PROCESSES: Told = Told {
    what: What::Processes,
    json: "fields of each process as JSON, such as `name,pid`; or all",
    format: "a line for each process, such as `{name} {pid}`",
};

const LINES: Told = Told {
    what: What::Objects(&OF_LINE),
    json: "an object a line, or only these: `message,app_name`",
    format: "",
};

const SETTINGS: Told = Told {
    what: What::Named,
    json: "settings as JSON, or only these: `LOG_LEVEL,PORT`",
    format: "a line with the values of settings: `{LOG_LEVEL}`",
};

const fn objects(
    fields: &'static [&'static str],
    json: &'static str,
    format: &'static str,
) -> Option<Told> {
    Some(Told { what: What::Objects(fields), json, format })
}

/// Returns what a command tells programs; nothing where it prints no objects.
pub(crate) fn told(command: CommandId) -> Option<Told> {
    use CommandId as Id;
    match command {
        Id::List | Id::Start | Id::Stop | Id::Restart | Id::Delete | Id::Reload | Id::Scale => {
            Some(PROCESSES)
        }
        Id::Promote | Id::Rollback | Id::Reset | Id::Resurrect | Id::StartOrRestart => {
            Some(PROCESSES)
        }
        Id::StartOrReload | Id::Wait | Id::Save | Id::Apply | Id::Import | Id::Update => {
            Some(PROCESSES)
        }
        Id::Flush | Id::Kill => Some(PROCESSES),
        Id::Describe => Some(Told { what: What::Described, ..PROCESSES }),
        Id::Id => Some(Told {
            json: "the ids as JSON, or these fields of each process: `id,name`",
            ..PROCESSES
        }),
        Id::Pid => Some(Told {
            json: "the pids as JSON, or these fields of each process: `name,pid`",
            ..PROCESSES
        }),
        Id::Logs | Id::Run => Some(LINES),
        Id::Env => Some(Told {
            what: What::Named,
            json: "variables as JSON, or only these: `PATH,HOME`",
            format: "a line with the values of variables, such as `{PATH}`",
        }),
        Id::Get | Id::Conf => Some(SETTINGS),
        Id::Slist => Some(Told {
            what: What::Named,
            json: "figures as JSON, or only these: `CPU Usage,RAM Usage`",
            format: "a line with the values of figures: `{CPU Usage}`",
        }),
        Id::Health => objects(
            &["id", "name", "namespace", "status", "well", "why"],
            "whether all is well and fields of each process, such as `name,well`; or all",
            "a line for each process, such as `{name} {well}`",
        ),
        Id::Ping => objects(
            &["version", "protocol", "pid", "keeper_pid", "home"],
            "what it shows as JSON, or fields of it such as `version,pid`",
            "a line such as `{version} {pid}`",
        ),
        Id::Plan => objects(
            &["app", "action", "changes"],
            "an array of objects, with these fields of each app: `app,action`; or all",
            "a line for each app, such as `{action} {app}`",
        ),
        Id::Validate => objects(
            &["severity", "code", "message", "key", "file", "line", "column", "length", "hint"],
            "an object for each file, with fields of its complaints such as `line,message`; or all",
            "a line for each complaint, such as `{file}:{line}: {message}`",
        ),
        Id::Explain => objects(
            &["code", "title", "text", "wrong", "right"],
            "what it shows as JSON, or fields of it such as `code,title`",
            "a line for each code, such as `{code}: {title}`",
        ),
        Id::Export => objects(
            &["name", "text", "path"],
            "the files as JSON, with these fields of each: `name,path`; or all",
            "a line for each file, such as `{name}`",
        ),
        Id::Trigger => objects(
            &["id", "app", "namespace", "answer"],
            "an object for each answer, with these fields: `id,answer`; or all",
            "a line for each answer, such as `{app} {answer}`",
        ),
        Id::Serve | Id::Jlist | Id::Prettylist | Id::SendSignal | Id::Send | Id::Attach => None,
        Id::Inspect | Id::Monit | Id::Monitor | Id::Unmonitor | Id::Alert | Id::Web | Id::Mcp => {
            None
        }
        Id::Pull | Id::Forward | Id::Backward | Id::Deploy | Id::Init | Id::Examples => None,
        Id::Report | Id::Logrotate | Id::ReloadLogs | Id::ProfileCpu | Id::ProfileMem => None,
        Id::Startup | Id::Unstartup | Id::Boot | Id::Cleardump | Id::Install => None,
        Id::ModuleUpdate | Id::Uninstall | Id::ModuleGenerate | Id::Package | Id::Publish => None,
        Id::Set | Id::Multiset | Id::Unset | Id::Migrate | Id::LinkPm2 | Id::Completion => None,
        Id::Skill | Id::Help => None,
    }
}

/// Whether a word behind `--json` is its value, where it may also be an argument of the command,
/// which has so many already.
///
/// Most commands take none of another kind than apps there, and who wants one writes it before. To
/// those for which `--json` alone is usual, only a list of fields is one.
pub(crate) fn is_value(word: &str, command: Option<&Command>, arguments: usize) -> bool {
    let Some(command) = command else { return true };
    let Some(told) = told(command.id) else { return true };
    match told.what {
        What::Processes if !matches!(command.id, CommandId::Id | CommandId::Pid) => true,
        What::Described => true,
        _ if word.contains(',') || command.takes_at_most() <= arguments => true,
        What::Objects(fields) => fields.contains(&word),
        What::Processes | What::Named => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::super::commands::{Arg, COMMANDS};
    use super::super::flags::FlagId;
    use super::super::misuse::Misuse;
    use super::super::parse;
    use super::super::parsed::Parsed;
    use super::*;
    use crate::program::Program;

    fn of(words: &[&str]) -> Result<Parsed, Misuse> {
        parse(words.iter().map(OsString::from), Program::Ostler)
    }

    /// The command with as many arguments as it needs.
    fn line(command: &'static Command) -> Vec<&'static str> {
        let is_needed = |of: &&Arg| matches!(of, Arg::Needed(_) | Arg::Many(_));
        let arguments = command.takes.iter().filter(is_needed).map(|_| "0");
        [command.name()].into_iter().chain(arguments).collect()
    }

    #[test]
    fn each_command_takes_fields_and_a_template_or_says_that_it_prints_no_objects() {
        for command in COMMANDS {
            let with = |more: &[&str]| of(&[&line(command)[..], more].concat());
            let told = told(command.id);
            for more in [&["--json"][..], &["--json=x,y"], &["--format", "{x}"]] {
                let takes = match told {
                    None => false,
                    Some(told) => !told.format.is_empty() || more[0] != "--format",
                };
                // These have another one of that name.
                if matches!(command.id, CommandId::Logs | CommandId::Run) && !takes {
                    continue;
                }
                match with(more) {
                    Ok(parsed) => {
                        let id =
                            if more[0] == "--format" { FlagId::Template } else { FlagId::Fields };
                        assert!(parsed.has(id) && takes || command.name() == "help");
                    }
                    Err(misuse) => {
                        let said = misuse.said(Program::Ostler, &Default::default());
                        let why = [": it does not take `--json`", ": it does not take `--format`"];
                        let is_said = why.iter().any(|why| said.text.ends_with(why));
                        assert!(!takes && is_said, "{}", said.text);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_behind_json_is_a_list_of_fields_or_an_argument_and_never_the_wrong_one() {
        let check = |line: &str, fields: Option<&str>, words: &[&str]| {
            let parsed = of(&line.split(' ').collect::<Vec<_>>());
            let parsed = parsed.unwrap_or_else(|misuse| panic!("{line}: {misuse:?}"));
            assert_eq!(parsed.value(FlagId::Fields), fields, "{line}");
            assert_eq!(parsed.words, words, "{line}");
        };
        check("validate --json a.json", None, &["a.json"]);
        check("validate --json line,message a.json", Some("line,message"), &["a.json"]);
        check("logs --json api", None, &["api"]);
        check("logs api --json message", Some("message"), &["api"]);
        check("env --json api", None, &["api"]);
        check("env api --json PATH", Some("PATH"), &["api"]);
        check("ping --json pid", Some("pid"), &[]);
        check("slist --json load", Some("load"), &[]);
        check("export --json name,path", Some("name,path"), &[]);
        check("get --json api.PORT", None, &["api.PORT"]);
        check("get api --json PORT", Some("PORT"), &["api"]);
        check("list --json pid", Some("pid"), &[]);
        check("pid --json api", None, &["api"]);
    }

    #[test]
    fn examples_of_fields_are_fields() {
        for command in COMMANDS {
            let Some(Told { what: What::Objects(fields), json, format }) = told(command.id) else {
                continue;
            };
            let named = json.rsplit('`').nth(1).unwrap();
            assert!(named.split(',').all(|name| fields.contains(&name)), "{json}");
            for name in format.split('{').skip(1).map(|of| of.split('}').next().unwrap()) {
                assert!(fields.contains(&name), "{format}");
            }
        }
    }
}
