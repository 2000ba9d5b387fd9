//! From a specification to what the keeper executes: program, arguments, environment.
//!
//! PM2 flattens its whole record into the application's environment, and libraries recognise it by
//! that (`pm_id`, `NODE_APP_INSTANCE`, `unique_id`): kept (configuration §8.3, quirk A1).

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use ostler_config::{fill, port_of};
use ostler_core::spec::{AppSpec, ExecMode};
use ostler_core::{ProcId, RunId, SpecId};
use ostler_keeper::proto::{Limits, SpawnSpec};
use ostler_pm2::environment::flattened;
pub use ostler_pm2::files::{log_files, pid_file};

use crate::runs::RUN_VARIABLE;
use crate::{drain, in_app, inspect, notify};

/// What a run gets beside its specification.
#[derive(Clone, Copy, Debug)]
pub struct Particulars<'a> {
    /// Number of the slot.
    pub id: ProcId,
    /// What the slot gives to all its runs.
    pub given: Given<'a>,
    /// Number of the run.
    pub run: RunId,
    /// When it begins, ms since 1970.
    pub since: u64,
    /// Restarts so far.
    pub restarts: u32,
    /// Short runs in a row.
    pub unstable: u32,
    /// The port of its inspector, if Node is to have one.
    pub inspect_port: Option<u16>,
    /// The home directory.
    pub home: &'a Path,
    /// Marks processes of this home.
    pub mark: &'a str,
}

/// What a slot gives to all its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given<'a> {
    /// Name of the process.
    pub name: &'a str,
    /// Instance number (`NODE_APP_INSTANCE`).
    pub instance: u32,
    /// Value of the variable that `increment_var` names, if one is named.
    pub increment: Option<u32>,
    /// When the slot was added or reset, ms since 1970.
    pub created_at: u64,
    /// What PM2 calls `unique_id`.
    pub unique_id: &'a str,
}

/// What the keeper is to execute, as far as it is the same for every run of a slot; [`complete`]
/// adds the rest.
pub fn template(spec: &AppSpec, particulars: Particulars<'_>) -> SpawnSpec {
    let mut env = fixed(spec, particulars);
    in_app::add_to(&mut env, spec, particulars.home);
    let script = spec.script.as_os_str().as_bytes().to_vec();
    let mut argv = match &spec.interpreter {
        None => vec![script],
        Some(interpreter) => {
            let mut argv = vec![interpreter.clone().into_bytes()];
            argv.extend(spec.interpreter_args.iter().map(|arg| arg.clone().into_bytes()));
            if !spec.is_own_interpreter() {
                argv.push(script);
            }
            argv
        }
    };
    let instance = particulars.given.instance;
    let port = port_of(spec);
    let own = |text: &str| fill(text, instance, port).into_owned();
    argv.extend(spec.args.iter().map(|arg| own(arg).into_bytes()));
    let varies = of_run(spec, particulars);
    env.retain(|name, _| varies.iter().all(|(varying, _)| name != varying));
    SpawnSpec {
        run: 0,
        program: Vec::new(),
        argv,
        envp: env.into_iter().map(|(name, value)| variable(&name, &value)).collect(),
        cwd: spec.cwd.as_os_str().as_bytes().to_vec(),
        uid: spec.uid,
        gid: spec.gid,
        want_out: true,
        want_err: true,
        want_ipc: true,
        cgroup: None,
        meta: Vec::new(),
        limits: Limits {
            nofile: spec.limits.nofile,
            nice: spec.limits.nice,
            oom_score: spec.limits.oom_score,
        },
    }
}

/// A [`template`] with what is this run's own, and its program looked up as of now.
pub fn complete(
    mut template: SpawnSpec,
    spec: &AppSpec,
    particulars: Particulars<'_>,
    cgroup: Option<&Path>,
    meta: Vec<u8>,
) -> SpawnSpec {
    template.run = particulars.run.0;
    if let Some(option) = particulars.inspect_port.and_then(|port| inspect::option(spec, port)) {
        // Behind the options of the configuration: the last one counts.
        let place = (1 + spec.interpreter_args.len()).min(template.argv.len());
        template.argv.insert(place, option.into_bytes());
    }
    template.program = match &spec.interpreter {
        None => spec.script.as_os_str().as_bytes().to_vec(),
        Some(interpreter) => {
            let path = template.envp.iter().find_map(|variable| variable.strip_prefix(b"PATH="));
            find_program(
                interpreter,
                path.and_then(|path| std::str::from_utf8(path).ok()),
                &spec.cwd,
            )
        }
    };
    template
        .envp
        .extend(of_run(spec, particulars).into_iter().map(|(name, value)| variable(name, &value)));
    template.cgroup = cgroup.map(|path| path.as_os_str().as_bytes().to_vec());
    template.meta = meta;
    template
}

fn variable(name: &str, value: &str) -> Vec<u8> {
    [name.as_bytes(), b"=", value.as_bytes()].concat()
}

