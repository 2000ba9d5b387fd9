//! What a `stop` says of apps that do not run.

use std::collections::BTreeSet;

use ostler_wire::control::{Action, Change, Phase, ProcView, Request};

use super::{each, perform};
use crate::failed::Failed;
use crate::select::Picked;
use crate::session::{Session, ticket};
use crate::voice::Notice;

/// Leaves out what does not run, and says so: there is nothing to stop of it. The daemon is told
/// all the same, so that nothing but the user starts it again.
pub(super) fn leave(
    session: &mut Session,
    named: &mut Vec<(String, Picked)>,
    change: &Change,
) -> Result<(), Failed> {
    let resting = at_rest(&session.known()?);
    let mut left = Vec::new();
    for (_, picked) in named.iter_mut() {
        left.extend(picked.ids().into_iter().filter(|id| resting.contains(id)));
        picked.targets.retain(|target| !resting.contains(&target.id));
    }
    let (running, still): (Vec<_>, Vec<_>) =
        std::mem::take(named).into_iter().partition(|(_, picked)| !picked.targets.is_empty());
    *named = running;
    let words: Vec<String> = still.into_iter().map(|(word, _)| word).collect();
    tell(session, left, &words, change)
}

/// Returns the processes that do not run, and are not started again by themselves.
pub(super) fn at_rest(list: &[ProcView]) -> BTreeSet<u32> {
    let rests = |of: &&ProcView| of.phase == Phase::Stopped && of.leaving.is_empty();
    list.iter().filter(rests).map(|of| of.id).collect()
}

/// Stops processes that do not run, without a word about each; `words`: those of the command
/// line of which nothing runs.
pub(super) fn tell(
    session: &mut Session,
    ids: Vec<u32>,
    words: &[String],
    change: &Change,
) -> Result<(), Failed> {
    if !ids.is_empty() {
        let change = Change { watch: change.watch, ..Change::default() };
        let request = Request::Act { action: Action::Stop, ids, change, ticket: Some(ticket()) };
        perform::done(&session.ask(&request)?, false)?;
    }
    if !words.is_empty() {
        session.out.tell(&Notice::Note { text: &does_not_run(words) });
    }
    Ok(())
}

/// Says of which words nothing is to be stopped.
fn does_not_run(words: &[String]) -> String {
    match words {
        [word] if word == "all" => "no app runs: there is nothing to stop".to_owned(),
        [word] => format!("`{word}` does not run: there is nothing to stop"),
        words => {
            format!("{} do not run: there is nothing to stop", each::quoted(words))
        }
    }
}
