//! Process files: an action on the apps of one, by their names.

use std::collections::BTreeSet;

use ostler_wire::control::{Action, Change, ProcView};

use super::act;
use crate::apps::{self, App};
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::Session;

/// `stop`, `restart`, `delete` of a process file or of standard input (`-`). Apps that are not
/// there are no failure.
pub(super) fn act(session: &mut Session, path: &str, action: Action) -> Result<(), Failed> {
    let (apps, bad) = apps::of_file(session, path)?;
    let list = session.list()?;
    let (known, missing) = split(apps, &list);
    if action == Action::Restart && path != "-" {
        announce(session, action, &known, &list);
    }
    let ids = ids_of(&known, &list);
    let records = if action == Action::Restart {
        known.into_iter().map(|app| app.record).collect()
    } else {
        Vec::new()
    };
    let change = Change { records, ..act::options(session, false)? };
    if !ids.is_empty() {
        act::perform(session, action, ids, change)?;
    }
    if action == Action::Restart && !missing.is_empty() {
        super::start::new_apps(session, missing)?;
    }
    if bad { Err(Failed::quiet(1)) } else { Ok(()) }
}

/// Those whose name is in the list, and the others.
pub(super) fn split(apps: Vec<App>, list: &[ProcView]) -> (Vec<App>, Vec<App>) {
    let names: BTreeSet<&str> = list.iter().map(|process| process.name.as_str()).collect();
    apps.into_iter().partition(|app| names.contains(app.name.as_str()))
}

/// The ids of the processes of these apps, app by app.
pub(super) fn ids_of(apps: &[App], list: &[ProcView]) -> Vec<u32> {
    let mut seen = BTreeSet::new();
    let all = apps.iter().flat_map(|app| {
        list.iter().filter(|process| process.name == app.name).map(|process| process.id)
    });
    all.filter(|id| seen.insert(*id)).collect()
}

/// Says for each app what will be done with which ids.
pub(super) fn announce(session: &mut Session, action: Action, apps: &[App], list: &[ProcView]) {
    for app in apps {
        let ids = ids_of(std::slice::from_ref(app), list);
        let shown = serde_json::Value::from(ids.as_slice());
        act::announce(session, action, &app.name, &Picked { ids, shown });
    }
}
