//! The list of processes, in the layout that fits the terminal.

use std::collections::{BTreeMap, BTreeSet};

use ostler_show::columns as columns_of;
use ostler_wire::control::ProcView;

use super::cells;
use super::table::{Cell, Table};
use crate::paint::{Ink, Paint};

/// Columns that are taken for granted where there is no terminal.
const NO_TERMINAL: usize = 300;

/// A layout: what a row shows and how wide.
struct Layout {
    /// Widest name column.
    name: usize,
    /// Titles and widths of the other columns.
    titles: &'static [(&'static str, usize)],
    row: for<'a> fn(&'a ProcView, u64, &mut Vec<Cell<'a>>),
}

/// From the widest to the narrowest.
const LAYOUTS: [Layout; 3] = [
    Layout { name: 40, titles: &FULL, row: full },
    Layout { name: 20, titles: &CONDENSED, row: condensed },
    Layout { name: 16, titles: &MINIMAL, row: minimal },
];

const FULL: [(&str, usize); 11] = [
    ("namespace", 13),
    ("version", 9),
    ("mode", 9),
    ("pid", 10),
    ("uptime", 8),
    ("↺", 6),
    ("status", 11),
    ("cpu", 10),
    ("mem", 10),
    ("user", 10),
    ("watching", 10),
];
const MODULES: [(&str, usize); 8] = [
    ("module", 30),
    ("version", 15),
    ("pid", 10),
    ("status", 10),
    ("↺", 6),
    ("cpu", 10),
    ("mem", 10),
    ("user", 10),
];
const CONDENSED: [(&str, usize); 5] =
    [("mode", 10), ("↺", 6), ("status", 11), ("cpu", 10), ("memory", 10)];
const MINIMAL: [(&str, usize); 3] = [("status", 11), ("cpu", 8), ("mem", 10)];

/// Returns the columns of the terminal.
pub(crate) fn width() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if 0 < size.ws_col => usize::from(size.ws_col),
        Ok(_) | Err(_) => NO_TERMINAL,
    }
}

/// Returns the table of these processes, in their order, for a terminal of `columns`.
pub(crate) fn list(processes: &[ProcView], columns: usize, now: u64, paint: Paint) -> String {
    let longest = processes
        .iter()
        .map(|process| columns_of(&cells::name(process)))
        .max()
        .map_or(11, |width| width + 5);
    let id =
        processes.iter().map(|process| process.id.to_string().len() + 2).max().unwrap_or(0).max(4);
    let mut narrowest = String::new();
    for layout in LAYOUTS {
        let widths: Vec<usize> = [id, longest.min(layout.name)]
            .into_iter()
            .chain(layout.titles.iter().map(|title| title.1))
            .collect();
        let fits = widths.iter().sum::<usize>() + widths.len() < columns;
        if !fits && layout.name != 16 {
            continue;
        }
        let titles =
            ["id", "name"].into_iter().chain(layout.titles.iter().map(|title| title.0)).collect();
        let columns_shown = widths.len();
        let row = |process| {
            let mut cells = Vec::with_capacity(columns_shown);
            head(process, &mut cells);
            (layout.row)(process, now, &mut cells);
            cells
        };
        let table = Table { widths, titles };
        narrowest = table.render(processes.iter().map(row), paint);
        break;
    }
    narrowest
}

/// Returns the table of modules, which stands below the list.
pub(crate) fn modules(processes: &[ProcView], paint: Paint) -> String {
    let width = |process: &ProcView| process.id.to_string().len() + 2;
    let id = processes.iter().map(width).max().unwrap_or(0).max(4);
    let widths = std::iter::once(id).chain(MODULES.iter().map(|title| title.1)).collect();
    let titles = std::iter::once("id").chain(MODULES.iter().map(|title| title.0)).collect();
    let row = |process| {
        let mut row = Vec::with_capacity(MODULES.len() + 1);
        head(process, &mut row);
        row.extend([
            Cell::plain(cells::version(process)),
            Cell::plain(process.pid.to_string()),
            cells::status(process),
            Cell::plain(process.restarts.to_string()),
            Cell::plain(cells::cpu(process.cpu)),
            Cell::plain(cells::memory(process.memory)),
            Cell::inked(process.user.as_str(), &[Ink::Bold]),
        ]);
        row
    };
    let title = if processes.len() == 1 { "Module" } else { "Modules" };
    let table = Table { widths, titles }.render(processes.iter().map(row), paint);
    format!("{title}\n{table}")
}

/// Returns a line that says which attributes of which apps have no effect yet.
pub(crate) fn not_yet(processes: &[ProcView]) -> Option<String> {
    let mut apps: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for process in processes {
        for attribute in &process.not_yet {
            apps.entry(attribute).or_default().insert(&process.name);
        }
    }
    let of = |(attribute, names): (&str, BTreeSet<&str>)| {
        format!("{attribute} of {}", names.into_iter().collect::<Vec<_>>().join(", "))
    };
    let all: Vec<String> = apps.into_iter().map(of).collect();
    (!all.is_empty()).then(|| format!("not yet in effect: {}", all.join("; ")))
}

fn head<'a>(process: &'a ProcView, row: &mut Vec<Cell<'a>>) {
    row.extend([
        Cell::inked(process.id.to_string(), &[Ink::Bold, Ink::Cyan]),
        Cell::plain(cells::name(process)),
    ]);
}

