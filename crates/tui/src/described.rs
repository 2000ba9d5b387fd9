//! What is said of what is selected: what it used lately, and what `describe` says of it.

use ostler_show::{App, Ink, Look, Paint, Seen, describe, spark};
use ostler_wire::control::{Details, ProcView};

use crate::history::History;
use crate::input::Facts;
use crate::rows::Key;

/// The most looks that a sparkline shows.
const LOOKS: usize = 60;

/// What is selected, with all that is known about it.
pub(crate) struct Subject<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) key: &'a Key,
    /// The processes that are selected.
    pub(crate) processes: Vec<&'a ProcView>,
    pub(crate) history: &'a History,
    /// How the text is coloured.
    pub(crate) paint: Paint,
}

impl Subject<'_> {
    /// Returns the text as lines that are no wider than this, with the inks of the command.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let app = match (self.key, self.processes.as_slice()) {
            (Key::App(name), all) => App { name: name.clone(), processes: all.to_vec() },
            (Key::Process(..), [one]) => App::of_one(one),
            (Key::Process(..), _) => return Vec::new(),
        };
        let mut lines = self.used(&app, width);
        let details = self.details(&app);
        if details.is_empty() {
            return lines;
        }
        let is_of_app = |pid: u32| app.processes.iter().any(|process| process.pid == pid);
        let trees = self.facts.trees.iter().filter(|tree| is_of_app(tree.pid)).cloned();
        let seen = Seen {
            app: &app,
            details: &details,
            trees: &trees.collect::<Vec<_>>(),
            said: None,
            taken: None,
            tail: None,
            other_env: Vec::new(),
            of_file: None,
            last_hour: ostler_show::LastHour::default(),
            watched: None,
            sinks: Vec::new(),
            rules: Vec::new(),
            alerts: Vec::new(),
            rotation: None,
        };
        let look = Look {
            window: width,
            now: self.facts.at,
            paint: self.paint,
            all: true,
            reasons: &self.facts.reasons,
        };
        lines.extend(describe(&seen, &look).lines().map(str::to_owned));
        lines
    }

    /// Returns what is known in full, with the state of now.
    fn details(&self, app: &App<'_>) -> Vec<Details> {
        let of = |details: &Details| {
            let view = app.processes.iter().find(|process| process.id == details.view.id)?;
            Some(Details { view: (*view).clone(), ..details.clone() })
        };
        self.facts.details.iter().filter_map(of).collect()
    }

    /// Returns what was used lately, as bars.
    fn used(&self, app: &App<'_>, width: usize) -> Vec<String> {
        let ids: Vec<u32> = app.processes.iter().map(|process| process.id).collect();
        let (cpu, memory) = self.history.of(&ids, LOOKS.min(width.saturating_sub(22)));
        if cpu.is_empty() {
            return Vec::new();
        }
        let most = |values: &[f64], least: f64| values.iter().copied().fold(least, f64::max);
        let line = |name: &str, values: &[f64], least: f64, now: String| {
            let bars = self.paint.ink(&[Ink::Cyan], &spark(values, most(values, least)));
            format!("  {name:<7} {bars} {now}")
        };
        vec![
            // One core at least, so that a busy process and an idle one look different.
            line("cpu", &cpu, 100.0, ostler_show::cpu(app.cpu())),
            line("memory", &memory, 1.0, ostler_show::size(app.memory())),
        ]
    }
}
