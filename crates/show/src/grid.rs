//! A table without a frame that fits its window.
//!
//! Rule: a column is as wide as its widest cell. When the window is too narrow for that, the
//! widest of those that may be shortened gives way, `…` standing for what is missing; when none
//! can any more, whole columns are left out, the least important first.

use std::borrow::Cow;

use crate::paint::{Ink, Paint};
use crate::width::{columns as width_of, cut, cut_middle};

/// Blanks between two columns.
const GAP: &str = "  ";

/// How a column is headed and set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// What stands above its cells.
    pub(crate) title: &'static str,
    /// Whether its cells stand at the right.
    pub(crate) right: bool,
    /// The width to which it may be shortened; `None` is never.
    pub(crate) least: Option<usize>,
    /// The first to be left out has the highest number; 0 is always shown.
    pub(crate) leave_out: u8,
}

/// A text and its inks.
#[derive(Clone, Debug)]
pub struct Cell<'a> {
    /// The text, as it is.
    pub text: Cow<'a, str>,
    /// The inks of all of it, the first outermost.
    pub inks: &'static [Ink],
}

impl<'a> Cell<'a> {
    /// A text without colour.
    pub(crate) fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), inks: &[] }
    }

    /// A text in these inks.
    pub(crate) fn inked(text: impl Into<Cow<'a, str>>, inks: &'static [Ink]) -> Self {
        Self { text: text.into(), inks }
    }
}

/// Returns the table as lines for a window of this width.
pub(crate) fn render(
    columns: &[Column],
    rows: &[Vec<Cell<'_>>],
    window: usize,
    paint: Paint,
) -> String {
    let shown = fit(columns, &natural(columns, rows), window);
    let mut out = String::new();
    let titles: Vec<Cell<'_>> =
        columns.iter().map(|column| Cell::inked(column.title, &[Ink::Bold])).collect();
    line(&mut out, columns, &shown, &titles, paint);
    for row in rows {
        line(&mut out, columns, &shown, row, paint);
    }
    out
}

/// Whether a window of this width has no room for the column of this title.
pub(crate) fn leaves_out(
    columns: &[Column],
    rows: &[Vec<Cell<'_>>],
    window: usize,
    title: &str,
) -> bool {
    let shown = fit(columns, &natural(columns, rows), window);
    let is_shown = |at: &usize| columns.get(*at).is_some_and(|column| column.title == title);
    !shown.iter().any(|(at, _)| is_shown(at))
}

/// The width that each column wants.
fn natural(columns: &[Column], rows: &[Vec<Cell<'_>>]) -> Vec<usize> {
    let wanted = columns.iter().enumerate().map(|(at, column)| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| width_of(&cell.text)).max().unwrap_or(0).max(width_of(column.title))
    });
    wanted.collect()
}

/// Returns the width of each column that is shown, with its place.
fn fit(columns: &[Column], natural: &[usize], window: usize) -> Vec<(usize, usize)> {
    let mut shown: Vec<(usize, usize)> = natural.iter().copied().enumerate().collect();
    loop {
        let total = |shown: &[(usize, usize)]| {
            let gaps = shown.len().saturating_sub(1) * GAP.len();
            shown.iter().map(|(_, width)| width).sum::<usize>() + gaps
        };
        let column = |at: usize| columns.get(at);
        while window < total(&shown) {
            let can_give = |(at, width): &&mut (usize, usize)| {
                column(*at).and_then(|of| of.least).is_some_and(|least| least < *width)
            };
            match shown.iter_mut().filter(can_give).max_by_key(|(_, width)| *width) {
                Some((_, width)) => *width -= 1,
                None => break,
            }
        }
        if total(&shown) <= window {
            return shown;
        }
        let rank = |at: usize| column(at).map_or(0, |column| column.leave_out);
        let first = shown.iter().map(|(at, _)| *at).max_by_key(|at| rank(*at));
        match first.filter(|at| 0 < rank(*at)) {
            // The others get back what they gave.
            Some(first) => {
                shown.retain(|(at, _)| *at != first);
                for (at, width) in &mut shown {
                    *width = natural.get(*at).copied().unwrap_or(0);
                }
            }
            // Windows that are narrower than that get no table.
            None => return shown,
        }
    }
}

fn line(
    out: &mut String,
    columns: &[Column],
    shown: &[(usize, usize)],
    row: &[Cell<'_>],
    paint: Paint,
) {
    let start = out.len();
    for (nth, (at, width)) in shown.iter().enumerate() {
        let Some(cell) = row.get(*at) else { continue };
        // Names of one kind differ at their ends.
        let is_name = columns.get(*at).is_some_and(|column| column.title == "NAME");
        let text = if is_name { cut_middle(&cell.text, *width) } else { cut(&cell.text, *width) };
        let pad = width.saturating_sub(width_of(&text));
        let right = columns.get(*at).is_some_and(|column| column.right);
        if 0 < nth {
            out.push_str(GAP);
        }
        if right {
            out.extend(std::iter::repeat_n(' ', pad));
        }
        if cell.inks.is_empty() || !paint.text || text.is_empty() {
            out.push_str(&text);
        } else {
            out.push_str(&paint.ink(cell.inks, &text));
        }
        if !right && nth + 1 < shown.len() {
            out.extend(std::iter::repeat_n(' ', pad));
        }
    }
    let end = out.trim_end_matches(' ').len().max(start);
    out.truncate(end);
    out.push('\n');
}
