//! The list: an app a row for a person, a line for a program.

use ostler_wire::control::ProcView;

use crate::app::App;
use crate::blocks::{TABLE, blocks};
use crate::cells::{self, Look};
use crate::grid::{Cell, Column, leaves_out, render};
use crate::paint::Ink;
use crate::words;

/// From this width on, the list has a column for the last end and one for the ids.
const MEDIUM: usize = 100;
/// From this width on, it has every column.
const WIDE: usize = 160;

/// Title of the column that says how an app ended last.
const LAST_END: &str = "LAST END";

/// What a column shows of an app, or of one process.
type Show = for<'a> fn(&App<'a>, &Look<'_>) -> Cell<'a>;

/// Returns the table of these apps; blocks of lines where a window has no room for one.
pub fn list(apps: &[App<'_>], look: &Look<'_>) -> String {
    if look.window < TABLE {
        return blocks(apps, look);
    }
    let mut rows = Vec::new();
    for app in apps {
        if look.all {
            for process in &app.processes {
                rows.push(Row::Process(process));
                rows.extend(beside(process));
            }
        } else {
            rows.push(Row::App(app));
        }
    }
    table(&rows, look)
}

/// What a line of the table shows.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// An app, as one.
    App(&'a App<'a>),
    /// A process as if it were an app.
    Process(&'a ProcView),
    /// A process below the line of its app.
    Below(&'a ProcView),
    /// A worker that comes or goes.
    Beside {
        /// Number of its process.
        pid: u32,
        /// Who it is.
        name: &'static str,
        /// What it does.
        status: &'static str,
    },
}

/// Returns the table of these rows: a line of titles and one for each, none wider than the window,
/// which has room for a table.
#[must_use]
pub fn table(rows: &[Row<'_>], look: &Look<'_>) -> String {
    let least = least_name(rows);
    let mut columns = columns(look, false, least);
    let shapes: Vec<Column> = columns.iter().map(|(column, _)| *column).collect();
    let wanted = cells(rows, &columns, look);
    let last = shapes.iter().position(|column| column.title == LAST_END);
    let has_ended = |row: &Vec<Cell<'_>>| {
        last.and_then(|at| row.get(at)).is_some_and(|cell| !cell.text.is_empty())
    };
    let is_empty = look.window < MEDIUM && !wanted.iter().any(has_ended);
    if is_empty || leaves_out(&shapes, &wanted, look.window, LAST_END) {
        // Why an app is as it is, is said in any width.
        columns = self::columns(look, true, least);
    }
    let shapes: Vec<Column> = columns.iter().map(|(column, _)| *column).collect();
    render(&shapes, &cells(rows, &columns, look), look.window, look.paint)
}

/// The width to which names may be shortened. What a worker beside a process is, `└ old worker`,
/// is no name: it is never cut, and another column goes first.
fn least_name(rows: &[Row<'_>]) -> usize {
    let beside = rows.iter().map(|row| match row {
        Row::Beside { name, .. } => crate::width::columns(name),
        Row::App(_) | Row::Process(_) | Row::Below(_) => 0,
    });
    beside.max().unwrap_or(0).max(10)
}

/// What stands in these columns of these rows.
fn cells(rows: &[Row<'_>], columns: &[(Column, Show)], look: &Look<'_>) -> Vec<Vec<Cell<'static>>> {
    let cells = rows.iter().map(|row| {
        let cell = |(column, show): &(Column, Show)| match row {
            Row::App(app) => owned(show(app, look)),
            Row::Process(process) => owned(show(&App::of_one(process), look)),
            Row::Below(process) => match column.title {
                "NAME" => Cell::plain(format!("  └ {}", process.id)),
                "INST" | "ID" => Cell::plain(""),
                _ => owned(show(&App::of_one(process), look)),
            },
            Row::Beside { pid, name, status } => match column.title {
                "PID" if *pid != 0 => Cell::plain(pid.to_string()),
                "NAME" => Cell::plain(*name),
                "STATUS" => Cell::inked(*status, &[Ink::Blue]),
                _ => Cell::plain(""),
            },
        };
        columns.iter().map(cell).collect()
    });
    cells.collect()
}

/// A cell that outlives the app it was made of.
fn owned(cell: Cell<'_>) -> Cell<'static> {
    Cell { text: cell.text.into_owned().into(), inks: cell.inks }
}

/// Returns the list for a program: a line for each app or process, tabs between the values.
pub fn piped(apps: &[App<'_>], look: &Look<'_>) -> String {
    let mut out = String::new();
    for app in apps {
        if look.all {
            for process in &app.processes {
                let of = [process.id.to_string(), process.pid.to_string()];
                piped_line(&mut out, &App::of_one(process), &of, look);
                piped_beside(&mut out, process);
            }
        } else {
            let (online, all) = app.count();
            piped_line(&mut out, app, &[format!("{online}/{all}")], look);
        }
    }
    out
}

/// Workers that come or go beside a process: a line for each, with what is known of it.
fn piped_beside(out: &mut String, process: &ProcView) {
    let new = process.candidate.map(|pid| (pid, "verifying"));
    let old = process.leaving.iter().map(|pid| (*pid, "draining"));
    for (pid, status) in new.into_iter().chain(old) {
        let name = ostler_text::shown(&process.name);
        out.push_str(&format!("{name}\t{}\t{pid}\t{status}\t\t\t\t\t\t\n", process.id));
    }
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
        cells::last_word(app, look).unwrap_or_default(),
    ];
    let values: Vec<String> =
        head.chain(rest).map(|value| ostler_text::shown(&value).into_owned()).collect();
    out.push_str(&values.join("\t"));
    out.push('\n');
}

/// The columns for a window. `end_in_status`: there is none for the last end. `least_name`: the
/// width to which names may be shortened.
fn columns(look: &Look<'_>, end_in_status: bool, least_name: usize) -> Vec<(Column, Show)> {
    let column = |title, right, least, leave_out| Column { title, right, least, leave_out };
    let medium = MEDIUM <= look.window;
    let mut all: Vec<(Column, Show)> = Vec::new();
    if medium || look.all {
        all.push((column("ID", true, None, 8), cells::id));
    }
    all.push((column("NAME", false, Some(least_name), 0), cells::name));
    if look.all {
        all.push((column("PID", true, None, 1), cells::pid));
    } else {
        all.push((column("INST", true, None, 2), cells::instances));
    }
    let has_last = !end_in_status;
    let short: Show = if has_last { cells::status } else { cells::status_and_end };
    all.push((column("STATUS", false, Some(cells::LEAST_STATUS), 0), short));
    all.push((column("PORTS", false, None, 4), cells::ports));
    all.push((column(if medium { "RESTARTS" } else { "↺" }, true, None, 5), cells::restarts));
    all.push((column("CPU", true, None, 7), cells::cpu));
    all.push((column("MEM", true, None, 6), cells::memory));
    all.push((column(if medium { "UPTIME" } else { "UP" }, true, None, 3), cells::uptime));
    if has_last {
        all.push((column(LAST_END, false, Some(16), 9), cells::last));
    }
    if WIDE <= look.window {
        all.push((column("MODE", false, None, 10), cells::mode));
        all.push((column("VERSION", false, Some(7), 11), cells::version));
        all.push((column("USER", false, Some(4), 12), cells::user));
    }
    all
}

/// Workers beside a process.
fn beside(process: &ProcView) -> impl Iterator<Item = Row<'_>> {
    let new = process.candidate.map(|pid| (pid, "└ new worker", "◐ being verified"));
    let old = process.leaving.iter().map(|pid| (*pid, "└ old worker", "◐ draining"));
    new.into_iter().chain(old).map(|(pid, name, status)| Row::Beside { pid, name, status })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect_file;
    use ostler_wire::control::{Ended, Outcome, Phase};

    use super::*;
    use crate::app::{fold, order};
    use crate::paint::Paint;
    use crate::sample::{NOW, processes};

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

    /// The picture of the README.
    #[test]
    fn the_list_of_the_readme_is_what_is_printed() {
        let mut apps = processes();
        apps.retain(|one| ["api", "mail", "web"].contains(&one.name.as_str()));
        for one in &mut apps {
            (one.rollout, one.candidate, one.leaving) = (None, None, Vec::new());
            one.cpu = if one.name == "api" { 1.1 } else { 0.0 };
        }
        let reasons = BTreeMap::new();
        let look =
            Look { window: 100, now: NOW, paint: Paint::PLAIN, all: false, reasons: &reasons };
        let text = format!("$ ostler list\n{}", list(&fold(&apps), &look));
        expect_file!["snapshots/readme.txt"].assert_eq(&text);
    }

    /// A `stop` of an app that was given up took its last end out of the list.
    #[test]
    fn the_last_end_of_an_app_that_was_stopped_since_stays() {
        let mut process = crate::sample::sample(0, "app");
        process.phase = Phase::Stopped;
        let (at, own_at, how) = (NOW - 1000, Some(NOW - 6000), Outcome::Code(1));
        process.ended = Some(Ended { at, asked: true, oom: false, own_at, how });
        let text = |process: &ProcView, reasons: &BTreeMap<u32, &'static str>| {
            let look = Look { window: 120, now: NOW, paint: Paint::PLAIN, all: false, reasons };
            list(&fold(std::slice::from_ref(process)), &look)
        };
        let none = BTreeMap::new();
        assert!(text(&process, &none).contains("○ stopped"), "{}", text(&process, &none));
        assert!(text(&process, &none).contains("exit 1, 6s ago"), "{}", text(&process, &none));
        let port = BTreeMap::from([(0, "port in use")]);
        assert!(text(&process, &port).contains("port in use, 6s ago"), "{}", text(&process, &port));
        process.ended = process.ended.map(|ended| Ended { own_at: None, ..ended });
        assert!(!text(&process, &none).contains("exit 1"), "{}", text(&process, &none));
    }

    /// At 100 columns there was no room for the last end, and no word of it anywhere.
    #[test]
    fn why_an_app_does_not_run_is_said_in_any_width() {
        for window in 60..220 {
            let text = shown(window, false);
            assert!(text.contains("port in use"), "{window}\n{text}");
        }
    }

    /// `◐ reloading 1 of 2, 1…` stood at 80 columns: what was cut is what one looks for.
    #[test]
    fn that_old_workers_drain_is_never_what_is_cut() {
        for window in 20..220 {
            let text = shown(window, false);
            let named = text.lines().any(|line| line.contains("2 draining"));
            let counted = text.lines().any(|line| line.starts_with("  draining  2"));
            assert!(if window < TABLE { counted } else { named }, "{window}\n{text}");
        }
    }

    /// An app that crashed and runs again looked well in a window of 80 columns.
    #[test]
    fn the_last_end_stands_in_a_narrow_window_where_there_is_room_and_one() {
        let reasons = BTreeMap::new();
        let look =
            Look { window: 80, now: NOW, paint: Paint::PLAIN, all: false, reasons: &reasons };
        let mut crashed: Vec<_> =
            processes().into_iter().filter(|process| process.name == "web").collect();
        crashed.truncate(1);
        let text = list(&fold(&crashed), &look);
        assert!(text.contains(LAST_END) && text.contains("SIGSEGV"), "{text}");
        crashed[0].ended = None;
        let text = list(&fold(&crashed), &look);
        assert!(!text.contains(LAST_END), "{text}");
    }

    /// An app that crashed looked well beside one that said in its status why it does not run.
    #[test]
    fn a_crash_is_seen_in_any_width_also_beside_an_app_with_a_reason() {
        for (window, all) in (TABLE..220).flat_map(|window| [(window, false), (window, true)]) {
            let text = shown(window, all);
            let said = text.lines().find(|line| line.starts_with("web") || line.contains(" web "));
            let said = said.unwrap_or_else(|| panic!("{window}\n{text}"));
            assert!(said.contains("SIGSEGV"), "{window}\n{text}");
        }
    }

    #[test]
    fn unfolded_it_shows_each_process_and_workers_that_come_and_go() {
        expect_file!["snapshots/all_80.txt"].assert_eq(&shown(80, true));
        expect_file!["snapshots/all_120.txt"].assert_eq(&shown(120, true));
        expect_file!["snapshots/all_200.txt"].assert_eq(&shown(200, true));
        expect_file!["snapshots/all_piped.txt"].assert_eq(&shown(0, true));
    }

    /// At 80 columns `└ old worker` was `└ old…rker` beside the memory of each process.
    #[test]
    fn what_a_worker_beside_a_process_is_is_not_cut() {
        let mut processes = processes();
        for process in &mut processes {
            process.listens = vec!["203.0.113.117:30000".to_owned(); 2];
        }
        let reasons = BTreeMap::new();
        for window in TABLE..220 {
            let look = Look { window, now: NOW, paint: Paint::PLAIN, all: true, reasons: &reasons };
            let text = list(&fold(&processes), &look);
            assert_eq!(text.matches("└ old worker").count(), 2, "{window}\n{text}");
            assert_eq!(text.matches("└ new worker").count(), 1, "{window}\n{text}");
            let widest = text.lines().map(crate::width::columns).max();
            assert!(widest <= Some(window), "{window} {widest:?}\n{text}");
        }
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
                let widest = text.lines().map(crate::width::columns).max();
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
