//! The request for a rolling reload, its ticket, and what is said while it is under way.

use std::collections::BTreeSet;

use ostler_wire::control::{Change, Event, ProcView, ReloadOptions, Request};

use super::{address, first_run, perform, unwritten};
use crate::args::FlagId;
use crate::failed::Failed;
use crate::holder;
use crate::session::{Session, ticket};
use crate::voice::{Act, Notice, Problem, Target};

/// Asks for a reload, reports every step (for which PM2 has no words) and, at the end, every
/// process that was replaced.
pub(super) fn reload(
    session: &mut Session,
    ids: &[u32],
    change: Change,
    list: &[ProcView],
) -> Result<(), Failed> {
    let options = options(session)?;
    let mut reported: BTreeSet<u32> = BTreeSet::new();
    let mut done: BTreeSet<u32> = BTreeSet::new();
    let mut failed = false;
    session.begun.ids.extend(ids);
    let request = Request::Reload { ids: ids.to_vec(), change, options, ticket: Some(ticket()) };
    let answer = session.ask_with(&request, |out, event| {
        if let Event::Acted { id, error, .. } = &event {
            reported.insert(*id);
            done.extend(error.is_none().then_some(*id));
        }
        failed |= !perform::report(out, &event);
    });
    let result = answer.and_then(|answer| perform::done(&answer, failed));
    let result = result.map_err(|failed| with_holder(session, ids, failed));
    let names = ids.iter().filter_map(|id| list.iter().find(|process| process.id == *id));
    match names.clone().next() {
        Some(first) if options.canary && result.is_ok() => {
            session.out.tell(&Notice::CanaryWaits { app: &first.name });
            return Ok(());
        }
        Some(_) | None => {}
    }
    if result.is_ok() {
        for process in names.filter(|process| !reported.contains(&process.id)) {
            session.out.tell(&Notice::Replaced { id: process.id, name: &process.name });
        }
    }
    // What is replaced without a gap was verified. The others are looked at, also beside one that
    // failed.
    let is_done = |id: &u32| ids.contains(id) && (result.is_ok() || done.contains(id));
    let restarted = list.iter().filter(|of| is_done(&of.id) && !of.cluster);
    let restarted: Vec<u32> = restarted.map(|of| of.id).collect();
    let heard = first_run::watch(session, &restarted);
    let mut urls = Vec::new();
    if result.is_ok() {
        urls = urls_of_start(session, ids, list, heard);
    }
    let result = perform::finish(session, Act::Reload, result, &urls);
    session.changed.extend(ids);
    unwritten::warn(session);
    result
}

/// Where an app is reached of which nothing ran: this reload was its start. `heard`: what its
/// processes in fork mode listen on.
fn urls_of_start(
    session: &mut Session,
    ids: &[u32],
    list: &[ProcView],
    heard: Vec<String>,
) -> Vec<String> {
    let targets: Vec<Target> =
        list.iter().filter(|of| ids.contains(&of.id)).map(Target::of).collect();
    let Some(first) = targets.first() else { return Vec::new() };
    if targets.iter().any(|of| !of.rests || of.name != first.name) {
        return Vec::new();
    }
    let addresses = if first.cluster { address::of(session, first.id) } else { heard };
    addresses.iter().filter_map(|one| address::url(one)).collect()
}

/// Adds who has the address that a new worker found taken, and what frees it.
fn with_holder(session: &mut Session, ids: &[u32], mut failed: Failed) -> Failed {
    let (Some(Problem::Other { message, hint }), Some(id)) = (&mut failed.problem, ids.first())
    else {
        return failed;
    };
    let lines: Vec<String> = message.lines().map(str::to_owned).collect();
    if let Some(taken) = holder::taken(session, *id, &lines) {
        let (why, rest) = message.split_once('\n').unwrap_or((message, ""));
        *message = format!("{why}\n{}\n{rest}", taken.sentence).trim_end().to_owned();
        *hint = taken.hint.or(hint.take());
    }
    failed
}

fn options(session: &Session) -> Result<ReloadOptions, Failed> {
    let number = |id: FlagId, name: &str| match session.args.value(id) {
        None => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Failed::misuse(format!("`{name} {text}` is not a number"))),
    };
    Ok(ReloadOptions {
        parallel: number(FlagId::Parallel, "--parallel")?,
        surge: number(FlagId::Surge, "--surge")?,
        canary: session.has(FlagId::Canary),
        no_rollback: session.has(FlagId::NoRollback),
        port_change: session.has(FlagId::AllowPortChange),
        wait: session.has(FlagId::Wait),
    })
}
