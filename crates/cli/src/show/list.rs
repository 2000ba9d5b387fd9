//! The list: an app a row for a person, a line for a program.

use std::collections::BTreeMap;

use ostler_ports::Address;
use ostler_wire::control::{Phase, ProcView};

use super::app::App;
use super::blocks::{TABLE, blocks};
use super::grid::{Cell, Column, render};
use super::{amount, words};
use crate::paint::{Ink, Paint};

/// From this width on, the list has a column for the last end and one for the ids.
const MEDIUM: usize = 100;
/// From this width on, it has every column.
const WIDE: usize = 160;

/// How a list is looked at.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    /// Columns of the window.
    pub(crate) window: usize,
    /// The time, ms since 1970.
    pub(crate) now: u64,
    /// Which of it is coloured.
    pub(crate) paint: Paint,
    /// A row for each process, and one for each worker that comes or goes.
    pub(crate) all: bool,
    /// Why processes ended, as far as their last lines tell, by id.
    pub(crate) reasons: &'a BTreeMap<u32, &'static str>,
}

/// What a column shows of an app, or of one process.
type Show = for<'a> fn(&App<'a>, &Look<'_>) -> Cell<'a>;

/// Returns the table of these apps; blocks of lines where a window has no room for one.
pub(crate) fn list(apps: &[App<'_>], look: &Look<'_>) -> String {
    if look.window < TABLE {
        return blocks(apps, look);
    }
    let columns = columns(look);
    let shapes: Vec<Column> = columns.iter().map(|(column, _)| *column).collect();
    let mut rows: Vec<Vec<Cell<'_>>> = Vec::new();
    for app in apps {
        if !look.all {
            rows.push(columns.iter().map(|(_, show)| show(app, look)).collect());
            continue;
        }
        for process in &app.processes {
            let one = App::of_one(process);
            rows.push(columns.iter().map(|(_, show)| show(&one, look)).collect());
            for (pid, name, status) in beside(process) {
                rows.push(
                    shapes.iter().map(|column| beside_cell(column, pid, name, status)).collect(),
                );
            }
        }
    }
    render(&shapes, &rows, look.window, look.paint)
}

/// Returns the list for a program: a line for each app or process, tabs between the values.
pub(crate) fn piped(apps: &[App<'_>], look: &Look<'_>) -> String {
    let mut out = String::new();
    for app in apps {
        if look.all {
            for process in &app.processes {
                let of = [process.id.to_string(), process.pid.to_string()];
                piped_line(&mut out, &App::of_one(process), &of, look);
            }
        } else {
            let (online, all) = app.count();
            piped_line(&mut out, app, &[format!("{online}/{all}")], look);
        }
    }
    out
}

fn piped_line(out: &mut String, app: &App<'_>, of: &[String], look: &Look<'_>) {
    let uptime = app.since().map(|since| look.now.saturating_sub(since) / 1000);
    let head = std::iter::once(app.name.clone()).chain(of.iter().cloned());
    let rest = [
        app.worst().map_or("", |(process, _)| words::status(process)).to_owned(),
        app.addresses().join(","),
        app.restarts().to_string(),
        format!("{:.1}", app.cpu()),
        app.memory().to_string(),
        uptime.map_or_else(String::new, |uptime| uptime.to_string()),
        last_word(app, look).unwrap_or_default(),
    ];
    let values: Vec<String> =
        head.chain(rest).map(|value| ostler_text::shown(&value).into_owned()).collect();
    out.push_str(&values.join("\t"));
    out.push('\n');
}

fn columns(look: &Look<'_>) -> Vec<(Column, Show)> {
    let column = |title, right, least, leave_out| Column { title, right, least, leave_out };
    let medium = MEDIUM <= look.window;
    let mut all: Vec<(Column, Show)> = Vec::new();
    if medium || look.all {
        all.push((column("ID", true, None, 8), id));
    }
    all.push((column("NAME", false, Some(10), 0), name));
    if look.all {
        all.push((column("PID", true, None, 1), pid));
    } else {
        all.push((column("INST", true, None, 2), instances));
    }
    let short: Show = if medium { status } else { status_and_end };
    all.push((column("STATUS", false, Some(22), 0), short));
    all.push((column("PORTS", false, Some(14), 4), ports));
    all.push((column(if medium { "RESTARTS" } else { "↺" }, true, None, 5), restarts));
    all.push((column("CPU", true, None, 7), cpu));
    all.push((column("MEM", true, None, 6), memory));
    all.push((column(if medium { "UPTIME" } else { "UP" }, true, None, 3), uptime));
    if medium {
        all.push((column("LAST END", false, Some(16), 9), last));
    }
    if WIDE <= look.window {
        all.push((column("MODE", false, None, 10), mode));
        all.push((column("VERSION", false, Some(7), 11), version));
        all.push((column("USER", false, Some(4), 12), user));
    }
    all
}

pub(super) fn id<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::inked(app.ids(), &[Ink::Grey])
}

pub(super) fn name<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::inked(app.name.clone(), &[Ink::Bold])
}

