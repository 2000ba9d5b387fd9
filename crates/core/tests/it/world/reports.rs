//! Reports on their way to the daemon: delivered in order, doubled or late.

use ostler_core::{Event, RunId, Subject};

use super::World;

impl World {
    /// Delivers one report that is on its way.
    pub fn deliver(&mut self) -> bool {
        let Some(event) = self.reports.pop_front() else { return false };
        self.event(event.clone());
        // A memory that was lost over it is told again.
        if let Event::TreeGone(run) = event
            && !self
                .reports
                .iter()
                .any(|again| matches!(again, Event::TreeGone(other) if *other == run))
        {
            self.runs.retain(|id, sim| *id != run || sim.alive());
        }
        true
    }

    /// The next report is delivered, and will be once more.
    pub fn double(&mut self) {
        if let Some(event) = self.reports.front().cloned() {
            self.event(event);
        }
    }

    /// A later report overtakes those of other runs. Of one run they come in their order, but for a
    /// probe's result and for an end that is heard before the start (a daemon died over the start).
    pub fn delay(&mut self, by: usize) {
        let Some(event) = self.reports.get(by) else { return };
        let Some(run) = run_of(event) else { return };
        let is_end = matches!(event, Event::Exited { .. });
        let begins_it =
            |earlier: &Event| matches!(earlier, Event::Exited { next, .. } if *next == Some(run));
        let may_pass = |earlier: &Event| {
            (run_of(earlier) != Some(run) && !begins_it(earlier))
                || (is_end && matches!(earlier, Event::Spawned(_)))
        };
        if self.reports.iter().take(by).all(may_pass) {
            let event = self.reports.remove(by).unwrap();
            self.reports.push_front(event);
        }
    }
}

fn run_of(report: &Event) -> Option<RunId> {
    match report.subject() {
        Subject::Run(run) => Some(run),
        Subject::Slot(_) | Subject::Many => None,
    }
}
