//! Every command that exists, once. Parsing, help, completion, the manual page and
//! `docs/commands.md` read this table.

pub(crate) use super::arg::Arg;
pub(crate) use super::group::Group;

/// A command of the command line.
#[derive(Debug)]
pub(crate) struct Command {
    /// The name in the code.
    pub(crate) id: CommandId,
    /// What it is for, which is where help shows it.
    pub(crate) group: Group,
    /// The names that a person may type; the first is shown.
    pub(crate) names: &'static [&'static str],
    /// The arguments, in order.
    pub(crate) takes: &'static [Arg],
    /// One line for the help.
    pub(crate) doc: &'static str,
    /// What the line leaves out, in sentences; may be empty.
    pub(crate) detail: &'static str,
}

impl Group {
    /// Returns its commands.
    pub(crate) fn commands(self) -> impl Iterator<Item = &'static Command> {
        COMMANDS.iter().filter(move |command| command.group == self)
    }
}

macro_rules! commands {
    ($(
        $id:ident $group:ident [$($name:literal),+] [$($arg:expr),*]
        $doc:literal $detail:literal;
    )*) => {
        /// The name of a command in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CommandId { $(#[doc = $doc] $id),* }

        /// Every command, in the order of the help.
        pub(crate) const COMMANDS: &[Command] = &[$(Command {
            id: CommandId::$id,
            group: Group::$group,
            names: &[$($name),+],
            takes: &[$($arg),*],
            doc: $doc,
            detail: $detail,
        }),*];
    };
}

use Arg::{Any, Many, Maybe, Needed};

