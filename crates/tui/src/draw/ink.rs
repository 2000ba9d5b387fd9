//! Colours: those of the command's own texts, put on cells.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use crate::monitor::Monitor;

/// Returns the style of what matters less.
pub(super) fn faint(monitor: &Monitor) -> Style {
    coloured(monitor, Color::DarkGray)
}

/// Returns the style of this colour.
pub(super) fn coloured(monitor: &Monitor, color: Color) -> Style {
    if monitor.has_colours { Style::new().fg(color) } else { Style::new() }
}

/// Returns a line of a text of the command, whose inks are its only controls.
pub(super) fn line(text: &str) -> Line<'static> {
    let mut spans = Vec::new();
    let mut style = Style::new();
    let mut parts = text.split("\x1b[");
    if let Some(first) = parts.next().filter(|first| !first.is_empty()) {
        spans.push(Span::raw(first.to_owned()));
    }
    for part in parts {
        let (code, rest) = part.split_once('m').unwrap_or(("", part));
        style = inked(style, code);
        if !rest.is_empty() {
            spans.push(Span::styled(rest.to_owned(), style));
        }
    }
    Line::from(spans)
}

/// Returns a style after one more code of an ink.
fn inked(style: Style, code: &str) -> Style {
    match code {
        "1" => style.add_modifier(Modifier::BOLD),
        "2" => style.add_modifier(Modifier::DIM),
        "3" => style.add_modifier(Modifier::ITALIC),
        "7" => style.add_modifier(Modifier::REVERSED),
        "22" => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
        "23" => style.remove_modifier(Modifier::ITALIC),
        "27" => style.remove_modifier(Modifier::REVERSED),
        "31" => style.fg(Color::Red),
        "32" => style.fg(Color::Green),
        "33" => style.fg(Color::Yellow),
        "34" => style.fg(Color::Blue),
        "36" => style.fg(Color::Cyan),
        "37" => style.fg(Color::Gray),
        "39" => style.fg(Color::Reset),
        "49" => style.bg(Color::Reset),
        "90" => style.fg(Color::DarkGray),
        "100" => style.bg(Color::DarkGray),
        _ => style,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostler_show::{Ink, Paint};

    #[test]
    fn every_ink_gives_a_style_and_leaves_the_text() {
        let paint = Paint { text: true, frame: true };
        for ink in [
            Ink::Bold,
            Ink::Dim,
            Ink::Italic,
            Ink::Inverse,
            Ink::Red,
            Ink::Green,
            Ink::Yellow,
            Ink::Blue,
            Ink::Cyan,
            Ink::White,
            Ink::Grey,
            Ink::OnGrey,
        ] {
            let line = line(&format!("a{}c", paint.ink(&[ink], "b")));
            assert_eq!(line.to_string(), "abc");
            assert_ne!(line.spans[1].style, Style::new(), "{ink:?}");
        }
    }
}
