//! Every option that exists, once. Parsing, help, completion, the manual page and
//! `docs/commands.md` read this table.
//!
//! Options that set an attribute of an app come from the table of attributes in `ostler-config`;
//! here are those of the command itself.
//!
//! Problem: PM2 takes every option of an app with every command, and ignores most of them. Rule:
//! under the name `pm2` so do we; under our own name a command takes the options that it acts on.

use std::sync::LazyLock;

pub(crate) use ostler_config::attributes::Takes;
use ostler_config::attributes::{self, Applies, Attribute, Effect, chapters};

use super::commands::CommandId::{
    self, Delete, Kill, List, Logs, Promote, Reload, Restart, Resurrect, Rollback, Run, Save,
    Scale, Slist, Start, StartOrReload, StartOrRestart, Startup, Stop, Trigger, Unstartup,
};
use super::commands::{COMMANDS, Command};
use super::otherwise::OTHERWISE;
use super::told::told;
use crate::program::Program;

/// The names of the option that stands in place of a script. To PM2 its letter means another one.
const MODULE: &[&str] = &["module"];

/// What an option is about, and whether PM2 takes it with every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every command takes it, under any name.
    General,
    /// It is about how the list looks, which under the name `pm2` ends most commands.
    List,
    /// It is about what is done with apps.
    Action,
    /// It sets an attribute of this chapter.
    App(&'static str),
    /// Scripts that were written for PM2 give it.
    Compatibility,
    /// PM2 does not have it, or takes it only with some commands, too.
    Own,
}

/// An option of the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag {
    /// The name in the code.
    pub(crate) id: FlagId,
    /// The letter after a single dash, if it has one.
    pub(crate) short: Option<char>,
    /// The names after two dashes, without them; the first is shown.
    pub(crate) long: &'static [&'static str],
    /// What follows the name.
    pub(crate) takes: Takes,
    /// One line for the help.
    pub(crate) doc: &'static str,
    /// What it is about.
    pub(crate) scope: Scope,
    /// The commands that act on it; general ones are for every command.
    commands: &'static [CommandId],
}

