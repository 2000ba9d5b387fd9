//! The rows. The sentences become the documentation of the constants and of `docs/environment.md`.

use crate::table::variables;
use crate::variable::{Audience, Origin, Reader, Variable};

variables! {
    /// The directory of the manager's files: sockets, logs, pid files, the saved list.
    /// One home is one manager. Under the name `ostler` it comes before `PM2_HOME`. An app that is
    /// started with it is given its manager's own home.
    OSTLER_HOME, read by Command Daemon Keeper App Companion, from Ours, set by User,
        default "`PM2_HOME`; else `~/.ostler`",

    /// The same, for scripts that were written for PM2. Under the name `pm2` it comes before
    /// `OSTLER_HOME`. Each app is given its manager's own home.
    /// Under the name `pm2`, output is coloured when it is set, also where no terminal reads it.
    PM2_HOME, read by Command App Companion, from Pm2, set by User,
        default "`OSTLER_HOME`; else `~/.pm2`", given apps,

    /// The user's home directory: the manager's home, version managers of Node and `~` are looked
    /// for in it.
    HOME, read by Command Companion, from Convention, set by User,

    /// The user's directory for sockets, which is the first choice for the directory of `run`.
    XDG_RUNTIME_DIR, read by Command, from Convention, set by User,

    /// The directory for files that need not last, in which `run` makes its own when it cannot have
    /// one in memory.
    TMPDIR, read by Command, from Convention, set by User, default "`/tmp`",

    /// The name of the user, where `/etc/passwd` has none for the number.
    USER, read by Command, from Convention, set by User, default "the user's number",

    /// Where programs are looked for: interpreters, tools of the init system, and what a
    /// service is given.
    PATH, read by Command Daemon Test, from Convention, set by User,
        default "`/usr/local/bin:/usr/bin:/bin`",

    /// The folder of nvm, in which a version of Node that an app asks for is looked for.
    NVM_DIR, read by Command, from Convention, set by User, default "`~/.nvm`",

    /// The user's shell: `ostler completion` without an argument prints the script for it.
    SHELL, read by Command, from Convention, set by User, default "`bash`",

    /// Anything but nothing and `false` suppresses every message, as `--silent` does.
    PM2_SILENT, read by Command, from Pm2, set by User,

    /// Anything but nothing: under the name `pm2`, a command that starts the daemon does not say
    /// so, and what it prints can be read by a program.
    PM2_DISCRETE_MODE, read by Command, from Pm2, set by User,

    /// A command line, of which PM2's script for shells asks `pm2 completion` what may follow.
    COMP_LINE, read by Command, from Convention, set by User,

    /// Where the cursor is in `COMP_LINE`.
    COMP_POINT, read by Command, from Convention, set by User, default "its end",

    /// `0` or `false` switches colours off, anything else switches them on.
    /// It comes before `NO_COLOR`, `TERM` and the terminal.
    FORCE_COLOR, read by Command, from Convention, set by User,

    /// A coding agent names itself: `logs` in a pipe prints what is there and ends.
    AI_AGENT, read by Command, from Convention, set by User,

    /// Claude Code runs the command: as with `AI_AGENT`.
    CLAUDECODE, read by Command, from Convention, set by User,

    /// Codex runs the command without anybody beside it: as with `AI_AGENT`.
    CODEX_CI, read by Command, from Convention, set by User,

    /// Codex runs the command in its sandbox: as with `AI_AGENT`.
    CODEX_SANDBOX, read by Command, from Convention, set by User,

    /// The agent of Cursor runs the command: as with `AI_AGENT`.
    CURSOR_AGENT, read by Command, from Convention, set by User,

    /// Gemini CLI runs the command: as with `AI_AGENT`.
    GEMINI_CLI, read by Command, from Convention, set by User,

    /// OpenCode runs the command: as with `AI_AGENT`.
    OPENCODE, read by Command, from Convention, set by User,

    /// Anything but nothing switches colours off.
    NO_COLOR, read by Command, from Convention, set by User,

    /// `dumb` switches colours off.
    TERM, read by Command, from Convention, set by User,

    /// The time zone of dates in logs: a name of the time zone database, the path of a file, or a
    /// rule as POSIX writes it.
    TZ, read by Command Daemon, from Convention, set by User, default "`/etc/localtime`; else UTC",

    /// The file of `save` and `resurrect`.
    /// It counts in the environment in which the daemon was started.
    PM2_DUMP_FILE_PATH, read by Daemon, from Pm2, set by User, default "`dump.pm2` in the home",

    /// Where the daemon writes its process number, which is in no other file then.
    /// It counts in the environment in which the daemon was started.
    PM2_PID_FILE_PATH, read by Daemon, from Pm2, set by User, default "`pm2.pid` in the home",

    /// The file with the settings of apps and modules (`ostler set`).
    PM2_MODULE_CONF_FILE, read by Command Daemon, from Pm2, set by User,
        default "`module_conf.json` in the home",

    /// The folder with modules (`ostler install`).
    PM2_DEFAULT_MODULE_PATH, read by Command, from Pm2, set by User,
        default "`modules` in the home",

    /// The folder that an app with the script `serve` serves; relative to its working directory.
    /// `ostler serve` sets this variable and the next ones.
    PM2_SERVE_PATH, read by Serve, from Pm2, set by User, default "the working directory",

    /// The port that it listens on.
    PM2_SERVE_PORT, read by Serve, from Pm2, set by User, default "8080",

    /// The address that it listens on.
    PM2_SERVE_HOST, read by Serve, from Pm2, set by User,
        default "`127.0.0.1`; under the name `pm2` `0.0.0.0`",

    /// `true`: a path of which there is no file is answered with the home page.
    PM2_SERVE_SPA, read by Serve, from Pm2, set by User, default "`false`",

    /// The file of the path `/`.
    PM2_SERVE_HOMEPAGE, read by Serve, from Pm2, set by User, default "`/index.html`",

    /// `true`: who asks must say the name and the password of the next two variables.
    PM2_SERVE_BASIC_AUTH, read by Serve, from Pm2, set by User,
        default "`true` where one of the two is set",

    /// The name that must be said.
    PM2_SERVE_BASIC_AUTH_USERNAME, read by Serve, from Pm2, set by User,

    /// The password that must be said.
    PM2_SERVE_BASIC_AUTH_PASSWORD, read by Serve, from Pm2, set by User,

    /// `true`: pages of other origins may read what is served.
    OSTLER_SERVE_CORS, read by Serve, from Ours, set by User,
        default "`false`; under the name `pm2` `true`",

    /// The port of the web API. `ostler web` sets this variable and the next ones.
    PM2_API_PORT, read by Companion, from Pm2, set by User, default "9615",

    /// The address that the web API listens on.
    PM2_API_IPADDR, read by Companion, from Pm2, set by User, default "`127.0.0.1`",

    /// A file of tokens, by one of which whoever asks the web API must say what they may. A line is
    /// `read`, `operate` or `admin`, and a token. Nobody else may read it.
    OSTLER_WEB_TOKEN_FILE, read by Companion, from Ours, set by User,

    /// The file with the certificate of the web API, and those that lead to its issuer, as PEM.
    /// With it connections are encrypted.
    OSTLER_WEB_TLS_CERT, read by Companion, from Ours, set by User,

    /// The file with the private key of that certificate, as PEM, not encrypted.
    OSTLER_WEB_TLS_KEY, read by Companion, from Ours, set by User,

    /// Names of this machine, with commas between them, that a request to the web API may use
    /// besides addresses and `localhost`.
    OSTLER_WEB_HOSTS, read by Companion, from Ours, set by User,

    /// A file of other machines that the dashboard shows, too: lines of `NAME URL TOKEN`.
    OSTLER_WEB_OTHERS, read by Companion, from Ours, set by User,

    /// The URL of a receiver of OTLP over HTTP, which the web API sends the figures of `/metrics`.
    OSTLER_WEB_OTLP, read by Companion, from Ours, set by User,

    /// Headers for that receiver: `name=value`, with commas between them.
    OSTLER_WEB_OTLP_HEADERS, read by Companion, from Ours, set by User,

    /// The time from one sending of figures to the next, in ms.
    OSTLER_WEB_OTLP_INTERVAL, read by Companion, from Ours, set by User, default "60000",

    /// Anything but nothing and `false` leaves `env` out of the processes on PM2's page of the web
    /// API, in which secrets are masked in any case.
    PM2_WEB_STRIP_ENV_VARS, read by Companion, from Pm2, set by User,

    /// The editor in which `ostler set` opens the settings.
    VISUAL, read by Command, from Convention, set by User, default "`EDITOR`",

    /// The same, where there is no `VISUAL`.
    EDITOR, read by Command, from Convention, set by User, default "`vi`",

    /// `true`: apps are asked to end by the message `shutdown`, as by `shutdown_with_message`.
    /// It counts in the environment in which the daemon was started.
    PM2_KILL_USE_MESSAGE, read by Daemon, from Pm2, set by User,

    /// `true`: apps that are started get `deep_monitoring: true`, which is shown and has
    /// no effect yet.
    PM2_DEEP_MONITORING, read by Command, from Pm2, set by User,

    /// How often the memory of apps with a limit is measured, in milliseconds; at least 100, and
    /// 30000 as PM2 does it. It counts in the environment in which the daemon was started.
    PM2_WORKER_INTERVAL, read by Daemon, from Pm2, set by User,
        default "about 1000: a limit that is passed is noticed within a second",

    /// The number of a user who may use PM2's sockets `rpc.sock` and `pub.sock` beside their owner
    /// and root, and gets them.
    /// It counts in the environment in which the daemon was started.
    PM2_SOCKET_USER, read by Daemon, from Pm2, set by User,

    /// The number of a group whose members may use them, too.
    /// It counts in the environment in which the daemon was started.
    PM2_SOCKET_GROUP, read by Daemon, from Pm2, set by User,

    /// `off`: no control groups, descendants are found by walking through `/proc`.
    /// It counts in the environment in which the daemon was started.
    OSTLER_CGROUP, read by Daemon, from Ours, set by User,
        default "control groups of version 2, where they can be written to",

    /// The number of this process among those of its app, from 0.
    /// `instance_var` gives it another name.
    NODE_APP_INSTANCE, read by App, from Pm2, set by Internal, given apps,

    /// The port to listen on, where the app's `port` says one.
    PORT, read by App, from Convention, set by Internal, given apps,

    /// `CLI`: the app was started by a command.
    PM2_USAGE, read by App, from Pm2, set by Internal, given apps,

    /// `true`: the app was described in a process file.
    PM2_JSON_PROCESSING, read by App, from Pm2, set by Internal, given apps,

    /// Node's options as the user gave them; to a worker with the drain hook, the hook is added.
    NODE_OPTIONS, read by App, from Node, set by User, given apps,

    /// `1` has Python write its output line by line, so that the logs are not late.
    /// It is given to Python scripts that have no such variable.
    PYTHONUNBUFFERED, read by App, from Convention, set by Internal, given apps,

    /// The process's number in the list.
    PM_ID = "pm_id", read by App, from Pm2, set by Internal, given apps,

    /// When this run was asked for, if need be in advance, in milliseconds since 1970.
    PM_UPTIME = "pm_uptime", read by App, from Pm2, set by Internal, given apps,

    /// How often the process was restarted before this run.
    RESTART_TIME = "restart_time", read by App, from Pm2, set by Internal, given apps,

    /// How many runs before this one ended early, in a row.
    UNSTABLE_RESTARTS = "unstable_restarts", read by App, from Pm2, set by Internal, given apps,

    /// The socket on which a service says how it is. `ostler boot` says so to systemd, and does not
    /// pass the variable on; an app with `ready: { notify: true }` or `watchdog` is given the
    /// socket of its manager.
    NOTIFY_SOCKET, read by Command App, from Systemd, set by Internal, given apps,

    /// How often the service has to say that it is alive, or an app with `watchdog`; it is in
    /// microseconds, and a third or a half of it is a good time to say so.
    WATCHDOG_USEC, read by Command App, from Systemd, set by Internal, given apps,

    /// The process that has to say so: of an app, the first one.
    WATCHDOG_PID, read by Command App, from Systemd, set by Internal, default "any process",
        given apps,

    /// How many descriptors the process was given, from number 3 on: those of the app's `fds`.
    /// What a service manager gave to the command is not passed on.
    LISTEN_FDS, read by App, from Systemd, set by Internal, given apps,

    /// The process that the descriptors are for.
    LISTEN_PID, read by App, from Systemd, set by Internal, given apps,

    /// The names of the descriptors that a service manager gave; it is not passed on.
    LISTEN_FDNAMES, read by App, from Systemd, set by Internal,

    /// The descriptor of the channel for `process.send` and for the messages of a cluster.
    NODE_CHANNEL_FD, read by App, from Node, set by Internal, given apps,

    /// `json`: how messages on that channel are written.
    NODE_CHANNEL_SERIALIZATION_MODE, read by App, from Node, set by Internal, given apps,

    /// The number of a worker; Node takes a process that has one for a worker of a cluster.
    NODE_UNIQUE_ID, read by App, from Node, set by Internal, given apps,

    /// Marks the processes of one run, so that descendants which left their session are found.
    OSTLER_RUN, read by Daemon App, from Ours, set by Internal, given apps,

    /// Node's options without the drain hook: the hook puts them back for programs that
    /// the worker starts.
    OSTLER_NODE_OPTIONS, read by App, from Ours, set by Internal, given apps,

    /// What else the hook is to do in an app of Node: source maps, unhandled rejections.
    OSTLER_NODE_PARTS, read by App, from Ours, set by Internal, given apps,

    /// The descriptor on which the daemon says `ok` when it answers, or why it cannot.
    OSTLER_READY_FD, read by Keeper Daemon, from Ours, set by Internal,

    /// The descriptor that connects the daemon with its keeper.
    OSTLER_KEEPER_FD, read by Daemon, from Ours, set by Internal,

    /// The process in the foreground that the manager is for, `PID:START`: when it ends, the
    /// manager stops everything and ends too.
    OSTLER_FOREGROUND, read by Keeper Daemon, from Ours, set by Internal,

    /// `pm2` where the manager was started under that name: log files are rotated only when
    /// somebody asks for it.
    OSTLER_MANNER, read by Keeper Daemon, from Ours, set by Internal,

    /// Files of services are written below this directory instead of `/`.
    OSTLER_BOOT_ROOT, read by Command, from Ours, set by Developer,

    /// The place at which a build with the feature `failpoints` dies, with `:N` at the N-th visit;
    /// with `:N:parent` its parent dies there.
    OSTLER_FAILPOINT, read by Keeper Daemon, from Ours, set by Developer,

    /// The file by which it dies there only once.
    OSTLER_FAILPOINT_ONCE, read by Keeper Daemon, from Ours, set by Developer,

    /// The version of the keeper's protocol that a build with the feature `failpoints` claims.
    OSTLER_TEST_PROTOCOL, read by Keeper Daemon, from Ours, set by Developer,

    /// Where a build that measures its own coverage writes what it has run.
    LLVM_PROFILE_FILE, read by Command Daemon Keeper, from Convention, set by Developer,

    /// `1`: a failure of the program itself says which calls led to it.
    RUST_BACKTRACE, read by Command Daemon Keeper, from Convention, set by Developer,

    /// The `cargo` that runs a project task, and with which the task runs others.
    CARGO, read by Test, from Convention, set by Internal, default "`cargo`",

    /// Where cargo keeps the sources of crates; the programs of `cargo xtask dist` do not tell.
    CARGO_HOME, read by Test, from Convention, set by Developer, default "`~/.cargo`",

    /// What the compiler is told besides; set by `cargo xtask dist`.
    CARGO_ENCODED_RUSTFLAGS, read by Test, from Convention, set by Internal,

    /// Where cargo builds; set by `cargo xtask dist` for its second build.
    CARGO_TARGET_DIR, read by Test, from Convention, set by Internal,

    /// The time of everything in a package, in seconds since 1970.
    SOURCE_DATE_EPOCH, read by Test, from Convention, set by Developer, default "the commit's",

    /// The commit that is built, for `ostler --version --verbose`; set by `cargo xtask dist`.
    OSTLER_COMMIT, read by Test, from Ours, set by Internal,

    /// The directory of the runtimes that tests run against.
    OSTLER_CACHE, read by Test, from Ours, set by Developer, default "`.cache` in the repository",

    /// `1`: a runtime that is not installed is no failure.
    OSTLER_TEST_FEW, read by Test, from Ours, set by Developer,

    /// The programs that the tests of the cluster's messages run, separated by colons.
    OSTLER_TEST_NODES, read by Test, from Ours, set by Developer, default "`node`",

    /// How many random histories the core is played through.
    OSTLER_HISTORIES, read by Test, from Ours, set by Developer,

    /// The seed of random histories, of the torture test and of injected failures.
    OSTLER_SEED, read by Test, from Ours, set by Developer,

    /// The seed of what `proptest` makes; a full test sets it and `OSTLER_SEED`, to be repeatable.
    PROPTEST_RNG_SEED, read by Test, from Convention, set by Developer,

    /// How long the torture test lasts, in seconds.
    OSTLER_TORTURE_SECONDS, read by Test, from Ours, set by Developer, default "8",

    /// How often an app is woken by a connection, of which none may fail.
    OSTLER_WAKES, read by Test, from Ours, set by Developer, default "20",

    /// How long system calls are made to fail, in seconds.
    OSTLER_INJECT_SECONDS, read by Test, from Ours, set by Developer, default "15",

    /// From which point on system calls are made to fail, of those that `OSTLER_SEED` makes.
    OSTLER_INJECT_FROM, read by Test, from Ours, set by Developer, default "0",

    /// The one failing system call that the test of all of them plays.
    OSTLER_INJECT_POINT, read by Test, from Ours, set by Developer, default "every call",

    /// The one place of death that the test of all of them plays.
    OSTLER_STORY, read by Test, from Ours, set by Developer, default "every place",

    /// How many reloads under load a case of `cargo xtask soak-reload` does.
    OSTLER_SOAK_RELOADS, read by Test, from Ours, set by Developer,

    /// How many requests are answered between two of these reloads.
    OSTLER_SOAK_BETWEEN, read by Test, from Ours, set by Developer,

    /// The versions of Node that these reloads run with.
    OSTLER_SOAK_NODES, read by Test, from Ours, set by Developer,

    /// The kind of client, `keep-alive` or `close`, that these reloads are limited to.
    OSTLER_SOAK_ONLY, read by Test, from Ours, set by Developer,

    /// Set: these reloads also run an app without a handler.
    OSTLER_SOAK_PLAIN, read by Test, from Ours, set by Developer,

    /// How often the test of the logs' ledger kills its writer.
    OSTLER_LOGS_KILLS, read by Test, from Ours, set by Developer, default "40",

    /// What the process that writes the ledger has to do; set by the test itself.
    OSTLER_LOGS_LEDGER, read by Test, from Ours, set by Developer,

    /// Set in the process that the test of the idle logs measures; set by the test itself.
    OSTLER_LOGS_IDLE, read by Test, from Ours, set by Developer,
}
