//! What the view looks like. Nothing here decides or remembers anything.

mod apps;
mod details;
mod foot;
mod head;
mod help;
mod ink;
mod logs;
mod pane;

use ratatui::Frame;
use ratatui::layout::Rect;

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

#[cfg(test)]
mod tests;