pub(super) fn pid<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let pid = app.processes.first().map_or(0, |process| process.pid);
    Cell::plain(if pid == 0 { "-".to_owned() } else { pid.to_string() })
}

pub(super) fn instances<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let (online, all) = app.count();
    let missing = online < all && app.processes.iter().any(|of| of.phase != Phase::Stopped);
    let inks: &[Ink] = if missing { &[Ink::Red] } else { &[] };
    Cell::inked(format!("{online}/{all}"), inks)
}

fn status<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    status_cell(app, None)
}

pub(super) fn status_and_end<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let of_worst = app.worst().filter(|(process, _)| process.phase != Phase::Online);
    let end = of_worst.and_then(|(process, _)| end_word(process, look));
    status_cell(app, end)
}

fn status_cell<'a>(app: &App<'a>, end: Option<String>) -> Cell<'a> {
    let Some((worst, count)) = app.worst() else { return Cell::plain("") };
    let (mut sign, mut inks) = words::sign(worst.phase);
    let mut word = match worst.phase {
        Phase::Backoff { due_in } => format!("retry in {}", amount::duration(due_in)),
        Phase::Stopped | Phase::Errored | Phase::Starting | Phase::Online | Phase::Stopping => {
            words::status(worst).to_owned()
        }
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
    match app.leaving() {
        0 => {}
        leaving => word = format!("{word}, {leaving} draining"),
    }
    Cell::inked(format!("{sign} {word}"), inks)
}

pub(super) fn ports<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let addresses = app.addresses();
    // Others than this machine can reach it.
    let is_open = |of: &&&str| Address::parse(of).is_some_and(|address| !address.is_local());
    let inks: &[Ink] = if addresses.iter().any(|of| is_open(&of)) { &[Ink::Yellow] } else { &[] };
    Cell::inked(addresses.join(" "), inks)
}

pub(super) fn restarts<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let inks: &[Ink] = if app.restarts() == 0 { &[] } else { &[Ink::Yellow] };
    Cell::inked(app.restarts().to_string(), inks)
}

pub(super) fn cpu<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(if runs(app) { amount::cpu(app.cpu()) } else { "-".to_owned() })
}

pub(super) fn memory<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(if runs(app) { amount::size(app.memory()) } else { "-".to_owned() })
}

fn runs(app: &App<'_>) -> bool {
    app.processes.iter().any(|process| process.pid != 0)
}

pub(super) fn uptime<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let uptime = app.since().map(|since| amount::duration(look.now.saturating_sub(since)));
    Cell::plain(uptime.unwrap_or_else(|| "-".to_owned()))
}

pub(super) fn last<'a>(app: &App<'a>, look: &Look<'_>) -> Cell<'a> {
    let Some((_, ended)) = app.last_end() else { return Cell::plain("") };
    let ago = amount::duration(look.now.saturating_sub(ended.at));
    let word = last_word(app, look).unwrap_or_default();
    Cell::inked(format!("{word}, {ago} ago"), if ended.is_clean() { &[] } else { &[Ink::Red] })
}

fn mode<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let cluster = app.processes.iter().any(|process| process.cluster);
    Cell::plain(if cluster { "cluster" } else { "fork" })
}

fn version<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    let version = app.processes.first().and_then(|process| process.version.as_deref());
    Cell::plain(version.unwrap_or("-"))
}

fn user<'a>(app: &App<'a>, _: &Look<'_>) -> Cell<'a> {
    Cell::plain(app.processes.first().map_or("", |process| process.user.as_str()))
}

