//! `migrate --back`: the apps go back to PM2.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use ostler_wire::control::{ProcView, Request};
use serde_json::{Map, Value as Json};

use super::moving::{forget, restore};
use super::other::{Old, Other};
use super::plan::by_app;
use super::service;
use crate::caller;
use crate::cmd::transfer;
use crate::failed::Failed;
use crate::session::Session;
use crate::voice::{MigrationNotice, Notice};

/// Gives every app to the PM2 of this home, which is started where none runs.
pub(super) fn run(session: &mut Session, home: &Path) -> Result<(), Failed> {
    let apps = apps(session)?;
    let mut other = match Other::find(home)? {
        Some(other) => other,
        None => start(home)?,
    };
    let mut failed = 0;
    for app in &apps {
        session.out.flush()?;
        let Some(first) = app.first() else { continue };
        match give(session, &mut other, app) {
            Ok(()) => session.out.tell(&Notice::Migration(MigrationNotice::Returned {
                app: &first.name,
                processes: app.len(),
            })),
            Err(why) => {
                failed += 1;
                why.problem.iter().for_each(|problem| session.out.problem(problem));
            }
        }
    }
    let saved = failed == 0 && save(session, home)?;
    let notice = MigrationNotice::Back { apps: apps.len() - failed, to: home, saved };
    session.out.tell(&Notice::Migration(notice));
    if failed == 0 { service::give_back(session, home) } else { Err(Failed::quiet(1)) }
}

/// Each app is in the saved list of the manager that has it, and in no other: else both would
/// start it with the machine. Returns whether PM2's command saved its list.
fn save(session: &mut Session, home: &Path) -> Result<bool, Failed> {
    session.ask(&Request::Save { force: true })?;
    let ran = pm2(home, &["save", "--silent"]);
    Ok(ran.is_ok_and(|status| status.success()))
}

/// Every app of ours as PM2 would have saved it.
fn apps(session: &mut Session) -> Result<Vec<Vec<Old>>, Failed> {
    let mut list = session.list()?;
    if list.is_empty() {
        return Err(
            Failed::new("there is no app to give back").hint("`ostler list` shows what there is")
        );
    }
    let text = transfer::exported(session)?;
    let records: Vec<Map<String, Json>> = serde_json::from_slice(&text)
        .map_err(|error| Failed::new(format!("the daemon's list is not JSON: {error}")))?;
    // The exported list has the processes in the order of their numbers.
    list.sort_by_key(|process| process.id);
    let of_record =
        |(process, record): (ProcView, _)| Old::of_record(process.id, process.pid, record);
    Ok(by_app(list.into_iter().zip(records).filter_map(of_record).collect()))
}

/// Starts PM2's daemon by its own command.
fn start(home: &Path) -> Result<Other, Failed> {
    let hint = "install PM2 first: `npm install --global pm2`";
    if let Some(link) = our_link() {
        let message = format!("`pm2` is a link to ostler (`{}`), and no PM2 runs", link.display());
        return Err(Failed::new(message).hint(hint));
    }
    let ran = pm2(home, &["ping", "--silent"])
        .map_err(|error| Failed::new(format!("cannot run `pm2`: {error}")).hint(hint))?;
    match Other::find(home)? {
        Some(other) => Ok(other),
        None => {
            Err(Failed::new(format!("`pm2 ping` started no PM2 in `{}`: {ran}", home.display()))
                .hint(hint))
        }
    }
}

/// The `pm2` that is found first, if it is a name of this program.
fn our_link() -> Option<PathBuf> {
    let ours = std::env::current_exe().and_then(std::fs::canonicalize).ok()?;
    let first = caller::in_path("pm2")?;
    (std::fs::canonicalize(&first).ok()? == ours).then_some(first)
}

/// Runs PM2's command in its home.
fn pm2(home: &Path, words: &[&str]) -> io::Result<ExitStatus> {
    Command::new("pm2")
        .args(words)
        .env(ostler_env::PM2_HOME, home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
}

/// Gives one app: ours ends, PM2's starts. When that fails, ours starts again.
fn give(session: &mut Session, other: &mut Other, app: &[Old]) -> Result<(), Failed> {
    let rest: Vec<u32> = other
        .list()?
        .into_iter()
        .filter(|old| app.iter().any(|one| one.name == old.name && one.namespace == old.namespace))
        .map(|old| if old.is_up() { Err(old.name) } else { Ok(old.id) })
        .collect::<Result<_, _>>()
        .map_err(|name| {
            Failed::new(format!("PM2 runs an app that is called `{name}`"))
                .hint("`pm2 delete` it first, or delete ours")
        })?;
    forget(session, app.iter().map(|old| old.id).collect())?;
    let given = rest
        .into_iter()
        .try_for_each(|id| other.call("deleteProcessId", &id.into()).map(|_| ()))
        .and_then(|()| prepare(other, app));
    if given.is_err() {
        restore(session, app, None)?;
    }
    given
}

fn prepare(other: &mut Other, app: &[Old]) -> Result<(), Failed> {
    for old in app {
        let mut record = old.record.clone();
        record.remove("pm_id");
        let of_ours = record.get("pm_pid_path").and_then(Json::as_str).map(Path::new);
        if let Some(path) = of_ours.and_then(Path::file_name).map(|name| other.pid_file(name)) {
            record.insert("pm_pid_path".to_owned(), path.to_string_lossy().into());
        }
        let started = other.call("prepare", &Json::Object(record))?;
        if old.is_up() {
            continue;
        }
        // PM2 starts whatever it is given.
        if let Some(id) = started.pointer("/0/pm2_env/pm_id").and_then(Json::as_u64) {
            other.call("stopProcessId", &id.into())?;
        }
    }
    Ok(())
}
