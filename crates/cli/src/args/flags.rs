//! Every option that exists, once. Parsing, help, completion, the manual page and
//! `docs/commands.md` read this table.

use super::commands::CommandId::{self, Logs, Reload, StartOrReload, Startup, Unstartup};

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// It has no value.
    Nothing,
    /// Exactly one value.
    One(&'static str),
    /// One value or none; a following word that is no option is the value.
    Maybe(&'static str),
    /// As many numbers as follow.
    Numbers(&'static str),
}

/// The commands that take an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every command; it is about the command itself.
    General,
    /// Every command, as most end with the list; it is about how the list looks.
    List,
    /// Every command, as in PM2; it describes apps that are started or changed.
    App,
    /// Every command, as in PM2; it is about what is done with apps.
    Action,
    /// Every command, without effect: scripts for PM2 give it.
    Accepted,
    /// Only these commands.
    Only(&'static [CommandId]),
}

/// An option of the command line.
#[derive(Debug)]
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
        pub(crate) enum FlagId { $(#[doc = $doc] $id),* }

        /// Every option, in the order of the help.
        pub(crate) const FLAGS: &[Flag] = &[$(Flag {
            id: FlagId::$id,
            short: if $short == ' ' { None } else { Some($short) },
            long: &[$($long),+],
            takes: $takes,
            doc: $doc,
            scope: $(Scope::$scope)? $(Scope::Only(&[$($only),+]))?,
        }),*];
    };
}

use Takes::{Maybe, Nothing, Numbers, One};

flags! {
    Version 'v' ["version"] Nothing, General "print the version";
    Help 'h' ["help"] Nothing, General "print help, also about one command";
    Silent 's' ["silent"] Nothing, General "print no messages";
    NoColor ' ' ["no-color"] Nothing, General "print without colours";
    MiniList 'm' ["mini-list"] Nothing, List "list as plain `key : value` lines";
    Sort ' ' ["sort"] One("field[:desc]"), List
        "sort the list by name, namespace, pid, id, cpu, memory, uptime or status";
    Name 'n' ["name"] One("name"), App "name of the app";
    Namespace ' ' ["namespace"] One("name"), App "namespace of the app";
    Cwd ' ' ["cwd"] One("path"), App
        "directory the app runs in; the script is looked for from here";
    Instances 'i' ["instances"] One("n"), App
        "how many processes: a number, `max`, or `-1` for one less than CPUs";
    Interpreter ' ' ["interpreter"] One("program"), App
        "program that runs the script; `none` executes it directly";
    NodeArgs ' ' ["node-args", "interpreter-args"] One("args"), App
        "arguments of the interpreter, split on blanks";
    ExecuteCommand 'x' ["execute-command"] Nothing, App "fork mode in any case";
    Output 'o' ["output"] One("path"), App "file for standard output";
    Error 'e' ["error"] One("path"), App "file for standard error";
    Log 'l' ["log"] Maybe("path"), App "one more file for both";
    Pid 'p' ["pid"] One("path"), App "pid file";
    MergeLogs ' ' ["merge-logs"] Nothing, App "all processes of the app write to the same files";
    LogType ' ' ["log-type"] One("raw|json"), App "form of the log files";
    LogDateFormat ' ' ["log-date-format"] One("format"), App
        "date before each line, as `YYYY-MM-DD HH:mm:ss`";
    Time ' ' ["time"] Nothing, App "date before each line, as `YYYY-MM-DDTHH:mm:ss`";
    DisableLogs ' ' ["disable-logs"] Nothing, App "write no log files";
    NoAutostart ' ' ["no-autostart"] Nothing, App "add the app without starting it";
    NoAutorestart ' ' ["no-autorestart"] Nothing, App "leave the app stopped when it ends";
    StopExitCodes ' ' ["stop-exit-codes"] Numbers("codes"), App
        "leave it stopped after these exit codes";
    MaxRestarts ' ' ["max-restarts"] Maybe("n"), App
        "unstable runs in a row after which it is given up";
    MinUptime ' ' ["min-uptime"] One("time"), App
        "shorter runs are unstable: ms, or `10s`, `1m`, `1h`";
    RestartDelay ' ' ["restart-delay"] One("ms"), App "pause before a restart";
    ExpBackoff ' ' ["exp-backoff-restart-delay"] One("ms"), App
        "pause before a restart, growing with each crash";
    MaxMemory ' ' ["max-memory-restart"] One("size"), App
        "restart above this memory: bytes, or `300M`, `2G`";
    Cron 'c' ["cron-restart", "cron"] One("pattern"), App "restart at these times; `0` ends that";
    KillTimeout 'k' ["kill-timeout"] One("ms"), App "time to end before it is killed";
    KillSignal ' ' ["kill-signal"] One("signal"), App "signal that asks it to end";
    ShutdownWithMessage ' ' ["shutdown-with-message"] Nothing, App
        "ask it to end by the message `shutdown`";
    NoTreekill ' ' ["no-treekill"] Nothing, App "stop the process only, not its descendants";
    WaitReady ' ' ["wait-ready"] Nothing, App "it is up when it sends the message `ready`";
    ListenTimeout ' ' ["listen-timeout"] One("ms"), App "how long to wait until it is up";
    Balance ' ' ["balance"] One("way"), App
        "how connections are spread: round-robin, sticky, least or shared";
    HealthHttp ' ' ["health-http"] One("url"), App "health check: this URL must answer 2xx or 3xx";
    HealthTcp ' ' ["health-tcp"] One("host:port"), App
        "health check: this address must accept a connection";
    HealthExec ' ' ["health-exec"] One("command"), App "health check: this command must end with 0";
    HealthInterval ' ' ["health-interval"] One("ms"), App "time between two health checks";
    HealthTimeout ' ' ["health-timeout"] One("ms"), App "time a health check may take";
    HealthRetries ' ' ["health-retries"] One("n"), App
        "failed checks in a row that make it unhealthy";
    StableFor ' ' ["stable-for"] One("ms"), App
        "in a reload: how long a new worker must live to be trusted";
    DrainTimeout ' ' ["drain-timeout"] One("ms"), App
        "in a reload: how long an old worker may finish its connections";
    User 'u' ["user", "uid"] One("user"), App "user to run as (root only)";
    Gid ' ' ["gid"] One("group"), App "group to run as (root only)";
    InstanceVar ' ' ["instance-var"] One("name"), App "variable with the number of the instance";
    IncrementVar ' ' ["increment-var"] One("name"), App
        "variable that is one higher for each instance";
    FilterEnv ' ' ["filter-env"] Maybe("text"), App "drop variables whose name contains this text";
    Env ' ' ["env"] One("name"), Action "use `env_<name>` of the process file";
    UpdateEnv 'a' ["update-env"] Nothing, Action
        "on restart: take over the variables of this shell";
    Only ' ' ["only"] One("names"), Action "only these apps of the process file";
    Watch ' ' ["watch"] Maybe("path"), App "restart when files change";
    IgnoreWatch ' ' ["ignore-watch"] One("paths"), App "files that may change";
    Force 'f' ["force"] Nothing, Action "start it twice; save an empty list";
    Parallel ' ' ["parallel"] One("n"), Action "how many processes at a time";
    Attach ' ' ["attach"] Nothing, Action "stream the logs afterwards";
    NoVizion ' ' ["no-vizion"] Nothing, Accepted "accepted for compatibility";
    NoPmx ' ' ["no-pmx"] Nothing, Accepted "accepted for compatibility";
    NoAutomation ' ' ["no-automation"] Nothing, Accepted "accepted for compatibility";
    NoSourceMap ' ' ["disable-source-map-support"] Nothing, App "no source maps for Node";
    SourceMap ' ' ["source-map-support"] Nothing, Accepted "accepted for compatibility";
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
    Wait ' ' ["wait"] Nothing, [Reload, StartOrReload]
        "wait for a reload of the same app that is under way";
}

impl Flag {
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
