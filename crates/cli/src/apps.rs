//! From the command line and process files to records for the daemon. The only place that
//! knows how an app becomes a record.

mod complaints;
mod new_folders;
mod planned;
mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ostler_config::attributes::{Applies, Flag};
use ostler_config::{Context, DeployTarget, Diagnostic, IGNORED_OPTION, Options, attributes};
use ostler_core::spec::{AppSpec, ExecMode, Health, LogSink, Probe};
use ostler_pm2::module::{MARK, Module};
use ostler_pm2::settings::Settings;
use ostler_wire::control::Watch;
use serde_json::value::RawValue;

use crate::args::{Command, CommandId, FlagId, Parsed};
use crate::caller;
use crate::companion;
use crate::failed::Failed;
use crate::process_file::{self, ProcessFile};
use crate::program::Program;
use crate::served;
use crate::session::Session;
use crate::settings_file::SettingsFile;

use complaints::report;
use refused::{
    refuse_empty, refuse_folder_and_program, refuse_name, refuse_namespace, warn_of_name,
};

pub(crate) use complaints::{in_order_of_file, tell};
pub(crate) use planned::{checked, file_as_read, of_profiles, of_spec, specs_of_file};

/// An app that can be started, as the daemon is given it.
#[derive(Debug)]
pub(crate) struct App {
    /// The name that the list shows.
    pub(crate) name: String,
    /// The namespace that the list shows.
    pub(crate) namespace: String,
    /// Absolute path of the script.
    pub(crate) script: String,
    /// The line that a shell runs, where it is no script.
    pub(crate) line: Option<String>,
    /// It is a cluster, whose workers share what they listen on.
    pub(crate) cluster: bool,
    /// How many processes.
    pub(crate) instances: u32,
    /// They are started, and not only added to the list.
    pub(crate) starts: bool,
    /// Names of the apps that it depends on.
    pub(crate) depends_on: Vec<String>,
    /// The record that the daemon gets.
    pub(crate) record: Box<RawValue>,
}

/// Returns what files and options are resolved against.
pub(crate) fn context(session: &Session) -> Result<Context, Failed> {
    refuse_empty(session)?;
    let env = caller::environment();
    let euid = rustix::process::geteuid().as_raw();
    let etc = PathBuf::from("/etc");
    let username = ostler_config::user_name(&etc, euid)
        .or_else(|| env.get(ostler_env::USER).cloned())
        .unwrap_or_else(|| euid.to_string());
    let cpus = std::thread::available_parallelism()
        .map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    Ok(Context {
        home: session.home.path().to_owned(),
        cwd: caller::cwd()?,
        env,
        cpus,
        username,
        euid,
        node: None,
        etc,
        log_files: session
            .args
            .command
            .is_none_or(|command| !matches!(command.id, CommandId::Run | CommandId::Export)),
        server: None,
        listed: None,
        as_pm2: session.program == Program::Pm2,
    })
}

/// Returns the app that `start <script>` means.
pub(crate) fn of_script(session: &mut Session, script: &str) -> Result<App, Failed> {
    let context = context(session)?;
    refuse_folder_and_program(session, script)?;
    match ostler_config::from_script(script, &options(&session.args), &context) {
        Ok((spec, notes)) => {
            report(session, &notes, true);
            refuse_name(session, &spec.name)?;
            warn_of_name(session, &spec.name);
            new_folders::note(session, std::slice::from_ref(&spec));
            app(with_settings(spec, &settings(session)?))
        }
        Err(diagnostics) => Err(report(session, &diagnostics, false)),
    }
}

/// Returns the app that serves a folder.
pub(crate) fn of_server(
    session: &mut Session,
    folder: &Path,
    name: &str,
    variables: BTreeMap<String, String>,
) -> Result<App, Failed> {
    let context = Context { server: Some(caller::program()?), ..context(session)? };
    let mut options = options(&session.args);
    if session.args.attribute("name").is_none() {
        options.give("name", Some(name));
    }
    match ostler_config::from_script(ostler_config::SERVE, &options, &context) {
        Ok((mut spec, notes)) => {
            report(session, &notes, true);
            refuse_name(session, &spec.name)?;
            folder.clone_into(&mut spec.cwd);
            spec.put_env(variables, &BTreeSet::new());
            app(with_settings(spec, &settings(session)?))
        }
        Err(diagnostics) => Err(report(session, &diagnostics, false)),
    }
}

