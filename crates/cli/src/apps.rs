//! From the command line and process files to records for the daemon. The only place that knows
//! `ostler_config`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_config::{Context, Diagnostic, Options};
use ostler_core::spec::{AppSpec, ExecMode};
use serde_json::value::RawValue;

use crate::args::{FlagId, Parsed};
use crate::failed::Failed;
use crate::session::Session;

/// An app that can be started.
#[derive(Debug)]
pub(crate) struct App {
    /// Its name.
    pub(crate) name: String,
    /// Absolute path of its script.
    pub(crate) script: String,
    /// `fork_mode` or `cluster_mode`.
    pub(crate) mode: &'static str,
    /// How many processes.
    pub(crate) instances: u32,
    /// What the daemon gets.
    pub(crate) record: Box<RawValue>,
}

/// The caller's working directory.
pub(crate) fn cwd() -> Result<PathBuf, Failed> {
    std::env::current_dir().map_err(|error| {
        Failed::new(format!("cannot find the working directory: {error}"))
            .hint("it was deleted; change to another one")
    })
}

/// The caller's environment; what is not UTF-8 is left out.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What files and options are resolved against.
fn context(session: &Session) -> Result<Context, Failed> {
    let env = environment();
    let euid = rustix::process::geteuid().as_raw();
    let etc = PathBuf::from("/etc");
    let username = user_name(&etc, euid)
        .or_else(|| env.get("USER").cloned())
        .unwrap_or_else(|| euid.to_string());
    let cpus = std::thread::available_parallelism()
        .map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    Ok(Context {
        home: session.home.path().to_owned(),
        cwd: cwd()?,
        env,
        cpus,
        username,
        euid,
        node: None,
        etc,
    })
}

fn user_name(etc: &std::path::Path, uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string(etc.join("passwd")).ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// The app that `start <script>` means.
pub(crate) fn of_script(session: &mut Session, script: &str) -> Result<App, Failed> {
    let context = context(session)?;
    match ostler_config::from_script(script, &options(&session.args), &context) {
        Ok(spec) => app(&spec),
        Err(diagnostics) => Err(say(session, &diagnostics, false)),
    }
}

/// The apps of a process file, or of standard input for `-`; `true` when something was wrong with
/// the others.
pub(crate) fn of_file(session: &mut Session, path: &str) -> Result<(Vec<App>, bool), Failed> {
    let context = context(session)?;
    let options = options(&session.args);
    let (specs, diagnostics) = if path == "-" {
        let text = std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failed::new(format!("cannot read standard input: {error}")))?;
        ostler_config::load_text(&text, "standard input", &options, &context)
    } else {
        ostler_config::load(path, &options, &context)
    };
    let bad = diagnostics.iter().any(Diagnostic::is_error);
    let failed = say(session, &diagnostics, !specs.is_empty());
    if specs.is_empty() && bad {
        return Err(failed);
    }
    Ok((specs.iter().map(app).collect::<Result<_, _>>()?, bad))
}

/// The options that change a process that is there already; `None` when none was given.
pub(crate) fn patch(session: &mut Session) -> Result<Option<Box<RawValue>>, Failed> {
    let options = options(&session.args);
    if (Options { update_env: false, force: false, env: None, only: Vec::new(), ..options.clone() })
        == Options::default()
    {
        return Ok(None);
    }
    let context = context(session)?;
    match ostler_config::record::options_patch(&options, &context) {
        Ok(patch) => raw(patch).map(Some),
        Err(diagnostics) => Err(say(session, &diagnostics, false)),
    }
}

fn app(spec: &AppSpec) -> Result<App, Failed> {
    let mode = match spec.exec_mode {
        ExecMode::Fork => "fork_mode",
        ExecMode::Cluster => "cluster_mode",
    };
    Ok(App {
        name: spec.name.clone(),
        script: spec.script.to_string_lossy().into_owned(),
        mode,
        instances: spec.instances,
        record: raw(ostler_config::record::to_record(spec))?,
    })
}

