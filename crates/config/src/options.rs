//! Everything the command line can say about an app, as text, so that wrong values are diagnosed in
//! one place with the same words as in a file.

use crate::value::{Node, Value};

/// Options of `start`, `restart` and `reload`. `None` or `false`: not given. Values are as typed;
/// they are checked when they are resolved, and a complaint says `command line`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--name`
    pub name: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
    /// `--cwd`
    pub cwd: Option<String>,
    /// What stands after `--`; `Some` replaces configured arguments, also when empty.
    pub args: Option<Vec<String>>,
    /// `-i`: a number or `max`.
    pub instances: Option<String>,
    /// `--interpreter`
    pub interpreter: Option<String>,
    /// `--node-args`, `--interpreter-args`: split on blanks, quotes honoured.
    pub node_args: Option<String>,
    /// `-x`: fork mode whatever else is given.
    pub execute_command: bool,
    /// `-o`
    pub out_file: Option<String>,
    /// `-e`
    pub error_file: Option<String>,
    /// `-l`: `Some(None)` when given without a path.
    pub log_file: Option<Option<String>>,
    /// `-p`
    pub pid_file: Option<String>,
    /// `--merge-logs`
    pub merge_logs: bool,
    /// `--time`
    pub time: bool,
    /// `--log-date-format`
    pub log_date_format: Option<String>,
    /// `--log-type`
    pub log_type: Option<String>,
    /// `--disable-logs`
    pub disable_logs: bool,
    /// `--no-autostart`
    pub no_autostart: bool,
    /// `--no-autorestart`
    pub no_autorestart: bool,
    /// `--max-restarts`
    pub max_restarts: Option<String>,
    /// `--min-uptime`: ms, or `1h`, `10m`, `5s`.
    pub min_uptime: Option<String>,
    /// `--restart-delay`, ms
    pub restart_delay: Option<String>,
    /// `--exp-backoff-restart-delay`, ms
    pub exp_backoff_restart_delay: Option<String>,
    /// `--stop-exit-codes`
    pub stop_exit_codes: Option<Vec<String>>,
    /// `-k`, ms
    pub kill_timeout: Option<String>,
    /// `--kill-signal`: `SIGTERM`, `TERM` or a number.
    pub kill_signal: Option<String>,
    /// `--listen-timeout`, ms
    pub listen_timeout: Option<String>,
    /// `--wait-ready`
    pub wait_ready: bool,
    /// `--shutdown-with-message`
    pub shutdown_with_message: bool,
    /// `--no-treekill`
    pub no_treekill: bool,
    /// `--max-memory-restart`: bytes, or `100M`.
    pub max_memory_restart: Option<String>,
    /// `--cron-restart`
    pub cron_restart: Option<String>,
    /// `--watch`: `Some` when given, with its paths.
    pub watch: Option<Vec<String>>,
    /// `--ignore-watch`
    pub ignore_watch: Option<String>,
    /// `--uid` or `--user`
    pub uid: Option<String>,
    /// `--gid`
    pub gid: Option<String>,
    /// `--filter-env`, each.
    pub filter_env: Vec<String>,
    /// `--env`: which `env_<name>` of a process file.
    pub env: Option<String>,
    /// `--only`: names of apps of a process file, split on `,` or blanks; empty = all.
    pub only: Vec<String>,
    /// `--update-env` (for the caller; not looked at here).
    pub update_env: bool,
    /// `--force` (for the caller; not looked at here).
    pub force: bool,
    /// `--instance-var`
    pub instance_var: Option<String>,
    /// `--increment-var`
    pub increment_var: Option<String>,
    /// `--balance`: `round-robin`, `sticky`, `least`, `shared`.
    pub balance: Option<String>,
    /// `--health-http`: URL.
    pub health_http: Option<String>,
    /// `--health-tcp`: `host:port`.
    pub health_tcp: Option<String>,
    /// `--health-exec`: shell command.
    pub health_exec: Option<String>,
    /// `--health-interval`, ms
    pub health_interval: Option<String>,
    /// `--health-timeout`, ms
    pub health_timeout: Option<String>,
    /// `--health-retries`
    pub health_retries: Option<String>,
    /// `--stable-for`, ms
    pub stable_for: Option<String>,
    /// `--drain-timeout`, ms
    pub drain_timeout: Option<String>,
    /// `--no-vizion`
    pub no_vizion: bool,
    /// `--no-pmx`
    pub no_pmx: bool,
    /// `--no-automation`
    pub no_automation: bool,
    /// `--disable-source-map-support`
    pub disable_source_map_support: bool,
}