/// Returns the app of this name that is the companion, with a role and what it is told.
pub(crate) fn of_companion(
    session: &mut Session,
    companion: &Path,
    name: &str,
    variables: BTreeMap<String, String>,
) -> Result<App, Failed> {
    let context = context(session)?;
    let mut options = Options { args: Some(vec!["web".to_owned()]), ..Options::default() };
    options.give("name", Some(name));
    options.give("interpreter", Some("none"));
    match ostler_config::from_script(&companion.to_string_lossy(), &options, &context) {
        Ok((mut spec, notes)) => {
            report(session, &notes, true);
            session.home.path().clone_into(&mut spec.cwd);
            spec.put_env(variables, &BTreeSet::new());
            app(spec)
        }
        Err(diagnostics) => Err(report(session, &diagnostics, false)),
    }
}

/// Returns a target of a process file's `deploy`.
pub(crate) fn deploy_target(
    session: &mut Session,
    file: &str,
    name: &str,
) -> Result<DeployTarget, Failed> {
    let context = context(session)?;
    let (target, diagnostics) = ostler_config::deploy_target(file, name, &context);
    let failed = report(session, &diagnostics, false);
    target.ok_or(failed)
}

/// Returns the apps of a process file, or of standard input for `-`; `true` when something was
/// wrong with the others.
pub(crate) fn of_file(session: &mut Session, path: &str) -> Result<(Vec<App>, bool), Failed> {
    let context = Context { server: Some(caller::program()?), ..context(session)? };
    let options = options(&session.args);
    let (mut specs, diagnostics) = process_file::load_beside(session, path, &options, &context)?;
    let bad = diagnostics.iter().any(Diagnostic::is_error);
    // What is accepted works: an option that changes nothing is refused before anything is done.
    // PM2 takes it.
    let refused = session.program == Program::Ostler
        && diagnostics.iter().any(|diagnostic| diagnostic.code == IGNORED_OPTION);
    let failed = report(session, &diagnostics, !specs.is_empty());
    if refused || specs.is_empty() && bad {
        return Err(failed);
    }
    for spec in &mut specs {
        served::prepare(session, spec)?;
    }
    new_folders::note(session, &specs);
    let settings = settings(session)?;
    // PM2's records have no such key.
    let noted = session.program == Program::Ostler && path != "-";
    let file = noted.then(|| ProcessFile::new(path, &context, &options));
    let apps = specs.into_iter().map(|mut spec| {
        file.iter().for_each(|file| file.note(&mut spec));
        app(with_settings(spec, &settings))
    });
    Ok((apps.collect::<Result<_, _>>()?, bad))
}

/// Returns the apps of a module in this folder; its settings are their variables.
pub(crate) fn of_module(
    session: &mut Session,
    folder: &Path,
    module: &Module,
    settings: &Settings,
) -> Result<Vec<App>, Failed> {
    let context = Context { cwd: folder.to_owned(), ..context(session)? };
    let origin = folder.join("package.json").display().to_string();
    let (specs, diagnostics) =
        ostler_config::load_text(&module.process_file(), &origin, &Options::default(), &context);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(report(session, &diagnostics, false));
    }
    let marked = specs.into_iter().map(|mut spec| {
        spec.passthrough.insert(MARK, "true".to_owned());
        // Several apps of one module share its settings.
        spec.put_env(settings.variables(&module.name), &BTreeSet::new());
        app(with_settings(spec, settings))
    });
    marked.collect()
}

/// Returns what the options change in processes that exist; `None` when none of them does.
/// `without_watch`: `--watch` turns the watching round, and is no change of the app.
pub(crate) fn patch(
    session: &mut Session,
    without_watch: bool,
) -> Result<Option<Box<RawValue>>, Failed> {
    if let Some(name) = session.args.attribute("name").map(str::to_owned) {
        refuse_name(session, &name)?;
    }
    refuse_namespace(session)?;
    refuse_empty(session)?;
    let mut options = options(&session.args);
    if without_watch {
        options.given.retain(|(flag, _)| !flag.long.contains(&"watch"));
    }
    if options.is_empty() {
        return Ok(None);
    }
    let context = context(session)?;
    match ostler_config::options_patch(&options, &context) {
        Ok(patch) => raw(patch).map(Some),
        Err(diagnostics) => Err(report(session, &diagnostics, false)),
    }
}

