//! Moving through panes, by keys and by the mouse.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::{ABOVE_ROWS, Mode, Monitor};
use crate::areas::Pane;

/// Lines that a turn of the wheel moves.
const WHEEL: isize = 3;

impl Monitor {
    /// Moves by so many lines, down if positive.
    pub(super) fn scroll(&mut self, pane: Pane, by: isize) {
        match pane {
            Pane::Apps => {
                let keys = self.keys();
                self.rows.step(&keys, by);
            }
            Pane::Logs => self.lines.scroll(-by),
            Pane::Details => self.details_from = self.details_from.saturating_add_signed(by),
        }
    }

    /// Goes to the first line of the pane.
    pub(super) fn go_to_first(&mut self) {
        match self.focus {
            Pane::Apps => {
                let keys = self.keys();
                self.rows.select(&keys, 0);
            }
            Pane::Logs => self.lines.oldest(),
            Pane::Details => self.details_from = 0,
        }
    }

    /// Goes to the last line of the pane.
    pub(super) fn go_to_last(&mut self) {
        match self.focus {
            Pane::Apps => {
                let keys = self.keys();
                self.rows.select(&keys, keys.len().saturating_sub(1));
            }
            Pane::Logs => self.lines.follow(),
            Pane::Details => self.details_from = usize::MAX,
        }
    }

    /// Selects, folds and scrolls what the mouse is at.
    pub(super) fn mouse(&mut self, event: MouseEvent) {
        let Some((pane, line)) = self.areas().at(event.column, event.row) else { return };
        match event.kind {
            MouseEventKind::ScrollUp => self.scroll(pane, -WHEEL),
            MouseEventKind::ScrollDown => self.scroll(pane, WHEEL),
            MouseEventKind::Down(MouseButton::Left) => {
                self.mode = Mode::Keys;
                self.look_at(pane);
                let (selected, first) = self.rows.places();
                let row = line.checked_sub(ABOVE_ROWS).filter(|_| pane == Pane::Apps);
                let Some(place) = row.map(|row| first + usize::from(row)) else { return };
                let keys = self.keys();
                if place == selected && place < keys.len() {
                    self.rows.fold();
                } else {
                    self.rows.select(&keys, place);
                }
            }
            _ => {}
        }
    }
}
