//! The pane of details: what `describe` says of what is selected, below what it used lately.

use ostler_show::{App, Look, Seen, describe};
use ostler_wire::control::Details;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{below_each_other, ink, title};
use crate::areas::Pane;
use crate::history::spark;
use crate::input::Facts;
use crate::monitor::Monitor;
use crate::rows::Key;

/// The most looks that a sparkline shows.
const LOOKS: usize = 60;

/// Draws it.
pub(super) fn draw(monitor: &Monitor, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let head = match monitor.rows.selected() {
        Some(Key::App(name)) => name.clone(),
        Some(Key::Process(name, id)) => format!("{name}:{id}"),
        None => "details".to_owned(),
    };
    let room = title(monitor, Pane::Details, area, &head, buffer);
    let lines = text(monitor, area.width);
    let lines = lines.iter().skip(monitor.details_from);
    below_each_other(room, lines.map(|line| ink::line(line)), buffer);
}

/// Returns the lines of the pane, with the inks of the command.
pub(crate) fn text(monitor: &Monitor, width: u16) -> Vec<String> {
    let (Some(facts), Some(key)) = (&monitor.facts, monitor.rows.selected()) else {
        return Vec::new();
    };
    let processes = monitor.selected();
    let app = match (key, processes.as_slice()) {
        (Key::App(name), _) => App { name: name.clone(), processes },
        (Key::Process(..), [one]) => App::of_one(one),
        (Key::Process(..), _) => return Vec::new(),
    };
    let mut lines = used(monitor, &app, usize::from(width));
    let details = details(facts, &app);
    if details.is_empty() {
        return lines;
    }
    let trees: Vec<_> = facts
        .trees
        .iter()
        .filter(|tree| app.processes.iter().any(|process| process.pid == tree.pid))
        .cloned()
        .collect();
    let seen = Seen {
        app: &app,
        details: &details,
        trees: &trees,
        tail: None,
        other_env: Vec::new(),
        of_file: None,
    };
    let look = Look {
        window: usize::from(width),
        now: facts.at,
        paint: ink::paint(monitor),
        all: true,
        reasons: &facts.reasons,
    };
    lines.extend(describe(&seen, &look).lines().map(str::to_owned));
    lines
}

/// Returns what is known in full, of today's state.
fn details(facts: &Facts, app: &App<'_>) -> Vec<Details> {
    let of = |details: &Details| {
        let view = app.processes.iter().find(|process| process.id == details.view.id)?;
        Some(Details { view: (*view).clone(), ..details.clone() })
    };
    facts.details.iter().filter_map(of).collect()
}

/// Returns what was used lately, as bars.
fn used(monitor: &Monitor, app: &App<'_>, width: usize) -> Vec<String> {
    let ids: Vec<u32> = app.processes.iter().map(|process| process.id).collect();
    let (cpu, memory) = monitor.history.of(&ids, LOOKS.min(width.saturating_sub(22)));
    if cpu.is_empty() {
        return Vec::new();
    }
    // One core at least, so that a busy process and an idle one look different.
    let most = |values: &[f64], least: f64| values.iter().copied().fold(least, f64::max);
    let line = |name: &str, bars: String, now: String| format!("  {name:<7} {bars} {now}");
    let full = most(&cpu, 100.0);
    let paint = ink::paint(monitor);
    let bars = |values: &[f64], most| paint.ink(&[ostler_show::Ink::Cyan], &spark(values, most));
    vec![
        line("cpu", bars(&cpu, full), ostler_show::cpu(app.cpu())),
        line("memory", bars(&memory, most(&memory, 1.0)), ostler_show::size(app.memory())),
    ]
}