impl Options {
    /// What was given, under the keys of a process file.
    pub(crate) fn fields(&self) -> Vec<(&'static str, Node)> {
        let mut out = Vec::new();
        self.texts(&mut out);
        self.flags(&mut out);
        self.lists(&mut out);
        out
    }

    fn texts(&self, out: &mut Vec<(&'static str, Node)>) {
        let texts = [
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("cwd", &self.cwd),
            ("instances", &self.instances),
            ("interpreter", &self.interpreter),
            ("node_args", &self.node_args),
            ("out_file", &self.out_file),
            ("error_file", &self.error_file),
            ("pid_file", &self.pid_file),
            ("log_date_format", &self.log_date_format),
            ("log_type", &self.log_type),
            ("max_restarts", &self.max_restarts),
            ("min_uptime", &self.min_uptime),
            ("restart_delay", &self.restart_delay),
            ("exp_backoff_restart_delay", &self.exp_backoff_restart_delay),
            ("kill_timeout", &self.kill_timeout),
            ("kill_signal", &self.kill_signal),
            ("listen_timeout", &self.listen_timeout),
            ("max_memory_restart", &self.max_memory_restart),
            ("cron_restart", &self.cron_restart),
            ("ignore_watch", &self.ignore_watch),
            ("uid", &self.uid),
            ("gid", &self.gid),
            ("instance_var", &self.instance_var),
            ("increment_var", &self.increment_var),
            ("balance", &self.balance),
            ("stable_for", &self.stable_for),
            ("drain_timeout", &self.drain_timeout),
        ];
        out.extend(
            texts.into_iter().filter_map(|(key, value)| Some((key, Node::text(value.as_deref()?)))),
        );
        match &self.log_file {
            Some(Some(path)) => out.push(("log_file", Node::text(path))),
            Some(None) => out.push(("log_file", Node::bare(Value::Bool(true)))),
            None => {}
        }
        let health = [
            ("http", &self.health_http),
            ("tcp", &self.health_tcp),
            ("exec", &self.health_exec),
            ("interval", &self.health_interval),
            ("timeout", &self.health_timeout),
            ("retries", &self.health_retries),
        ];
        let health: Vec<_> = health
            .into_iter()
            .filter_map(|(key, value)| Some(entry(key, value.as_deref()?)))
            .collect();
        if !health.is_empty() {
            out.push(("health", Node::bare(Value::Object(health))));
        }
    }

    fn flags(&self, out: &mut Vec<(&'static str, Node)>) {
        let flags = [
            ("execute_command", self.execute_command, true),
            ("merge_logs", self.merge_logs, true),
            ("time", self.time, true),
            ("disable_logs", self.disable_logs, true),
            ("autostart", self.no_autostart, false),
            ("autorestart", self.no_autorestart, false),
            ("wait_ready", self.wait_ready, true),
            ("shutdown_with_message", self.shutdown_with_message, true),
            ("treekill", self.no_treekill, false),
            ("vizion", self.no_vizion, false),
            ("pmx", self.no_pmx, false),
            ("automation", self.no_automation, false),
            ("disable_source_map_support", self.disable_source_map_support, true),
        ];
        out.extend(
            flags
                .into_iter()
                .filter(|flag| flag.1)
                .map(|(key, _, value)| (key, Node::bare(Value::Bool(value)))),
        );
    }

    fn lists(&self, out: &mut Vec<(&'static str, Node)>) {
        if let Some(args) = &self.args {
            out.push(("args", list(args)));
        }
        if let Some(codes) = &self.stop_exit_codes {
            // `--stop-exit-codes "1, 2"` and `--stop-exit-codes 1 2` mean the same.
            let codes = codes
                .iter()
                .flat_map(|text| text.split([',', ' ']))
                .filter(|code| !code.is_empty());
            out.push(("stop_exit_codes", Node::bare(Value::List(codes.map(Node::text).collect()))));
        }
        match self.watch.as_deref() {
            Some([]) => out.push(("watch", Node::bare(Value::Bool(true)))),
            Some(paths) => out.push(("watch", list(paths))),
            None => {}
        }
        if !self.filter_env.is_empty() {
            out.push(("filter_env", list(&self.filter_env)));
        }
    }
}

fn list(items: &[String]) -> Node {
    Node::bare(Value::List(items.iter().map(Node::text).collect()))
}

fn entry(key: &str, value: &str) -> crate::value::Entry {
    crate::value::Entry { key: key.to_owned(), key_span: None, node: Node::text(value) }
}
