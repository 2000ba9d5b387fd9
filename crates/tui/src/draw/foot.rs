//! The lines below everything: what is said, and the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::ink;
use crate::areas::Pane;
use crate::input::{Link, Tone};
use crate::monitor::{Mode, Monitor};

/// Keys that are told of below everything, the most useful first.
const SHOWN: &[(&str, &str)] = &[
    ("?", "keys"),
    ("q", "quit"),
    ("/", "filter"),
    ("Tab", "pane"),
    ("r", "reload"),
    ("R", "restart"),
    ("s", "stop"),
    ("S", "start"),
    ("+ -", "scale"),
    ("D", "delete"),
    ("Space", "fold"),
    ("z", "alone"),
    ("o", "order"),
    ("w", "wrap"),
];

/// Draws both lines, which are one in a low window.
pub(super) fn draw(monitor: &Monitor, (said, keys): (Rect, Rect), buffer: &mut Buffer) {
    if keys.is_empty() {
        return;
    }
    let text = sentence(monitor);
    if said != keys || text.is_none() {
        buffer.set_line(keys.x, keys.y, &hints(monitor, keys.width), keys.width);
    }
    if let Some((text, style)) = text {
        let text = ostler_show::cut(&text, said.width.into()).into_owned();
        buffer.set_line(said.x, said.y, &Line::styled(text, style), said.width);
    }
}

/// Returns what is said, the most pressing first.
fn sentence(monitor: &Monitor) -> Option<(String, Style)> {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let yellow = ink::coloured(monitor, Color::Yellow);
    match &monitor.mode {
        Mode::Sure(deed) => {
            let text = format!("{} y = yes, any other key = no", deed.question());
            return Some((text, bold.patch(yellow)));
        }
        Mode::Filter(pane, _) => {
            let (what, text) = match pane {
                Pane::Apps => ("apps", monitor.rows.filter_text()),
                Pane::Logs | Pane::Details => ("lines", monitor.lines.filter_text()),
            };
            return Some((format!("{what} with: {text}▏(Enter keeps it, Esc does not)"), bold));
        }
        Mode::Keys | Mode::Help(_) => {}
    }
    match (&monitor.link, &monitor.said) {
        (Link::Lost, _) => Some((
            "the daemon ended; apps go on, and its successor is waited for".to_owned(),
            yellow,
        )),
        (Link::Down(why), _) => Some((format!("no daemon: {why}"), yellow)),
        (Link::Up, Some(said)) if said.tone == Tone::Failure => {
            Some((said.text.clone(), ink::coloured(monitor, Color::Red)))
        }
        (Link::Up, Some(said)) => Some((said.text.clone(), Style::new())),
        (Link::Up, None) => None,
    }
}

/// Returns the keys for which there is room.
fn hints(monitor: &Monitor, width: u16) -> Line<'static> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in SHOWN {
        let taken = key.chars().count() + what.len() + 3;
        if usize::from(width) + 2 < used + taken {
            break;
        }
        used += taken;
        spans.push(Span::styled(*key, Style::new().add_modifier(Modifier::BOLD)));
        spans.push(Span::styled(format!(" {what}  "), ink::faint(monitor)));
    }
    Line::from(spans)
}
