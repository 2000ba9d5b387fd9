//! From a record to an app.
//!
//! A record comes from a program, not a person, so that a complaint names the key and has no place.
//! It is bounded by the frame it came in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ostler_core::spec::{
    Address, AppSpec, Balance, ExecMode, Health, LogFormat, LogSpec, Policy, Readiness,
};
use serde_json::{Map, Value as Json};

use crate::diagnostic::Diagnostic;
use crate::fds;
use crate::fields::plain;
use crate::health;
use crate::instances;
use crate::keys;
use crate::record::{MARK, NO_FILE, VERSION, wrong};
use crate::resolve;
use crate::units;
use crate::value::Node;

/// Keys that only a process that ran before has: its paths carry an id.
const RAN: [&str; 3] = ["pm_uptime", "created_at", "restart_time"];

/// The app that a record describes: one of [`to_record`](super::to_record), of PM2's client, or of
/// a dump by PM2.
///
/// # Errors
/// What is missing or of the wrong kind, all of it.
pub fn from_record(text: &str) -> Result<AppSpec, Vec<Diagnostic>> {
    match serde_json::from_str(text) {
        Ok(Json::Object(map)) => from_map(&map),
        Ok(_) => Err(vec![wrong("a record must be an object")]),
        Err(error) => Err(vec![wrong(format!("a record must be JSON: {error}"))]),
    }
}

/// As [`from_record`], of what was parsed already.
///
/// # Errors
/// As [`from_record`].
pub fn from_map(map: &Map<String, Json>) -> Result<AppSpec, Vec<Diagnostic>> {
    let mut reader = Reader { map, report: Vec::new() };
    reader.version();
    let spec = reader.spec();
    match spec {
        Some(spec) if reader.report.is_empty() => Ok(spec),
        Some(_) | None => Err(reader.report),
    }
}

