//! PM2's record of an app: what `prepare` sends, `jlist` shows and the dump keeps.
//!
//! One flat JSON object with PM2's key names, so that PM2's client and a dump written by PM2 are
//! understood. What ostler writes carries the key `ostler_record` with the format's version; keys
//! at their default that PM2 would not write either are left out. Reading then gives back the same
//! specification: `from_record(to_record(spec)) == spec`.
//!
//! A dump written by PM2 differs in three ways: the environment lies flattened beside the keys
//! (ignored, except where it hides a known key, as in PM2), `instances` is missing (1), and log and
//! pid paths carry the old id (taken off).

use std::path::Path;

use ostler_core::spec::{AppSpec, Balance, ExecMode, Health, LogFormat, Policy, Probe, Readiness};
use serde_json::{Map, Value as Json, json};

use crate::diagnostic::Diagnostic;
use crate::health;
use crate::units;

mod patch;
mod read;

pub use patch::{options_patch, patch};
pub use read::{from_map, from_record};

/// Version of what [`to_record`] writes.
pub const VERSION: u64 = 1;

/// Key that tells ostler's own records from PM2's.
pub(crate) const MARK: &str = "ostler_record";

/// Path that means "no file".
pub(crate) const NO_FILE: &str = "/dev/null";

/// The app as a record, JSON text.
#[must_use]
pub fn to_record(spec: &AppSpec) -> String {
    Json::Object(to_map(spec)).to_string()
}

/// As [`to_record`], as a map to which run-time keys can be added.
#[must_use]
pub fn to_map(spec: &AppSpec) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert(MARK.to_owned(), VERSION.into());
    identity(spec, &mut map);
    logs(spec, &mut map);
    policy(&spec.policy, spec.health.as_ref(), &mut map);
    cluster(spec, &mut map);
    for (key, text) in &spec.passthrough {
        // What is no JSON can only be text that lost its quotes.
        let value = serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
        map.entry(key.as_str()).or_insert(value);
    }
    map
}

fn path(path: &Path) -> Json {
    path.to_string_lossy().into()
}

fn identity(spec: &AppSpec, map: &mut Map<String, Json>) {
    let mut put = |key: &str, value: Json| map.insert(key.to_owned(), value);
    put("name", spec.name.as_str().into());
    put("namespace", spec.namespace.as_str().into());
    put("args", spec.args.clone().into());
    put("node_args", spec.interpreter_args.clone().into());
    put("pm_exec_path", path(&spec.script));
    put("pm_cwd", path(&spec.cwd));
    put("exec_interpreter", spec.interpreter.as_deref().unwrap_or("none").into());
    put("exec_mode", exec_mode(spec.exec_mode).into());
    put("instances", spec.instances.into());
    put("pm_pid_path", path(&spec.pid_file));
    put(
        "env",
        spec.env
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect::<Map<_, _>>()
            .into(),
    );
    put("instance_var", spec.instance_var.as_str().into());
    put("username", spec.username.as_str().into());
    put("autostart", spec.autostart.into());
    if spec.instances_given {
        put("instances_given", true.into());
    }
    for (key, number) in [("uid", spec.uid), ("gid", spec.gid)] {
        if let Some(number) = number {
            put(key, number.into());
        }
    }
    if let Some(increment_var) = &spec.increment_var {
        put("increment_var", increment_var.as_str().into());
    }
    if let Some(bytes) = spec.policy.max_memory {
        put("max_memory_restart", bytes.into());
    }
    if let Some(version) = &spec.version {
        put("version", version.as_str().into());
    }
}

/// PM2's word.
fn exec_mode(mode: ExecMode) -> &'static str {
    match mode {
        ExecMode::Fork => "fork_mode",
        ExecMode::Cluster => "cluster_mode",
    }
}

