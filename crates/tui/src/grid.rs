//! How the keys are laid out in a window, in pages where it is small.

use crate::keys::KEYS;

/// The column in which a key is written.
pub(crate) const KEY: usize = 8;

/// How the keys are laid out in a window.
pub(crate) struct Grid {
    /// The widest text of what a key does.
    pub(crate) widest: usize,
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

impl Grid {
    /// As few columns as show everything, as far as there is room.
    pub(crate) fn of((width, height): (u16, u16)) -> Self {
        let widest = KEYS.iter().map(|row| row.what.chars().count()).max().unwrap_or(0);
        let most = usize::from(height).saturating_sub(2).max(1);
        let fit = (usize::from(width).saturating_sub(3) / (KEY + widest + 3)).max(1);
        let columns = KEYS.len().div_ceil(most).min(fit);
        let rows = KEYS.len().div_ceil(columns).min(most);
        Self { widest, columns, rows }
    }

    /// Returns how many keys a page has.
    pub(crate) fn on_a_page(&self) -> usize {
        self.columns * self.rows
    }
}

/// Returns how many pages the keys take in a window.
pub(crate) fn pages(window: (u16, u16)) -> usize {
    KEYS.len().div_ceil(Grid::of(window).on_a_page())
}