struct Reader<'a> {
    map: &'a Map<String, Json>,
    report: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn version(&mut self) {
        if let Some(version) = self.number(MARK)
            && version > VERSION
        {
            let help = "it was written by a newer ostler; update this one";
            self.report.push(
                wrong(format!("this record has version {version}, and only {VERSION} is known"))
                    .help(help),
            );
        }
    }

    fn spec(&mut self) -> Option<AppSpec> {
        let script = self.required("pm_exec_path");
        let exec_mode = self.exec_mode();
        let interpreter = self.text("exec_interpreter").filter(|program| program != "none");
        let health = self.health();
        let policy = self.policy(health.as_ref());
        let mut logs = self.logs();
        let name = self.text("name");
        let mut pid_file = self.text("pm_pid_path").map(PathBuf::from);
        if !self.map.contains_key(MARK) && RAN.iter().any(|key| self.map.contains_key(*key)) {
            pid_file = pid_file.map(|path| take_off_id(&path, &mut logs));
        }
        let instances = self.instances();
        let args = self.words("args");
        let interpreter_args = self.words("node_args");
        let script = script?;
        if !script.starts_with('/') {
            self.report
                .push(wrong(format!("\"pm_exec_path\" is `{script}`, which is not absolute")));
        }
        let script = PathBuf::from(script);
        let name = name.unwrap_or_else(|| crate::script::name_of(&script));
        let folder = script.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        let cwd = self.text("pm_cwd").map_or(folder, PathBuf::from);
        let namespace = self.text("namespace").unwrap_or_else(|| "default".to_owned());
        let env = self.env(&name);
        Some(AppSpec {
            namespace,
            args,
            interpreter,
            interpreter_args,
            exec_mode,
            instances: instances.unwrap_or(1).max(1),
            instances_given: self.flag("instances_given").unwrap_or(false),
            env,
            instance_var: self
                .text("instance_var")
                .unwrap_or_else(|| "NODE_APP_INSTANCE".to_owned()),
            increment_var: self.text("increment_var"),
            logs,
            pid_file: pid_file.unwrap_or_else(|| cwd.join(format!("{name}.pid"))),
            uid: self.id("uid"),
            gid: self.id("gid"),
            username: self.text("username").unwrap_or_default(),
            autostart: self.flag("autostart").unwrap_or(true),
            policy,
            balance: self.balance(),
            fds: self.fds(),
            health,
            version: self.text("version").filter(|version| version != "N/A"),
            passthrough: self.passthrough(),
            script,
            name,
            cwd,
        })
    }

    /// The value, when there is one; `"null"` as text is none either, as in PM2.
    fn get(&self, key: &str) -> Option<&Json> {
        self.map.get(key).filter(|value| !value.is_null() && value.as_str() != Some("null"))
    }

    fn refuse(&mut self, key: &str, wanted: &str) {
        let found = self.map.get(key).map(Json::to_string).unwrap_or_default();
        let shown: String = found.chars().take(80).collect();
        self.report.push(wrong(format!("\"{key}\" must be {wanted}, but is `{shown}`")));
    }

    fn required(&mut self, key: &str) -> Option<String> {
        let text = self.text(key);
        if text.is_none() && self.get(key).is_none() {
            self.report.push(wrong(format!("\"{key}\" is missing")));
        }
        text
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.get(key)? {
            // A flattened variable may have made a text of a number, and a name may look like one.
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => {
                self.refuse(key, "a text");
                None
            }
        }
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Json::Bool(value) => Some(*value),
            Json::String(text) if text == "true" => Some(true),
            Json::String(text) if text == "false" => Some(false),
            _ => {
                self.refuse(key, "true or false");
                None
            }
        }
    }

    fn number(&mut self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        let float = || match value {
            Json::Number(number) => number.as_f64(),
            Json::String(text) => text.trim().parse::<f64>().ok(),
            _ => None,
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
        let number = value
            .as_u64()
            .or_else(|| float().filter(|n| *n >= 0.0 && n.is_finite()).map(|n| n as u64));
        if number.is_none() {
            self.refuse(key, "a number from 0 up");
        }
        number
    }

    fn id(&mut self, key: &str) -> Option<u32> {
        let number = self.number(key)?;
        let id = u32::try_from(number).ok();
        if id.is_none() {
            self.refuse(key, "a user or group number");
        }
        id
    }

    fn words(&mut self, key: &str) -> Vec<String> {
        match self.get(key) {
            Some(Json::Array(items)) => {
                items.iter().map(|item| plain(&Node::from_json(item))).collect()
            }
            Some(Json::String(text)) => units::words(text),
            Some(_) => {
                self.refuse(key, "a list of texts");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn instances(&mut self) -> Option<u32> {
        let value = self.get("instances")?;
        let number = match value {
            Json::Number(number) => number.as_f64().unwrap_or(0.0),
            // `max` is 0, as in PM2.
            Json::String(text) => text.trim().parse().unwrap_or(0.0),
            _ => {
                self.refuse("instances", "a number or `max`");
                return None;
            }
        };
        // PM2's client leaves 0 and numbers below 0 to the daemon, which counts CPUs.
        let cpus = std::thread::available_parallelism()
            .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(1));
        match instances::count(number, cpus) {
            Ok(count) => Some(count),
            Err(message) => {
                self.report.push(wrong(message));
                None
            }
        }
    }

    fn memory(&mut self) -> Option<u64> {
        if let Some(bytes) =
            self.get("max_memory_restart").and_then(|value| units::memory(value.as_str()?))
        {
            return Some(bytes).filter(|bytes| *bytes > 0);
        }
        self.number("max_memory_restart").filter(|bytes| *bytes > 0)
    }

    fn exec_mode(&mut self) -> ExecMode {
        match self.text("exec_mode").as_deref() {
            Some("cluster_mode" | "cluster") => ExecMode::Cluster,
            None | Some("fork_mode" | "fork") => ExecMode::Fork,
            Some(_) => {
                self.refuse("exec_mode", "`fork_mode` or `cluster_mode`");
                ExecMode::Fork
            }
        }
    }

    fn logs(&mut self) -> LogSpec {
        let file = |text: Option<String>| {
            text.filter(|text| text != NO_FILE && text != "NULL" && !text.is_empty())
                .map(PathBuf::from)
        };
        let format = match self.text("log_type").as_deref() {
            Some("json") => LogFormat::Json,
            Some(_) | None => LogFormat::Raw,
        };
        LogSpec {
            out: file(self.text("pm_out_log_path")),
            err: file(self.text("pm_err_log_path")),
            combined: file(self.text("pm_log_path")),
            merge: self.flag("merge_logs").unwrap_or(false),
            disabled: self.flag("disable_logs").unwrap_or(false),
            format,
            date_format: self
                .text("log_date_format")
                .filter(|text| !text.is_empty() && text != "false"),
        }
    }

    fn policy(&mut self, health: Option<&Health>) -> Policy {
        let usual = Policy::default();
        let listen_timeout = self.number("listen_timeout");
        let min_uptime =
            match self.get("min_uptime").and_then(|value| units::uptime(value.as_str()?)) {
                Some(time) => Some(time),
                None => self.number("min_uptime"),
            };
        let budget = match self.get("health_budget") {
            Some(Json::Bool(false)) => None,
            Some(_) => self.number("health_budget"),
            None => health.map(health::budget),
        };
        let max_restarts =
            self.number("max_restarts").map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        let ready = if self.flag("wait_ready") == Some(true) {
            Readiness::Message
        } else {
            Readiness::Started
        };
        Policy {
            autorestart: self.flag("autorestart").unwrap_or(usual.autorestart),
            stop_exit_codes: self.exit_codes(),
            max_unstable: max_restarts.unwrap_or(usual.max_unstable),
            min_uptime: min_uptime.unwrap_or(usual.min_uptime),
            restart_delay: self.number("restart_delay").unwrap_or(usual.restart_delay),
            backoff: self.number("exp_backoff_restart_delay").filter(|delay| *delay > 0),
            max_memory: self.memory(),
            stop_signal: self.signal().unwrap_or(usual.stop_signal),
            stop_by_message: self.flag("shutdown_with_message").unwrap_or(usual.stop_by_message),
            stop_grace: self.number("kill_timeout").unwrap_or(usual.stop_grace),
            tree_kill: self.flag("treekill").unwrap_or(usual.tree_kill),
            readiness: ready,
            ready_timeout: listen_timeout.unwrap_or(usual.ready_timeout),
            stable_for: self.number("stable_for").unwrap_or(usual.stable_for),
            verify_timeout: self
                .number("prove_timeout")
                .or(listen_timeout)
                .unwrap_or(usual.verify_timeout),
            health_budget: budget,
            drain_timeout: self.number("drain_timeout").unwrap_or(usual.drain_timeout),
            drain_hook: self.flag("drain_hook").unwrap_or(usual.drain_hook),
        }
    }

    fn exit_codes(&mut self) -> Vec<i32> {
        let items = match self.get("stop_exit_codes") {
            None => return Vec::new(),
            Some(Json::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
        };
        let codes: Option<Vec<i32>> =
            items.iter().map(|item| plain(&Node::from_json(item)).trim().parse().ok()).collect();
        if codes.is_none() {
            self.refuse("stop_exit_codes", "a list of whole numbers");
        }
        codes.unwrap_or_default()
    }

    fn signal(&mut self) -> Option<i32> {
        let text = self.text("kill_signal")?;
        let signal = units::signal(&text);
        if signal.is_none() {
            self.refuse("kill_signal", "a signal");
        }
        signal
    }

    fn balance(&mut self) -> Balance {
        let Some(name) = self.text("balance") else { return Balance::default() };
        resolve::balance(&name).unwrap_or_else(|| {
            self.refuse("balance", "`round-robin`, `sticky`, `least` or `shared`");
            Balance::default()
        })
    }

    fn fds(&mut self) -> BTreeMap<u32, Address> {
        let Some(node) = self.get("fds").map(Node::from_json) else { return BTreeMap::new() };
        fds::parse(&node).unwrap_or_else(|wrong| {
            self.report.extend(wrong.into_iter().map(|(_, diagnostic)| diagnostic));
            BTreeMap::new()
        })
    }

    fn health(&mut self) -> Option<Health> {
        let node = Node::from_json(self.get("health")?);
        match health::parse(&node) {
            Ok(health) => Some(health),
            Err(wrong) => {
                self.report.extend(wrong.into_iter().map(|(_, diagnostic)| diagnostic));
                None
            }
        }
    }

    fn env(&mut self, name: &str) -> BTreeMap<String, String> {
        let foreign = !self.map.contains_key(MARK);
        match self.get("env") {
            // PM2's client adds a variable called like the app with its module settings: empty, it
            // means nothing.
            Some(Json::Object(vars)) => vars
                .iter()
                .filter(|(key, value)| {
                    !(foreign
                        && key.as_str() == name
                        && (value.is_object() || value.as_str() == Some("{}")))
                })
                .map(|(key, value)| (key.clone(), plain(&Node::from_json(value))))
                .collect(),
            Some(_) => {
                self.refuse("env", "an object");
                BTreeMap::new()
            }
            None => BTreeMap::new(),
        }
    }

    fn passthrough(&self) -> BTreeMap<String, String> {
        let known =
            self.map.iter().filter(|(key, value)| keys::is_passthrough(key) && !value.is_null());
        known.map(|(key, value)| (key.clone(), value.to_string())).collect()
    }
}

/// The pid path without the `-<id>` that PM2 put before its end, and the log paths without the same
/// id.
fn take_off_id(pid_file: &Path, logs: &mut LogSpec) -> PathBuf {
    let id = pid_file
        .file_stem()
        .and_then(|stem| stem.to_str()?.rsplit_once('-'))
        .map(|(_, id)| id.to_owned());
    let Some(id) = id.filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit())) else {
        return pid_file.to_owned();
    };
    if !logs.merge {
        for file in [&mut logs.out, &mut logs.err, &mut logs.combined] {
            *file = file.take().map(|path| without(&path, &id));
        }
    }
    without(pid_file, &id)
}

fn without(path: &Path, id: &str) -> PathBuf {
    let shorter =
        path.file_stem().and_then(|stem| stem.to_str()?.strip_suffix(id)?.strip_suffix('-'));
    let extension = path.extension().and_then(|extension| extension.to_str());
    match (shorter, extension) {
        (Some(stem), Some(extension)) => path.with_file_name(format!("{stem}.{extension}")),
        (Some(stem), None) => path.with_file_name(stem),
        (None, _) => path.to_owned(),
    }
}