fn logs(spec: &AppSpec, map: &mut Map<String, Json>) {
    let mut put = |key: &str, value: Json| map.insert(key.to_owned(), value);
    put("pm_out_log_path", spec.logs.out.as_deref().map_or(NO_FILE.into(), path));
    put("pm_err_log_path", spec.logs.err.as_deref().map_or(NO_FILE.into(), path));
    if let Some(combined) = &spec.logs.combined {
        put("pm_log_path", path(combined));
    }
    put("merge_logs", spec.logs.merge.into());
    if spec.logs.disabled {
        put("disable_logs", true.into());
    }
    match spec.logs.format {
        LogFormat::Raw => None,
        LogFormat::Json => put("log_type", "json".into()),
    };
    if let Some(format) = &spec.logs.date_format {
        put("log_date_format", format.as_str().into());
    }
}

fn policy(policy: &Policy, health: Option<&Health>, map: &mut Map<String, Json>) {
    let usual = Policy::default();
    let mut put = |key: &str, value: Json| map.insert(key.to_owned(), value);
    put("autorestart", policy.autorestart.into());
    put("treekill", policy.tree_kill.into());
    if policy.drain_hook != usual.drain_hook {
        put("drain_hook", policy.drain_hook.into());
    }
    if !policy.stop_exit_codes.is_empty() {
        put("stop_exit_codes", policy.stop_exit_codes.clone().into());
    }
    let listen_given = policy.ready_timeout != usual.ready_timeout
        || policy.verify_timeout == policy.ready_timeout;
    let prove = if listen_given { policy.ready_timeout } else { usual.verify_timeout };
    let numbers = [
        ("max_restarts", u64::from(policy.max_unstable), policy.max_unstable != usual.max_unstable),
        ("min_uptime", policy.min_uptime, policy.min_uptime != usual.min_uptime),
        ("restart_delay", policy.restart_delay, policy.restart_delay != usual.restart_delay),
        ("exp_backoff_restart_delay", policy.backoff.unwrap_or(0), policy.backoff.is_some()),
        ("kill_timeout", policy.stop_grace, policy.stop_grace != usual.stop_grace),
        ("listen_timeout", policy.ready_timeout, listen_given),
        ("stable_for", policy.stable_for, policy.stable_for != usual.stable_for),
        ("drain_timeout", policy.drain_timeout, policy.drain_timeout != usual.drain_timeout),
        ("prove_timeout", policy.verify_timeout, policy.verify_timeout != prove),
    ];
    for (key, number, _) in numbers.into_iter().filter(|(_, _, write)| *write) {
        put(key, number.into());
    }
    if policy.stop_signal != usual.stop_signal {
        put("kill_signal", units::signal_name(policy.stop_signal).into());
    }
    if policy.stop_by_message {
        put("shutdown_with_message", true.into());
    }
    match policy.readiness {
        Readiness::Started => None,
        Readiness::Message => put("wait_ready", true.into()),
    };
    if policy.health_budget != health.map(health::budget) {
        put("health_budget", policy.health_budget.map_or(false.into(), Json::from));
    }
}

fn cluster(spec: &AppSpec, map: &mut Map<String, Json>) {
    let balance = match spec.balance {
        Balance::RoundRobin => None,
        Balance::Sticky => Some("sticky"),
        Balance::Least => Some("least"),
        Balance::Shared => Some("shared"),
    };
    map.extend(balance.map(|name| ("balance".to_owned(), name.into())));
    if !spec.fds.is_empty() {
        let fds = spec
            .fds
            .iter()
            .map(|(number, address)| (number.to_string(), address.to_string().into()));
        map.insert("fds".to_owned(), Json::Object(fds.collect()));
    }
    if let Some(health) = &spec.health {
        let (key, asked) = match &health.probe {
            Probe::Http { url } => ("http", url),
            Probe::Tcp { address } => ("tcp", address),
            Probe::Exec { command } => ("exec", command),
        };
        let value = json!({ key: asked, "interval": health.interval, "timeout": health.timeout, "retries": health.retries });
        map.insert("health".to_owned(), value);
    }
}

/// One complaint about a record as a whole.
pub(crate) fn wrong(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("bad-record", message)
}
