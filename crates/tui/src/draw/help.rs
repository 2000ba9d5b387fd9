//! The keys, over everything.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget as _};

use super::pane::below_each_other;
use crate::grid::{Grid, KEY};
use crate::keys::{KEYS, Row};
use crate::monitor::Monitor;

/// Draws a page of them.
pub(super) fn draw(monitor: &Monitor, page: usize, window: Rect, buffer: &mut Buffer) {
    let grid = Grid::of((window.width, window.height));
    let least = |size: u16, wanted: usize| size.min(u16::try_from(wanted).unwrap_or(u16::MAX));
    let width = least(window.width, grid.columns * (KEY + grid.widest + 3) + 3);
    let height = least(window.height, grid.rows + 2);
    let area = Rect::new((window.width - width) / 2, (window.height - height) / 2, width, height);
    Clear.render(area, buffer);
    let is_last = KEYS.len() <= (page + 1) * grid.on_a_page();
    let foot = if is_last { " any key closes this " } else { " any key shows more " };
    let block = Block::bordered().title(" keys ").title_bottom(foot);
    let room = block.inner(area);
    block.border_style(super::ink::faint(monitor)).render(area, buffer);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let text = |row: &Row| {
        let key = Span::styled(format!(" {:<KEY$} ", row.key), bold);
        let pad = grid.widest + 1 - row.what.chars().count();
        [key, Span::raw(row.what), Span::raw(" ".repeat(pad))]
    };
    let first = page * grid.on_a_page();
    let line = |nth: usize| {
        let of = (0..grid.columns).filter_map(|column| KEYS.get(first + column * grid.rows + nth));
        Line::from(of.flat_map(text).collect::<Vec<_>>())
    };
    below_each_other(room, (0..grid.rows).map(line), buffer);
}
