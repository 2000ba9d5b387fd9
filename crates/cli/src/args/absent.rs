//! Commands and options of PM2 that are not there: whoever types one is told what it is, and what
//! there is instead.

use ostler_config::attributes::{Effect, attributes};

use super::CommandId;
use super::flags::{Flag, FlagId};

/// Something of PM2 that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Absent {
    /// Its names; of options without the dashes.
    names: &'static [&'static str],
    /// Whether it will be there.
    pub(crate) when: When,
    /// What it is, as a phrase: `the full-screen monitor`.
    pub(crate) what: &'static str,
    /// What to do instead; `$` stands for the program's name.
    pub(crate) instead: Option<&'static str>,
}

impl Absent {
    /// Whether somebody who gives it wants something to happen that will not.
    pub(super) fn is_asked(&self) -> bool {
        self.names.iter().any(|name| ["web", "secret"].contains(name))
    }
}

/// Options without which the same is done: under PM2's name they keep nobody from doing it.
const VAIN: [&str; 7] =
    ["trace", "disable-trace", "v8", "event-loop-inspector", "deep-monitoring", "write", "w"];

/// The same for commands about modules.
const VAIN_OF_MODULES: [&str; 3] = ["npm", "safe", "tarball"];

/// Whether something will be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// A later version has it.
    Later,
    /// Never: only PM2's vendor can answer it.
    Vendor,
    /// Never: there is nothing that it could do here.
    Never,
}

use When::{Later, Never, Vendor};

const fn row(
    names: &'static [&'static str],
    when: When,
    what: &'static str,
    instead: Option<&'static str>,
) -> Absent {
    Absent { names, when, what, instead }
}

#[rustfmt::skip]
const COMMANDS: &[Absent] = &[
    row(&["create"], Never, "a folder of examples from the network",
        Some("`$ init` writes a process file to begin with")),
    row(&["sysmonit"], Never, "a setting of PM2 for figures of the machine",
        Some("nothing is measured while nobody asks; `$ slist` shows the figures")),
    row(&["autoinstall", "install-otel", "uninstall-otel"], Never, "parts of PM2 from npm",
        Some("ostler is one program, and nothing is added to it")),
    row(&["deepUpdate"], Never, "an update of PM2 from npm",
        Some("install the new version, then run `$ update`")),
    row(&["history"], Later, "no command shows the figures of a day",
        Some("while `$ web` runs, its page does; `$ describe APP` shows the last hour")),
    row(&["link", "unlink", "plus", "login", "logout", "register", "open"],
        Vendor, "a service of PM2's vendor", None),
];

const AGENT: &str = "the agent in apps traces nothing";
const CONTAINERS: &str = "apps are not put into containers";

#[rustfmt::skip]
const OPTIONS: &[Absent] = &[
    row(&["web"], Later, "`run` starts no web interface", Some("leave it out")),
    row(&["ftp"], Never, "`serve` lists no folders, whose names may not be for everybody",
        Some("leave it out, and link the files on a page")),
    row(&["monitor"], Vendor, "nothing is added to the pages that `serve` serves",
        Some("leave it out")),
    row(&["secret", "public", "machine-name"], Vendor, "nothing is sent to PM2's vendor",
        Some("leave it out")),
    row(&["write", "w"], Later, "no process file is written", Some("write it by hand")),
    row(&["trace", "v8", "event-loop-inspector", "deep-monitoring"], Later, AGENT,
        Some("leave it out")),
    row(&["disable-trace"], Later, AGENT, Some("leave it out, nothing is traced")),
    row(&["container", "dist", "image-name", "node-version", "fresh", "daemon", "dockerdaemon"],
        Later, CONTAINERS, Some("make `$ run FILE` the command of your image")),
    row(&["npm"], Never, "`publish` gives the package to npm in any case, and leaves its version",
        Some("leave it out; `npm version minor` raises the version")),
    row(&["safe"], Never, "a module that cannot be started leaves the one before in any case",
        Some("leave it out")),
    row(&["tarball"], Never, "an archive is known by its name, which ends with `.tar.gz`",
        Some("leave it out")),
    row(&["install", "v1", "docker"], Never, "modules are installed by npm in one way",
        Some("leave it out")),
];

/// Returns what is known of a command that is not there, if PM2 has it.
pub(super) fn command(name: &str) -> Option<&'static Absent> {
    COMMANDS.iter().find(|row| row.names.contains(&name))
}

/// Returns what is known of an option that is not there, if PM2 has it.
pub(super) fn option(name: &str) -> Option<&'static Absent> {
    OPTIONS.iter().find(|row| row.names.contains(&name))
}

/// Returns why an option of PM2's does nothing, where scripts that give it need nothing of it.
pub(crate) fn in_vain(name: &str) -> Option<&'static str> {
    let bare = name.trim_start_matches('-');
    let is_vain = VAIN.contains(&bare) || VAIN_OF_MODULES.contains(&bare);
    option(bare).filter(|_| is_vain).map(|row| row.what)
}

/// Whether an option of PM2's does nothing with this command.
pub(super) fn is_vain(name: &str, command: Option<CommandId>) -> bool {
    let is_of_modules = VAIN_OF_MODULES.contains(&name.trim_start_matches('-'));
    let takes_them = [CommandId::Install, CommandId::ModuleUpdate, CommandId::Publish];
    in_vain(name).is_some()
        && (!is_of_modules || command.is_some_and(|command| takes_them.contains(&command)))
}

