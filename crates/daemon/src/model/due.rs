//! What of the model is due by time alone.
//!
//! A deadline stands with the state that it belongs to. Here is the one list of them: the compiler
//! sees to it that each row has a time and is done.

use ostler_core::{Event, Millis};

use super::Model;
use super::input::Effect;

/// Something that is due at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The next deadline of the supervision machine.
    Core,
    /// A save that may wait, or that failed.
    Save,
    /// An app has settled.
    Settled,
    /// A look at memory limits.
    Memory,
    /// A look at the health of runs that serve.
    Liveness,
    /// A run that was to say that it is alive.
    Watchdogs,
    /// A look at who has a connection to apps that may sleep.
    Sleepers,
    /// A restart by the clock.
    Schedule,
    /// A restart after a change of files, or another try to watch them.
    Watches,
    /// A look at who waits for the health of others.
    Dependents,
    /// An operation has waited long enough.
    Operations,
}

impl Due {
    /// All of them, in the order in which they are done.
    const ALL: [Self; 11] = [
        Self::Core,
        Self::Save,
        Self::Settled,
        Self::Memory,
        Self::Liveness,
        Self::Watchdogs,
        Self::Sleepers,
        Self::Schedule,
        Self::Watches,
        Self::Dependents,
        Self::Operations,
    ];
}

impl Model {
    /// When to call [`handle`](Self::handle) with [`Input::Deadline`] if nothing happens first.
    ///
    /// [`Input::Deadline`]: super::Input::Deadline
    #[must_use]
    pub fn deadline(&self) -> Option<Millis> {
        Due::ALL.iter().filter_map(|due| self.due_at(*due)).min()
    }

    /// Whether looks at memory, health and connections are all that is due.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        let is_look = |due: &&Due| matches!(due, Due::Memory | Due::Liveness | Due::Sleepers);
        let first = |looks: bool| {
            let all = Due::ALL.iter().filter(|due| is_look(due) == looks);
            all.filter_map(|due| self.due_at(*due)).min()
        };
        first(true).is_some_and(|at| first(false).is_none_or(|other| at < other))
    }

    /// When it is due, if it is.
    fn due_at(&self, due: Due) -> Option<Millis> {
        match due {
            Due::Core => self.known.core.deadline(),
            Due::Save => self.save_by,
            Due::Settled => self.settling.due(),
            Due::Memory => self.memory.due(),
            Due::Liveness => self.liveness.due(),
            Due::Watchdogs => self.watchdogs.due(),
            Due::Sleepers => self.sleepers.due(),
            Due::Schedule => self.schedules.due(&self.known),
            Due::Watches => self.watches.due(),
            Due::Dependents => self.dependents.due(),
            Due::Operations => self.operations.deadline(),
        }
    }

    /// Does what is due.
    pub(super) fn on_deadline(&mut self, out: &mut Vec<Effect>) {
        let now = self.known.at.now;
        for due in Due::ALL {
            if self.due_at(due).is_some_and(|at| at <= now) {
                self.on_due(due, out);
            }
        }
    }

    fn on_due(&mut self, due: Due, out: &mut Vec<Effect>) {
        match due {
            Due::Core => self.ask(Event::Deadline),
            Due::Save => self.known.unsaved = true,
            Due::Settled => self.settling.tidy(&self.known, out),
            Due::Memory => self.memory.look(&self.known, out),
            Due::Liveness => self.liveness.look(&self.known, out),
            Due::Watchdogs => self.end_silent(),
            Due::Sleepers => self.sleepers.look(&self.known, &self.operations, out),
            Due::Schedule => self.restart_scheduled(out),
            Due::Watches => {
                self.restart_changed(out);
                self.watches.try_again(&self.known, out);
            }
            Due::Dependents => self.dependents.stale = true,
            Due::Operations => self.expire(out),
        }
    }
}
