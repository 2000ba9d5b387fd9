//! The pane of apps: the table of `list`, with the selected row marked.

use ostler_show::{Look, table};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::ink;
use super::pane::{below_each_other, title};
use crate::areas::Pane;
use crate::monitor::Monitor;

/// The narrowest table.
const NARROWEST: usize = 40;

/// Draws the pane.
pub(super) fn draw(monitor: &Monitor, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let apps = monitor.rows.apps(monitor.processes());
    let rows = monitor.rows.rows(&apps);
    let order = monitor.rows.order().trim_end_matches(":desc");
    let head = match monitor.rows.filter_text() {
        "" if order == "name" => "apps".to_owned(),
        "" => format!("apps by {order}"),
        filter => format!("apps with `{filter}` ({})", apps.len()),
    };
    let room = title(monitor, Pane::Apps, area, &head, buffer);
    let Some(facts) = &monitor.facts else { return };
    if rows.is_empty() {
        let text = match monitor.rows.filter_text() {
            "" => "no apps; `ostler start app.js` starts one",
            _ => "none; Esc shows all",
        };
        return below_each_other(room, std::iter::once(text.into()), buffer);
    }
    let look = Look {
        window: usize::from(area.width).max(NARROWEST),
        now: facts.at,
        paint: monitor.paint(),
        all: false,
        reasons: &facts.reasons,
    };
    let rows: Vec<_> = rows.iter().map(|(_, row)| *row).collect();
    let text = table(&rows, &look);
    let (place, first) = monitor.rows.places();
    let mut lines = text.lines();
    let titles = lines.next().into_iter();
    below_each_other(room, titles.chain(lines.skip(first)).map(ink::line), buffer);
    let marked = place.checked_sub(first).and_then(|row| u16::try_from(row + 1).ok());
    if let Some(row) = marked.filter(|row| *row < room.height) {
        let line = Rect { y: room.y + row, height: 1, ..room };
        buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
    }
}
