//! Every option there is, once. Parsing, help and whatever is generated later (manual page,
//! completions) read this table.

use super::commands::CommandId::{self, Logs, Reload, StartOrReload, Startup, Unstartup};

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing.
    Nothing,
    /// One value.
    One(&'static str),
    /// One value or nothing; a following word that is no option is the value.
    Maybe(&'static str),
    /// As many numbers as follow.
    Numbers(&'static str),
}

/// One option.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Its name in the code.
    pub(crate) id: FlagId,
    /// `-x`
    pub(crate) short: Option<char>,
    /// `--name`s without the dashes; the first is shown.
    pub(crate) long: &'static [&'static str],
    /// What follows.
    pub(crate) takes: Takes,
    /// One line for the help.
    pub(crate) doc: &'static str,
    /// Commands that take it; empty: every command does.
    pub(crate) only: &'static [CommandId],
}

macro_rules! flags {
    ($($id:ident $short:literal [$($long:literal),+] $takes:expr, [$($only:expr),*] $doc:literal;)*) => {
        /// The name of an option in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum FlagId { $(#[doc = $doc] $id),* }

        /// Every option, in the order of the help.
        pub(crate) const FLAGS: &[Flag] = &[$(Flag {
            id: FlagId::$id, short: if $short == ' ' { None } else { Some($short) }, long: &[$($long),+], takes: $takes,
            doc: $doc, only: &[$($only),*],
        }),*];
    };
}

use Takes::{Maybe, Nothing, Numbers, One};