/// Returns what ostler does not do and what helps, for an option whose attribute it does not
/// act on yet.
pub(super) fn not_yet(flag: &Flag) -> Option<(&'static str, &'static str)> {
    let FlagId::Attribute(flag) = flag.id else { return None };
    match attributes().find(|of| of.flags.contains(flag))?.effect {
        Effect::NotYet { lacks, instead } => Some((lacks, instead)),
        Effect::Acts | Effect::Kept => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::commands::COMMANDS as PRESENT;
    use crate::args::flags::FLAGS;

    /// Every command of `pm2 --help`, with its aliases, in its order (PM2 7.0.4).
    const COMMANDS_OF_PM2: &str = "start trigger deploy startOrRestart startOrReload pid create \
        startOrGracefulReload stop restart scale profile:mem profile:cpu reload id inspect delete \
        del sendSignal ping updatePM2 update install module:install module:update \
        module:generate uninstall module:uninstall package publish module:publish set multiset \
        get conf config unset report link unlink monitor unmonitor open plus register login \
        logout dump save cleardump send attach resurrect unstartup startup logrotate ecosystem \
        init reset describe desc info show env list ls l ps status jlist slist sysinfos \
        prettylist monit imonit dashboard dash flush reloadLogs logs log kill pull forward \
        backward deepUpdate serve expose autoinstall examples install-otel uninstall-otel \
        completion";

    /// What older ones had, and what is taken for a command.
    const COMMANDS_OF_BEFORE: &str = "web gracefulReload import export sysmonit";

    /// What no version of PM2 had, and the README says that it will be there.
    const COMMANDS_OF_LATER: &str = "history";

    /// Every option of `pm2 --help` and of `pm2 COMMAND --help` for each command, and those of
    /// `pm2-runtime` that are refused, without the dashes.
    const OPTIONS_OF_PM2: &str = "V version v silent s ext name n mini-list m interpreter \
        interpreter-args node-args output o error e log l filter-env log-type log-date-format \
        time disable-logs env update-env a force f instances i parallel shutdown-with-message \
        pid p kill-timeout k listen-timeout max-memory-restart restart-delay \
        exp-backoff-restart-delay execute-command x max-restarts user u uid gid namespace cwd hp \
        wait-ip service-name cron c cron-restart write w no-daemon source-map-support only \
        disable-source-map-support wait-ready merge-logs watch ignore-watch watch-delay no-color \
        no-vizion no-autostart no-autorestart stop-exit-codes no-treekill no-pmx no-automation \
        trace disable-trace sort attach v8 event-loop-inspector deep-monitoring help h container \
        dist image-name node-version fresh daemon dockerdaemon web secret public machine-name \
        port spa ftp basic-auth-username basic-auth-password monitor tarball install docker v1 \
        safe npm";

    #[test]
    fn every_command_and_option_of_pm2_is_there_or_refused_with_a_reason() {
        let all = || COMMANDS_OF_PM2.split_whitespace().chain(COMMANDS_OF_BEFORE.split(' '));
        let is_there = |name: &str| PRESENT.iter().any(|of| of.names.contains(&name));
        for name in all() {
            assert!(is_there(name) != command(name).is_some(), "{name}");
        }
        for name in OPTIONS_OF_PM2.split_whitespace() {
            let of_flag = |flag: &&Flag| {
                let letter = name.chars().next().filter(|_| name.len() == 1);
                // `-V` is read as `-v`.
                flag.long.contains(&name)
                    || letter.is_some() && (flag.short == letter || name == "V")
            };
            let is_there = FLAGS.iter().any(|flag| of_flag(&flag));
            assert!(is_there != option(name).is_some(), "{name}");
        }
        for row in COMMANDS {
            let known = |name: &str| all().chain(COMMANDS_OF_LATER.split(' ')).any(|of| of == name);
            assert!(row.names.iter().all(|name| known(name)), "{:?}", row.names);
            assert!(row.instead.is_some() || row.when == Vendor, "{:?}", row.names);
        }
        let options = OPTIONS.iter().flat_map(|row| row.names);
        for name in options {
            assert!(OPTIONS_OF_PM2.split_whitespace().any(|of| of == *name), "{name}");
        }
    }

    #[test]
    fn what_is_there_is_not_called_absent() {
        for name in PRESENT.iter().flat_map(|command| command.names) {
            assert_eq!(command(name), None, "{name}");
        }
        for name in FLAGS.iter().flat_map(|flag| flag.long) {
            assert_eq!(option(name), None, "{name}");
        }
    }

    #[test]
    fn what_stands_instead_is_a_command_that_is_there() {
        for row in COMMANDS.iter().chain(OPTIONS) {
            for line in row.instead.iter().flat_map(|text| text.split("`$ ").skip(1)) {
                let name: &str = line.split([' ', '`']).next().unwrap();
                let is_there = PRESENT.iter().any(|command| command.names.contains(&name));
                assert!(is_there || name == "COMMAND", "{:?}: {line}", row.names);
            }
        }
    }
}
