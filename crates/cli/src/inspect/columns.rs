//! Long lists in columns, as Node does it for more than six items.

use unicode_width::UnicodeWidthStr as _;

use super::limits::{BREAK, COMPACT};

/// Columns between two items: `, `.
const SEPARATOR: usize = 2;

/// Returns the items put together into rows, or as they were when columns would not help. The item
/// after `max` is the note about the rest and stays alone. `numbers` are aligned to the right.
pub(super) fn group(items: Vec<String>, max: usize, indent: usize, numbers: bool) -> Vec<String> {
    let count = items.len().min(max);
    let widths: Vec<usize> = items.iter().take(count).map(|item| item.width()).collect();
    let total: usize = widths.iter().map(|width| width + SEPARATOR).sum();
    let widest = widths.iter().copied().max().unwrap_or(0);
    let Some(columns) = compute_columns(items.len(), count, total, widest, indent) else {
        return items;
    };

    let tops: Vec<usize> = (0..columns)
        .map(|column| {
            widths.iter().skip(column).step_by(columns).copied().max().unwrap_or(0) + SEPARATOR
        })
        .collect();
    let mut rows: Vec<String> = Vec::with_capacity(count / columns + 2);
    for row in items.get(..count).unwrap_or_default().chunks(columns) {
        let mut text = String::new();
        for (column, (item, top)) in row.iter().zip(&tops).enumerate() {
            let last = column + 1 == row.len();
            let width = item.width() + if last { 0 } else { SEPARATOR };
            let pad = " ".repeat((top - if last { SEPARATOR } else { 0 }).saturating_sub(width));
            let comma = if last { "" } else { ", " };
            match (numbers, last) {
                (true, _) => text.extend([pad.as_str(), item, comma]),
                (false, true) => text.push_str(item),
                (false, false) => text.extend([item, comma, pad.as_str()]),
            }
        }
        rows.push(text);
    }
    rows.extend(items.into_iter().skip(count));
    rows
}

/// Returns how many columns there are, if more than one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Node computes with the same floats; the numbers are small"
)]
fn compute_columns(
    length: usize,
    count: usize,
    total: usize,
    widest: usize,
    indent: usize,
) -> Option<usize> {
    let cell = widest + SEPARATOR;
    let fits = cell * 3 + indent < BREAK;
    if !fits || (total as f64 / cell as f64 <= 5.0 && 6 < widest) {
        return None;
    }
    // Aims at a block about as high as wide; a letter is about 2.5 times as high as wide.
    let bias = (cell as f64 - total as f64 / length as f64).sqrt();
    let biased = (cell as f64 - 3.0 - bias).max(1.0);
    let square = ((2.5 * biased * count as f64).sqrt() / biased).round() as usize;
    let columns = square.min((BREAK - indent) / cell).min(COMPACT * 4).min(15);
    (1 < columns).then_some(columns)
}
