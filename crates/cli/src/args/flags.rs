//! Every option that exists, once. Parsing, help, completion, the manual page and
//! `docs/commands.md` read this table.
//!
//! Options that set an attribute of an app come from the table of attributes in `ostler-config`;
//! here are those of the command itself.

use std::sync::LazyLock;

pub(crate) use ostler_config::attributes::Takes;
use ostler_config::attributes::{self, Attribute, chapters};

use super::commands::CommandId::{
    self, Logs, Reload, Restart, Start, StartOrReload, StartOrRestart, Startup, Unstartup,
};

/// The commands that take an option, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every command; it is about the command itself.
    General,
    /// Every command, as most end with the list; it is about how the list looks.
    List,
    /// Every command, as in PM2; it is about what is done with apps.
    Action,
    /// Every command, as in PM2; it sets an attribute of this chapter.
    App(&'static str),
    /// Every command; scripts that were written for PM2 give it.
    Compatibility,
    /// Only these commands.
    Only(&'static [CommandId]),
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
    /// The commands that take it.
    pub(crate) scope: Scope,
}

macro_rules! flags {
    ($(
        $id:ident $short:literal [$($long:literal),+] $takes:expr,
        $($scope:ident)? $([$($only:expr),+])? $doc:literal;
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
            scope: $(Scope::$scope)? $(Scope::Only(&[$($only),+]))?,
        }),*];
    };
}

use Takes::{Joined, Maybe, Nothing, Numbers, One};

flags! {
    Version 'v' ["version"] Nothing, General "print the version";
    Help 'h' ["help"] Nothing, General "print help, also about one command";
    Silent 's' ["silent"] Nothing, General "print no messages";
    NoColor ' ' ["no-color"] Nothing, General "print without colours";
    MiniList 'm' ["mini-list"] Nothing, List "list as plain `key : value` lines";
    Sort ' ' ["sort"] One("field[:desc]"), List
        "sort the list by name, namespace, pid, id, cpu, memory, uptime or status";
    Env ' ' ["env"] One("name"), Action "use `env_<name>` of the process file";
    UpdateEnv 'a' ["update-env"] Nothing, Action
        "on restart: take over the variables of this shell";
    Only ' ' ["only"] One("names"), Action "only these apps of the process file";
    Force 'f' ["force"] Nothing, Action "start it twice; save an empty list";
    Parallel ' ' ["parallel"] One("n"), Action "how many processes at a time";
    Attach ' ' ["attach"] Nothing, Action "stream the logs afterwards";
    Lines ' ' ["lines"] One("n"), [Logs] "lines of each file first; default 15";
    Raw ' ' ["raw"] Nothing, [Logs] "the lines alone, errors to standard error";
    Err ' ' ["err"] Nothing, [Logs] "standard error only";
    Out ' ' ["out"] Nothing, [Logs] "standard output only";
    Json ' ' ["json"] Nothing, [Logs] "one JSON object a line";
    Format ' ' ["format"] Nothing, [Logs] "`key=value` lines";
    Timestamp ' ' ["timestamp"] Maybe("format"), [Logs] "date before each line that arrives";
    Highlight ' ' ["highlight"] One("text"), [Logs] "mark this text";
    NoStream ' ' ["nostream"] Nothing, [Logs] "print what is there and end";
    Surge ' ' ["surge"] One("n"), [Reload, StartOrReload]
        "how many workers more than usual while it lasts";
    Canary ' ' ["canary"] Nothing, [Reload, StartOrReload]
        "replace one worker, then wait for `promote` or `rollback`";
    HomePath ' ' ["hp"] One("path"), [Startup, Unstartup]
        "home directory of the user that the service runs as";
    ServiceName ' ' ["service-name"] One("name"), [Startup, Unstartup] "name of the service";
    WaitIp ' ' ["wait-ip"] Nothing, [Startup, Unstartup]
        "start it only when the machine has an address";
    NoRollback ' ' ["no-rollback"] Nothing, [Reload, StartOrReload]
        "carry on when a new worker fails, as PM2 does";
    AllowPortChange ' ' ["allow-port-change"] Nothing, [Reload, StartOrReload]
        "let the new version listen elsewhere than the old one";
    Wait ' ' ["wait"] Joined("limit"), [Start, Restart, Reload, StartOrRestart, StartOrReload]
        "return when it is ready, or not within the limit (30s); queue behind another reload";
    For ' ' ["for"] One("event"), [CommandId::Wait]
        "what to wait for: `ready` (default), `exit` or `log=REGEXP`";
    Timeout ' ' ["timeout"] One("limit"), [CommandId::Wait]
        "how long to wait, such as `30s`; without it as long as it takes";
    Since ' ' ["since"] One("run|now"), [CommandId::Wait]
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
        }
    }

    /// Returns all of it: `-n --name <name>`.
    pub(crate) fn shown(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short} "));
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

    /// Whether every command takes it.
    pub(crate) fn is_of_all(&self) -> bool {
        !matches!(self.scope, Scope::Only(_))
    }

    /// Whether this command takes it, and not every command does.
    pub(crate) fn is_only_of(&self, command: CommandId) -> bool {
        matches!(self.scope, Scope::Only(commands) if commands.contains(&command))
    }

    /// Whether this command takes it.
    pub(crate) fn fits(&self, command: CommandId) -> bool {
        self.is_of_all() || self.is_only_of(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attributes_that_commands_ask_for_have_these_options() {
        for name in ["cron-restart", "user", "watch"] {
            let found = FLAGS.iter().find(|flag| flag.name() == name);
            assert!(found.is_some_and(|flag| matches!(flag.scope, Scope::App(_))), "{name}");
        }
        let accepted = FLAGS.iter().filter(|flag| flag.scope == Scope::Compatibility);
        assert!(1 < accepted.count(), "those of the chapter and ours");
    }
}
