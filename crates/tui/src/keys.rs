//! Which key does what: the one table, from which help is made.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::deed::Act;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Quit,
    Help,
    NextPane,
    PreviousPane,
    /// By so many lines, down if positive.
    Move(i16),
    /// By so many pages, down if positive.
    Page(i16),
    First,
    Last,
    /// To the logs of the selected app.
    Open,
    /// One step back: out of a filter, out of the whole window, to the apps.
    Back,
    Fold,
    FoldAll,
    Filter,
    Order,
    Alone,
    Wrap,
    Do(Act),
}

use Command::*;

/// A key, or several that do the same, with what they do.
pub(crate) struct Row {
    codes: &'static [KeyCode],
    command: Command,
    /// How it is written.
    pub(crate) key: &'static str,
    /// What it does.
    pub(crate) what: &'static str,
}

const fn row(
    codes: &'static [KeyCode],
    command: Command,
    key: &'static str,
    what: &'static str,
) -> Row {
    Row { codes, command, key, what }
}

use KeyCode::{
    BackTab, Char, Down, End, Enter, Esc, F, Home, Left, PageDown, PageUp, Right, Tab, Up,
};

/// Every key that is told of.
pub(crate) const KEYS: &[Row] = &[
    row(&[Up, Char('k')], Move(-1), "↑ k", "up"),
    row(&[Down, Char('j')], Move(1), "↓ j", "down"),
    row(&[PageUp], Page(-1), "PgUp", "a page up"),
    row(&[PageDown], Page(1), "PgDn", "a page down"),
    row(&[Home, Char('g')], First, "Home g", "first line"),
    row(&[End, Char('G')], Last, "End G", "last line; logs follow"),
    row(&[Tab, Right], NextPane, "Tab →", "next pane"),
    row(&[BackTab, Left], PreviousPane, "⇧Tab ←", "previous pane"),
    row(&[Enter], Open, "Enter", "logs of the selected app"),
    row(&[Esc], Back, "Esc", "a step back"),
    row(&[Char(' ')], Fold, "Space", "processes of the app"),
    row(&[Char('a')], FoldAll, "a", "processes of every app"),
    row(&[Char('/')], Filter, "/", "filter apps, or log lines"),
    row(&[Char('o')], Order, "o", "next order: cpu, memory …"),
    row(&[Char('z')], Alone, "z", "this pane alone"),
    row(&[Char('w')], Wrap, "w", "wrap long lines"),
    row(&[Char('r')], Do(Act::Reload), "r", "reload, no request fails"),
    row(&[Char('R')], Do(Act::Restart), "R", "restart"),
    row(&[Char('S')], Do(Act::Start), "S", "start"),
    row(&[Char('s')], Do(Act::Stop), "s", "stop"),
    row(&[Char('+'), Char('=')], Do(Act::Add), "+", "one instance more"),
    row(&[Char('-')], Do(Act::Remove), "-", "one instance fewer"),
    row(&[Char('D'), KeyCode::Delete], Do(Act::Delete), "D", "delete, after a question"),
    row(&[Char('?'), F(1)], Help, "?", "these keys"),
    row(&[Char('q')], Quit, "q", "quit"),
];

/// Returns what a key asks for.
pub(crate) fn command(key: KeyEvent) -> Option<Command> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            Char('c') => Some(Quit),
            Char('f') => Some(Page(1)),
            Char('b') => Some(Page(-1)),
            _ => None,
        };
    }
    KEYS.iter().find(|row| row.codes.contains(&key.code)).map(|row| row.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_every_key() {
        let page = include_str!("../../../docs/monit.md");
        for Row { key, what, .. } in KEYS {
            assert!(page.contains(&format!("| {key} | {what} |\n")), "{key}");
        }
    }

    #[test]
    fn no_key_does_two_things() {
        let all: Vec<KeyCode> = KEYS.iter().flat_map(|row| row.codes).copied().collect();
        for (nth, code) in all.iter().enumerate() {
            assert!(!all[nth + 1..].contains(code), "{code:?}");
        }
    }
}
