//! `install`, `uninstall`, `module:update`, `module:generate`, `package`, `publish`: modules, which
//! are npm packages that run as apps.

use std::path::{Path, PathBuf};

use ostler_pm2::module::Module;
use ostler_pm2::settings::Settings;
use ostler_wire::control::{Action, Change, ProcView};

use super::{launch, list, perform, settings};
use crate::apps;
use crate::caller;
use crate::failed::Failed;
use crate::modules::{self, Origin, Store};
use crate::program::Program;
use crate::select::Picked;
use crate::session::Session;
use crate::settings_file::SettingsFile;
use crate::voice::{Act, ModuleNotice, Notice, Target};

/// Packages that PM2 installs into itself, to translate scripts.
const INTO_PM2: [&str; 9] = [
    "typescript",
    "livescript",
    "coffee-script",
    "coffeescript",
    "gc-stats",
    "event-loop-inspector",
    "v8-profiler",
    "profiler",
    "deep-monitoring",
];

/// Runs the command `install`.
pub(super) fn install(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    if INTO_PM2.contains(&word.as_str()) {
        return Err(Failed::new(format!("`{word}` is no module: PM2 installs it into itself"))
            .hint("install it where your app is, with npm"));
    }
    if word == "." {
        return develop(session);
    }
    bring(session, &word)
}

/// Runs the command `module:update`.
pub(super) fn update(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    session.home.prepare()?;
    let recorded = Store::recorded(&SettingsFile::of(&session.home).read()?);
    match recorded.iter().find(|(name, _)| *name == word) {
        Some((_, Origin::Archive)) => {
            let message = format!("`{word}` comes from an archive, and npm has no other version");
            Err(Failed::new(message).hint("install the archive of the new version"))
        }
        Some((_, Origin::Npm)) => bring(session, &format!("{word}@latest")),
        // A version may be given, or where it is.
        None if word.contains(['@', '/', ':']) => bring(session, &word),
        None => Err(unknown(session, &word)),
    }
}

/// Runs the command `uninstall`.
pub(super) fn uninstall(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    session.home.prepare()?;
    let file = SettingsFile::of(&session.home);
    let recorded = Store::recorded(&file.read()?);
    let names: Vec<String> = recorded.into_iter().map(|(name, _)| name).collect();
    session.out.tell(&Notice::Module(ModuleNotice::Uninstalls { name: &word }));
    let meant: Vec<String> =
        names.into_iter().filter(|name| word == "all" || *name == word).collect();
    if meant.is_empty() && word != "all" {
        return Err(unknown(session, &word));
    }
    if meant.is_empty() && session.program == Program::Ostler {
        session.out.tell(&Notice::Note { text: "no module is installed" });
    }
    let store = Store::of(&session.home);
    for name in &meant {
        file.change(|settings| Ok(settings.forget(name)))?;
        end(session, name, &store.folder(name))?;
        drop(store.take(name)?);
        session.out.tell(&Notice::Module(ModuleNotice::Uninstalled { name }));
    }
    if session.program == Program::Pm2 { list::table(session) } else { Ok(()) }
}

/// Runs the command `module:generate`.
pub(super) fn generate(session: &mut Session) -> Result<(), Failed> {
    let name = session.args.words.first().map_or("sample-module", String::as_str);
    let folder = modules::generate(name, &caller::cwd()?)?;
    session.out.tell(&Notice::Module(ModuleNotice::Generated { name, path: &folder }));
    Ok(())
}

/// Runs the command `package`.
pub(super) fn pack(session: &mut Session) -> Result<(), Failed> {
    let cwd = caller::cwd()?;
    let folder = named_folder(session)?;
    let archive = modules::pack(&folder, &cwd)?;
    session.out.tell(&Notice::Module(ModuleNotice::Packed { folder: &folder, path: &archive }));
    Ok(())
}

/// Runs the command `publish`.
pub(super) fn publish(session: &mut Session) -> Result<(), Failed> {
    let folder = named_folder(session)?;
    let module = modules::read(&folder)?;
    modules::publish(&folder)?;
    session.out.tell(&Notice::Module(ModuleNotice::Published { name: &module.name }));
    Ok(())
}

/// Starts the modules that are installed and do not run: a daemon was started. What is wrong with
/// one of them is said, and keeps nobody from what was asked for.
pub(super) fn revive(session: &mut Session) -> Result<(), Failed> {
    let settings = SettingsFile::of(&session.home).read()?;
    let recorded = Store::recorded(&settings);
    if recorded.is_empty() {
        return Ok(());
    }
    let (store, running) = (Store::of(&session.home), session.list()?);
    let mut apps = Vec::new();
    for (name, origin) in recorded {
        let folder = store.package(&name, origin);
        let runs = |process: &ProcView| is_of(process, &name, &store.folder(&name));
        if running.iter().any(runs) {
            continue;
        }
        match modules::read(&folder)
            .and_then(|of| apps::of_module(session, &folder, &of, &settings))
        {
            Ok(of) => apps.extend(of),
            Err(failed) => {
                let why = failed.problem.map_or_else(String::new, |problem| problem.text());
                session.out.warn_aside(&format!("the module `{name}` is not started: {why}"));
            }
        }
    }
    let shown = std::mem::take(&mut session.changed);
    let result = launch::quietly(session, apps);
    session.changed = shown;
    result
}