fn raw(json: String) -> Result<Box<RawValue>, Failed> {
    RawValue::from_string(json)
        .map_err(|error| Failed::new(format!("the app cannot be written as JSON: {error}")))
}

/// Says every complaint; what is left to fail with. `others`: other apps of the file are fine,
/// which PM2 words differently.
fn say(session: &mut Session, diagnostics: &[Diagnostic], others: bool) -> Failed {
    let color = session.out.paint.text;
    for diagnostic in diagnostics {
        let text = diagnostic.render(color);
        let details = text.split_once('\n').map_or("", |(_, rest)| rest).trim_end();
        let details = if details.is_empty() { String::new() } else { format!("\n{details}") };
        let prefix = if others && diagnostic.code == "no-script" { "Error: " } else { "" };
        let text = format!("{prefix}{}{details}", diagnostic.message);
        if diagnostic.is_error() { session.out.error(&text, None) } else { session.out.warn(&text) }
    }
    Failed::quiet(1)
}

fn options(args: &Parsed) -> Options {
    use FlagId as F;
    let one = |id| args.value(id).map(str::to_owned);
    let many = |id| -> Vec<String> { args.values(id).map(str::to_owned).collect() };
    let some = |id| args.has(id).then(|| many(id));
    Options {
        name: one(F::Name),
        namespace: one(F::Namespace),
        cwd: one(F::Cwd),
        args: args.rest.clone(),
        instances: one(F::Instances),
        interpreter: one(F::Interpreter),
        node_args: one(F::NodeArgs),
        execute_command: args.has(F::ExecuteCommand),
        out_file: one(F::Output),
        error_file: one(F::Error),
        log_file: args.has(F::Log).then(|| one(F::Log)),
        pid_file: one(F::Pid),
        merge_logs: args.has(F::MergeLogs),
        time: args.has(F::Time),
        log_date_format: one(F::LogDateFormat),
        log_type: one(F::LogType),
        disable_logs: args.has(F::DisableLogs),
        no_autostart: args.has(F::NoAutostart),
        no_autorestart: args.has(F::NoAutorestart),
        max_restarts: one(F::MaxRestarts),
        min_uptime: one(F::MinUptime),
        restart_delay: one(F::RestartDelay),
        exp_backoff_restart_delay: one(F::ExpBackoff),
        stop_exit_codes: some(F::StopExitCodes),
        kill_timeout: one(F::KillTimeout),
        kill_signal: one(F::KillSignal),
        listen_timeout: one(F::ListenTimeout),
        wait_ready: args.has(F::WaitReady),
        shutdown_with_message: args.has(F::ShutdownWithMessage),
        no_treekill: args.has(F::NoTreekill),
        max_memory_restart: one(F::MaxMemory),
        cron_restart: one(F::Cron),
        watch: some(F::Watch),
        ignore_watch: one(F::IgnoreWatch),
        uid: one(F::User),
        gid: one(F::Gid),
        filter_env: many(F::FilterEnv),
        env: one(F::Env),
        only: args
            .values(F::Only)
            .flat_map(|names| names.split([',', ' ']))
            .filter(|n| !n.is_empty())
            .map(str::to_owned)
            .collect(),
        update_env: args.has(F::UpdateEnv),
        force: args.has(F::Force),
        instance_var: one(F::InstanceVar),
        increment_var: one(F::IncrementVar),
        balance: one(F::Balance),
        health_http: one(F::HealthHttp),
        health_tcp: one(F::HealthTcp),
        health_exec: one(F::HealthExec),
        health_interval: one(F::HealthInterval),
        health_timeout: one(F::HealthTimeout),
        health_retries: one(F::HealthRetries),
        stable_for: one(F::StableFor),
        drain_timeout: one(F::DrainTimeout),
        no_vizion: args.has(F::NoVizion),
        no_pmx: args.has(F::NoPmx),
        no_automation: args.has(F::NoAutomation),
        disable_source_map_support: args.has(F::NoSourceMap),
    }
}
