//! Commands and options of PM2 that are not there: whoever types one is told what it is, and what
//! there is instead.

use ostler_config::attributes::{Attribute, Effect, attributes, find};

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

const CANARY: Option<&str> =
    Some("check the version out in your deploy script, then run `$ reload NAME`");

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
    row(&["monit", "imonit", "dash", "dashboard"], Later, "the monitor in the terminal",
        Some("use `$ list` and `$ logs`")),
    row(&["web"], Later, "the web interface", Some("`$ jlist` prints what a program may read")),
    row(&["inspect"], Later, "the debugger of a process", Some("use `$ describe` and `$ logs`")),
    row(&["report"], Later, "a report for whoever helps you",
        Some("use `$ describe` and `$ logs`")),
    row(&["slist", "sysinfos"], Later, "figures of the machine",
        Some("`$ list` shows those of the apps; for the machine use `top` or `vmstat`")),
    row(&["attach"], Later, "a process's output and input",
        Some("use `$ logs` for what the app writes; nothing is sent to its input")),
    row(&["send"], Later, "a line for the input of a process",
        Some("let the app read a socket or a named pipe")),
    row(&["trigger"], Later, "an action that an app offers",
        Some("let the app offer it over HTTP, or send a signal to a number that `$ pid` prints")),
    row(&["sendSignal"], Later, "a signal to an app",
        Some("use `kill -s SIGNAL PID` with a number that `$ pid` prints")),
    row(&["logrotate"], Later, "the configuration of the system's logrotate",
        Some("let the system's logrotate run `$ reloadLogs`")),
    row(&["serve", "expose"], Later, "a server of static files",
        Some("start one as an app, such as `$ start \"npx serve\"`")),
    row(&["deploy"], Later, "deployment over SSH",
        Some("call `ssh HOST '$ reload NAME'` at the end of your deploy script")),
    row(&["pull", "forward", "backward"], Later, "another version by git, and a reload", CANARY),
    row(&["init", "ecosystem", "create"], Later, "a process file to begin with",
        Some("write `module.exports = { apps: [{ name: \"api\", script: \"app.js\" }] }` into \
              ecosystem.config.js")),
    row(&["examples"], Later, "a list of examples", Some("`$ COMMAND --help` shows some")),
    row(&["profile:cpu", "profile:mem"], Later, "a profile of PM2's daemon",
        Some("for an app, start it with `--node-args=--cpu-prof`")),
    row(&["autoinstall", "install-otel", "uninstall-otel"], Never, "parts of PM2 from npm",
        Some("ostler is one program, and nothing is added to it")),
    row(&["deepUpdate"], Never, "an update of PM2 from npm",
        Some("install the new version, then run `$ update`")),
    row(&["link", "unlink", "plus", "login", "logout", "register", "open", "monitor", "unmonitor"],
        Vendor, "a service of PM2's vendor", None),
];

const AGENT: &str = "no agent is loaded into apps";
const CONTAINERS: &str = "apps are not put into containers";

#[rustfmt::skip]
const OPTIONS: &[Absent] = &[
    row(&["ext"], Later, "files are not watched", Some("leave it out")),
    row(&["watch-delay"], Later, "files are not watched", Some("leave it out")),
    row(&["no-daemon"], Later, "the daemon does not run in the foreground",
        Some("use `$ boot`, which starts what was saved and stays")),
    row(&["write", "w"], Later, "no process file is written", Some("write it by hand")),
    row(&["trace", "v8", "event-loop-inspector", "deep-monitoring"], Later, AGENT,
        Some("leave it out")),
    row(&["disable-trace"], Later, AGENT, Some("leave it out, nothing is traced")),
    row(&["container", "dist", "image-name", "node-version", "fresh", "daemon", "dockerdaemon"],
        Later, CONTAINERS, Some("run `$ boot` as the command of your image")),
];

/// Returns what is known of a command that is not there, if PM2 has it.
pub(super) fn command(name: &str) -> Option<&'static Absent> {
    COMMANDS.iter().find(|row| row.names.contains(&name))
}

/// Returns what is known of an option that is not there, if PM2 has it.
pub(super) fn option(name: &str) -> Option<&'static Absent> {
    OPTIONS.iter().find(|row| row.names.contains(&name))
}

/// Returns what ostler does not do and what helps, for an option whose attribute it does not act
/// on yet.
pub(super) fn not_yet(flag: &Flag) -> Option<(&'static str, &'static str)> {
    let FlagId::Attribute(flag) = flag.id else { return None };
    match attributes().find(|of| of.flags.contains(flag))?.effect {
        Effect::NotYet { lacks, instead } => Some((lacks, instead)),
        Effect::PartOf(other) => match find(other) {
            Some(Attribute { effect: Effect::NotYet { lacks, .. }, .. }) => {
                Some((lacks, "leave it out"))
            }
            Some(_) | None => None,
        },
        Effect::Acts | Effect::Kept => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::commands::COMMANDS as PRESENT;
    use crate::args::flags::FLAGS;

    /// PM2's commands that its command line has beside those that are here
    /// (`spec/pm2/cli.md`), and `web`, which older ones had.
    const PM2: &str = "sendSignal send attach trigger inspect monitor unmonitor slist sysinfos \
        monit dashboard dash imonit logrotate deepUpdate report profile:cpu profile:mem serve expose deploy init \
        ecosystem create examples pull forward backward autoinstall install-otel uninstall-otel \
        link unlink plus register login logout open web";

    const PM2_OPTIONS: &str = "ext no-daemon write w trace disable-trace v8 event-loop-inspector \
        deep-monitoring watch-delay container dist image-name node-version fresh daemon \
        dockerdaemon";

    #[test]
    fn each_command_and_option_of_pm2_is_there_or_known_to_be_absent() {
        for name in PM2.split_whitespace() {
            assert!(command(name).is_some(), "{name}");
        }
        for name in PM2_OPTIONS.split_whitespace() {
            assert!(option(name).is_some(), "{name}");
        }
        let all = COMMANDS.iter().chain(OPTIONS).flat_map(|row| row.names).count();
        let known = PM2.split_whitespace().chain(PM2_OPTIONS.split_whitespace()).count();
        assert_eq!(all, known, "a row is not PM2's, or stands there twice");
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
