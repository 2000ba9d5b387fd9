//! From what was written about an app to its specification: defaults filled in, paths made
//! absolute, programs found.
//!
//! Most attributes go straight to their place, by the table; here is what depends on others or on
//! the machine. All that is wrong is reported; a specification is made only when nothing is.

mod runs;
mod warnings;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ostler_core::Texts;
use ostler_core::spec::{AppSpec, ExecMode, LogSpec, MOST_INSTANCES};

use crate::attributes::{Attribute, BadValue, Input, Usual, attributes};
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::environment::{self, From};
use crate::fields::Fields;
use crate::idle_stop;
use crate::instances::{self, Instances};
use crate::interpreter::{self, Interpreter};
use crate::log_names::{LogNames, file_name};
use crate::module;
use crate::package;
use crate::package_script::{self, Found as Behind, Given, Surroundings};
use crate::placeholders;
use crate::run_as::{self, RunAs};
use crate::script::{self, Target};
use crate::signs;
use crate::value::{Node, Value};
use crate::watch;

/// The date format of `time`.
const USUAL_DATE: &str = "YYYY-MM-DDTHH:mm:ss";

/// The app, if nothing is wrong with it.
pub(crate) fn resolve(
    fields: &Fields<'_>,
    from: From<'_>,
    ctx: &Context,
    report: &mut Vec<Diagnostic>,
) -> Option<AppSpec> {
    Resolver { fields, from, ctx, report }.run()
}

/// Gives the app every attribute that is taken as it is written; `None` when a value is refused,
/// after all have been looked at.
pub(crate) fn put_direct(
    fields: &Fields<'_>,
    spec: &mut AppSpec,
    report: &mut Vec<Diagnostic>,
) -> Option<()> {
    let before = report.len();
    for key in attributes().filter(|key| key.input == Input::Direct) {
        let Some(node) = fields.node(key.name) else { continue };
        if let Err(refusal) = key.put(spec, node) {
            report.extend(complaints(fields, key, refusal));
        }
    }
    (report.len() == before).then_some(())
}

/// What is said about a refused value, each in its place.
fn complaints(fields: &Fields<'_>, key: &Attribute, refusal: BadValue) -> Vec<Diagnostic> {
    let list = match refusal {
        BadValue::Wanted(wanted) => {
            let message = format!("`{}` must be {wanted}", key.name);
            vec![(None, Diagnostic::error("wrong-form", message).help(key.advice))]
        }
        BadValue::Part { said, span, .. } => vec![(span, said.help(key.advice))],
        BadValue::Said(list) => list,
    };
    let place = |(span, diagnostic)| match span {
        Some(_) => fields.at_span(key.name, span, diagnostic),
        None => fields.at(key.name, diagnostic),
    };
    list.into_iter().map(place).collect()
}

struct Resolver<'r, 'f> {
    fields: &'r Fields<'f>,
    from: From<'r>,
    ctx: &'r Context,
    report: &'r mut Vec<Diagnostic>,
}

/// What an app needs from the machine.
struct Found {
    cwd: PathBuf,
    target: Target,
    interpreter: Interpreter,
    instances: Instances,
    run_as: RunAs,
}

impl Resolver<'_, '_> {
    fn run(mut self) -> Option<AppSpec> {
        let cwd = self.cwd();
        let mut spec = AppSpec::new(PathBuf::new(), cwd.clone());
        let (target, interpreter) = self.what_runs(&cwd);
        let run_as = run_as::read(self.fields, self.ctx, self.report);
        let direct = put_direct(self.fields, &mut spec, self.report);
        environment::put_all(&mut spec, self.fields, self.from, self.ctx, self.report);
        let behind = target.as_ref().and_then(|target| self.behind(target, &spec));
        let runs = behind.as_ref().map(|behind| &behind.interpreter).or(interpreter.as_ref());
        let serves = self.ctx.server.is_some() && self.fields.text("script") == Some(script::SERVE);
        let instances = match serves {
            true => Some(self.of_server()),
            false => runs.and_then(|interpreter| self.instances(interpreter)),
        };
        self.warn_not_yet();
        watch::look(self.fields, &cwd, self.ctx, self.report);
        // Everything was looked at; from here on only what is right goes on.
        direct?;
        let (target, interpreter) = (target?, interpreter?);
        let found = Found { cwd, target, interpreter, instances: instances?, run_as: run_as? };
        self.put_found(&mut spec, found);
        if let Some(behind) = behind {
            self.put_behind(&mut spec, behind);
        }
        placeholders::check(&spec, self.fields, self.report);
        placeholders::check_port(&spec, self.fields, self.report);
        idle_stop::check(&spec, self.fields, self.report);
        signs::check(&spec, self.fields, self.report);
        Some(spec)
    }

    fn cwd(&self) -> PathBuf {
        let here = &self.ctx.cwd;
        self.fields.text("cwd").map_or_else(|| here.clone(), |cwd| self.ctx.absolute(here, cwd))
    }

