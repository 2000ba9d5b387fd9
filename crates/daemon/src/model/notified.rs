//! What runs say of themselves on the socket for that: that they are ready, how they are, and that
//! they are alive.

use ostler_core::spec::Ready;
use ostler_core::{Event, ProcId, RunId};
use ostler_text::shown;
use ostler_wire::control::{Notified, NotifiedState};

use super::Model;
use super::facts::LostBy;
use super::input::Effect;
use super::known::Known;
use crate::notify::{Message, Watchdog};

/// A status is saved so late at most, ms.
const SAVE_WITHIN: u64 = 100;

impl Model {
    /// A run has sent a message.
    pub(super) fn on_notified(&mut self, run: RunId, message: Message, out: &mut Vec<Effect>) {
        let Message { ready, state, status, watchdog, period } = message;
        let Some(facts) = self.known.facts.get_mut(&run) else { return };
        let before = facts.notified.clone();
        let notified = &mut facts.notified;
        if ready {
            notified.state.take_if(|state| *state == NotifiedState::Reloading);
        }
        notified.state = state.or(notified.state);
        if let Some(status) = status {
            notified.status = Some(shown(&status).into_owned()).filter(|status| !status.is_empty());
        }
        notified.watchdog = period.or(notified.watchdog);
        let stops = notified.state == Some(NotifiedState::Stopping);
        if (notified.state, notified.watchdog) != (before.state, before.watchdog) {
            self.known.unsaved = true;
        } else if notified.status != before.status {
            // An app may say where it is a thousand times a second.
            self.save_by.get_or_insert(self.known.at.now + SAVE_WITHIN);
        }
        let version = self.known.version_by_run(run);
        if ready && version.is_some_and(|of| of.spec.ready == Some(Ready::Notifies)) {
            self.on_report(Event::ReadyMessage(run), out);
        }
        if stops {
            self.watchdogs.forget(run);
        } else if watchdog == Some(Watchdog::Alive) || period.is_some() {
            self.watchdogs.on_alive(&self.known, run);
        }
        match watchdog {
            Some(Watchdog::Alive) => self.tell_recovery(run),
            Some(Watchdog::Trigger) => {
                self.end_for_watchdog(run, "it sent `WATCHDOG=trigger`".to_owned());
            }
            None => {}
        }
    }

    /// The time of some watchdogs may be over.
    pub(super) fn end_silent(&mut self) {
        for (run, period) in self.watchdogs.silent(&self.known) {
            let time = match period % 1000 {
                0 => format!("{} s", period / 1000),
                _ => format!("{period} ms"),
            };
            self.end_for_watchdog(run, format!("it sent no `WATCHDOG=1` for {time}"));
        }
    }

    fn end_for_watchdog(&mut self, run: RunId, why: String) {
        let version = self.known.version_by_run(run);
        if version.is_none_or(|version| version.spec.watchdog.is_none()) {
            return;
        }
        if let Some(facts) = self.known.facts.get_mut(&run) {
            facts.lost_health = Some((LostBy::Watchdog, why));
            self.ask(Event::Unhealthy(run));
        }
    }
}

impl Known {
    /// So many promises were rejected in a run and handled by nobody.
    pub(super) fn on_rejections(&mut self, run: RunId, count: u64) {
        if let Some(facts) = self.facts.get_mut(&run) {
            facts.rejections = facts.rejections.max(count);
        }
    }

    /// What is saved of what the run of a slot said.
    pub(super) fn saved_notified(&self, id: ProcId) -> Option<(u64, Notified)> {
        let run = self.core.slot(id)?.process().run()?;
        let said = self.facts.get(&run)?.said()?;
        Some((run.0, said.clone()))
    }
}
