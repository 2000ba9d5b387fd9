//! What every pane has: a title, and lines below it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::areas::Pane;
use crate::monitor::Monitor;

/// Draws the title of a pane, and returns the room below it.
pub(super) fn title(
    monitor: &Monitor,
    pane: Pane,
    area: Rect,
    text: &str,
    buffer: &mut Buffer,
) -> Rect {
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
pub(super) fn below_each_other<'l>(
    area: Rect,
    lines: impl Iterator<Item = Line<'l>>,
    buffer: &mut Buffer,
) {
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        buffer.set_line(area.x, y, &line, area.width);
    }
}