macro_rules! flags {
    ($(
        $id:ident $short:literal [$($long:literal),+] $takes:expr,
        $scope:ident [$($command:expr),*] $doc:literal;
    )*) => {
        /// The name of an option in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum FlagId {
            /// It sets an attribute of an app.
            Attribute(&'static attributes::Flag),
            $(#[doc = $doc] $id),*
        }

        /// The options of the command itself, in the order of the help.
        const OWN: &[Flag] = &[$(Flag {
            id: FlagId::$id,
            short: if $short == ' ' { None } else { Some($short) },
            long: &[$($long),+],
            takes: $takes,
            doc: $doc,
            scope: Scope::$scope,
            commands: &[$($command),*],
        }),*];
    };
}

use Takes::{Joined, Maybe, Nothing, Numbers, One};

flags! {
    Version 'v' ["version"] Nothing, General [] "print the version";
    Help 'h' ["help"] Nothing, General [] "print help, also about one command";
    Silent 's' ["silent"] Nothing, General [] "print no messages";
    NoColor ' ' ["no-color"] Nothing, General [] "print without colours";
    Verbose ' ' ["verbose"] Nothing, Own []
        "with `--version`: also build, target, PM2's version and home";
    MiniList 'm' ["mini-list"] Nothing, List [List] "list as lines, one for each value";
    Sort ' ' ["sort"] One("field[:desc]"), List [List]
        "by name, namespace, pid, id, cpu, memory, uptime, restarts or status";
    Env ' ' ["env"] One("name"), Action [
        Start, Run, Restart, Reload, StartOrRestart, StartOrReload, CommandId::Validate,
        CommandId::Plan, CommandId::Apply, CommandId::Export
    ] "use `env_<name>` of the process file";
    UpdateEnv 'a' ["update-env"] Nothing,
        Action [Start, Restart, Reload, StartOrRestart, StartOrReload]
        "on restart: take over the variables of this shell";
    Only ' ' ["only"] One("names"),
        Action [
            Start, Run, Stop, Restart, Delete, Reload, StartOrRestart, StartOrReload,
            CommandId::Validate, CommandId::Plan, CommandId::Apply, CommandId::Export
        ] "only these apps of the process file";
    Profile ' ' ["profile"] One("names"),
        Own [
            Start, Run, Stop, Restart, Delete, Reload, StartOrRestart, StartOrReload,
            CommandId::Validate, CommandId::Plan, CommandId::Apply, CommandId::Export
        ] "also apps with one of these `profiles` of the process file; `*` is all of them";
    Strict ' ' ["strict"] Nothing,
        Own [
            Start, Run, Restart, Reload, StartOrRestart, StartOrReload, CommandId::Validate,
            CommandId::Plan, CommandId::Apply, CommandId::Export
        ] "a warning about the process file is an error, and nothing is done";
    Force 'f' ["force"] Nothing, Action [Start, Save, CommandId::LinkPm2]
        "start it twice; save an empty list";
    Parallel ' ' ["parallel"] One("n"),
        Action [Stop, Restart, Delete, Reload, StartOrRestart, StartOrReload]
        "how many processes at a time";
    Attach ' ' ["attach"] Nothing, Action [Start, Restart] "stream the logs afterwards";
    NoDaemon ' ' ["no-daemon"] Nothing, Action [Start, Resurrect, StartOrRestart, StartOrReload]
        "stay in the foreground with the logs; the daemon that it starts ends with it";
    Fields ' ' ["json"] Maybe("fields"), Own []
        "fields of each process as JSON, such as `name,pid`; or all";
    Template ' ' ["format"] One("template"), Own []
        "a line for each process, such as `{name} {pid}`";
    Progress ' ' ["progress"] One("how"), Own [
        Start, Stop, Restart, Delete, Reload, Scale, Promote, Rollback, Resurrect, Kill,
        StartOrRestart, StartOrReload, CommandId::Apply, CommandId::Import
    ] "how progress is shown: auto, json, plain or none";
    Hosts 'H' ["hosts"] One("hosts"), Own [
        List, Logs, Start, Stop, Restart, Reload, Delete, Scale, Promote, Rollback, Save
    ] "on these machines, over ssh: `web1,deploy@web2`";
    All 'a' ["all"] Nothing, Own [List]
        "a row for each process, and for workers that come or go";
    Tree 't' ["tree"] Nothing, Own [Slist] "as a tree";
    Lines ' ' ["lines"] One("n"), Own [Logs] "lines of each file first; default 15";
    Raw ' ' ["raw"] Nothing, Own [Logs, Run] "the lines alone, errors to standard error";
    Err ' ' ["err"] Nothing, Own [Logs] "standard error only";
    Out ' ' ["out"] Nothing, Own [Logs] "standard output only";
    Json ' ' ["json"] Nothing, Own [Logs, Run, Trigger, Slist]
        "JSON for programs: an object a line";
    Format ' ' ["format"] Nothing, Own [Logs, Run] "`key=value` lines";
    Timestamp ' ' ["timestamp"] Maybe("format"), Own [Logs, Run] "date before each new line";
    Highlight ' ' ["highlight"] One("text"), Own [Logs, Run] "mark this text";
    Formatted ' ' ["formatted"] Nothing, Own [Run] "lines with the process before them";
    NoAutoExit ' ' ["no-auto-exit"] Nothing, Own [Run] "stay when no app runs any more";
    Delay ' ' ["delay"] One("seconds"), Own [Run] "begin so much later";
    NoStream ' ' ["nostream"] Nothing, Own [Logs] "print what is there and end";
    LogsSince ' ' ["since"] One("time"), Own [Logs] "lines from then on: `10m` (ago), `10:30`";
    Until ' ' ["until"] One("time"), Own [Logs] "lines until this time, and end";
    Cursor ' ' ["cursor"] One("cursor"), Own [Logs] "go on behind the line with this cursor";
    Grep ' ' ["grep"] One("regexp"), Own [Logs] "only lines that match";
    Exclude ' ' ["exclude"] One("regexp"), Own [Logs] "no lines that match";
    Level ' ' ["level"] One("level"), Own [Logs] "only lines of this level or a worse one: `warn`";
    Errors ' ' ["errors"] Nothing, Own [Logs] "errors with their traces, those alike counted";
    Count ' ' ["count"] Nothing, Own [Logs] "count the lines of each app, and end";
    Histogram ' ' ["histogram"] Nothing, Own [Logs] "count the lines over time, and end";
    LogsFollow ' ' ["follow"] Nothing, Own [Logs] "wait for lines, also under a coding agent";
    Reverse ' ' ["reverse"] Nothing, Own [Logs] "the newest line first, and end";
    Surge ' ' ["surge"] One("n"), Own [Reload, StartOrReload]
        "how many workers more than usual while it lasts";
    Canary ' ' ["canary"] Nothing, Own [Reload, StartOrReload]
        "replace one worker, then wait for `promote` or `rollback`";
    Prune ' ' ["prune"] Nothing, Own [CommandId::Plan, CommandId::Apply]
        "remove apps from this file that are not in it any more";
    Yes 'y' ["yes"] Nothing, Own [CommandId::Apply] "remove without asking";
    Into ' ' ["into"] One("dir"), Own [CommandId::Export]
        "write the files for an engine into this folder";
    From ' ' ["from"] One("dir"), Own [CommandId::Migrate] "the home of PM2; default ~/.pm2";
    DryRun ' ' ["dry-run"] Nothing, Own [CommandId::Migrate] "show what would be done, do nothing";
    Back ' ' ["back"] Nothing, Own [CommandId::Migrate] "give the apps back to PM2";
    Port ' ' ["port"] One("port"), Own [CommandId::Serve, CommandId::Web]
        "where it listens; default 8080";
    Host ' ' ["host"] One("address"), Own [CommandId::Serve, CommandId::Web]
        "the address that it listens on; default 127.0.0.1";
    TokenFile ' ' ["token-file"] One("path"), Own [CommandId::Web]
        "who asks must show a token of this file: lines of `read TOKEN`, `operate TOKEN`";
    HostsFile ' ' ["hosts-file"] One("path"), Own [CommandId::Web]
        "also show what runs on the machines of this file: lines of `NAME URL TOKEN`";
    TlsCert ' ' ["tls-cert"] One("path"), Own [CommandId::Web]
        "the certificate by which connections are encrypted, as PEM";
    TlsKey ' ' ["tls-key"] One("path"), Own [CommandId::Web]
        "the private key of the certificate, as PEM";
    Otlp ' ' ["otlp"] One("url"), Own [CommandId::Web]
        "send the figures of `/metrics` there as well, by OTLP over HTTP";
    Destructive ' ' ["allow-destructive"] Nothing, Own [CommandId::Mcp]
        "also offer what stops and deletes apps";
    Spa ' ' ["spa"] Nothing, Own [CommandId::Serve]
        "answer with index.html where a path of the app has no file";
    AuthUsername ' ' ["basic-auth-username"] One("name"), Own [CommandId::Serve]
        "the name that a browser must be told";
    AuthPassword ' ' ["basic-auth-password"] One("password"), Own [CommandId::Serve]
        "the password; better in the variable PM2_SERVE_BASIC_AUTH_PASSWORD";
    HomePath ' ' ["hp"] One("path"), Own [Startup, Unstartup, CommandId::Logrotate]
        "home directory of the user that the service runs as";
    ServiceName ' ' ["service-name"] One("name"), Own [Startup, Unstartup] "name of the service";
    WaitIp ' ' ["wait-ip"] Nothing, Action [Startup]
        "start it only when the machine has an address";
    NoRollback ' ' ["no-rollback"] Nothing, Own [Reload, StartOrReload]
        "carry on when a new worker fails, as PM2 does";
    AllowPortChange ' ' ["allow-port-change"] Nothing, Own [Reload, StartOrReload]
        "let the new version listen elsewhere than the old one";
    Wait ' ' ["wait"] Joined("limit"),
        Own [Start, Restart, Reload, StartOrRestart, StartOrReload]
        "return when it is ready, or say why not; the limit is 30s";
    For ' ' ["for"] One("event"), Own [CommandId::Wait]
        "what to wait for: `ready` (default), `exit` or `log=REGEXP`";
    Timeout ' ' ["timeout"] One("limit"), Own [CommandId::Wait, Trigger]
        "how long to wait, such as `30s`; without it as long as it takes";
    Since ' ' ["since"] One("run|now"), Own [CommandId::Wait]
        "look for `log=` in lines of the current run (default), or only in new ones";
}

/// Every option, in the order of the help: the general ones, those of the attributes, the others.
pub(crate) static FLAGS: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    let is_first = |flag: &&Flag| matches!(flag.scope, Scope::General | Scope::List);
    let attributes = chapters().into_iter().flat_map(|chapter| {
        let flags = move |attribute: &'static Attribute| {
            attribute.flags.iter().map(move |flag| Flag::of(chapter.title, attribute, flag))
        };
        chapter.attributes.iter().flat_map(flags)
    });
    let first = OWN.iter().filter(is_first).copied();
    first.chain(attributes).chain(OWN.iter().filter(|flag| !is_first(flag)).copied()).collect()
});

