//! The pane of logs: the newest line at the bottom, or where somebody has scrolled back to.

use ostler_show::{columns, cut};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::text::{Line, Span};

use super::ink;
use super::pane::title;
use crate::areas::Pane;
use crate::lines;
use crate::monitor::Monitor;

/// Draws the pane.
pub(super) fn draw(monitor: &Monitor, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let room = title(monitor, Pane::Logs, area, &head(monitor), buffer);
    let width = usize::from(room.width);
    let labels = monitor.selected().len() != 1;
    let mut rows: Vec<Line<'_>> = Vec::new();
    let height = usize::from(room.height);
    for line in monitor.lines.shown() {
        if height <= rows.len() {
            break;
        }
        let mut of_line = one(monitor, line, labels, width);
        of_line.reverse();
        rows.append(&mut of_line);
    }
    if rows.is_empty() {
        let text = match (monitor.lines.is_empty(), monitor.rows.selected()) {
            (_, None) => "",
            (true, Some(_)) => "nothing was written yet",
            (false, Some(_)) => "no line has that; Esc shows all",
        };
        buffer.set_string(room.x, room.y, cut(text, width), ink::faint(monitor));
        return;
    }
    rows.truncate(height);
    // Few lines begin at the top.
    for (y, row) in (room.top()..room.bottom()).zip(rows.iter().rev()) {
        buffer.set_line(room.x, y, row, room.width);
    }
}

fn head(monitor: &Monitor) -> String {
    let mut text = match monitor.rows.selected() {
        Some(crate::rows::Key::App(name)) => format!("logs of {name}"),
        Some(crate::rows::Key::Process(name, id)) => format!("logs of {name}:{id}"),
        None => "logs".to_owned(),
    };
    if !monitor.lines.filter_text().is_empty() {
        text.push_str(&format!(" with `{}`", monitor.lines.filter_text()));
    }
    match monitor.lines.below() {
        0 => text,
        below => format!("{text}, {below} lines below (End follows)"),
    }
}

/// Returns the rows that a line takes.
fn one<'l>(monitor: &Monitor, line: &'l lines::Line, labels: bool, width: usize) -> Vec<Line<'l>> {
    let style = match (&line.label, line.is_err) {
        (None, _) => ink::faint(monitor),
        (Some(_), true) => ink::coloured(monitor, Color::Red),
        (Some(_), false) => ratatui::style::Style::new(),
    };
    let label = line.label.as_ref().filter(|_| labels).map(|label| format!("{label} "));
    let taken = label.as_deref().map_or(0, columns);
    let head = Span::styled(label.unwrap_or_default(), ink::faint(monitor));
    let room = width.saturating_sub(taken).max(1);
    if !monitor.is_wrapped {
        return vec![Line::from(vec![head, Span::styled(cut(&line.text, room), style)])];
    }
    let mut rows = Vec::new();
    let mut head = Some(head);
    for part in pieces(&line.text, room) {
        let lead = head.take().unwrap_or_else(|| Span::raw(" ".repeat(taken)));
        rows.push(Line::from(vec![lead, Span::styled(part, style)]));
    }
    rows
}

/// Returns a text in pieces that are so wide at most; at least one.
fn pieces(text: &str, width: usize) -> Vec<&str> {
    let mut rest = text;
    let mut all = Vec::new();
    while width < columns(rest) {
        let mut used = 0;
        let fits = |(at, c): (usize, char)| {
            used += columns(c.encode_utf8(&mut [0; 4]));
            (used <= width).then_some(at + c.len_utf8())
        };
        let end = rest.char_indices().map_while(fits).last();
        // A letter that is wider than the pane stands alone.
        let end = end.or_else(|| rest.chars().next().map(char::len_utf8)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        all.push(piece);
        rest = after;
    }
    if !rest.is_empty() || all.is_empty() {
        all.push(rest);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn a_long_line_goes_on_in_the_next_one() {
        assert_eq!(pieces("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(pieces("日本語", 4), ["日本", "語"]);
        assert_eq!(pieces("日", 1), ["日"]);
        assert_eq!(pieces("", 3), [""]);
    }
}
