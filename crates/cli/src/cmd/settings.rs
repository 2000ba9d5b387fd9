//! `set`, `get`, `unset`, `multiset`, `conf`: settings of apps and modules, which are variables
//! of their environment.

use std::process::Command;

use ostler_pm2::rotation;
use ostler_pm2::settings::{BadSetting, Key, Settings, shown};
use ostler_wire::control::{Action, Change, Request};
use serde_json::Value;

use super::{perform, told};
use crate::args::CommandId;
use crate::failed::Failed;
use crate::program::Program;
use crate::select::Picked;
use crate::session::{Session, ticket};
use crate::settings_file::SettingsFile;
use crate::show::Asked;
use crate::voice::{Act, Notice, SettingNotice, Target};

/// The word that means every setting.
const ALL: &str = "all";

/// Runs the command `set`.
pub(super) fn set(session: &mut Session) -> Result<(), Failed> {
    let words = session.args.words.clone();
    match words.as_slice() {
        [] => edit(session),
        // PM2 shows what there is.
        [_] if session.program == Program::Pm2 => list(session),
        [key] => Err(no_value(key)),
        [key, value, ..] => change(session, &[(key.clone(), value.clone())]),
    }
}

/// Runs the command `multiset`.
pub(super) fn multiset(session: &mut Session) -> Result<(), Failed> {
    let words = match session.args.words.as_slice() {
        [line] => line.split_whitespace().map(str::to_owned).collect(),
        words => words.to_vec(),
    };
    let pairs = words.chunks_exact(2);
    if let [key] = pairs.remainder() {
        return Err(no_value(key));
    }
    let pair = |pair: &[String]| Some((pair.first()?.clone(), pair.get(1)?.clone()));
    change(session, &pairs.filter_map(pair).collect::<Vec<_>>())
}

/// Runs the command `get`.
pub(super) fn get(session: &mut Session) -> Result<(), Failed> {
    match session.args.words.first().cloned() {
        None => list(session),
        Some(word) if word == ALL => list(session),
        Some(word) => show(session, &word),
    }
}

/// Runs the command `conf`.
pub(super) fn conf(session: &mut Session) -> Result<(), Failed> {
    if told::asked(session)?.is_some() && 1 < session.args.words.len() {
        return Err(Failed::misuse("`--json` shows settings, and a value to set was given")
            .hint("leave out `--json` or the value"));
    }
    if session.args.words.len() < 2 { get(session) } else { set(session) }
}

/// Runs the command `unset`.
pub(super) fn unset(session: &mut Session) -> Result<(), Failed> {
    let word = session.args.word().to_owned();
    let key = key(&word)?;
    let file = file(session)?;
    let found = file.change(|settings| {
        if word == ALL {
            settings.clear();
            return Ok(true);
        }
        Ok(settings.unset(&key))
    })?;
    if !found && session.program == Program::Ostler {
        return Err(unknown(&word));
    }
    if word == ALL || rotation::concerns(key.app().unwrap_or(&word)) {
        tell_daemon(session)?;
    }
    session.out.tell(&Notice::Setting(SettingNotice::Unset { word: &word }));
    if session.program == Program::Pm2 { list(session) } else { Ok(()) }
}

fn no_value(word: &str) -> Failed {
    let pasted = ostler_shell::word(word);
    let hint = match Key::of(word).as_ref().and_then(Key::app) {
        Some(_) => format!("write the value behind it, as in `ostler set {pasted} debug`"),
        None => format!(
            "write key and value, as in `ostler set {pasted}.LOG_LEVEL debug`; \
             `ostler get {pasted}` shows what is set"
        ),
    };
    Failed::misuse(format!("`{word}` has no value")).hint(hint)
}

/// Where to see which settings there are.
const PAGE: &str = "`ostler get` shows what there is";

fn unknown(word: &str) -> Failed {
    no_setting(word).hint(PAGE)
}

fn no_setting(word: &str) -> Failed {
    Failed::new(format!("there is no setting `{word}`"))
}

/// Says that a setting has no fields.
fn single(word: &str) -> Failed {
    let pasted = ostler_shell::word(word);
    Failed::misuse(format!("`{word}` is one value, which has no fields"))
        .hint(format!("`ostler get {pasted}` prints it, `ostler get {pasted} --json` as JSON"))
}

fn key(word: &str) -> Result<Key, Failed> {
    Key::of(word).ok_or_else(|| {
        Failed::misuse(format!("`{word}` is not the name of a setting"))
            .hint("write an app and a name, as in `ostler set api.LOG_LEVEL debug`")
    })
}

/// The file, in a home that may be used.
fn file(session: &Session) -> Result<SettingsFile, Failed> {
    session.home.prepare()?;
    Ok(SettingsFile::of(&session.home))
}