    fn put_found(&mut self, spec: &mut AppSpec, found: Found) {
        let Found { cwd, target, interpreter, instances, run_as } = found;
        spec.name = self.name(&target);
        self.put_logs(spec, &cwd, instances.merge);
        spec.pid_file = match self.fields.text("pid_file") {
            Some(path) => self.ctx.absolute(&cwd, path),
            None => self.ctx.home.join("pids").join(format!("{}.pid", file_name(&spec.name))),
        };
        spec.env.extend(run_as.home.map(|home| ("HOME", home)));
        if module::is_python(&target, &interpreter, self.ctx) {
            spec.env.insert_new("PYTHONUNBUFFERED", "1");
        }
        if instances.mode == ExecMode::Cluster {
            self.warn_balance(interpreter.program.as_deref());
        }
        spec.version = package::version(&target.path);
        spec.script = target.path;
        spec.args = target.args.unwrap_or_else(|| std::mem::take(&mut spec.args));
        spec.interpreter = interpreter.program;
        spec.interpreter_args.splice(..0, interpreter.args);
        if let Some(module) = module::module_of(self.fields, self.ctx) {
            spec.interpreter_args.extend(["-m".to_owned(), module.to_owned()]);
        }
        (spec.exec_mode, spec.instances) = (instances.mode, instances.count);
        spec.instances_given = self.fields.node("instances").is_some();
        (spec.uid, spec.gid, spec.username) = (run_as.uid, run_as.gid, run_as.username);
        put_usual(&mut spec.passthrough, self.from, self.ctx);
        if self.ctx.as_pm2 {
            watch::as_pm2(spec);
        }
    }

    fn fail<T>(&mut self, key: &str, diagnostic: Diagnostic) -> Option<T> {
        self.report.push(self.fields.at(key, diagnostic));
        None
    }

    /// The program behind a script that only starts another one, as `npm start` does.
    fn behind(&mut self, target: &Target, spec: &AppSpec) -> Option<Behind> {
        let (script, is_line) = (self.fields.text("script")?, target.args.is_some());
        let mut given =
            Given { script, file: &target.path, args: &spec.args, is_line, cluster: false };
        let is_meant = package_script::is_meant(&given);
        let mode = self.mode();
        let count = self.fields.node("instances").map(Node::plain);
        let usual = instances::decide(count.as_deref(), mode, is_meant, 1);
        given.cluster = usual.is_ok_and(|decided| decided.mode == ExecMode::Cluster);
        if !is_meant && !given.cluster {
            return None;
        }
        let asked = self.fields.text("interpreter");
        let asked =
            asked.map(|asked| interpreter::choose(Path::new(""), Some(asked), &spec.cwd, self.ctx));
        let asked = asked.and_then(Result::ok).filter(Interpreter::is_node_like);
        // Where there is no Node this has been said, or nothing needs it.
        let node = asked.or_else(|| interpreter::node(&spec.cwd, self.ctx).ok())?;
        let at = Surroundings { cwd: &spec.cwd, env: &spec.env, node: &node, ctx: self.ctx };
        match package_script::find(&given, &at) {
            Ok(found) => found,
            // In fork mode it runs as it is written, and a line for the shell is in fork mode
            // unless a cluster is asked for by that name.
            Err(_) if !given.cluster || (is_line && mode.is_none()) => None,
            Err(why) => self.fail("script", not_one_program(&given, &why)),
        }
    }

    fn put_behind(&mut self, spec: &mut AppSpec, behind: Behind) {
        let Behind { path, interpreter, args, cwd, env, line } = behind;
        let written = match self.fields.text("script") {
            Some(script) if spec.args.is_empty() || script.contains(' ') => script.to_owned(),
            script => format!("{} {}", script.unwrap_or(""), spec.args.join(" ")),
        };
        let shown = path.strip_prefix(&cwd).unwrap_or(&path).display();
        let said = format!("`{written}` is run as `{line}`, by `{shown}` alone");
        self.report.push(self.fields.at("script", Diagnostic::note("program-behind", said)));
        spec.version = package::version(&cwd).or_else(|| spec.version.take());
        spec.interpreter = interpreter.program;
        spec.interpreter_args.splice(..0, interpreter.args);
        (spec.script, spec.args, spec.cwd) = (path, args, cwd);
        spec.put_env(env, &BTreeSet::new());
    }

    /// The mode that is asked for in so many words.
    fn mode(&self) -> Option<ExecMode> {
        match self.fields.text("exec_mode") {
            _ if self.fields.flag("execute_command") == Some(true) => Some(ExecMode::Fork),
            Some("cluster" | "cluster_mode") => Some(ExecMode::Cluster),
            Some(_) => Some(ExecMode::Fork),
            None => None,
        }
    }

    /// Whether nobody but a cluster can do what is asked for: it is to be woken by a connection.
    fn sleeps(&self, interpreter: &Interpreter) -> bool {
        interpreter.is_node_like() && self.fields.node("idle_stop").is_some()
    }

