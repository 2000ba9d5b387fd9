//! A script that is to be started, and what the list has of it.

use ostler_wire::control::{Phase, ProcView};

use super::{address, list};
use crate::apps::App;
use crate::failed::Failed;
use crate::session::Session;
use crate::show;
use crate::voice::{Problem, Target};

/// Returns the processes of an app that is in the list with the same name and script; `None` when
/// there is none.
///
/// # Errors
/// Some of them run: those.
pub(super) fn startable(
    app: &App,
    list: &[ProcView],
) -> Result<Option<Vec<Target>>, Vec<ProcView>> {
    let same = list.iter().filter(|other| other.name == app.name && other.script == app.script);
    let rests = |process: &&ProcView| {
        matches!(process.phase, Phase::Stopped | Phase::Stopping | Phase::Errored)
    };
    let (resting, running): (Vec<&ProcView>, Vec<&ProcView>) = same.partition(rests);
    if !running.is_empty() {
        return Err(running.into_iter().cloned().collect());
    }
    let targets: Vec<Target> = resting.into_iter().map(Target::of).collect();
    Ok((!targets.is_empty()).then_some(targets))
}

/// The refusal of what runs already, with where it answers; a program that asks for objects gets
/// those that run.
pub(super) fn runs_already(
    session: &mut Session,
    name: &str,
    mut running: Vec<ProcView>,
) -> Failed {
    show::note_ports(&session.home, &mut running, false);
    let mut urls: Vec<String> = Vec::new();
    for url in running.iter().flat_map(|of| &of.listens).filter_map(|of| address::url(of)) {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    let ids: Vec<u32> = running.iter().map(|of| of.id).collect();
    if let Err(failed) = list::asked_of(session, &ids) {
        return failed;
    }
    Problem::AlreadyRuns { name: name.to_owned(), urls }.into()
}