fn unknown(session: &Session, word: &str) -> Failed {
    match session.program {
        Program::Pm2 => Failed::new("Unknown module"),
        Program::Ostler => Failed::new(format!("no module `{word}` is installed"))
            .hint("`ostler list` shows modules below the apps"),
    }
}

fn named_folder(session: &Session) -> Result<PathBuf, Failed> {
    let cwd = caller::cwd()?;
    let named = session.args.words.first().filter(|word| word.trim_end_matches('/') != ".");
    Ok(named.map_or_else(|| cwd.clone(), |folder| cwd.join(folder)))
}

/// Whether a process is of this module, which may run from elsewhere while it is worked on.
fn is_of(process: &ProcView, name: &str, folder: &Path) -> bool {
    let is_there = || Path::new(&process.script).starts_with(folder);
    process.module && (process.name == name || is_there())
}

/// Starts the module in the working directory as it is.
fn develop(session: &mut Session) -> Result<(), Failed> {
    let folder = caller::cwd()?;
    session.out.tell(&Notice::Module(ModuleNotice::Develops));
    let module = modules::read(&folder)?;
    let settings = SettingsFile::of(&session.home).read()?;
    end(session, &module.name, &folder)?;
    let apps = apps::of_module(session, &folder, &module, &usual(&settings, &module))?;
    launch::missing(session, apps)?;
    tell_installed(session, &module);
    list::table(session)
}

/// Settings with those that a module has by itself.
fn usual(settings: &Settings, module: &Module) -> Settings {
    let mut all = settings.clone();
    all.add_usual(&module.name, &module.settings);
    all
}

/// Installs a module and starts it. When this one cannot be, the one that was there is started
/// again, as it was.
fn bring(session: &mut Session, word: &str) -> Result<(), Failed> {
    session.home.prepare()?;
    let origin = if modules::is_archive(word) { Origin::Archive } else { Origin::Npm };
    session.out.tell(&Notice::Module(ModuleNotice::Installs { word, npm: origin == Origin::Npm }));
    session.out.flush()?;
    let store = Store::of(&session.home);
    let fetched = store.fetch(word, origin)?;
    session.out.tell(&Notice::Module(ModuleNotice::Fetched { npm: origin == Origin::Npm }));
    let module = fetched.module.clone();
    let file = SettingsFile::of(&session.home);
    // Nothing has changed so far. What cannot be started is refused before the old one is stopped.
    let before = usual(&file.read()?, &module);
    apps::of_module(session, &fetched.place(), &module, &before)?;
    session.connect()?;
    end(session, &module.name, &store.folder(&module.name))?;
    let old = store.put(&fetched)?;
    let started = start(session, &store, &module.name, origin, &before);
    if let Err(failed) = started {
        return Err(match old {
            None => {
                drop(store.take(&module.name)?);
                failed
            }
            Some(old) => {
                end(session, &module.name, &store.folder(&module.name))?;
                store.put_back(&module.name, &old)?;
                start(session, &store, &module.name, origin, &before)?;
                failed
            }
        });
    }
    let settings = file.change(|settings| {
        settings.add_usual(&module.name, &module.settings);
        settings.forget(&module.name);
        settings.record(origin.record(), &module.name);
        Ok(settings.clone())
    })?;
    if session.program == Program::Pm2 {
        settings::list_app(session, &module.name, &settings);
        session.out.message("Modules configuration. Copy/Paste line to edit values.");
    }
    tell_installed(session, &module);
    list::table(session)
}

fn tell_installed(session: &mut Session, module: &Module) {
    let (name, version) = (module.name.as_str(), module.version.as_deref());
    let configurable = !module.settings.is_empty();
    session.out.tell(&Notice::Module(ModuleNotice::Installed { name, version, configurable }));
}

fn start(
    session: &mut Session,
    store: &Store,
    name: &str,
    origin: Origin,
    settings: &Settings,
) -> Result<(), Failed> {
    let folder = store.package(name, origin);
    let module = modules::read(&folder)?;
    let apps = apps::of_module(session, &folder, &module, settings)?;
    launch::missing(session, apps)
}

/// Stops and forgets the processes of a module.
fn end(session: &mut Session, name: &str, folder: &Path) -> Result<(), Failed> {
    if !session.connect_if_running()? {
        return Ok(());
    }
    let list = session.list()?;
    let targets: Vec<Target> =
        list.iter().filter(|process| is_of(process, name, folder)).map(Target::of).collect();
    if targets.is_empty() {
        return Ok(());
    }
    let word = targets.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(",");
    let picked = Picked::numbered(targets);
    perform::announce(session, Act::Delete, &word, &picked);
    perform::act(session, Act::Delete, Action::Delete, picked.ids(), Change::default())
}
