//! What a list says of an app, or of one process.

use std::collections::BTreeMap;

use ostler_ports::Address;
use ostler_wire::control::{Phase, ProcView};

use crate::app::App;
use crate::grid::Cell;
use crate::paint::{Ink, Paint};
use crate::width::{columns, cut};
use crate::{amount, words};

/// How a list is looked at.
#[derive(Debug)]
pub struct Look<'a> {
    /// Columns of the window.
    pub window: usize,
    /// The time, ms since 1970.
    pub now: u64,
    /// Which of it is coloured.
    pub paint: Paint,
    /// A row for each process, and one for each worker that comes or goes.
    pub all: bool,
    /// Why processes ended, as far as their last lines tell, by id.
    pub reasons: &'a BTreeMap<u32, &'static str>,
}

pub(crate) fn id<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::inked(app.ids(), &[Ink::Grey])
}

pub(crate) fn name<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::inked(app.name.clone(), &[Ink::Bold])
}

pub(crate) fn pid<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let pid = app.processes.first().map_or(0, |process| process.pid);
    Cell::plain(if pid == 0 { "-".to_owned() } else { pid.to_string() })
}

pub(crate) fn instances<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let (online, all) = app.count();
    let missing = online < all && app.processes.iter().any(|of| of.phase != Phase::Stopped);
    let inks: &[Ink] = if missing { &[Ink::Red] } else { &[] };
    Cell::inked(format!("{online}/{all}"), inks)
}

/// The width to which a status may be shortened.
pub(crate) const LEAST_STATUS: usize = 22;

pub(crate) fn status<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    with_leaving(app, None)
}

/// The status without the old workers that are on their way out.
pub(crate) fn status_alone<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    status_cell(app, None)
}

/// How many old workers are on their way out; nothing where there are none.
pub(crate) fn draining<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    match app.leaving() {
        0 => Cell::plain(""),
        leaving => Cell::inked(leaving.to_string(), &[Ink::Blue]),
    }
}

/// The status with the last end, for a table that has no column for it.
pub(crate) fn status_and_end<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let of_worst = app.worst().filter(|(process, _)| process.phase != Phase::Online);
    if let Some(end) = of_worst.and_then(|(process, ..)| end_word(process, look)) {
        return with_leaving(app, Some(&end));
    }
    let mut cell = with_leaving(app, None);
    let is_settled = app.rollout().is_none() && app.leaving() == 0;
    if let Some(end) = last_end(app, look).filter(|_| is_settled) {
        // It is over: what is wrong now stands behind a colon.
        let word = end.word.split(',').next().unwrap_or_default();
        cell.text = format!("{} after {word}", cell.text).into();
        if !end.inks.is_empty() {
            cell.inks = &[Ink::Yellow];
        }
    }
    cell
}

fn status_cell<'a>(app: &App<'a>, end: Option<&str>) -> Cell<'a> {
    let Some((worst, count)) = app.worst() else { return Cell::plain("") };
    let (mut sign, mut inks) = words::sign(worst.phase);
    let mut word = match worst.phase {
        Phase::Backoff { due_in } => format!("retry in {}", amount::duration(due_in)),
        Phase::Waiting => words::waits(worst),
        Phase::Stopped
        | Phase::Errored
        | Phase::Starting
        | Phase::Online
        | Phase::Sleeping
        | Phase::Stopping => words::status(worst).to_owned(),
    };
    if count < app.processes.len() {
        word = format!("{count} {word}");
    }
    if let (Some((rollout, part)), Phase::Online) = (app.rollout(), worst.phase) {
        (sign, inks) = ('◐', &[Ink::Blue]);
        word = match app.processes.len() {
            1 => rollout.to_owned(),
            all => format!("{rollout} {part} of {all}"),
        };
    }
    match end {
        // Its code says it all.
        Some(end) if word == "exited" && end.starts_with("exit ") => {
            word = end.replace("exit ", "exited ");
        }
        Some(end) => word = format!("{word}: {end}"),
        None => {}
    }
    Cell::inked(format!("{sign} {word}"), inks)
}

/// The same with the old workers that are on their way out. Where there is no room for both, they
/// stand first: no cut hides them.
fn with_leaving<'a>(app: &App<'a>, end: Option<&str>) -> Cell<'a> {
    let Cell { text, inks } = status_cell(app, end);
    let leaving = match app.leaving() {
        0 => return Cell { text, inks },
        leaving => format!("{leaving} draining"),
    };
    let behind = format!("{text}, {leaving}");
    let text = match text.split_once(' ') {
        Some((sign, word)) if LEAST_STATUS < columns(&behind) => {
            format!("{sign} {leaving}, {word}")
        }
        Some(_) | None => behind,
    };
    Cell::inked(text, inks)
}