/// Sets values, and restarts the apps that they are for.
fn change(session: &mut Session, pairs: &[(String, String)]) -> Result<(), Failed> {
    let keys = pairs.iter().map(|(word, value)| Ok((key(word)?, word.as_str(), value.as_str())));
    let keys = keys.collect::<Result<Vec<_>, Failed>>()?;
    let careful = session.program == Program::Ostler;
    let settings = file(session)?.change(|settings| {
        for (key, word, value) in &keys {
            check_rotation(settings, key, word, value)?;
            put(settings, key, word, value, careful)?;
        }
        check_alerts(settings)?;
        Ok(settings.clone())
    })?;
    let mut apps: Vec<&str> = Vec::new();
    for app in keys.iter().filter_map(|(key, ..)| key.app()) {
        if !apps.contains(&app) {
            apps.push(app);
        }
    }
    let words: Vec<&str> = keys.iter().map(|(_, word, _)| *word).collect();
    if session.program == Program::Ostler {
        session.out.tell(&Notice::Setting(SettingNotice::Set { words: &words }));
    }
    let mut result = apps.iter().try_for_each(|app| restart(session, app, &settings));
    if apps.iter().any(|app| rotation::concerns(app)) {
        result = result.and(tell_daemon(session));
    }
    if session.program == Program::Pm2 {
        // Of several, PM2 says nothing.
        let of_set = session.args.command.is_some_and(|of| of.id != CommandId::Multiset);
        if of_set && !apps.is_empty() {
            session.out.tell(&Notice::Setting(SettingNotice::Set { words: &words }));
        }
        match apps.first() {
            Some(app) => list_app(session, app, &settings),
            None => list_all(session, &settings),
        }
    }
    result
}

/// Refuses what the rotation of log files cannot do, unless a module does it.
fn check_rotation(settings: &Settings, key: &Key, word: &str, value: &str) -> Result<(), Failed> {
    let Some(app) = key.app() else { return Ok(()) };
    if app == rotation::MODULE && rotation::is_module_installed(settings) {
        return Ok(());
    }
    rotation::check(app, &key.name(), value)
        .map_err(|refused| Failed::misuse(format!("`{word}` {}", refused.why)).hint(refused.hint))
}

/// Refuses what nobody could be told by.
fn check_alerts(settings: &Settings) -> Result<(), Failed> {
    let checked = ostler_pm2::alerts::of(settings);
    checked.map(drop).map_err(|refused| {
        Failed::misuse(format!("`ostler.alerts` {}", refused.why)).hint(refused.hint)
    })
}

/// Has the daemon read the settings, if one runs.
pub(super) fn tell_daemon(session: &mut Session) -> Result<(), Failed> {
    if session.connect_if_running()? {
        session.ask(&Request::ReloadLogs)?;
    }
    Ok(())
}

/// Sets one value; `careful`: it replaces no object.
fn put(
    settings: &mut Settings,
    key: &Key,
    word: &str,
    value: &str,
    careful: bool,
) -> Result<(), Failed> {
    if careful && settings.get(key).is_some_and(Value::is_object) {
        let message = format!("`{word}` is an app with settings, which one value would replace");
        let pasted = ostler_shell::word(word);
        return Err(Failed::new(message)
            .hint(format!("write `{pasted}.KEY`, or `ostler unset {pasted}` first")));
    }
    settings.set(key, value.into()).map_err(|BadSetting::Value(place)| {
        Failed::new(format!("`{place}` is a value, so that there is no `{word}`")).hint(format!(
            "`ostler unset {pasted}` removes the value",
            pasted = ostler_shell::word(&place)
        ))
    })
}

/// Restarts the processes of this name with the variables of their settings, if a daemon runs.
fn restart(session: &mut Session, app: &str, settings: &Settings) -> Result<(), Failed> {
    if !session.connect_if_running()? {
        return Ok(());
    }
    let list = session.known()?;
    let targets: Vec<Target> =
        list.iter().filter(|process| process.name == app).map(Target::of).collect();
    if targets.is_empty() {
        return Ok(());
    }
    let change = Change { env: Some(settings.variables(app)), ..Change::default() };
    let picked = Picked::numbered(targets);
    if session.program == Program::Ostler {
        perform::announce(session, Act::Restart, app, &picked);
        return perform::act(session, Act::Restart, Action::Restart, picked.ids(), change);
    }
    // PM2 says one sentence of all of it.
    let request =
        Request::Act { action: Action::Restart, ids: picked.ids(), change, ticket: Some(ticket()) };
    let mut failed = false;
    let answer = session.ask_with(&request, |out, event| {
        if !matches!(event, ostler_wire::control::Event::Acted { error: None, .. }) {
            failed |= !perform::report(out, &event);
        }
    })?;
    perform::done(&answer, failed)?;
    session.out.tell(&Notice::Setting(SettingNotice::Restarted { app }));
    Ok(())
}