/// The application's environment.
pub fn environment(spec: &AppSpec, particulars: Particulars<'_>) -> BTreeMap<String, String> {
    let mut env = fixed(spec, particulars);
    env.extend(of_run(spec, particulars).into_iter().map(|(name, value)| (name.to_owned(), value)));
    env
}

/// The variables of a command that is run for a run: those of the app, without what makes a program
/// a part of it.
pub fn of_hook(spec: &AppSpec, particulars: Particulars<'_>) -> BTreeMap<String, String> {
    let mut env = environment(spec, particulars);
    env.remove(ostler_env::NOTIFY_SOCKET);
    env.remove(ostler_env::WATCHDOG_USEC);
    env.remove("NODE_UNIQUE_ID");
    env.remove("NODE_CHANNEL_SERIALIZATION_MODE");
    env
}

/// The variables that are not the same for every run of a slot.
fn of_run(spec: &AppSpec, particulars: Particulars<'_>) -> Vec<(&'static str, String)> {
    let Particulars { run, since, restarts, unstable, mark, .. } = particulars;
    let mut env = vec![
        ("pm_uptime", since.to_string()),
        ("restart_time", restarts.to_string()),
        ("unstable_restarts", unstable.to_string()),
        (RUN_VARIABLE, format!("{mark}:{}", run.0)),
    ];
    if spec.exec_mode == ExecMode::Cluster {
        env.push(("NODE_UNIQUE_ID", run.0.to_string()));
    }
    env
}

/// The variables that are.
fn fixed(spec: &AppSpec, particulars: Particulars<'_>) -> BTreeMap<String, String> {
    let Particulars { id, given, home, mark, .. } = particulars;
    let mut env = flattened(spec, id);
    let port = port_of(spec);
    let own = |text| fill(text, given.instance, port).into_owned();
    env.extend(spec.env.iter().map(|(name, value)| (name.to_owned(), own(value))));
    let mut set = |name: &str, value: String| _ = env.insert(name.to_owned(), value);
    set(&spec.instance_var, given.instance.to_string());
    if let (Some(name), Some(value)) = (&spec.increment_var, given.increment) {
        set(name, value.to_string());
    }
    set("name", given.name.to_owned());
    set("pm_id", id.0.to_string());
    set("unique_id", given.unique_id.to_owned());
    set("status", "launching".to_owned());
    set("created_at", given.created_at.to_string());
    set("PM2_HOME", home.display().to_string());
    set("PM2_USAGE", "CLI".to_owned());
    if spec.notifies() {
        set(ostler_env::NOTIFY_SOCKET, notify::address(mark));
    }
    if let Some(period) = spec.watchdog {
        set(ostler_env::WATCHDOG_USEC, period.saturating_mul(1000).to_string());
    }
    // How the channel is spoken to, for whoever is not Node; the keeper adds its number.
    set("NODE_CHANNEL_SERIALIZATION_MODE", "json".to_owned());
    // An app that calls `ostler` or `pm2` reaches the manager that runs it, whatever the shell had
    // from which it was started.
    if let Some(named) = env.get_mut(ostler_env::OSTLER_HOME) {
        *named = home.display().to_string();
    }
    env
}

/// What a slot's next run is given, made while nobody waits for it.
#[derive(Debug)]
pub struct Prepared {
    version: SpecId,
    name: String,
    unique_id: String,
    instance: u32,
    increment: Option<u32>,
    created_at: u64,
    template: SpawnSpec,
}

impl Prepared {
    /// For another run of this version; `None` where a worker's start depends on a file that
    /// may vanish meanwhile. An app in fork mode that finds it gone ends, and its next start
    /// makes it anew.
    pub fn new(version: SpecId, spec: &AppSpec, particulars: Particulars<'_>) -> Option<Self> {
        let template = (!drain::is_wanted(spec)).then(|| template(spec, particulars))?;
        let Given { name, instance, increment, created_at, unique_id } = particulars.given;
        let (name, unique_id) = (name.to_owned(), unique_id.to_owned());
        Some(Self { version, name, unique_id, instance, increment, created_at, template })
    }

    /// The template, if it is for this version and the slot is as it was.
    pub fn take(self, version: SpecId, given: Given<'_>) -> Option<SpawnSpec> {
        let Self { instance, increment, created_at, .. } = self;
        let (name, unique_id) = (self.name.as_str(), self.unique_id.as_str());
        let own = Given { name, instance, increment, created_at, unique_id };
        (self.version == version && own == given).then_some(self.template)
    }
}

/// A program by name, looked up in `PATH`; a name with a slash stays as it is.
fn find_program(name: &str, path: Option<&str>, cwd: &Path) -> Vec<u8> {
    if name.contains('/') {
        return name.as_bytes().to_vec();
    }
    let path = path.unwrap_or("/usr/local/bin:/usr/bin:/bin");
    let candidates = path.split(':').map(|folder| cwd.join(folder).join(name));
    let executable = |path: &PathBuf| {
        rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && !path.is_dir()
    };
    candidates
        .into_iter()
        .find(executable)
        .map_or_else(|| name.into(), |path| path.as_os_str().as_bytes().to_vec())
}
