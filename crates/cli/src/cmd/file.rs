//! Process files: what is done with the apps of one, which are found in the list by their names.

use std::collections::BTreeSet;

use ostler_wire::control::{Action, Change, ProcView};

use super::{launch, perform, rolling};
use crate::apps::{self, App};
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::Session;

/// What happens to the apps of a process file that are in the list already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// They are stopped and started again.
    Restart,
    /// They are replaced one by one.
    Reload,
}

/// Whether a word is a process file, or standard input (`-`) that holds one.
pub(super) fn is_meant(word: &str) -> bool {
    word == "-" || ostler_config::is_config_file(word)
}

/// Does `stop`, `restart` or `delete` with the apps of a file. Apps that are not in the list are no
/// failure; `restart` starts them.
pub(super) fn act(session: &mut Session, path: &str, action: Action) -> Result<(), Failed> {
    let (apps, bad) = apps::of_file(session, path)?;
    let list = session.list()?;
    let (known, missing) = split(apps, &list);
    if action == Action::Restart && path != "-" {
        announce(session, &known, &list, Known::Restart);
    }
    let ids = ids_of(&known, &list);
    let records = if action == Action::Restart {
        known.into_iter().map(|app| app.record).collect()
    } else {
        Vec::new()
    };
    let change = Change { records, ..perform::unchanged(session)? };
    if !ids.is_empty() {
        perform::act(session, action, ids, change)?;
    }
    if action == Action::Restart && !missing.is_empty() {
        launch::missing(session, missing)?;
    }
    end(bad)
}

/// Starts the apps of a file; those that are in the list are restarted or reloaded.
pub(super) fn start(session: &mut Session, path: &str, how: Known) -> Result<(), Failed> {
    let (apps, bad) = apps::of_file(session, path)?;
    let list = session.list()?;
    let (known, missing) = split(apps, &list);
    if !known.is_empty() {
        let ids = ids_of(&known, &list);
        announce(session, &known, &list, how);
        let records = known.into_iter().map(|app| app.record).collect();
        let change = Change { records, ..perform::unchanged(session)? };
        match how {
            Known::Restart => perform::act(session, Action::Restart, ids, change)?,
            Known::Reload => rolling::reload(session, &ids, change, &list)?,
        }
    }
    if !missing.is_empty() {
        launch::missing(session, missing)?;
    }
    end(bad)
}

/// Something was wrong with other apps of the file, and it was said. As in PM2 no table
/// is printed then.
fn end(bad: bool) -> Result<(), Failed> {
    if bad { Err(Failed::quiet(1)) } else { Ok(()) }
}

/// Splits apps into those whose name is in the list, and the others.
fn split(apps: Vec<App>, list: &[ProcView]) -> (Vec<App>, Vec<App>) {
    let names: BTreeSet<&str> = list.iter().map(|process| process.name.as_str()).collect();
    apps.into_iter().partition(|app| names.contains(app.name.as_str()))
}

/// Returns the ids of the processes of these apps, app by app.
fn ids_of(apps: &[App], list: &[ProcView]) -> Vec<u32> {
    let mut seen = BTreeSet::new();
    let all = apps.iter().flat_map(|app| {
        list.iter().filter(|process| process.name == app.name).map(|process| process.id)
    });
    all.filter(|id| seen.insert(*id)).collect()
}

/// Says for each app what will be done with which processes.
fn announce(session: &mut Session, apps: &[App], list: &[ProcView], how: Known) {
    for app in apps {
        let ids = ids_of(std::slice::from_ref(app), list);
        let shown = serde_json::Value::from(ids.as_slice());
        match how {
            Known::Restart => {
                let picked = Picked { ids, shown };
                perform::announce(session, Action::Restart, &app.name, &picked);
            }
            Known::Reload => rolling::announce(session, &app.name, &shown),
        }
    }
}
