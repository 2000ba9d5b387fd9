//! Every key of an app in a process file: its names, what it may be, and where it goes.
//!
//! The one source of the schema: checking, suggestions, the record and documentation read this
//! table.

/// JavaScript's types, in PM2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Number,
    Bool,
    List,
    Object,
}

impl Type {
    /// As `Object.prototype.toString` says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Number => "Number",
            Self::Bool => "Boolean",
            Self::List => "Array",
            Self::Object => "Object",
        }
    }
}

/// What a value must be beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing more.
    Any,
    /// A number not below this.
    Min(u32),
    /// Bytes: a number or `100M`.
    Memory,
    /// Milliseconds from 100 up, or `10m`.
    Uptime,
    /// One of these words.
    Words(&'static [&'static str]),
    /// Text that may not be empty.
    NotEmpty,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Becomes part of the specification.
    Spec,
    /// Kept as it is for others.
    Pass,
    /// Kept as it is, and ostler does not act on it yet: said so when it is switched on.
    PassNotYet,
    /// Only for the command that reads the file.
    Drop,
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub types: &'static [Type],
    pub rule: Rule,
    pub goes: Use,
    /// What to write, for the help line of a complaint.
    pub help: &'static str,
}

const TEXT: &[Type] = &[Type::Text];
const NUMBER: &[Type] = &[Type::Number];
const BOOL: &[Type] = &[Type::Bool];
const WORDS: &[Type] = &[Type::List, Type::Text];
const OBJECT: &[Type] = &[Type::Object];
const NUMBER_TEXT: &[Type] = &[Type::Number, Type::Text];
const WATCH: &[Type] = &[Type::Bool, Type::List, Type::Text];
const MS: &str = "write a number of milliseconds, such as `2000`";
const FLAG: &str = "write `true` or `false`, without quotes";
const LIST: &str = "write a list of texts, such as `[\"a\", \"b\"]`, or one text split on blanks";
const A_TEXT: &str = "write a text in quotes";
const A_NUMBER: &str = "write a number";

const fn key(
    name: &'static str,
    aliases: &'static [&'static str],
    types: &'static [Type],
    rule: Rule,
    goes: Use,
    help: &'static str,
) -> Key {
    Key { name, aliases, types, rule, goes, help }
}

