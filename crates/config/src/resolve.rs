//! From what was written about an app to its specification: defaults filled in, paths made
//! absolute, programs found.
//!
//! All that is wrong is reported; a specification is made only when nothing is.

use std::collections::BTreeMap;
use std::path::Path;

use ostler_core::spec::{AppSpec, Balance, ExecMode, LogFormat, LogSpec, Policy, Readiness};

use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::environment::{self, From};
use crate::fds;
use crate::fields::{Fields, plain};
use crate::health;
use crate::instances;
use crate::interpreter::{self, Interpreter};
use crate::keys::Use;
use crate::run_as;
use crate::script::{self, Target};
use crate::units;
use crate::value::Value;
use crate::version;

/// The app, if nothing is wrong with it.
pub(crate) fn resolve(
    fields: &Fields<'_>,
    from: From<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> Option<AppSpec> {
    Resolver { fields, from, ctx, report }.run()
}

struct Resolver<'r, 'f> {
    fields: &'r Fields<'f>,
    from: From<'r>,
    ctx: &'r Context,
    report: &'r mut Vec<Diagnostic>,
}

impl Resolver<'_, '_> {
    fn run(mut self) -> Option<AppSpec> {
        let fields = self.fields;
        let cwd = fields
            .text("cwd")
            .map_or_else(|| self.ctx.cwd.clone(), |cwd| self.ctx.absolute(&self.ctx.cwd, cwd));
        let target = self.target(&cwd);
        let interpreter = target.as_ref().and_then(|target| self.interpreter(target, &cwd));
        let instances = interpreter.as_ref().and_then(|interpreter| self.instances(interpreter));
        let run_as = run_as::read(fields, self.ctx, self.report);
        let stop_exit_codes = stop_exit_codes(fields, self.report);
        let stop_signal = self.stop_signal();
        let health = health::read(fields, self.report);
        let fds = fds::read(fields, self.report);
        let mut env = environment::build(fields, self.from, self.ctx, self.report);
        self.warn_not_yet();
        // Everything was looked at; from here on only what is right goes on.
        let (target, interpreter, instances, run_as) = (target?, interpreter?, instances?, run_as?);
        let (stop_exit_codes, stop_signal, health, fds) =
            (stop_exit_codes?, stop_signal?, health?, fds?);

        let name = self.name(&target);
        let logs = self.logs(&name, &cwd, instances.merge);
        let pid_file = match fields.text("pid_file") {
            Some(path) => self.ctx.absolute(&cwd, path),
            None => self.ctx.home.join("pids").join(format!("{}.pid", file_name(&name))),
        };
        env.extend(run_as.home.map(|home| ("HOME".to_owned(), home)));
        if interpreter.program.as_deref().is_some_and(|program| program.contains("python")) {
            env.entry("PYTHONUNBUFFERED".to_owned()).or_insert_with(|| "1".to_owned());
        }
        if instances.mode == ExecMode::Cluster {
            self.warn_balance(interpreter.program.as_deref());
        }
        let mut interpreter_args = interpreter.args;
        interpreter_args.extend(fields.words("node_args").unwrap_or_default());
        Some(AppSpec {
            namespace: fields.text("namespace").unwrap_or("default").to_owned(),
            args: target.args.unwrap_or_else(|| fields.words("args").unwrap_or_default()),
            version: version::of(&target.path),
            script: target.path,
            interpreter: interpreter.program,
            interpreter_args,
            exec_mode: instances.mode,
            instances: instances.count,
            instances_given: fields.node("instances").is_some(),
            env,
            instance_var: fields.text("instance_var").unwrap_or("NODE_APP_INSTANCE").to_owned(),
            increment_var: fields.text("increment_var").map(str::to_owned),
            logs,
            pid_file,
            uid: run_as.uid,
            gid: run_as.gid,
            username: run_as.username,
            autostart: fields.flag("autostart").unwrap_or(true),
            policy: policy(fields, stop_exit_codes, stop_signal, health.as_ref()),
            balance: fields.text("balance").and_then(balance).unwrap_or_default(),
            fds,
            health,
            passthrough: passthrough(fields, self.from),
            name,
            cwd,
        })
    }

    fn fail<T>(&mut self, key: &str, diagnostic: Diagnostic) -> Option<T> {
        self.report.push(self.fields.at(key, diagnostic));
        None
    }

    fn target(&mut self, cwd: &Path) -> Option<Target> {
        let Some(script) = self.fields.text("script") else {
            if !self.fields.was_rejected("script") {
                let diagnostic = Diagnostic::error("no-script", "No script path - aborting");
                return self.fail("script", diagnostic.help("give the app a `script`"));
            }
            return None;
        };
        script::find(script, cwd, self.ctx)
            .map_or_else(|diagnostic| self.fail("script", diagnostic), Some)
    }

    fn interpreter(&mut self, target: &Target, cwd: &Path) -> Option<Interpreter> {
        if target.args.is_some() {
            return Some(Interpreter::default());
        }
        let asked = self.fields.text("interpreter");
        let key = if asked.is_some() { "interpreter" } else { "script" };
        interpreter::choose(&target.path, asked, cwd, self.ctx)
            .map_or_else(|diagnostic| self.fail(key, diagnostic), Some)
    }

    fn instances(&mut self, interpreter: &Interpreter) -> Option<instances::Instances> {
        let given = self.fields.node("instances").map(plain);
        let mode = match self.fields.text("exec_mode") {
            _ if self.fields.flag("execute_command") == Some(true) => Some(ExecMode::Fork),
            Some("cluster" | "cluster_mode") => Some(ExecMode::Cluster),
            Some(_) => Some(ExecMode::Fork),
            None => None,
        };
        let decided = instances::decide(
            given.as_deref(),
            mode,
            interpreter.is_node_like(),
            self.ctx.cpus.max(1),
        );
        decided.map_or_else(
            |message| self.fail("instances", Diagnostic::error("too-many", message)),
            Some,
        )
    }

    fn name(&self, target: &Target) -> String {
        let base = match self.fields.text("name") {
            Some(name) => name.to_owned(),
            None => target.name.clone(),
        };
        match self.from {
            From::File { env: Some(env), .. }
                if self.fields.flag("append_env_to_name") == Some(true) =>
            {
                format!("{base}-{env}")
            }
            From::File { .. } | From::Options => base,
        }
    }

    fn stop_signal(&mut self) -> Option<i32> {
        let Some(written) = self.fields.node("kill_signal").map(plain) else {
            return Some(Policy::default().stop_signal);
        };
        match units::signal(&written) {
            Some(signal) => Some(signal),
            None => {
                let diagnostic = Diagnostic::error(
                    "no-signal",
                    format!("\"kill_signal\" is `{written}`, which is no signal"),
                );
                self.fail(
                    "kill_signal",
                    diagnostic.help("write a signal's name, such as `\"SIGTERM\"`"),
                )
            }
        }
    }

    fn logs(&self, name: &str, cwd: &Path, merge: bool) -> LogSpec {
        let fields = self.fields;
        let folder = self.ctx.home.join("logs");
        let file = |key: &str, usual: String| match fields.text(key) {
            Some("NULL" | "/dev/null") => None,
            Some(path) => Some(self.ctx.absolute(cwd, path)),
            None => Some(folder.join(usual)),
        };
        let base = file_name(name);
        let combined = match fields.node("log_file").map(|node| &node.value) {
            Some(Value::Bool(true)) => Some(folder.join(format!("{base}.log"))),
            Some(Value::Text(_)) => file("log_file", String::new()),
            _ => None,
        };
        let usual_time =
            (fields.flag("time") == Some(true)).then(|| "YYYY-MM-DDTHH:mm:ss".to_owned());
        LogSpec {
            out: file("out_file", format!("{base}-out.log")),
            err: file("error_file", format!("{base}-error.log")),
            combined,
            merge: fields.flag("merge_logs").unwrap_or(merge),
            disabled: fields.flag("disable_logs").unwrap_or(false),
            format: if fields.text("log_type") == Some("json") {
                LogFormat::Json
            } else {
                LogFormat::Raw
            },
            date_format: fields
                .text("log_date_format")
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
                .or(usual_time),
        }
    }

    /// What a runtime cannot do is said, and done as well as it can be.
    fn warn_balance(&mut self, program: Option<&str>) {
        let balance = self.fields.text("balance").unwrap_or("round-robin");
        let is =
            |name: &str| program.is_some_and(|program| program.rsplit('/').next() == Some(name));
        let (message, help) = if is("deno") && balance == "shared" {
            (
                "deno cannot take a shared socket: its workers get connections in turn",
                "leave `balance` out for deno",
            )
        } else if is("bun") && balance != "round-robin" {
            (
                "bun's workers bind the port by themselves: the kernel spreads connections, whatever `balance` says",
                "leave `balance` out for bun, or use Node",
            )
        } else {
            return;
        };
        self.report
            .push(self.fields.at("balance", Diagnostic::warning("runtime", message).help(help)));
    }

    fn warn_not_yet(&mut self) {
        for (key, node) in self.fields.iter().filter(|(key, _)| key.goes == Use::PassNotYet) {
            let on = !matches!(&node.value, Value::Bool(false)) && plain(node) != "0";
            if on {
                let message = format!("\"{}\" is kept but has no effect yet", key.name);
                self.report
                    .push(self.fields.at(key.name, Diagnostic::warning("no-effect", message)));
            }
        }
    }
}

/// The codes, if all are whole numbers.
pub(crate) fn stop_exit_codes(
    fields: &Fields<'_>,
    report: &mut Vec<Diagnostic>,
) -> Option<Vec<i32>> {
    let Some(node) = fields.node("stop_exit_codes") else { return Some(Vec::new()) };
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut codes = Vec::new();
    for item in items {
        match plain(item).trim().parse() {
            Ok(code) => codes.push(code),
            Err(_) => {
                let message = format!(
                    "\"stop_exit_codes\" has `{}`, which is not a whole number",
                    plain(item)
                );
                let diagnostic = Diagnostic::error("wrong-form", message)
                    .help("write a list of numbers, such as `[0, 2]`");
                report.push(match item.span {
                    Some(_) => fields.at_span(item.span, diagnostic),
                    None => fields.at("stop_exit_codes", diagnostic),
                });
                return None;
            }
        }
    }
    Some(codes)
}

fn policy(
    fields: &Fields<'_>,
    stop_exit_codes: Vec<i32>,
    stop_signal: i32,
    health: Option<&ostler_core::spec::Health>,
) -> Policy {
    let usual = Policy::default();
    let min_uptime = match fields.node("min_uptime").map(|node| &node.value) {
        Some(Value::Text(text)) => units::uptime(text),
        Some(_) => fields.number("min_uptime"),
        None => None,
    };
    let listen_timeout = fields.number("listen_timeout");
    let most = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let wait_ready = fields.flag("wait_ready").unwrap_or(false);
    Policy {
        autorestart: fields.flag("autorestart").unwrap_or(usual.autorestart),
        stop_exit_codes,
        max_unstable: fields.number("max_restarts").map_or(usual.max_unstable, most),
        min_uptime: min_uptime.unwrap_or(usual.min_uptime),
        restart_delay: fields.number("restart_delay").unwrap_or(usual.restart_delay),
        backoff: fields.number("exp_backoff_restart_delay").filter(|delay| *delay > 0),
        max_memory: memory(fields).filter(|bytes| *bytes > 0),
        stop_signal,
        stop_by_message: fields.flag("shutdown_with_message").unwrap_or(usual.stop_by_message),
        stop_grace: fields.number("kill_timeout").unwrap_or(usual.stop_grace),
        tree_kill: fields.flag("treekill").unwrap_or(usual.tree_kill),
        readiness: if wait_ready { Readiness::Message } else { Readiness::Started },
        ready_timeout: listen_timeout.unwrap_or(usual.ready_timeout),
        stable_for: fields.number("stable_for").unwrap_or(usual.stable_for),
        verify_timeout: listen_timeout.unwrap_or(usual.verify_timeout),
        health_budget: health.map(health::budget),
        drain_timeout: fields.number("drain_timeout").unwrap_or(usual.drain_timeout),
        drain_hook: fields.flag("drain_hook").unwrap_or(usual.drain_hook),
    }
}

fn memory(fields: &Fields<'_>) -> Option<u64> {
    fields
        .text("max_memory_restart")
        .map_or_else(|| fields.number("max_memory_restart"), units::memory)
}

/// The mode of balancing of this name.
pub(crate) fn balance(name: &str) -> Option<Balance> {
    match name {
        "round-robin" => Some(Balance::RoundRobin),
        "sticky" => Some(Balance::Sticky),
        "least" => Some(Balance::Least),
        "shared" => Some(Balance::Shared),
        _ => None,
    }
}

/// A name as part of a file's name: everything outside letters, digits, `.`, `-` and `\` becomes
/// `-`, as in PM2.
fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '\\') { c } else { '-' })
        .collect()
}

/// What PM2's client puts into every record, and what the user gave that ostler only keeps.
fn passthrough(fields: &Fields<'_>, from: From<'_>) -> BTreeMap<String, String> {
    let usual = [
        ("vizion", "true"),
        ("watch", "false"),
        ("pmx", "true"),
        ("automation", "true"),
        ("windowsHide", "true"),
        ("kill_retry_time", "100"),
        ("km_link", "false"),
    ];
    let mut out: BTreeMap<String, String> =
        usual.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    if matches!(from, From::Options) {
        out.insert("filter_env".to_owned(), "[]".to_owned());
    }
    for (key, node) in fields.iter().filter(|(key, _)| crate::keys::is_passthrough(key.name)) {
        out.insert(key.name.to_owned(), node.to_json().to_string());
    }
    out
}

/// The name an app will have, from what is written alone (`--only` chooses before anything is
/// looked up).
pub(crate) fn written_name(fields: &Fields<'_>) -> String {
    let script = fields.text("script").unwrap_or("");
    let by_script = if script.trim().contains(char::is_whitespace) {
        script.to_owned()
    } else {
        script::name_of(Path::new(script))
    };
    fields.text("name").map_or(by_script, str::to_owned)
}
