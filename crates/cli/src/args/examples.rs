//! Examples for the help of each command. A command without does not compile.

use super::commands::CommandId;

/// A command line, and what it does.
pub(crate) type Example = (&'static str, &'static str);

/// Command lines to begin with.
pub(crate) const FIRST: &[Example] = &[
    ("ostler start app.js -i 4 --name api", "four workers that share a port"),
    ("ostler start ecosystem.config.js", "the apps of a process file"),
    ("ostler list", "what runs"),
    ("ostler logs api --lines 50", "its output, the last 50 lines first"),
    ("ostler reload api", "a new version, no request lost"),
    ("ostler save", "what `ostler startup` brings back"),
];

/// Returns the examples of a command.
#[rustfmt::skip]
pub(crate) fn of(command: CommandId) -> &'static [Example] {
    match command {
        CommandId::Start => &[
            ("ostler start app.js", "one process, called app"),
            ("ostler start app.js -i 4 --name api", "four workers that share a port"),
            ("ostler start app.js --wait=1m", "and return when it is ready"),
            ("ostler start server.py -- --port 8000", "arguments for the app"),
            ("ostler start ecosystem.config.js --only api", "one app of a process file"),
        ],
        CommandId::Run => &[
            ("ostler run app.js", "one process, its output here"),
            ("ostler run app.js -i max", "a worker for each CPU it may use"),
            ("ostler run ecosystem.config.js --json", "each line as an object"),
            ("ostler run job.py --no-autorestart", "once; the exit code is the job's"),
        ],
        CommandId::Validate => &[
            ("ostler validate ecosystem.config.js", "everything that is wrong with it"),
            ("ostler validate *.yaml --json", "an object for each file"),
        ],
        CommandId::Plan => &[
            ("ostler plan ecosystem.config.js", "what `apply` would do"),
            ("ostler plan apps.toml --env production", "with these variables"),
        ],
        CommandId::Explain => &[
            ("ostler explain wrong-form", "what it means, and how it is written"),
            ("ostler explain", "all codes"),
        ],
        CommandId::Apply => &[
            ("ostler apply ecosystem.config.js", "start, reload, restart what differs"),
            ("ostler apply apps.toml --prune --yes", "and remove what is not in it any more"),
        ],
        CommandId::Health => &[
            ("ostler health", "all apps"),
            ("ostler health api", "one app"),
        ],
        CommandId::LinkPm2 => &[
            ("ostler link-pm2", "beside this program"),
            ("ostler link-pm2 ~/bin", "into another directory"),
        ],
        CommandId::Deploy => &[
            ("ostler deploy production setup", "once: folders and clone"),
            ("ostler deploy production", "deploy what is pushed"),
            ("ostler deploy production v1.2", "a branch, a tag or a commit"),
            ("ostler deploy production revert", "the version before"),
            ("ostler deploy production exec 'ostler list'", "run a command there"),
        ],
        CommandId::Serve => &[
            ("ostler serve dist", "on http://127.0.0.1:8080"),
            ("ostler serve dist 3000 --spa --name site", "also for the app's own paths"),
            ("ostler serve /srv/files --host 0.0.0.0", "for everybody"),
        ],
        CommandId::Monit => &[
            ("ostler monit", "in the whole window"),
            ("ostler dash --no-color", "the same, without colours"),
        ],
        CommandId::Web => &[
            ("ostler web", "on http://127.0.0.1:9615"),
            ("ostler web 9000", "on another port"),
            ("ostler web stop", "end it"),
        ],
        CommandId::Skill => &[
            ("ostler skill", "to look at"),
            ("ostler skill | head -n 4", "when an agent is to read it"),
            ("ostler skill > SKILL.md", "into a file"),
        ],
        CommandId::Mcp => &[
            ("ostler mcp", "for the apps of this folder"),
            ("ostler mcp --allow-destructive", "also to stop and delete"),
        ],
        CommandId::Stop => &[
            ("ostler stop api", "all processes of an app"),
            ("ostler stop api 3", "an app, and the process with the id 3"),
            ("ostler stop all", "everything"),
        ],
        CommandId::Restart => &[
            ("ostler restart api", "as it is"),
            ("ostler restart api --update-env", "with this shell's variables"),
            ("ostler restart api --max-memory-restart 300M", "with another limit"),
        ],
        CommandId::Reload => &[
            ("ostler reload api", "one worker after the other"),
            ("ostler reload api web", "both apps"),
            ("ostler reload ecosystem.config.js", "every app of the file"),
            ("ostler reload api --surge 2", "two workers more meanwhile"),
            ("ostler reload api --canary", "one worker, then wait for a word"),
        ],
        CommandId::StartOrRestart => &[
            ("ostler startOrRestart ecosystem.config.js", "start or restart each app"),
            ("ostler startOrRestart apps.json --env production", "with `env_production`"),
        ],
        CommandId::StartOrReload => &[
            ("ostler startOrReload ecosystem.config.js", "start or reload each app"),
            ("ostler startOrReload apps.json --env production", "with `env_production`"),
        ],
        CommandId::Delete => &[
            ("ostler delete api", "an app"),
            ("ostler delete ecosystem.config.js", "the apps of a process file"),
            ("ostler delete all", "everything"),
        ],
        CommandId::Scale => &[
            ("ostler scale api 4", "four processes"),
            ("ostler scale api +2", "two more"),
            ("ostler scale api -1", "one less"),
        ],
        CommandId::Promote => &[
            ("ostler promote api", "every worker gets the new version"),
            ("ostler promote shop/api", "the app of this namespace"),
        ],
        CommandId::Rollback => &[
            ("ostler rollback api", "every worker is of the old version again"),
            ("ostler rollback shop/api", "the app of this namespace"),
        ],
        CommandId::List => &[
            ("ostler list", "as a table"),
            ("ostler list --sort memory:desc", "the largest first"),
            ("ostler list --watch", "again and again"),
        ],
        CommandId::Jlist => &[
            ("ostler jlist", "one array on one line"),
            ("ostler jlist | jq '.[].name'", "a field of each process"),
        ],
        CommandId::Prettylist => &[
            ("ostler prettylist", "as Node prints objects"),
            ("ostler prettylist | less", "page by page"),
        ],
        CommandId::Describe => &[
            ("ostler describe api", "every process of an app"),
            ("ostler describe 0", "the process with the id 0"),
        ],
        CommandId::Env => &[
            ("ostler env 0", "the process with the id 0"),
            ("ostler env api | grep NODE_", "some variables of an app"),
        ],
        CommandId::Logs => &[
            ("ostler logs", "of every app"),
            ("ostler logs api --lines 50", "the last 50 lines first"),
            ("ostler logs --since 10m --grep refused", "of all apps, by time"),
            ("ostler logs --json | jq .message", "for a program"),
            ("ostler logs --since 1d --errors", "errors, those alike counted"),
            ("ostler logs --json --cursor $cursor", "from where it stopped"),
        ],
        CommandId::Wait => &[
            ("ostler wait api", "until it is ready"),
            ("ostler wait job --for exit --timeout 10m", "until it has ended, and how"),
            ("ostler wait api --for 'log=listening on'", "until it has written that"),
        ],
        CommandId::SendSignal => &[
            ("ostler sendSignal SIGUSR2 api", "to every process of an app"),
            ("ostler sendSignal HUP 3", "to the process with the id 3"),
        ],
        CommandId::Trigger => &[
            ("ostler trigger api stats", "what each process returns"),
            ("ostler trigger 0 level debug --timeout 5s", "with a parameter, and a limit"),
            ("ostler trigger all stats --json | jq .answer", "for a program"),
        ],
        CommandId::Send => &[
            ("ostler send bot 'say hello'", "to an app with one process"),
            ("ostler send 3 stop", "to the process with the id 3"),
        ],
        CommandId::Attach => &[
            ("ostler attach bot", "until Ctrl-C, or Ctrl-D"),
            ("ostler attach 3 < commands.txt", "every line of a file"),
        ],
        CommandId::Inspect => &[
            ("ostler inspect api", "every process of an app"),
            ("ostler inspect 3", "the process with the id 3"),
        ],
        CommandId::Monitor => &[
            ("ostler monitor api", "an app"),
            ("ostler monitor all", "everything"),
        ],
        CommandId::Alert => &[
            ("ostler alert test", "to whoever is told of all apps"),
            ("ostler alert test api", "and of this app"),
        ],
        CommandId::Unmonitor => &[
            ("ostler unmonitor api", "an app"),
            ("ostler unmonitor all", "everything"),
        ],
        CommandId::Slist => &[
            ("ostler slist", "a line for each figure"),
            ("ostler slist --json | jq '.[\"CPU Usage\"].value'", "for a program"),
        ],
        CommandId::Pull => &[
            ("ostler pull api", "the newest of its branch"),
            ("ostler pull api v1.2.3", "a tag or a commit"),
        ],
        CommandId::Forward => &[
            ("ostler forward api", "a commit on"),
            ("ostler forward api --silent", "without messages"),
        ],
        CommandId::Backward => &[
            ("ostler backward api", "a commit back"),
            ("ostler backward api --silent", "without messages"),
        ],
        CommandId::Export => &[
            ("ostler export apps.json", "the list, into a new file"),
            ("ostler export | ssh web2 ostler import -", "the list, to another machine"),
            ("ostler export swarm apps.yaml --env live", "a stack for Docker Swarm"),
            ("ostler export systemd apps.yaml --into units", "a unit for each app"),
        ],
        CommandId::Import => &[
            ("ostler import apps.json", "what `ostler export` wrote"),
            ("ostler import ~/.pm2/dump.pm2", "what PM2 saved"),
            ("ostler import compose.yaml > apps.yaml", "the services of Docker Compose"),
        ],
        CommandId::Init => &[
            ("ostler init", "with comments"),
            ("ostler init simple", "name and script alone"),
        ],
        CommandId::Examples => &[
            ("ostler examples", "all of them"),
            ("ostler examples | grep reload", "those about one thing"),
        ],
        CommandId::Report => &[
            ("ostler report", "to be read before it is pasted"),
            ("ostler report > report.md", "into a file"),
        ],
        CommandId::Flush => &[
            ("ostler flush api", "the files of an app"),
            ("ostler flush", "all files, the manager's too"),
        ],
        CommandId::Logrotate => &[
            ("ostler logrotate", "of root's apps"),
            ("ostler logrotate -u www-data", "of another user's"),
        ],
        CommandId::ReloadLogs => &[
            ("ostler reloadLogs", "after files were moved"),
            ("ostler reloadLogs --silent", "in `postrotate` of logrotate"),
        ],
        CommandId::ProfileCpu => &[
            ("ostler profile:cpu api", "ten seconds of it"),
            ("ostler profile:cpu api 60000", "a minute"),
        ],
        CommandId::ProfileMem => &[
            ("ostler profile:mem api", "what it allocates in ten seconds"),
            ("ostler profile:mem 3 60000", "what the process 3 allocates in a minute"),
        ],
        CommandId::Pid => &[
            ("ostler pid api", "a line for each process of an app"),
            ("ostler pid", "of every process"),
        ],
        CommandId::Id => &[
            ("ostler id api", "a line for each process of an app"),
            ("ostler id api | head -n 1", "that of its first process"),
        ],
        CommandId::Reset => &[
            ("ostler reset api", "the counters of an app"),
            ("ostler reset all", "all counters"),
        ],
        CommandId::Ping => &[
            ("ostler ping", "say whether it answers"),
            ("ostler ping --silent", "the exit status alone"),
        ],
        CommandId::Save => &[
            ("ostler save", "the list as it is now"),
            ("ostler save --force", "also when it is empty"),
        ],
        CommandId::Resurrect => &[
            ("ostler resurrect", "what was saved and does not run"),
            ("ostler resurrect --silent", "without messages"),
        ],
        CommandId::Startup => &[
            ("ostler startup", "the init system that is found"),
            ("ostler startup systemd-user", "without root, for this user"),
            ("ostler startup systemd -u web --hp /home/web", "as root, for a user"),
        ],
        CommandId::Unstartup => &[
            ("ostler unstartup", "the service of this user"),
            ("ostler unstartup systemd -u web --hp /home/web", "that of a user"),
        ],
        CommandId::Boot => &[
            ("ostler boot", "what the service runs"),
            ("ostler boot --silent", "without messages"),
        ],
        CommandId::Cleardump => &[
            ("ostler cleardump", "nothing comes back after a reboot"),
            ("ostler cleardump --silent", "without messages"),
        ],
        CommandId::Install => &[
            ("ostler install pm2-logrotate", "the module of this name"),
            ("ostler install pm2-logrotate@3.0.0", "one version of it"),
            ("ostler install ./monitor-v1-0-0.tar.gz", "an archive"),
            ("ostler install .", "the one here, to work on it"),
        ],
        CommandId::ModuleUpdate => &[
            ("ostler module:update pm2-logrotate", "to its latest version"),
            ("ostler module:update pm2-logrotate@2.7.0", "to another one"),
        ],
        CommandId::Uninstall => &[
            ("ostler uninstall pm2-logrotate", "one module"),
            ("ostler uninstall all", "every module"),
        ],
        CommandId::ModuleGenerate => &[
            ("ostler module:generate", "into `sample-module`"),
            ("ostler module:generate watcher", "into `watcher`"),
        ],
        CommandId::Package => &[
            ("ostler package", "of the one in this directory"),
            ("ostler package ./watcher", "of the one in a folder"),
        ],
        CommandId::Publish => &[
            ("ostler publish", "the one in this directory"),
            ("ostler publish ./watcher", "the one in a folder"),
        ],
        CommandId::Set => &[
            ("ostler set api.LOG_LEVEL debug", "and restart `api` with that variable"),
            ("ostler set ostler.log_max_size 50M", "rotate the logs of all apps there"),
            ("ostler set pm2-logrotate:max_size 50M", "the same, as it is written for PM2"),
        ],
        CommandId::Multiset => &[
            ("ostler multiset api.LOG_LEVEL debug api.CACHE off", "one restart"),
            ("ostler multiset \"api:LOG_LEVEL debug api:CACHE off\"", "the same in PM2's way"),
        ],
        CommandId::Get => &[
            ("ostler get", "all settings"),
            ("ostler get api", "those of an app"),
            ("ostler get api.LOG_LEVEL", "one value, nothing else"),
        ],
        CommandId::Conf => &[
            ("ostler conf", "all settings"),
            ("ostler conf api.LOG_LEVEL debug", "as `set`"),
        ],
        CommandId::Unset => &[
            ("ostler unset api.LOG_LEVEL", "one setting"),
            ("ostler unset api", "those of an app"),
        ],
        CommandId::Update => &[
            ("ostler update", "after a new version was installed"),
            ("ostler update --silent", "without messages"),
        ],
        CommandId::Migrate => &[
            ("ostler migrate --dry-run", "what would become of each app"),
            ("ostler migrate", "the apps of the PM2 in ~/.pm2"),
            ("ostler migrate --from /srv/pm2", "of another one"),
            ("ostler migrate --back", "back to PM2"),
        ],
        CommandId::Kill => &[
            ("ostler kill", "apps, daemon and keeper"),
            ("ostler kill --silent", "without messages"),
        ],
        CommandId::Completion => &[
            ("ostler completion bash", "the script of a shell"),
            ("ostler completion zsh > ~/.zfunc/_ostler", "into a file that it reads"),
        ],
        CommandId::Help => &[
            ("ostler help", "all commands"),
            ("ostler help start", "what one command takes"),
        ],
    }
}