fn list(session: &mut Session) -> Result<(), Failed> {
    session.home.refuse_unusable()?;
    let settings = SettingsFile::of(&session.home).read()?;
    if let Some(asked) = told::asked(session)? {
        let apps = settings.apps().map(|(app, of)| (app.to_owned(), of.clone().into()));
        let single = settings.single().map(|(name, value)| (name.to_owned(), value.clone()));
        let all: serde_json::Map<String, Value> = single.chain(apps).collect();
        return told::named(session, &asked, &all, no_setting, PAGE);
    }
    list_all(session, &settings);
    Ok(())
}

fn list_all(session: &mut Session, settings: &Settings) {
    if session.program == Program::Ostler {
        for (name, value) in settings.single() {
            session.out.value(&format!("{name}={}\n", shown(value)));
        }
    }
    for (app, _) in settings.apps() {
        list_app(session, app, settings);
    }
}

/// Shows the settings of one app.
pub(super) fn list_app(session: &mut Session, app: &str, settings: &Settings) {
    let Some((_, of)) = settings.apps().find(|(name, _)| *name == app) else { return };
    if session.program == Program::Pm2 {
        session.out.message(&format!("Module: {app}"));
    }
    for (name, value) in of {
        let value = shown(value);
        match session.program {
            Program::Pm2 => session.out.message(&format!("$ pm2 set {app}:{name} {value}")),
            Program::Ostler => session.out.value(&format!("{app}.{name}={value}\n")),
        }
    }
}

/// Shows one setting, or those of one app.
fn show(session: &mut Session, word: &str) -> Result<(), Failed> {
    session.home.refuse_unusable()?;
    let settings = SettingsFile::of(&session.home).read()?;
    let key = key(word)?;
    let Some(value) = settings.get(&key) else {
        return Err(match session.program {
            Program::Ostler => unknown(word),
            Program::Pm2 => Failed::quiet(1),
        });
    };
    if let Some(asked) = told::asked(session)? {
        return match (value, asked) {
            (Value::Object(of), asked) => told::named(session, &asked, of, no_setting, PAGE),
            (value, Asked::Whole) => {
                session.out.object(value);
                Ok(())
            }
            (_, Asked::Json(_) | Asked::Lines(_)) => Err(single(word)),
        };
    }
    match (session.program, key.app()) {
        (_, None) if value.is_object() => list_app(session, word, &settings),
        (Program::Ostler, _) => session.out.value(&format!("{}\n", shown(value))),
        (Program::Pm2, Some(app)) => {
            let text = format!("Value for module {app} key {}: {}", key.name(), shown(value));
            session.out.message(&text);
        }
        (Program::Pm2, None) => {}
    }
    if session.program == Program::Pm2 && key.app().is_none() {
        session.out.message("Modules configuration. Copy/Paste line to edit values.");
    }
    Ok(())
}

/// Has the user edit all settings; what is not understood afterwards is not taken.
fn edit(session: &mut Session) -> Result<(), Failed> {
    if session.program == Program::Ostler && !session.out.terminal {
        return Err(Failed::misuse("`set` opens an editor, for which there is no terminal")
            .hint("`ostler get` shows what is set, `ostler set api.LOG_LEVEL debug` sets one"));
    }
    let file = file(session)?;
    let failed = |what: &str, error: std::io::Error| Failed::new(format!("cannot {what}: {error}"));
    let draft = session.home.path().join(format!("settings.{}.json", std::process::id()));
    let before = file.read()?;
    std::fs::write(&draft, before.text()).map_err(|error| failed("write a draft", error))?;
    let editor = [ostler_env::VISUAL, ostler_env::EDITOR].into_iter().find_map(std::env::var_os);
    let editor = editor.unwrap_or_else(|| "vi".into());
    session.out.flush()?;
    // It may have arguments.
    let mut line = editor.clone();
    line.push(" \"$1\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg("sh").arg(&draft);
    let status = command.status().map_err(|error| failed("run the editor", error))?;
    let text = std::fs::read_to_string(&draft).map_err(|error| failed("read the draft", error))?;
    let place = draft.display();
    if !status.success() {
        if text == before.text() {
            _ = std::fs::remove_file(&draft);
            let text = format!(
                "`{}` ended with {}; nothing has changed",
                editor.display(),
                ostler_text::exit(status)
            );
            return Err(Failed::new(text).hint("`EDITOR=nano ostler set` takes another editor"));
        }
        return Err(Failed::new(format!(
            "`{}` ended with {}",
            editor.display(),
            ostler_text::exit(status)
        ))
        .hint(format!("nothing has changed; what was written is in `{place}`")));
    }
    let after = Settings::read(&text).map_err(|why| {
        Failed::new(format!("the draft `{place}` is not understood: {why}"))
            .hint("nothing has changed")
    })?;
    file.change(|now| {
        if *now != before {
            return Err(Failed::new("the settings have changed meanwhile")
                .hint(format!("the draft is `{place}`")));
        }
        *now = after;
        Ok(())
    })?;
    _ = std::fs::remove_file(&draft);
    let path = file.path();
    session.out.tell(&Notice::Setting(SettingNotice::Edited { path }));
    tell_daemon(session)
}
