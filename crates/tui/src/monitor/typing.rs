//! Typing the text of a filter.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Mode, Monitor};
use crate::areas::Pane;

impl Monitor {
    /// Takes a key as a letter of a filter, which was `before` when it was begun.
    pub(super) fn type_filter(&mut self, key: KeyEvent, pane: Pane, before: String) {
        let mut text = match pane {
            Pane::Apps => self.rows.filter_text(),
            Pane::Logs | Pane::Details => self.lines.filter_text(),
        }
        .to_owned();
        let goes_on = match key.code {
            KeyCode::Enter => false,
            KeyCode::Esc => {
                text.clone_from(&before);
                false
            }
            KeyCode::Backspace => text.pop().is_some(),
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                text.clear();
                true
            }
            KeyCode::Char(c) => {
                text.push(c);
                true
            }
            _ => true,
        };
        match pane {
            Pane::Apps => self.rows.filter(text),
            Pane::Logs | Pane::Details => self.lines.filter(text),
        }
        if goes_on {
            self.mode = Mode::Filter(pane, before);
        }
    }
}
