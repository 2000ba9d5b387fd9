//! How it is shown that something goes on.
//!
//! On a terminal a block of lines is drawn again and again at the same place: what is worked
//! on now, and how far it is. Elsewhere lines are only added, and only when it takes longer
//! than a moment. The terminal's modes are never changed: whoever interrupts the command finds
//! it as it was.

use std::os::fd::AsFd;
use std::time::Duration;

use unicode_width::UnicodeWidthChar as _;

/// How often the block is drawn.
pub(crate) const EVERY: Duration = Duration::from_millis(100);
/// The most lines below the first one.
const MOST: usize = 8;

/// The ways to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A block of lines that changes.
    Live,
    /// Lines that stay.
    Plain,
    /// A JSON object for each fact, on standard output.
    Json,
    /// Only the end is told.
    Silent,
}

impl Progress {
    /// The words for `--progress`.
    pub(crate) const WORDS: [&'static str; 4] = ["auto", "json", "plain", "none"];

    /// Returns what a word asks for; `live`: standard error is a terminal on which lines can
    /// be drawn again.
    pub(crate) fn of(word: &str, live: bool) -> Option<Self> {
        match word {
            "auto" => Some(if live { Self::Live } else { Self::Plain }),
            "json" => Some(Self::Json),
            "plain" => Some(Self::Plain),
            "none" => Some(Self::Silent),
            _ => None,
        }
    }
}

/// A window: columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Window {
    /// The window of this terminal; of usual size where the terminal does not say.
    pub(crate) fn of(terminal: &impl AsFd) -> Self {
        let size = rustix::termios::tcgetwinsize(terminal).ok().filter(|size| 0 < size.ws_col);
        let (columns, rows) = size.map_or((80, 24), |size| (size.ws_col, size.ws_row));
        Self { columns: columns.into(), rows: rows.into() }
    }
}

/// The block as it stands on the terminal.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Its lines on the terminal, above the cursor.
    drawn: usize,
}

impl Block {
    /// Returns what draws these lines in the place of those that are there. Each takes one row,
    /// and all of them fit into the window.
    pub(crate) fn draw(&mut self, mut lines: Vec<String>, window: Window) -> String {
        let most = MOST.min(window.rows.saturating_sub(3));
        if most + 1 < lines.len() {
            let more = lines.len() - most;
            lines.truncate(most);
            lines.push(format!("  and {more} more"));
        }
        let mut text = self.back();
        for line in &lines {
            text.push_str(&cut(line, window.columns.saturating_sub(1)));
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J");
        self.drawn = lines.len();
        text
    }

    /// Returns what removes the block; nothing where there is none.
    pub(crate) fn erase(&mut self) -> String {
        if self.drawn == 0 {
            return String::new();
        }
        let text = self.back() + "\x1b[J";
        self.drawn = 0;
        text
    }

    /// To the first column of the first line.
    fn back(&self) -> String {
        if self.drawn == 0 { String::new() } else { format!("\r\x1b[{}A", self.drawn) }
    }
}

fn cut(line: &str, columns: usize) -> String {
    let mut used = 0;
    ostler_text::shown(line)
        .chars()
        .take_while(|one| {
            used += one.width().unwrap_or(0);
            used <= columns
        })
        .collect()
}