fn full<'a>(process: &'a ProcView, now: u64, row: &mut Vec<Cell<'a>>) {
    row.extend([
        Cell::plain(process.namespace.as_str()),
        Cell::plain(cells::version(process)),
        mode(process),
        Cell::plain(process.pid.to_string()),
        Cell::plain(cells::uptime(process, now)),
        Cell::plain(process.restarts.to_string()),
        cells::status(process),
        Cell::plain(cells::cpu(process.cpu)),
        Cell::plain(cells::memory(process.memory)),
        Cell::inked(process.user.as_str(), &[Ink::Bold]),
        if process.watching {
            Cell::inked("enabled", &[Ink::Green, Ink::Bold])
        } else {
            Cell::inked("disabled", &[Ink::Grey])
        },
    ]);
}

fn condensed<'a>(process: &'a ProcView, _now: u64, row: &mut Vec<Cell<'a>>) {
    row.extend([
        mode(process),
        Cell::plain(process.restarts.to_string()),
        cells::status(process),
        Cell::plain(cells::cpu(process.cpu)),
        Cell::plain(cells::memory(process.memory)),
    ]);
}

fn minimal<'a>(process: &'a ProcView, _now: u64, row: &mut Vec<Cell<'a>>) {
    row.extend([
        cells::status(process),
        Cell::plain(cells::cpu(process.cpu)),
        Cell::plain(cells::memory(process.memory)),
    ]);
}

fn mode(process: &ProcView) -> Cell<'_> {
    let inks: &[Ink] =
        if process.cluster { &[Ink::Blue, Ink::Bold] } else { &[Ink::Inverse, Ink::Bold] };
    Cell::inked(cells::mode(process), inks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::sample::sample;
    use expect_test::{expect, expect_file};
    use ostler_wire::control::Phase;

    fn three() -> Vec<ProcView> {
        let mut list = vec![
            sample(10, "a-very-long-name-that-exceeds-forty-columns"),
            sample(0, "app"),
            sample(3, "web"),
        ];
        list[1].phase = Phase::Backoff { due_in: 450 };
        list[2].cluster = true;
        list[2].version = Some("1.2.3".to_owned());
        list[2].cpu = 4.5;
        list[2].not_yet = vec!["trace".to_owned(), "v8".to_owned()];
        list[2].watching = true;
        list[2].rollout = Some("canary".to_owned());
        list
    }

    #[test]
    fn wide_terminals_and_pipes_get_every_column() {
        expect_file!["snapshots/wide_list.txt"].assert_eq(&list(
            &three(),
            300,
            10_000,
            Paint::PLAIN,
        ));
    }

    #[test]
    fn narrower_terminals_get_fewer_columns() {
        expect![[r#"
            ┌────┬────────────────────┬──────────┬──────┬───────────┬──────────┬──────────┐
            │ id │ name               │ mode     │ ↺    │ status    │ cpu      │ memory   │
            ├────┼────────────────────┼──────────┼──────┼───────────┼──────────┼──────────┤
            │ 10 │ a-very-long-name-… │ fork     │ 0    │ online    │ 0%       │ 20.4mb   │
            │ 0  │ app                │ fork     │ 0    │ waiting … │ 0%       │ 20.4mb   │
            │ 3  │ [canary] web       │ cluster  │ 0    │ online    │ 4.5%     │ 20.4mb   │
            └────┴────────────────────┴──────────┴──────┴───────────┴──────────┴──────────┘
        "#]]
        .assert_eq(&list(&three(), 163, 10_000, Paint::PLAIN));
        expect![[r#"
            ┌────┬────────────────┬───────────┬────────┬──────────┐
            │ id │ name           │ status    │ cpu    │ mem      │
            ├────┼────────────────┼───────────┼────────┼──────────┤
            │ 10 │ a-very-long-n… │ online    │ 0%     │ 20.4mb   │
            │ 0  │ app            │ waiting … │ 0%     │ 20.4mb   │
            │ 3  │ [canary] web   │ online    │ 4.5%   │ 20.4mb   │
            └────┴────────────────┴───────────┴────────┴──────────┘
        "#]]
        .assert_eq(&list(&three(), 60, 10_000, Paint::PLAIN));
    }

    #[test]
    fn what_has_no_effect_yet_is_said_below_the_list() {
        assert_eq!(not_yet(&[sample(0, "app")]), None);
        let mut list = three();
        list[1].not_yet = vec!["v8".to_owned()];
        assert_eq!(not_yet(&list).unwrap(), "not yet in effect: trace of web; v8 of app, web");
    }

    #[test]
    fn an_empty_list_is_a_head() {
        let text = list(&[], 300, 0, Paint::PLAIN);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("│ id │ name      │ namespace   │"), "{text}");
    }

    #[test]
    fn colours_are_where_pm2_has_them() {
        let text = list(&[sample(0, "app")], 300, 1000, Paint { text: true, frame: false });
        let row = text.lines().nth(3).unwrap().replace('\x1b', "^").replace(' ', "·");
        let row: String = row.split_inclusive('│').map(|cell| format!("{cell}\n")).collect();
        expect![[r#"
            │
            ·^[1m^[36m0^[39m^[22m··│
            ·app····│
            ·default·····│
            ·N/A·····│
            ·^[7m^[1mfork^[22m^[27m····│
            ·4000·····│
            ·0s·····│
            ·0····│
            ·^[32m^[1monline^[22m^[39m····│
            ·0%·······│
            ·20.4mb···│
            ·^[1mroot^[22m·····│
            ·^[90mdisabled^[39m·│
        "#]]
        .assert_eq(&row);
    }
}
