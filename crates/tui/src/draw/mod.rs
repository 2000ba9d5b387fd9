//! What the view looks like. Nothing here decides or remembers anything.

mod apps;
mod details;
mod foot;
mod head;
mod help;
mod ink;
mod logs;

pub(crate) use details::text as details_text;
pub(crate) use help::pages as help_pages;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::areas::Pane;
use crate::monitor::{Mode, Monitor};

/// Draws the whole window.
pub(crate) fn draw(monitor: &Monitor, frame: &mut Frame<'_>) {
    let areas = monitor.areas();
    let window = frame.area();
    let buffer = frame.buffer_mut();
    // A window that has become smaller is told of a moment later.
    let fits = |area: Rect| area.intersection(window);
    head::draw(monitor, fits(areas.head), buffer);
    apps::draw(monitor, fits(areas.apps), buffer);
    logs::draw(monitor, fits(areas.logs), buffer);
    details::draw(monitor, fits(areas.details), buffer);
    let border = fits(areas.border);
    for y in border.top()..border.bottom() {
        buffer.set_string(border.x, y, "│", ink::faint(monitor));
    }
    foot::draw(monitor, (fits(areas.said), fits(areas.keys)), buffer);
    if let Mode::Help(page) = monitor.mode {
        help::draw(monitor, page, window, buffer);
    }
}

/// Draws the title of a pane, and returns the room below it.
fn title(monitor: &Monitor, pane: Pane, area: Rect, text: &str, buffer: &mut Buffer) -> Rect {
    if area.is_empty() {
        return area;
    }
    let style = if monitor.focus == pane {
        Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    } else {
        Style::new().add_modifier(Modifier::BOLD)
    };
    let text = ostler_show::cut(text, usize::from(area.width).saturating_sub(2));
    let line = Line::from(Span::styled(format!(" {text} "), style));
    buffer.set_line(area.x, area.y, &line, area.width);
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

/// Draws lines below each other, as many as there is room for.
fn below_each_other<'l>(area: Rect, lines: impl Iterator<Item = Line<'l>>, buffer: &mut Buffer) {
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        buffer.set_line(area.x, y, &line, area.width);
    }
}

#[cfg(test)]
mod tests;