commands! {
    Start Run ["start"] [Any("name|namespace|file|ecosystem|id")]
        "start a script, a process file, or a stopped app"
        "A word that is the name, namespace or id of processes in the list starts those that do \
         not run. A process file (`*.config.js`, JSON, YAML, TOML, or `-` for JSON on standard \
         input) starts all of its apps, and restarts those that run. Anything else is a \
         script, a program in `PATH`, or a command in quotes. A program has the words behind it \
         that cannot be ours (`start uvicorn main:app --port 8000`), a module of Python all of \
         them (`start -m celery -A tasks worker`), and `--` makes it plain. Without an argument \
         the file is `ecosystem.config.js`.";
    Run Run ["run"] [Needed("script|ecosystem")]
        "run apps in the foreground, as a container does"
        "The apps' output is this command's. SIGTERM, SIGINT and SIGQUIT stop everything, SIGUSR2 \
         opens log files again. It ends when no app runs any more and none is to be restarted: \
         with the exit code of the first that failed, else with 0. It has a manager of its own, \
         without files unless an app names some, and leaves nothing behind. In a container it is \
         the first process, also as any user, with a read-only root.";
    Serve Run ["serve", "expose"] [Maybe("path"), Maybe("port")]
        "serve the files of a folder over HTTP, as an app"
        "The folder is `.` and the port 8080 unless they are given. The app is called \
         `static-page-server-PORT` and is stopped, restarted and saved as any other. It listens \
         for this machine alone unless `--host` says more, such as `0.0.0.0`. Names that begin \
         with a dot are not served, links out of the folder are not followed, folders are not \
         listed. In a process file the same is an app with the script `serve` and variables \
         `PM2_SERVE_*`.";
    Stop Run ["stop"] [Many("id|name|namespace|all|json|stdin")]
        "stop apps and keep them in the list"
        "Each process is asked to end by its signal, and killed with its descendants when it \
         takes longer than it may.";
    Restart Run ["restart"] [Many("id|name|namespace|all|json|stdin")]
        "stop apps and start them again"
        "Options change the apps for this and every later run. The environment stays as it was \
         unless `--update-env` is given.";
    Reload Release ["reload", "gracefulReload"] [Many("id|name|namespace|all|json|stdin")]
        "replace workers one by one, without losing a request"
        "A new worker is started beside each old one, which leaves when the new one has passed its \
         checks. When one does not, the old workers stay, and those that were replaced come back. \
         An app in fork mode is restarted, and one that does not run is started.";
    StartOrRestart Run ["startOrRestart"] [Needed("json")]
        "start the apps of a process file, restart those that run" "";
    StartOrReload Release ["startOrReload", "startOrGracefulReload"] [Needed("json")]
        "start the apps of a process file, reload those that run" "";
    Delete Run ["delete", "del"] [Many("name|id|namespace|script|all|json|stdin")]
        "stop apps and forget them"
        "`--json` and `--format` give the processes that are gone, as `stop` does: without a \
         pid.";
    Validate Run ["validate"] [Many("file")]
        "tell what is wrong with process files"
        "Everything is told at once, each with its line and what was probably meant, and nothing \
         is started. Ends with 1 when something is wrong that keeps an app from being started.";
    Explain Run ["explain"] [Maybe("code")]
        "tell what the code of a complaint means"
        "Without a code all are listed. `--json` has `code`, `title`, `text`, `wrong` and `right`.";
    Plan Run ["plan"] [Needed("file")]
        "show what `apply` of a process file would do"
        "A line for each app: `unchanged`, `start`, `restart`, `reload`, `scale`, `replace` (it is \
         deleted and added) with what changes, of variables only the names; `keep` or, with \
         `--prune`, `remove` for one that is not in the file any more. Nothing is done.";
    Apply Run ["apply"] [Needed("file")]
        "bring a process file in: what `plan` shows, and nothing else"
        "What is as the file says goes on untouched, so a second run does nothing. A cluster is \
         reloaded, other apps are restarted. When anything is wrong in the file, nothing is done. \
         `--json` and `--format` give the processes of the apps that were changed.";
    Scale Run ["scale"] [Needed("app_name"), Needed("number")]
        "set the number of processes: `4`, `+2` or `-1`" "";
    Promote Release ["promote"] [Needed("app_name")]
        "end a canary: the new version everywhere" "";
    Rollback Release ["rollback"] [Needed("app_name")]
        "end a canary: back to the old version" "";
    List Watch ["list", "ls", "l", "ps", "status"] [Any("name|id|namespace")]
        "show the apps, one a row"
        "The table has fewer columns in a narrow terminal, and below 40 columns it is the lines \
         of `--mini-list`. Without a column for the last end the status names it: `online after \
         exit 1`. `--watch` shows it again and again, to a pipe one after the other. To \
         a pipe go lines of values with tabs between them, without a head: name, instances, \
         status, ports, restarts, CPU use in percent, memory in bytes, uptime in seconds, last \
         end. With `--all` the id and the pid stand for the instances. `--json` and `--format` \
         name the values and give them of each process; `--json` alone gives all. `?` stands \
         among the ports, and null for them in JSON, where a process of another user may not be \
         looked into.";
    Jlist Watch ["jlist"] []
        "show all processes as JSON"
        "One array on one line, without a line end; an element has the fields that PM2 gives it.";
    Prettylist Watch ["prettylist"] []
        "show all processes in Node's notation" "";
    Describe Watch ["describe", "desc", "info", "show"] [Many("name|id")]
        "show why an app is as it is, and what it is"
        "To a pipe go lines of `name: value`.";
    Env Watch ["env"] [Needed("id")]
        "show the environment of a process"
        "A name will do: of an app, that of its first process. `--json` is one object; \
         `--format '{NAME}'` the value of one variable.";
    Logs Watch ["logs", "log"] [Maybe("id|name|namespace")]
        "show the last lines of the logs, then each new one"
        "Each line stands behind the name and the id of its process. `ostler logs daemon` shows \
         what the daemon says itself, unless an app has that name. With a time or a pattern all \
         lines are looked through, also of rotated and compressed files, and those of several \
         apps come in the order of their times: what is written in a line, or in the one before.";
    Wait Watch ["wait"] [Many("id|name|namespace|all")]
        "wait until apps are ready, have ended, or write a line"
        "`--for ready` returns when all processes are ready, `--for exit` when the current run of \
         each has ended, and says how; `--for log=REGEXP` when one of them has written such a \
         line in its current run, which it prints. Ends with 1 when that cannot come any more, and \
         with 124 when `--timeout` is over.";
    Health Watch ["health"] [Any("id|name|namespace")]
        "tell by the exit code whether all apps are well"
        "For a container's HEALTHCHECK. Ends with 0 when every process is online, sleeps, or has \
         done what it was started for; else with 1, and says which is not. `--json` has `well`, \
         and in `processes` the same of each with its `status` and `why`; `--format` is a line \
         for each, such as `{name} {status}`.";
    SendSignal Run ["sendSignal"] [Needed("signal"), Needed("pm2_id|name")]
        "send a signal to the processes of an app"
        "The signal is a name such as `SIGUSR2`, or a number. It goes to the first process of \
         each, not to its children.";
    Trigger Run ["trigger"]
        [Needed("id|proc_name|namespace|all"), Needed("action_name"), Maybe("params")]
        "run an action that an app offers, and print what it returns"
        "An app offers actions over its channel, such as by `@pm2/io`; `describe` shows them. The \
         command ends when each process has answered, or with 124 when `--timeout` is over.";
    Send Run ["send"] [Needed("pm_id"), Needed("line")]
        "write a line to the standard input of a process"
        "The name of an app will do where it has one process. A line is written whole or, where \
         the process does not read, not at all.";
    Attach Watch ["attach"] [Needed("pm_id"), Maybe("separator")]
        "show what a process writes, and send it what is typed"
        "Each line that is typed goes to its standard input, with the separator instead of the \
         line end where one is given. Ends with its own standard input, or by Ctrl-C; the process \
         goes on.";
    Inspect Watch ["inspect"] [Needed("name")]
        "open the inspector of a running app of Node"
        "The app goes on running. Whoever reaches the port, which only this machine does, \
         controls the app, until it is restarted.";
    Monit Watch ["monit", "dash", "dashboard", "imonit"] []
        "show apps, their logs and details full-screen, live"
        "Keys reload, restart, stop, start, scale and delete what is selected; `/` filters apps or \
         lines, `?` shows every key, `q` quits. It goes on when the daemon is killed or replaced. \
         The program that draws it is `ostler-companion`, beside this one.";
    Monitor Watch ["monitor"] [Maybe("name")]
        "mark apps as monitored"
        "Nobody is told: the mark is `_km_monitored` in `jlist`.";
    Unmonitor Watch ["unmonitor"] [Maybe("name")]
        "take the mark of `monitor` away" "";
    Alert Watch ["alert", "alerts"] [Needed("test"), Maybe("name|id")]
        "try whether alerts arrive: `alert test`"
        "An alert of the kind `test` is sent to whoever is told of the app (`alerts` in its \
         process file) and of all apps (`ostler set ostler.alerts.mail root`), and what each \
         answers is shown. Without a name those who are told of all apps are tried. Ends with 1 \
         when one did not take it.";
    Web Watch ["web"] [Maybe("start|stop|port")]
        "show and manage the apps over HTTP, as an app"
        "`/dashboard` is a page for people, `/api/v1` shows and manages apps, `/metrics` is for \
         Prometheus, `/` is PM2's JSON page. The port is 9615. This user and root on this machine \
         are served; others need a token. `ostler-companion`, beside this program, serves as the \
         app `ostler-web`, saved as any other. `web stop` takes it off the list.";
    Mcp Watch ["mcp"] []
        "let a coding agent manage the apps of this folder"
        "It speaks the Model Context Protocol on standard input and output, and is started by the \
         agent: `claude mcp add ostler -- ostler mcp`. Only apps whose working directory is in the \
         folder in which it was started are shown and managed, unless `--all` is given. What stops \
         or deletes apps is offered only with `--allow-destructive`. The program that speaks is \
         `ostler-companion`, beside this one.";
    Slist Watch ["slist", "sysinfos"] []
        "show figures of the machine"
        "Processors, memory, network devices, disks and file systems. Rates are measured while the \
         command runs, a fifth of a second.";
    Pull Release ["pull"] [Needed("name"), Maybe("commit_id")]
        "bring a newer version by git, then reload"
        "In the working directory of the app: `git pull --ff-only`, or the commit that is named. \
         What git refuses ends it before anything is reloaded.";
    Forward Release ["forward"] [Needed("name")]
        "check the next commit out, then reload" "";
    Backward Release ["backward"] [Needed("name")]
        "check out the commit before this one, then reload" "";
    Deploy Release ["deploy"] [Many("file|environment")]
        "bring a version to other machines, by ssh and git"
        "The process file has the targets in `deploy`; without its name the usual one is looked \
         for. After the target: `setup` makes the folders and the clone, `update` (default) \
         deploys the `ref` of the target, `ref VERSION` another branch, tag or commit, \
         `revert [N]` the one that was deployed before, `current`, `previous` and `list` tell \
         them, `exec COMMAND` runs a command there. A version is fetched on all hosts \
         before it is changed on any.";
    Export Persist ["export"] [Maybe("file|engine"), Maybe("file")]
        "write the list to a file, or a process file for an engine"
        "The list is what `save` writes, with the apps' environments: for its owner only. For an \
         engine (compose, kubernetes, nomad, swarm or systemd) the apps of the process file are \
         written, and what has no counterpart is told app by app; secrets are left out. A file \
         that is there is not written over. `--json` has `files`, each with its `text` or, where \
         it was written, its `path`, and `notes` of what was left out.";
    Import Persist ["import"] [Needed("file")]
        "start the apps of a file that `export` wrote"
        "Those that run already are left as they are. A saved list of PM2 (`dump.pm2`) is such a \
         file, too. `-` is standard input. Of a file of Docker Compose or supervisord, a unit of \
         systemd or a Procfile, a process file is printed and nothing is started; what has no \
         counterpart is told app by app.";
    Init System ["init", "ecosystem"] [Maybe("mode")]
        "write a process file to begin with: ecosystem.config.js"
        "For the app in this folder, as far as its files tell what it is: Next, Nuxt, Nest, \
         another app of Node, FastAPI, Django, a script of Python. `init simple` writes one \
         without comments. A file that is there is not written over.";
    Examples System ["examples"] []
        "print command lines for everyday needs" "";
    Report System ["report"] []
        "print what helps to find out what is wrong"
        "Versions, the machine, the home, the list and the last lines of the daemon's log, as a \
         block to paste into an issue. What looks like a secret is masked. Nothing is sent.";
    Flush System ["flush"] [Maybe("id|name")]
        "empty log files"
        "`--json` and `--format` give the processes whose logs they are.";
    Logrotate System ["logrotate"] []
        "have the system's logrotate rotate the logs"
        "Writes `/etc/logrotate.d/ostler-USER`, as root, for the logs in that user's home, and \
         switches off what is built in (`ostler.log_rotate`), which needs no configuration.";
    ReloadLogs System ["reloadLogs"] []
        "open all log files again, after they were moved" "";
    ProfileCpu Watch ["profile:cpu"] [Maybe("id|name"), Maybe("ms")]
        "see where an app of Node spends its time"
        "A profile of 10 seconds, or as many milliseconds as are given, is written into a file of \
         the working directory, which Chrome's developer tools open. Of an app with several \
         processes the first one is looked at. Without a name the only app is meant.";
    ProfileMem Watch ["profile:mem"] [Maybe("id|name"), Maybe("ms")]
        "see where an app of Node allocates memory"
        "As `profile:cpu`, of what is allocated in that time and still there at its end.";
    Pid Watch ["pid"] [Maybe("app_name")]
        "show pids"
        "One a line, of what runs; with `--json` an array. `--format` has more of each process.";
    Id Watch ["id"] [Needed("name")]
        "show the ids of an app"
        "One a line; with `--json` an array. `--format` has more of each process.";
    Reset Run ["reset"] [Needed("name|id|all")]
        "set the restart counters to 0" "";
    Ping System ["ping"] []
        "see whether the daemon answers; start one if not"
        "`--json` has its `version`, `protocol`, `pid`, `keeper_pid` and `home`.";
    Save Persist ["save", "dump"] []
        "save the list of apps for `resurrect`"
        "An empty list is saved only with `--force`.";
    Resurrect Persist ["resurrect"] []
        "start the saved apps that do not run" "";
    Startup Persist ["startup"] [Maybe("platform")]
        "start with the machine: install a service of its init system"
        "The init system is found by its tools, or named: `systemd`, `systemd-user`, `openrc`, \
         `launchd` and others. Where root is needed, the command to run as root is printed.";
    Unstartup Persist ["unstartup"] [Maybe("platform")]
        "remove the service that `startup` installed" "";
    Boot Persist ["boot"] []
        "for init systems: resurrect, then stay until the daemon ends"
        "It stays in the foreground, so that the init system sees the end.";
    Cleardump Persist ["cleardump"] []
        "save an empty list" "";
    Install Extend ["install", "module:install"] [Needed("package|.|archive")]
        "install a module from npm, and start it"
        "A module is an npm package that runs as an app and watches others. It may be whatever npm \
         takes for a package, a `.tar.gz` that `package` made, or `.` for the module in this \
         directory, which is started as it is and not kept. Modules stand below the apps in \
         `list`, `all` does not mean them, and they are started with the daemon.";
    ModuleUpdate Extend ["module:update"] [Needed("module")]
        "install the latest version of a module"
        "When it cannot be started, the old one is started again.";
    Uninstall Extend ["uninstall", "module:uninstall"] [Needed("module|all")]
        "stop and remove a module"
        "Its settings stay.";
    ModuleGenerate Extend ["module:generate"] [Maybe("name")]
        "write a module to begin with"
        "Into a folder of its name, `sample-module` when none is given.";
    Package Extend ["package"] [Maybe("folder")]
        "make an archive of a module"
        "In the working directory; `install` takes it.";
    Publish Extend ["publish", "module:publish"] [Maybe("folder")]
        "publish a module, with npm" "";
    Set Extend ["set"] [Maybe("key"), Maybe("value")]
        "set a setting of an app or module: `app.KEY value`"
        "The setting becomes a variable of the app, which is restarted with it, and of every later \
         one of that name. A `:` will do for the `.`. Settings are in `module_conf.json` in the \
         home. Without arguments that file is opened in an editor. `ostler.log_*` are for the logs \
         of all apps that do not say it themselves: `log_rotate`, `log_max_size`, `log_keep`, \
         `log_keep_days`, `log_keep_size`, `log_rotate_cron`, `log_compress`, `log_buffer` (from \
         the next start of an app), `log_names` (the \
         date in the names of rotated files) and `log_cap` (what all may have: `20G`, `tenth` of \
         the disk, `none`). \
         `ostler.alerts.*` says who is told of alerts of all apps: `webhook`, `slack`, `discord`, \
         `telegram`, `command`, `mail`, and `every` (from one alert of a kind to the next).";
    Multiset Extend ["multiset"] [Many("key value")]
        "set several settings, with one restart"
        "The pairs may be one argument.";
    Get Extend ["get"] [Maybe("key|app")]
        "show a setting, those of an app, or all"
        "`--json` is the value, or an object of them.";
    Conf Extend ["conf", "config"] [Maybe("key|app"), Maybe("value")]
        "show settings, or set one"
        "With a value as `set`, else as `get`.";
    Unset Extend ["unset"] [Needed("key|app|all")]
        "remove a setting, those of an app, or all"
        "Apps that run keep their variables until they are deleted and started anew.";
    Update System ["update", "updatePM2"] []
        "replace the running daemon by this program, apps untouched"
        "When the new program does not come up, the old one goes on. `--json` and `--format` give \
         the processes that go on.";
    Migrate System ["migrate"] []
        "take the apps over from a PM2 that runs"
        "One app after the other, with its name, numbers, environment and log files. Workers of a \
         cluster share their port with the old ones until these are gone, where this user may \
         share it; an app that holds its port by itself is restarted, and the time in which nobody \
         listened is told. An app that does not serve here stays with PM2. When all are moved the \
         list is saved and PM2 ends. `--back` gives them back.";
    Kill System ["kill"] []
        "stop everything and end the daemon"
        "`--json` and `--format` give the processes that it stopped, as `stop` does: without a \
         pid.";
    LinkPm2 System ["link-pm2"] [Maybe("directory")]
        "make links named pm2, pm2-runtime, pm2-docker and pm2-dev"
        "Puts links of these names beside the program, or into a directory. What is there and is \
         none of ours stays, unless `--force` is given.";
    Completion System ["completion"] [Maybe("bash|zsh|fish")]
        "print a completion script for a shell"
        "Without an argument the shell is the one in `SHELL`. Names of apps are asked from the \
         daemon if one runs.";
    Skill System ["skill"] []
        "print a SKILL.md that teaches a coding agent this program"
        "Of the same tables as this help. `ostler skill > .claude/skills/ostler/SKILL.md` puts it \
         where an agent finds it.";
    Help System ["help"] [Maybe("command")]
        "show what a command takes, or all commands" "";
}
