//! Reports on their way to the daemon: late, doubled, or before others.

use ostler_core::{Event, Exit, Preparation, RunId};

use super::super::Input;
use super::world::World;

impl World {
    /// A later report overtakes those of other runs. Of one run they come in their order, but for
    /// what another thread finds out, and for an end that is heard before the start (a daemon died
    /// over the start).
    pub fn delay(&mut self, by: usize) {
        let Some(late) = self.reports.get(by) else { return };
        let is_end = matches!(late, Input::Exited { .. });
        let may_pass = |earlier: &Input| {
            let other = run_of(earlier).is_none() || run_of(earlier) != run_of(late);
            let begins_it = matches!(
                earlier,
                Input::Exited { next: Some(next), .. } if run_of(late) == Some(*next)
            );
            (other && !begins_it) || (is_end && matches!(earlier, Input::Spawned { .. }))
        };
        if self.reports.iter().take(by).all(may_pass) {
            let report = self.reports.remove(by).unwrap();
            self.reports.push_front(report);
        }
    }
}

/// The run whose reports must stay in order; none of what another thread found out.
fn run_of(report: &Input) -> Option<RunId> {
    match report {
        Input::Core(
            Event::RuntimeOnline(run)
            | Event::ReadyMessage(run)
            | Event::Listening(run)
            | Event::Covers(run)
            | Event::Elsewhere(run)
            | Event::Disconnected(run)
            | Event::TreeGone(run),
        )
        | Input::Spawned { run, .. }
        | Input::NotSpawned { run, .. }
        | Input::Exited { run, .. }
        | Input::Listeners { run, .. } => Some(*run),
        _ => None,
    }
}

/// The run of which nothing is left, if it says so.
pub fn gone(report: &Input) -> Option<RunId> {
    if let Input::Core(Event::TreeGone(run)) = report { Some(*run) } else { None }
}

/// The run that has ended, if it says so.
pub fn ended(report: &Input) -> Option<RunId> {
    if let Input::Exited { run, .. } = report { Some(*run) } else { None }
}

/// A report once more.
pub fn again(report: &Input) -> Option<Input> {
    Some(match report {
        Input::Core(event) => Input::Core(event.clone()),
        Input::Spawned { run, pid } => Input::Spawned { run: *run, pid: *pid },
        Input::NotSpawned { run, why } => Input::NotSpawned { run: *run, why: why.clone() },
        Input::Exited { run, exit, next, stderr_tail } => {
            let (run, exit, next) = (*run, *exit, *next);
            Input::Exited { run, exit, next, stderr_tail: stderr_tail.clone() }
        }
        Input::Probed { run, result } => Input::Probed { run: *run, result: result.clone() },
        Input::Measured(all) => Input::Measured(all.clone()),
        Input::Checked { run, result } => Input::Checked { run: *run, result: result.clone() },
        Input::PreludeOver { run, result } => {
            Input::PreludeOver { run: *run, result: result.clone() }
        }
        Input::Listeners { run, listeners } => {
            Input::Listeners { run: *run, listeners: listeners.clone() }
        }
        Input::StderrTail { run, lines } => Input::StderrTail { run: *run, lines: lines.clone() },
        _ => return None,
    })
}

/// Whether the keeper begins what was prepared for such an end at that time.
pub fn holds(of: &Preparation, now: u64, exit: Exit) -> bool {
    let meant = match exit {
        Exit::Code(code) => !of.except_codes.contains(&code),
        Exit::Signal { .. } => true,
        Exit::Unknown | Exit::NotSpawned | Exit::Refused => false,
    };
    meant && (of.not_before..of.not_after).contains(&now)
}