    fn instances(&mut self, interpreter: &Interpreter) -> Option<Instances> {
        let given = self.fields.node("instances").map(Node::plain);
        let mode = match (self.mode(), interpreter.other_language()) {
            (Some(ExecMode::Cluster), Some(other)) if !self.ctx.as_pm2 => {
                let message = format!(
                    "cluster mode is for Node, Bun and Deno, and this runs with `{other}`: it is \
                     started in fork mode"
                );
                let help = "write `exec_mode: \"fork\"`, and give each instance a port of its own";
                let said = Diagnostic::warning("no-cluster", message).help(help);
                self.report.push(self.fields.at("exec_mode", said));
                Some(ExecMode::Fork)
            }
            (None, None) if self.sleeps(interpreter) => Some(ExecMode::Cluster),
            (mode, _) => mode,
        };
        let decided = instances::decide(
            given.as_deref(),
            mode,
            interpreter.is_node_like(),
            self.ctx.cpus.max(1),
        );
        decided.map_or_else(
            |message| {
                let help = format!("write a number up to {MOST_INSTANCES}, or `\"max\"`");
                self.fail("instances", Diagnostic::error("too-many", message).own_help(help))
            },
            Some,
        )
    }

    /// A server of files is one process, which its environment tells what to do.
    fn of_server(&mut self) -> Instances {
        let is_one = |node: &Node| node.plain() == "1";
        let many = self.fields.node("instances").is_some_and(|node| !is_one(node));
        for (key, given, help) in [
            ("instances", many, "leave it out: one process serves thousands of connections"),
            (
                "args",
                self.fields.node("args").is_some(),
                "set PM2_SERVE_PATH and others in `env`; for npm's package of that name, \
                 `script` is `npx serve`",
            ),
        ] {
            if given {
                let message = format!("`{key}` changes nothing of a server of files");
                let said = Diagnostic::warning("ignored-by-serve", message).help(help);
                self.report.push(self.fields.at(key, said));
            }
        }
        Instances { mode: ExecMode::Fork, count: 1, merge: true }
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

    fn put_logs(&self, spec: &mut AppSpec, cwd: &Path, merge: bool) {
        let fields = self.fields;
        let file = |key: &str, usual: &Path| match fields.text(key) {
            Some("NULL" | "/dev/null") => None,
            Some(path) => Some(self.ctx.absolute(cwd, path)),
            None => self.ctx.log_files.then(|| usual.to_owned()),
        };
        let names = LogNames::first(&self.ctx.home, &spec.namespace, &spec.name);
        let [out, err, both] = names.paths();
        let combined = match fields.node("log_file").map(|node| &node.value) {
            Some(Value::Bool(true)) => Some(both.clone()),
            Some(Value::Text(_)) => file("log_file", both),
            _ => None,
        };
        let usual_date = (fields.flag("time") == Some(true)).then(|| USUAL_DATE.to_owned());
        spec.logs = LogSpec {
            out: file("out_file", out),
            err: file("error_file", err),
            combined,
            merge: fields.flag("merge_logs").unwrap_or(merge),
            date_format: spec.logs.date_format.take().or(usual_date),
            ..std::mem::take(&mut spec.logs)
        };
    }
}

/// Why a script cannot be run by the workers of a cluster.
fn not_one_program(given: &Given<'_>, why: &str) -> Diagnostic {
    let mut script = given.script.to_owned();
    for arg in given.args.iter().filter(|_| !given.is_line) {
        script.push(' ');
        script.push_str(arg);
    }
    let message = format!("`{script}` cannot be a cluster: {why}");
    Diagnostic::error("no-program-behind", message).help(
        "name the program that listens as `script`, or leave `instances` out: in fork mode it \
         runs as it is",
    )
}

/// Adds what PM2's client puts into every record.
fn put_usual(kept: &mut Texts, from: From<'_>, ctx: &Context) {
    if ctx.env.get(ostler_env::PM2_DEEP_MONITORING).is_some_and(|value| value == "true") {
        kept.insert_new("deep_monitoring", "true");
    }
    for key in attributes() {
        if let Usual::Json(text) = key.usual {
            kept.insert_new(key.name, text);
        }
    }
    // The list of its option, also when it is empty.
    if matches!(from, From::Options) {
        kept.insert_new("filter_env", "[]");
    }
}

/// Returns the name an app will have, from what is written alone: `--only` chooses before anything
/// is looked up.
pub(crate) fn written_name(fields: &Fields<'_>, ctx: &Context) -> String {
    if let Some(name) = fields.text("name") {
        return name.to_owned();
    }
    if let Some(module) = module::module_of(fields, ctx) {
        return module::name_of_module(module);
    }
    let script = fields.text("script").unwrap_or("");
    let cwd = fields.text("cwd").map(|cwd| ctx.absolute(&ctx.cwd, cwd));
    let path = ctx.absolute(cwd.as_ref().unwrap_or(&ctx.cwd), script);
    if path.is_dir() {
        return script::name_of_directory(&path);
    }
    if script.trim().contains(char::is_whitespace) {
        return script.to_owned();
    }
    script::name_of(Path::new(script))
}