pub(crate) fn ports<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let addresses = app.addresses();
    // Others than this machine can reach it.
    let is_open = |of: &&&str| Address::parse(of).is_some_and(|address| !address.is_local());
    let inks: &[Ink] = if addresses.iter().any(|of| is_open(&of)) { &[Ink::Yellow] } else { &[] };
    let most = match look.window {
        0..100 => 18,
        100..160 => 24,
        _ => 44,
    };
    Cell::inked(in_one_cell(&addresses, most), inks)
}

/// Addresses without a part of any: a port that is cut is another one. Of many the first stands for
/// all; of a path its end says most.
fn in_one_cell(addresses: &[&str], most: usize) -> String {
    let all = addresses.join(" ");
    let [first, rest @ ..] = addresses else { return all };
    if columns(&all) <= most {
        return all;
    }
    let is_port = matches!(Address::parse(first), Some(Address::Inet { .. }));
    let mut shown = (*first).to_owned();
    if !is_port && most < columns(&shown) {
        let end = shown.rsplit('/').next().unwrap_or_default();
        shown = cut(&format!("…/{end}"), most).into_owned();
    }
    if rest.is_empty() { shown } else { format!("{shown} +{}", rest.len()) }
}

pub(crate) fn restarts<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let inks: &[Ink] = if app.restarts() == 0 { &[] } else { &[Ink::Yellow] };
    Cell::inked(app.restarts().to_string(), inks)
}

pub(crate) fn cpu<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(if runs(app) { amount::cpu(app.cpu()) } else { "-".to_owned() })
}

pub(crate) fn memory<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(if runs(app) { amount::size(app.memory()) } else { "-".to_owned() })
}

fn runs(app: &App<'_>) -> bool {
    app.processes.iter().any(|process| process.pid != 0)
}

pub(crate) fn uptime<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let uptime = app.since().map(|since| amount::duration(look.now.saturating_sub(since)));
    Cell::plain(uptime.unwrap_or_else(|| "-".to_owned()))
}

pub(crate) fn last<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let Some(End { word, at, inks }) = last_end(app, look) else { return Cell::plain("") };
    let ago = amount::duration(look.now.saturating_sub(at));
    Cell::inked(format!("{word}, {ago} ago"), inks)
}

/// How an app ended last, or for what it was restarted.
struct End {
    /// The exit code, the signal, or the reason.
    word: String,
    /// When, ms since 1970.
    at: u64,
    /// None for an end that is no fault.
    inks: &'static [Ink],
}

fn last_end(app: &App<'_>, look: &Look<'_>) -> Option<End> {
    if let Some(over) = app.last_over_memory() {
        return Some(End { word: "memory".to_owned(), at: over.at, inks: &[Ink::Yellow] });
    }
    if let Some(lost) = app.last_unhealthy() {
        return Some(End { word: lost.word().to_owned(), at: lost.at, inks: &[Ink::Yellow] });
    }
    let (_, ended, at) = app.last_end()?;
    let inks: &[Ink] = if ended.is_clean() { &[] } else { &[Ink::Red] };
    Some(End { word: last_word(app, look).unwrap_or_default(), at, inks })
}

pub(crate) fn mode<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let clustered = app.processes.iter().filter(|process| process.cluster).count();
    Cell::plain(match clustered {
        0 => "fork",
        all if all == app.processes.len() => "cluster",
        _ => "cluster, fork",
    })
}

pub(crate) fn version<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let version = app.processes.first().and_then(|process| process.version.as_deref());
    Cell::plain(version.unwrap_or("-"))
}

pub(crate) fn user<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(app.processes.first().map_or("", |process| process.user.as_str()))
}

/// How the app's last process that ended by itself did so.
pub(crate) fn last_word(app: &App<'_>, look: &Look<'_>) -> Option<String> {
    app.last_end().and_then(|(process, ..)| end_word(process, look))
}

/// How a process that ended by itself did so: as its last lines say it, else as the system does.
fn end_word(process: &ProcView, look: &Look<'_>) -> Option<String> {
    let ended = words::own_end(process)?;
    let reason = look.reasons.get(&process.id).map(|reason| (*reason).to_owned());
    Some(reason.unwrap_or_else(|| words::short_end(ended)))
}
