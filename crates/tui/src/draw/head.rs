//! The line above everything: which manager, how many processes in which state, the machine.

use ostler_show::{columns, fold, size, status};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::monitor::Monitor;

/// The name of the program.
const NAME: &str = "ostler ";

/// Draws the line.
pub(super) fn draw(monitor: &Monitor, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let room = usize::from(area.width);
    let mut text = format!("{}  ", ostler_show::cut(&monitor.home, room / 3));
    if monitor.facts.is_none() {
        text.push_str("waiting for the daemon");
    }
    // What does not fit whole is left out, the least pressing first.
    for part in counts(monitor) {
        if room < NAME.len() + columns(&text) + columns(&part) {
            break;
        }
        text.push_str(&part);
    }
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let line = Line::from(vec![Span::styled(NAME, bold), Span::raw(text)]);
    let used = line.width();
    buffer.set_line(area.x, area.y, &line, area.width);
    let host = host(monitor);
    let width = columns(&host);
    if used + width + 2 <= room {
        let x = area.right() - u16::try_from(width).unwrap_or(0);
        buffer.set_string(x, area.y, host, Style::new());
    }
}

/// How many apps and processes there are, and in which states those are that are not online.
fn counts(monitor: &Monitor) -> Vec<String> {
    let processes = monitor.processes();
    if monitor.facts.is_none() {
        return Vec::new();
    }
    let plural = |count: usize, one: &str, more: &str| {
        format!("{count} {}", if count == 1 { one } else { more })
    };
    let of = |word: &str| processes.iter().filter(|process| status(process) == word).count();
    let words = ["errored", "waiting", "starting", "stopping", "sleeping", "stopped", "exited"];
    let states = words.into_iter().map(|word| (of(word), word)).filter(|(count, _)| 0 < *count);
    let states = states.map(|(count, word)| format!(", {count} {word}"));
    let apps = plural(fold(processes).len(), "app", "apps");
    let all = format!(", {}", plural(processes.len(), "process", "processes"));
    [apps, all].into_iter().chain(states).collect()
}

fn host(monitor: &Monitor) -> String {
    let host = monitor.facts.as_ref().and_then(|facts| facts.host);
    host.map_or_else(String::new, |host| {
        let (used, all) = (size(host.used), size(host.memory));
        format!("cpu {:.0}%  memory {used} of {all}", host.cpu)
    })
}
