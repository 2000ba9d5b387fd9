//! Tables with frames. Widths are what the eye sees: colours have none, wide letters have two, and
//! a text that is too long is cut before it is coloured.

use std::borrow::Cow;

use ostler_show::{columns, cut};

use crate::paint::{Ink, Paint};

/// A text and its inks.
#[derive(Debug)]
pub(super) struct Cell<'a> {
    text: Cow<'a, str>,
    inks: &'static [Ink],
}

impl<'a> Cell<'a> {
    /// A text without colour.
    pub(super) fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), inks: &[] }
    }

    /// A text in these inks.
    pub(super) fn inked(text: impl Into<Cow<'a, str>>, inks: &'static [Ink]) -> Self {
        Self { text: text.into(), inks }
    }

    /// Returns the columns it takes.
    pub(super) fn width(&self) -> usize {
        columns(&self.text)
    }
}

/// A table with a frame. Rows are made as they are needed: a list may be long.
#[derive(Debug)]
pub(super) struct Table {
    /// Widths of the columns, their two blanks included.
    pub(super) widths: Vec<usize>,
    /// The titles; a table without has no head.
    pub(super) titles: Vec<&'static str>,
}

impl Table {
    /// Returns the table with these rows as text, ending with a line end.
    pub(super) fn render<'a>(
        &self,
        rows: impl ExactSizeIterator<Item = Vec<Cell<'a>>>,
        paint: Paint,
    ) -> String {
        let width = self.widths.iter().sum::<usize>() + 64;
        let mut out = String::with_capacity((rows.len() + 4) * width);
        let bar = paint.frame(&[Ink::Grey], "│");
        self.rule(&mut out, ['┌', '┬', '┐'], paint);
        if !self.titles.is_empty() {
            for (title, width) in self.titles.iter().zip(&self.widths) {
                let cell = format!(" {} ", fit(title, width.saturating_sub(2)));
                out.push_str(&bar);
                out.push_str(&paint.frame(&[Ink::Bold, Ink::Cyan], &cell));
            }
            out.push_str(&bar);
            out.push('\n');
            if 0 < rows.len() {
                self.rule(&mut out, ['├', '┼', '┤'], paint);
            }
        }
        for row in rows {
            for (cell, width) in row.iter().zip(&self.widths) {
                let text = cut(&cell.text, width.saturating_sub(2));
                let pad = (width.saturating_sub(1)).saturating_sub(columns(&text));
                out.push_str(&bar);
                out.push(' ');
                if cell.inks.is_empty() || !paint.text {
                    out.push_str(&text);
                } else {
                    out.push_str(&paint.ink(cell.inks, &text));
                }
                blanks(&mut out, pad);
            }
            out.push_str(&bar);
            out.push('\n');
        }
        self.rule(&mut out, ['└', '┴', '┘'], paint);
        out
    }

    fn rule(&self, out: &mut String, [left, middle, right]: [char; 3], paint: Paint) {
        let mut line = String::from(left);
        for (column, width) in self.widths.iter().enumerate() {
            line.extend(std::iter::repeat_n('─', *width));
            line.push(if column + 1 == self.widths.len() { right } else { middle });
        }
        out.push_str(&paint.frame(&[Ink::Grey], &line));
        out.push('\n');
    }
}

/// Returns the text cut and filled up to exactly `width`.
fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width).into_owned();
    let pad = width.saturating_sub(columns(&text));
    blanks(&mut text, pad);
    text
}

fn blanks(out: &mut String, mut count: usize) {
    const SOME: &str = "                                                                ";
    while let Some(more) = count.checked_sub(SOME.len()) {
        out.push_str(SOME);
        count = more;
    }
    out.push_str(SOME.get(..count).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coloured_status_keeps_its_place() {
        let inks: &[Ink] = &[Ink::Red, Ink::Bold];
        let table = Table { widths: vec![11], titles: vec!["status"] };
        let rows = [vec![Cell::inked("waiting restart", inks)]];
        let text = table.render(rows.into_iter(), Paint { text: true, frame: false });
        assert!(text.contains("│ \x1b[31m\x1b[1mwaiting …\x1b[22m\x1b[39m │\n"), "{text}");
    }
}
