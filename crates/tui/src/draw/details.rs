//! The pane of details: what is selected, and everything about it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::ink;
use super::pane::{below_each_other, title};
use crate::areas::Pane;
use crate::monitor::Monitor;
use crate::rows::Key;

/// Draws the pane.
pub(super) fn draw(monitor: &Monitor, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let head = match monitor.rows.selected() {
        Some(Key::App(name)) => name.clone(),
        Some(Key::Process(name, id)) => format!("{name}:{id}"),
        None => "details".to_owned(),
    };
    let room = title(monitor, Pane::Details, area, &head, buffer);
    let Some(subject) = monitor.subject() else { return };
    let lines = subject.lines(area.width.into());
    let lines = lines.iter().skip(monitor.details_from);
    below_each_other(room, lines.map(|line| ink::line(line)), buffer);
}
