//! What somebody should know, until those who are told have it in a file of theirs.
//!
//! What is owed is saved with what it is about, so that the successor of a daemon that dies owes it
//! too: it is told once at least, and who is told it twice knows it by its number.

use std::collections::BTreeMap;

use ostler_core::spec::{AlertKind, Alerts as Wanted};
use ostler_sinks::Alert;

use super::input::Effect;
use super::state::SavedAlerts;

/// So many are owed at most; the oldest are dropped.
const MOST: usize = 200;

/// See the module's text.
#[derive(Debug, Default)]
pub struct Alerts {
    /// The home names somebody who is told of all apps.
    pub(super) is_home_told: bool,
    /// Number of the last one.
    last: u64,
    owed: BTreeMap<u64, Alert>,
    /// Those that nobody was given yet.
    fresh: Vec<u64>,
}

impl Alerts {
    /// Whether somebody is told of this, of all apps or of the one that asks for this.
    pub(super) fn is_told(&self, own: &Wanted, kind: AlertKind) -> bool {
        self.is_home_told || own.to.iter().any(|one| one.wants(kind))
    }

    /// What must be saved.
    pub(super) fn to_saved(&self) -> SavedAlerts {
        let owed = self.owed.iter().map(|(number, alert)| (*number, alert.clone()));
        SavedAlerts { is_home_told: self.is_home_told, last: self.last, owed: owed.collect() }
    }

    /// Takes up what was saved; all of it is owed.
    pub(super) fn recover(&mut self, saved: SavedAlerts) {
        (self.is_home_told, self.last) = (saved.is_home_told, saved.last);
        self.fresh = saved.owed.iter().map(|(number, _)| *number).collect();
        self.owed = saved.owed.into_iter().collect();
    }

    /// Gives what is new to those who are told.
    pub(super) fn tell(&mut self, out: &mut Vec<Effect>) {
        for number in self.fresh.drain(..) {
            if let Some(alert) = self.owed.get(&number) {
                out.push(Effect::Alert { number, alert: Box::new(alert.clone()) });
            }
        }
    }

    /// Whoever is told has it. Returns whether it was owed.
    pub(super) fn forget(&mut self, number: u64) -> bool {
        self.owed.remove(&number).is_some()
    }

    /// It is owed from now on.
    pub(super) fn owe(&mut self, alert: Alert) {
        self.last += 1;
        self.owed.insert(self.last, alert);
        self.fresh.push(self.last);
        if MOST < self.owed.len() {
            self.owed.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_owed_at_most_and_the_oldest_go_first() {
        let mut alerts = Alerts::default();
        let alert = |text: usize| Alert {
            kind: "rule".to_owned(),
            namespace: "default".to_owned(),
            app: "api".to_owned(),
            process: None,
            at: 0,
            text: text.to_string(),
            held_back: 0,
        };
        for number in 1..=MOST + 1 {
            assert_eq!(alerts.owed.len(), (number - 1).min(MOST));
            alerts.owe(alert(number));
        }
        let texts: Vec<String> = alerts.owed.values().map(|alert| alert.text.clone()).collect();
        assert_eq!(texts, (2..=MOST + 1).map(|text| text.to_string()).collect::<Vec<_>>());
    }
}