/// Returns what `--watch` means for processes that are there: it turns the watching round, or, with
/// a path, says what is watched.
pub(crate) fn watch(session: &Session) -> Option<Watch> {
    session.args.has_attribute("watch").then(|| match session.args.attribute("watch") {
        Some(_) => Watch::Configured,
        None => Watch::Toggle,
    })
}

/// Returns the first option that counts only for an app that is new; under the name `pm2`, where
/// such options are ignored, none.
pub(crate) fn given_for_new_apps(session: &Session) -> Option<&'static str> {
    let mut given = session.args.given.iter().filter_map(|(id, _)| match id {
        FlagId::Attribute(flag) => Some(*flag),
        _ => None,
    });
    let is_for_new = |flag: &&'static Flag| {
        attributes().any(|of| of.applies == Applies::Added && of.flags.contains(flag))
    };
    let flag = given.find(is_for_new).filter(|_| session.program == Program::Ostler)?;
    flag.long.first().copied()
}

/// Returns the settings of apps.
fn settings(session: &Session) -> Result<Settings, Failed> {
    SettingsFile::of(&session.home).read()
}

/// Gives an app of a file the variables that were set for its name.
pub(crate) fn set_for(session: &Session, spec: AppSpec) -> Result<AppSpec, Failed> {
    Ok(with_settings(spec, &settings(session)?))
}

/// Gives an app the variables that were set for its name.
fn with_settings(mut spec: AppSpec, settings: &Settings) -> AppSpec {
    let variables = settings.variables(&spec.name);
    spec.put_env(variables, &BTreeSet::new());
    spec
}

fn app(spec: AppSpec) -> Result<App, Failed> {
    if let Some(Health { probe: Probe::Grpc { .. }, .. }) = &spec.health {
        companion::find("what asks gRPC servers")?;
    }
    if spec.logs.sinks.iter().any(LogSink::is_encrypted) {
        companion::find("what encrypts syslog")?;
    }
    Ok(App {
        record: raw(ostler_pm2::record::to_record(&spec))?,
        depends_on: spec.depends_on.into_iter().map(|on| on.name).collect(),
        name: spec.name,
        namespace: spec.namespace,
        line: line(&spec.script, &spec.args).filter(|_| spec.interpreter.is_none()),
        script: spec.script.to_string_lossy().into_owned(),
        cluster: spec.exec_mode == ExecMode::Cluster,
        instances: spec.instances,
        starts: spec.autostart,
    })
}

/// The line that a shell is given.
fn line(script: &Path, args: &[String]) -> Option<String> {
    let is_shell = script.file_name().is_some_and(|name| name == "bash" || name == "sh");
    match args {
        [option, line] if is_shell && option == "-c" => Some(line.clone()),
        _ => None,
    }
}

fn raw(json: String) -> Result<Box<RawValue>, Failed> {
    RawValue::from_string(json)
        .map_err(|error| Failed::new(format!("the app cannot be written as JSON: {error}")))
}

fn options(args: &Parsed) -> Options {
    let names = |flag: FlagId| {
        let names = args.values(flag).flat_map(|names| names.split([',', ' ']));
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let mut profiles: Vec<String> = names(FlagId::Profile);
    let ends = |of: &Command| matches!(of.id, CommandId::Stop | CommandId::Delete);
    if profiles.is_empty() && args.command.is_some_and(ends) {
        // What ends a file's apps means whatever may have been started of it.
        profiles.push(ostler_config::ALL_PROFILES.to_owned());
    }
    let mut options = Options {
        args: args.rest.clone(),
        env: args.value(FlagId::Env).map(str::to_owned),
        only: names(FlagId::Only),
        profiles,
        strict: args.has(FlagId::Strict),
        ..Options::default()
    };
    options.given = args
        .given
        .iter()
        .filter_map(|(id, value)| match id {
            FlagId::Attribute(flag) => Some((*flag, value.clone())),
            _ => None,
        })
        .collect();
    options
}