impl Flag {
    /// The option of an attribute.
    fn of(chapter: &'static str, of: &Attribute, flag: &'static attributes::Flag) -> Self {
        let commands: &[CommandId] = match (of.effect, of.applies) {
            (Effect::NotYet { .. }, _) => &[],
            (_, Applies::Added) => &[Start, Run],
            // Of a process that is there the script may change, and not what kind it is of.
            _ if flag.long == MODULE => &[Start, Run],
            _ if of.over_file => &[Start, Run, Restart, Reload, StartOrRestart, StartOrReload],
            _ => &[Start, Run, Restart, Reload],
        };
        Self {
            id: FlagId::Attribute(flag),
            short: flag.short,
            long: flag.long,
            takes: flag.takes,
            doc: flag.help.unwrap_or(of.help),
            scope: match chapter {
                "Compatibility" => Scope::Compatibility,
                title => Scope::App(title),
            },
            commands,
        }
    }

    /// Returns all of it as PM2 writes it: `-n --name <name>`.
    pub(crate) fn pm2_shown(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short} "));
        format!("{short}{}", self.long_shown())
    }

    /// Returns all of it: `-n, --name <name>`.
    pub(crate) fn shown(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short}, "));
        format!("{short}{}", self.long_shown())
    }

    /// Returns it without the short form: `--name <name>`.
    pub(crate) fn long_shown(&self) -> String {
        let long = self.name();
        match self.takes {
            Nothing => format!("--{long}"),
            One(value) => format!("--{long} <{value}>"),
            Maybe(value) => format!("--{long} [{value}]"),
            Joined(value) => format!("--{long}[={value}]"),
            Numbers(value) => format!("--{long} <{value}...>"),
        }
    }

    /// Returns the name that is shown, without dashes.
    pub(crate) fn name(&self) -> &'static str {
        self.long.first().copied().unwrap_or_default()
    }

    /// Returns what it does with this command.
    pub(crate) fn doc_for(&self, command: CommandId) -> &'static str {
        let told = told(command);
        match (self.id, told) {
            (FlagId::Fields, Some(told)) => told.json,
            (FlagId::Template, Some(told)) => told.format,
            _ => self.otherwise(command).unwrap_or(self.doc),
        }
    }

    fn otherwise(&self, command: CommandId) -> Option<&'static str> {
        let found = OTHERWISE.iter().find(|(of, name, _)| *of == command && *name == self.name());
        found.map(|(_, _, doc)| *doc)
    }

    /// Whether every command takes it under the name `pm2`.
    pub(crate) fn is_of_all_in_pm2(&self) -> bool {
        self.scope != Scope::Own
    }

    /// Whether it takes no value with this command, which does something else with it.
    pub(crate) fn takes_nothing_with(&self, command: CommandId) -> bool {
        matches!(command, List | Stop) && self.name() == "watch"
    }

    /// Returns all of it as this command takes it: `-n, --name <name>`.
    pub(crate) fn shown_for(&self, command: CommandId) -> String {
        let plain = Self { takes: Nothing, ..*self };
        if self.takes_nothing_with(command) { plain.shown() } else { self.shown() }
    }

    /// Returns the one of these that a command acts on, or the first: two commands may have options
    /// of the same name.
    pub(crate) fn meant(
        mut named: impl Iterator<Item = &'static Self>,
        command: Option<&Command>,
    ) -> Option<&'static Self> {
        let first = named.next()?;
        let is_meant = |flag: &&Self| command.is_some_and(|command| flag.acts_with(command.id));
        if is_meant(&first) { Some(first) } else { Some(named.find(is_meant).unwrap_or(first)) }
    }

    /// Whether this command acts on it under our own name.
    pub(crate) fn acts_with(&self, command: CommandId) -> bool {
        match self.id {
            FlagId::Fields => told(command).is_some(),
            FlagId::Template => told(command).is_some_and(|told| !told.format.is_empty()),
            _ => self.exists(Program::Ostler) && self.is_of(command),
        }
    }

    fn is_of(&self, command: CommandId) -> bool {
        self.scope == Scope::General
            || self.commands.contains(&command)
            || self.otherwise(command).is_some()
    }

    /// Whether it says nothing without a command.
    pub(crate) fn needs_command(&self) -> bool {
        self.scope != Scope::General
    }

    /// Returns its first name, with its dashes.
    pub(crate) fn long_bare(&self) -> String {
        format!("--{}", self.name())
    }

    /// Whether this command takes it under this name of the program.
    pub(crate) fn fits(&self, command: CommandId, program: Program) -> bool {
        match program {
            Program::Ostler => self.acts_with(command),
            Program::Pm2 => self.is_of(command) || self.is_of_all_in_pm2(),
        }
    }

    /// Whether it names a module of Python, in place of a script.
    pub(crate) fn is_module(&self) -> bool {
        self.long == MODULE
    }

    /// Whether it exists under this name of the program.
    pub(crate) fn exists(&self, program: Program) -> bool {
        match self.id {
            FlagId::Verbose | FlagId::Fields | FlagId::Template | FlagId::All => {
                program == Program::Ostler
            }
            FlagId::Attribute(flag) => program == Program::Ostler || flag.long != MODULE,
            // Ours has a value.
            FlagId::Json => program == Program::Pm2,
            _ => true,
        }
    }

    /// Returns the names of the commands that act on it.
    pub(crate) fn takers(&self) -> Vec<&'static str> {
        let takers = COMMANDS.iter().filter(|command| self.acts_with(command.id));
        takers.map(Command::name).collect()
    }
}

#[cfg(test)]
mod tests;