/// How the app's last process that ended by itself did so.
fn last_word(app: &App<'_>, look: &Look<'_>) -> Option<String> {
    app.last_end().and_then(|(process, _)| end_word(process, look))
}

/// How a process that ended by itself did so: as its last lines say it, else as the system does.
fn end_word(process: &ProcView, look: &Look<'_>) -> Option<String> {
    let ended = words::own_end(process)?;
    let reason = look.reasons.get(&process.id).map(|reason| (*reason).to_owned());
    Some(reason.unwrap_or_else(|| words::end(ended)))
}

/// Workers beside a process: pid, who it is, and what it does.
fn beside(process: &ProcView) -> impl Iterator<Item = (u32, &'static str, &'static str)> {
    let new = process.candidate.map(|pid| (pid, "└ new worker", "◐ being verified"));
    let old = process.leaving.iter().map(|pid| (*pid, "└ old worker", "◐ draining"));
    new.into_iter().chain(old)
}

fn beside_cell(
    column: &Column,
    pid: u32,
    name: &'static str,
    status: &'static str,
) -> Cell<'static> {
    match column.title {
        "PID" if pid != 0 => Cell::plain(pid.to_string()),
        "NAME" => Cell::plain(name),
        "STATUS" => Cell::inked(status, &[Ink::Blue]),
        _ => Cell::plain(""),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::super::app::{fold, order};
    use super::super::sample::{NOW, processes};
    use super::*;

    fn shown(window: usize, all: bool) -> String {
        let processes = processes();
        let mut apps = fold(&processes);
        order(&mut apps, "name").unwrap();
        let reasons = BTreeMap::from([(5, "port in use")]);
        let look = Look { window, now: NOW, paint: Paint::PLAIN, all, reasons: &reasons };
        if window == 0 { piped(&apps, &look) } else { list(&apps, &look) }
    }

    #[test]
    fn the_list_fits_its_window_and_loses_nothing_to_a_pipe() {
        expect_file!["snapshots/list_80.txt"].assert_eq(&shown(80, false));
        expect_file!["snapshots/list_120.txt"].assert_eq(&shown(120, false));
        expect_file!["snapshots/list_200.txt"].assert_eq(&shown(200, false));
        expect_file!["snapshots/list_piped.txt"].assert_eq(&shown(0, false));
    }

    #[test]
    fn unfolded_it_shows_each_process_and_workers_that_come_and_go() {
        expect_file!["snapshots/all_80.txt"].assert_eq(&shown(80, true));
        expect_file!["snapshots/all_120.txt"].assert_eq(&shown(120, true));
        expect_file!["snapshots/all_200.txt"].assert_eq(&shown(200, true));
        expect_file!["snapshots/all_piped.txt"].assert_eq(&shown(0, true));
    }

    #[test]
    fn a_window_without_room_for_a_table_shows_everything_below_the_names() {
        expect_file!["snapshots/list_20.txt"].assert_eq(&shown(20, false));
        let narrow = shown(TABLE, false);
        let head = narrow.lines().next();
        assert!(head.is_some_and(|head| head.contains("NAME") && head.contains("STATUS")));
    }

    #[test]
    fn no_line_is_wider_than_the_window_however_narrow() {
        for window in 1..220 {
            for all in [false, true] {
                let text = shown(window, all);
                let widest = text.lines().map(crate::view::columns).max();
                assert!(widest <= Some(window), "{window} {widest:?}\n{text}");
            }
        }
    }

    #[test]
    fn colours_say_what_the_words_say() {
        let mut processes = processes();
        processes.retain(|process| process.id == 5 || process.id == 0);
        let paint = Paint { text: true, frame: true };
        let reasons = BTreeMap::new();
        let look = Look { window: 120, now: NOW, paint, all: false, reasons: &reasons };
        let coloured = list(&fold(&processes), &look);
        let plain = list(&fold(&processes), &Look { paint: Paint::PLAIN, ..look });
        for (text, inked) in [("● online", "32m"), ("× errored", "31m"), ("*:3000", "33m")] {
            assert!(coloured.contains(&format!("\x1b[{inked}{text}\x1b[39m")), "{coloured:?}");
        }
        let without = regex_lite::Regex::new("\x1b\\[[0-9]+m").unwrap().replace_all(&coloured, "");
        assert_eq!(without, plain);
    }
}