const fn text(name: &'static str, aliases: &'static [&'static str]) -> Key {
    key(name, aliases, TEXT, Rule::Any, Use::Spec, A_TEXT)
}

const fn ms(name: &'static str) -> Key {
    key(name, &[], NUMBER, Rule::Min(0), Use::Spec, MS)
}

const fn flag(name: &'static str, aliases: &'static [&'static str], goes: Use) -> Key {
    key(name, aliases, BOOL, Rule::Any, goes, FLAG)
}

/// The table.
#[rustfmt::skip]
pub(crate) static KEYS: &[Key] = &[
    key("script", &["exec", "cmd", "command"], TEXT, Rule::NotEmpty, Use::Spec, "write the path of the script, or a command"),
    key("name", &[], TEXT, Rule::NotEmpty, Use::Spec, A_TEXT),
    key("namespace", &[], TEXT, Rule::NotEmpty, Use::Spec, A_TEXT),
    text("cwd", &[]),
    key("args", &[], WORDS, Rule::Any, Use::Spec, LIST),
    text("interpreter", &["exec_interpreter"]),
    key("node_args", &["interpreter_args", "interpreterArgs"], WORDS, Rule::Any, Use::Spec, LIST),
    key("exec_mode", &[], TEXT, Rule::Words(&["fork", "cluster", "fork_mode", "cluster_mode"]), Use::Spec, "write `\"fork\"` or `\"cluster\"`"),
    key("instances", &[], NUMBER_TEXT, Rule::Any, Use::Spec, "write a number, or `\"max\"` for one per CPU"),
    text("instance_var", &[]),
    text("increment_var", &[]),
    flag("append_env_to_name", &[], Use::Spec),
    text("out_file", &["out", "output", "out_log"]),
    text("error_file", &["error", "err", "err_file", "err_log"]),
    key("log_file", &["log"], &[Type::Bool, Type::Text], Rule::Any, Use::Spec, "write a path, or `true` for the usual place"),
    text("pid_file", &["pid"]),
    flag("merge_logs", &["combine_logs"], Use::Spec),
    flag("disable_logs", &[], Use::Spec),
    key("log_type", &[], TEXT, Rule::Words(&["raw", "json"]), Use::Spec, "write `\"raw\"` or `\"json\"`"),
    text("log_date_format", &[]),
    flag("time", &[], Use::Spec),
    key("env", &[], OBJECT, Rule::Any, Use::Spec, "write an object, such as `{ \"NODE_ENV\": \"production\" }`"),
    key("filter_env", &[], WATCH, Rule::Any, Use::Spec, LIST),
    key("port", &[], NUMBER, Rule::Min(0), Use::Spec, A_NUMBER),
    key("watch", &[], WATCH, Rule::Any, Use::PassNotYet, "write `true`, `false` or a list of paths"),
    key("ignore_watch", &[], WORDS, Rule::Any, Use::Pass, LIST),
    key("watch_options", &[], OBJECT, Rule::Any, Use::Pass, "write an object"),
    key("watch_delay", &[], NUMBER, Rule::Min(0), Use::Pass, MS),
    flag("autostart", &[], Use::Spec),
    flag("autorestart", &[], Use::Spec),
    key("stop_exit_codes", &[], &[Type::List, Type::Number], Rule::Any, Use::Spec, "write a list of numbers, such as `[0, 2]`"),
    key("max_restarts", &[], NUMBER, Rule::Min(0), Use::Spec, A_NUMBER),
    key("min_uptime", &[], NUMBER_TEXT, Rule::Uptime, Use::Spec, "write milliseconds from 100 up, or a text such as `\"10m\"`"),
    ms("restart_delay"),
    ms("exp_backoff_restart_delay"),
    ms("kill_timeout"),
    key("kill_retry_time", &[], NUMBER, Rule::Min(0), Use::Pass, MS),
    key("kill_signal", &[], NUMBER_TEXT, Rule::Any, Use::Spec, "write a signal's name, such as `\"SIGTERM\"`"),
    ms("listen_timeout"),
    flag("wait_ready", &[], Use::Spec),
    flag("shutdown_with_message", &[], Use::Spec),
    flag("treekill", &[], Use::Spec),
    key("cron_restart", &["cron"], NUMBER_TEXT, Rule::Any, Use::PassNotYet, "write a cron pattern, such as `\"0 4 * * *\"`"),
    key("max_memory_restart", &[], NUMBER_TEXT, Rule::Memory, Use::Spec, "write a number of bytes, or a text such as `\"100M\"`"),
    key("uid", &["user"], NUMBER_TEXT, Rule::Any, Use::Spec, "write the name or number of a user"),
    key("gid", &[], NUMBER_TEXT, Rule::Any, Use::Spec, "write the name or number of a group"),
    key("balance", &[], TEXT, Rule::Words(&["round-robin", "sticky", "least", "shared"]), Use::Spec, "write `\"round-robin\"`, `\"sticky\"`, `\"least\"` or `\"shared\"`"),
    key("fds", &[], OBJECT, Rule::Any, Use::Spec, "write an object, such as `{ \"3\": \"127.0.0.1:8080\" }`"),
    key("health", &[], OBJECT, Rule::Any, Use::Spec, "write an object, such as `{ \"http\": \"http://localhost:3000/health\" }`"),
    ms("stable_for"),
    ms("drain_timeout"),
    flag("drain_hook", &[], Use::Spec),
    text("username", &[]),
    flag("source_map_support", &[], Use::Pass),
    flag("disable_source_map_support", &[], Use::Pass),
    flag("vizion", &[], Use::Pass),
    flag("pmx", &[], Use::Pass),
    flag("automation", &[], Use::Pass),
    key("io", &[], OBJECT, Rule::Any, Use::Pass, "write an object"),
    flag("trace", &[], Use::Pass),
    flag("disable_trace", &[], Use::Pass),
    flag("v8", &[], Use::Pass),
    flag("event_loop_inspector", &[], Use::Pass),
    flag("deep_monitoring", &[], Use::Pass),
    flag("windowsHide", &[], Use::Pass),
    key("post_update", &[], &[Type::List], Rule::Any, Use::Pass, LIST),
    key("name_prefix", &[], TEXT, Rule::Any, Use::Pass, A_TEXT),
    key("install_url", &[], TEXT, Rule::Any, Use::Pass, A_TEXT),
    flag("execute_command", &[], Use::Spec),
    flag("force", &[], Use::Drop),
    flag("write", &[], Use::Drop),
];

/// Keys that PM2's client puts into a record by itself, beside the ones of the table that are kept.
const RECORD_ONLY: &[&str] =
    &["km_link", "filter_env", "port", "time", "pmx_module", "module_conf"];

/// The key of this name or alias; camelCase forms count.
pub(crate) fn find(written: &str) -> Option<&'static Key> {
    let by_name =
        |name: &str| KEYS.iter().find(|key| key.name == name || key.aliases.contains(&name));
    by_name(written).or_else(|| by_name(&snake(written)))
}

/// Whether a record keeps this key as it is.
pub(crate) fn is_passthrough(name: &str) -> bool {
    RECORD_ONLY.contains(&name)
        || KEYS
            .iter()
            .any(|key| key.name == name && matches!(key.goes, Use::Pass | Use::PassNotYet))
}

fn snake(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