flags! {
    Version 'v' ["version"] Nothing, [] "print the version";
    Help 'h' ["help"] Nothing, [] "print help, also about one command";
    Silent 's' ["silent"] Nothing, [] "print no messages";
    NoColor ' ' ["no-color"] Nothing, [] "print without colours";
    MiniList 'm' ["mini-list"] Nothing, [] "list as plain `key : value` lines";
    Sort ' ' ["sort"] One("field[:desc]"), [] "sort the list by name, namespace, pid, id, cpu, memory, uptime or status";
    Name 'n' ["name"] One("name"), [] "name of the app";
    Namespace ' ' ["namespace"] One("name"), [] "namespace of the app";
    Cwd ' ' ["cwd"] One("path"), [] "directory the app runs in; the script is looked for from here";
    Instances 'i' ["instances"] One("n"), [] "how many processes: a number, `max`, or `-1` for one less than CPUs";
    Interpreter ' ' ["interpreter"] One("program"), [] "program that runs the script; `none` executes it directly";
    NodeArgs ' ' ["node-args", "interpreter-args"] One("args"), [] "arguments of the interpreter, split on blanks";
    ExecuteCommand 'x' ["execute-command"] Nothing, [] "fork mode in any case";
    Output 'o' ["output"] One("path"), [] "file for standard output";
    Error 'e' ["error"] One("path"), [] "file for standard error";
    Log 'l' ["log"] Maybe("path"), [] "one more file for both";
    Pid 'p' ["pid"] One("path"), [] "pid file";
    MergeLogs ' ' ["merge-logs"] Nothing, [] "all processes of the app write to the same files";
    LogType ' ' ["log-type"] One("raw|json"), [] "form of the log files";
    LogDateFormat ' ' ["log-date-format"] One("format"), [] "date before each line, as `YYYY-MM-DD HH:mm:ss`";
    Time ' ' ["time"] Nothing, [] "date before each line, as `YYYY-MM-DDTHH:mm:ss`";
    DisableLogs ' ' ["disable-logs"] Nothing, [] "write no log files";
    NoAutostart ' ' ["no-autostart"] Nothing, [] "add the app without starting it";
    NoAutorestart ' ' ["no-autorestart"] Nothing, [] "leave the app stopped when it ends";
    StopExitCodes ' ' ["stop-exit-codes"] Numbers("codes"), [] "leave it stopped after these exit codes";
    MaxRestarts ' ' ["max-restarts"] Maybe("n"), [] "unstable runs in a row after which it is given up";
    MinUptime ' ' ["min-uptime"] One("time"), [] "shorter runs are unstable: ms, or `10s`, `1m`, `1h`";
    RestartDelay ' ' ["restart-delay"] One("ms"), [] "pause before a restart";
    ExpBackoff ' ' ["exp-backoff-restart-delay"] One("ms"), [] "pause before a restart, growing with each crash";
    MaxMemory ' ' ["max-memory-restart"] One("size"), [] "restart above this memory: bytes, or `300M`, `2G`";
    Cron 'c' ["cron-restart", "cron"] One("pattern"), [] "restart at these times; `0` ends that";
    KillTimeout 'k' ["kill-timeout"] One("ms"), [] "time to end before it is killed";
    KillSignal ' ' ["kill-signal"] One("signal"), [] "signal that asks it to end";
    ShutdownWithMessage ' ' ["shutdown-with-message"] Nothing, [] "ask it to end by the message `shutdown`";
    NoTreekill ' ' ["no-treekill"] Nothing, [] "stop the process only, not its descendants";
    WaitReady ' ' ["wait-ready"] Nothing, [] "it is up when it sends the message `ready`";
    ListenTimeout ' ' ["listen-timeout"] One("ms"), [] "how long to wait until it is up";
    Balance ' ' ["balance"] One("way"), [] "how connections are spread: round-robin, sticky, least or shared";
    HealthHttp ' ' ["health-http"] One("url"), [] "health check: this URL must answer 2xx or 3xx";
    HealthTcp ' ' ["health-tcp"] One("host:port"), [] "health check: this address must accept a connection";
    HealthExec ' ' ["health-exec"] One("command"), [] "health check: this command must end with 0";
    HealthInterval ' ' ["health-interval"] One("ms"), [] "time between two health checks";
    HealthTimeout ' ' ["health-timeout"] One("ms"), [] "time a health check may take";
    HealthRetries ' ' ["health-retries"] One("n"), [] "failed checks in a row that make it unhealthy";
    StableFor ' ' ["stable-for"] One("ms"), [] "in a reload: how long a new worker must live to be trusted";
    DrainTimeout ' ' ["drain-timeout"] One("ms"), [] "in a reload: how long an old worker may finish its connections";
    User 'u' ["user", "uid"] One("user"), [] "user to run as (root only)";
    Gid ' ' ["gid"] One("group"), [] "group to run as (root only)";
    InstanceVar ' ' ["instance-var"] One("name"), [] "variable with the number of the instance";
    IncrementVar ' ' ["increment-var"] One("name"), [] "variable that is one higher for each instance";
    FilterEnv ' ' ["filter-env"] Maybe("text"), [] "drop variables whose name contains this text";
    Env ' ' ["env"] One("name"), [] "use `env_<name>` of the process file";
    UpdateEnv 'a' ["update-env"] Nothing, [] "on restart: take over the variables of this shell";
    Only ' ' ["only"] One("names"), [] "only these apps of the process file";
    Watch ' ' ["watch"] Maybe("path"), [] "restart when files change";
    IgnoreWatch ' ' ["ignore-watch"] One("paths"), [] "files that may change";
    Force 'f' ["force"] Nothing, [] "start it twice; save an empty list";
    Parallel ' ' ["parallel"] One("n"), [] "how many processes at a time";
    Attach ' ' ["attach"] Nothing, [] "stream the logs afterwards";
    NoVizion ' ' ["no-vizion"] Nothing, [] "accepted for compatibility";
    NoPmx ' ' ["no-pmx"] Nothing, [] "accepted for compatibility";
    NoAutomation ' ' ["no-automation"] Nothing, [] "accepted for compatibility";
    NoSourceMap ' ' ["disable-source-map-support"] Nothing, [] "no source maps for Node";
    SourceMap ' ' ["source-map-support"] Nothing, [] "accepted for compatibility";
    Lines ' ' ["lines"] One("n"), [Logs] "lines of each file first; default 15";
    Raw ' ' ["raw"] Nothing, [Logs] "the lines alone, errors to standard error";
    Err ' ' ["err"] Nothing, [Logs] "standard error only";
    Out ' ' ["out"] Nothing, [Logs] "standard output only";
    Json ' ' ["json"] Nothing, [Logs] "one JSON object a line";
    Format ' ' ["format"] Nothing, [Logs] "`key=value` lines";
    Timestamp ' ' ["timestamp"] Maybe("format"), [Logs] "date before each line that arrives";
    Highlight ' ' ["highlight"] One("text"), [Logs] "mark this text";
    NoStream ' ' ["nostream"] Nothing, [Logs] "print what is there and end";
    Surge ' ' ["surge"] One("n"), [Reload, StartOrReload] "how many workers more than usual while it lasts";
    Canary ' ' ["canary"] Nothing, [Reload, StartOrReload] "replace one worker, then wait for `promote` or `rollback`";
    HomePath ' ' ["hp"] One("path"), [Startup, Unstartup] "home directory of the user that the service runs as";
    ServiceName ' ' ["service-name"] One("name"), [Startup, Unstartup] "name of the service";
    WaitIp ' ' ["wait-ip"] Nothing, [Startup, Unstartup] "start it only when the machine has an address";
    NoRollback ' ' ["no-rollback"] Nothing, [Reload, StartOrReload] "carry on when a new worker fails, as PM2 does";
    Wait ' ' ["wait"] Nothing, [Reload, StartOrReload] "wait for a reload of the same app that is under way";
}

impl Flag {
    /// `-n --name <name>`
    pub(crate) fn shown(&self) -> String {
        let short = self.short.map_or(String::new(), |short| format!("-{short} "));
        format!("{short}{}", self.long_shown())
    }

    /// `--name <name>`
    pub(crate) fn long_shown(&self) -> String {
        let long = self.long.first().copied().unwrap_or_default();
        match self.takes {
            Nothing => format!("--{long}"),
            One(value) => format!("--{long} <{value}>"),
            Maybe(value) => format!("--{long} [{value}]"),
            Numbers(value) => format!("--{long} <{value}...>"),
        }
    }

    /// Whether this command takes it.
    pub(crate) fn fits(&self, command: CommandId) -> bool {
        self.only.is_empty() || self.only.contains(&command)
    }
}
