//! Every command there is, once.

/// One command.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its name in the code.
    pub(crate) id: CommandId,
    /// Its names; the first is shown.
    pub(crate) names: &'static [&'static str],
    /// Its arguments.
    pub(crate) takes: &'static [Arg],
    /// One line for the help.
    pub(crate) doc: &'static str,
}

/// An argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arg {
    /// Must be there.
    Needed(&'static str),
    /// May be there.
    Maybe(&'static str),
    /// One or more.
    Many(&'static str),
    /// Any number.
    Any(&'static str),
}

macro_rules! commands {
    ($($id:ident [$($name:literal),+] [$($arg:expr),*] $doc:literal;)*) => {
        /// The name of a command in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CommandId { $(#[doc = $doc] $id),* }

        /// Every command, in the order of the help.
        pub(crate) const COMMANDS: &[Command] = &[$(Command {
            id: CommandId::$id, names: &[$($name),+], takes: &[$($arg),*], doc: $doc,
        }),*];
    };
}

use Arg::{Any, Many, Maybe, Needed};

commands! {
    Start ["start"] [Any("name|namespace|file|ecosystem|id")] "start a script, a process file, or a stopped app";
    Stop ["stop"] [Many("id|name|namespace|all|json|stdin")] "stop apps and keep them in the list";
    Restart ["restart"] [Many("id|name|namespace|all|json|stdin")] "stop apps and start them again";
    Reload ["reload", "gracefulReload"] [Needed("id|name|namespace|all")] "replace workers one by one, without losing a request";
    StartOrRestart ["startOrRestart"] [Needed("json")] "start the apps of a process file, restart those that run";
    StartOrReload ["startOrReload", "startOrGracefulReload"] [Needed("json")] "start the apps of a process file, reload those that run";
    Delete ["delete", "del"] [Many("name|id|namespace|script|all|json|stdin")] "stop apps and forget them";
    Scale ["scale"] [Needed("app_name"), Needed("number")] "set the number of processes: `4`, `+2` or `-1`";
    Promote ["promote"] [Needed("app_name")] "end a canary: the new version everywhere";
    Rollback ["rollback"] [Needed("app_name")] "end a canary: back to the old version";
    List ["list", "ls", "l", "ps", "status"] [] "show all processes";
    Jlist ["jlist"] [] "show all processes as JSON";
    Prettylist ["prettylist"] [] "show all processes in Node's notation";
    Describe ["describe", "desc", "info", "show"] [Needed("name|id")] "show everything about a process";
    Env ["env"] [Needed("id")] "show the environment of a process";
    Logs ["logs", "log"] [Maybe("id|name|namespace")] "show the last lines of the logs, then each new one";
    Flush ["flush"] [Maybe("id|name")] "empty log files";
    ReloadLogs ["reloadLogs"] [] "open all log files again, after they were moved";
    Pid ["pid"] [Maybe("app_name")] "show pids";
    Id ["id"] [Needed("name")] "show the ids of an app";
    Reset ["reset"] [Needed("name|id|all")] "set the restart counters to 0";
    Ping ["ping"] [] "see whether the daemon answers; start one if not";
    Save ["save", "dump"] [] "save the list of apps for `resurrect`";
    Resurrect ["resurrect"] [] "start the saved apps that do not run";
    Startup ["startup"] [Maybe("platform")] "start with the machine: install a service of its init system";
    Unstartup ["unstartup"] [Maybe("platform")] "remove that service";
    Boot ["boot"] [] "for init systems: resurrect, then stay in the foreground until the daemon ends";
    Cleardump ["cleardump"] [] "save an empty list";
    Update ["update", "updatePM2"] [] "replace the running daemon by this program, apps untouched";
    Kill ["kill"] [] "stop everything and end the daemon";
}

impl Command {
    /// The command of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.names.contains(&name))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    /// `scale <app_name> <number>`
    pub(crate) fn usage(&self) -> String {
        let mut out = self.names.join("|");
        for arg in self.takes {
            out.push_str(&match arg {
                Needed(name) => format!(" <{name}>"),
                Maybe(name) => format!(" [{name}]"),
                Many(name) => format!(" <{name}...>"),
                Any(name) => format!(" [{name}...]"),
            });
        }
        out
    }
}
