//! Invariants that must hold after every call, computed anew. For the tests.

use super::connection::MAX_PATIENT;
use super::worker::Standing;
use super::{Balance, Policy};

impl Balance {
    /// Checks the rule about accepting, written the other way round, and the counts.
    pub(crate) fn check(&self) {
        for listener in &self.listeners {
            let free = listener.members.iter().any(|member| {
                let worker = self.workers.iter().find(|worker| worker.id == member.worker).unwrap();
                let on_trial = member.refusals > 0 && member.in_flight > 0;
                let resting = worker.standing != Standing::Active
                    || member.retry_at.is_some()
                    || worker.retry_at.is_some()
                    || worker.blocked;
                !resting && !on_trial && worker.has_room(self.window)
            });
            let room = match listener.policy {
                Policy::Sticky => listener.waiting.len() < MAX_PATIENT,
                Policy::RoundRobin | Policy::Shared => listener.waiting.is_empty(),
            };
            assert_eq!(listener.accepting, free && room, "{listener:?}");
            if listener.policy != Policy::Sticky && free {
                assert!(listener.waiting.is_empty(), "somebody waits beside a free worker");
            }
            assert!(listener.cursor <= listener.members.len(), "{listener:?}");
        }
        for worker in &self.workers {
            for listener in &self.listeners {
                let here = worker.flights().filter(|flight| flight.listener == listener.id);
                let member = listener.members.iter().find(|member| member.worker == worker.id);
                if let Some(member) = member {
                    assert!(usize::try_from(member.in_flight).unwrap() <= here.count());
                }
            }
        }
    }
}
