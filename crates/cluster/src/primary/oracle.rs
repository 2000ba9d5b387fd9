//! What must be true after every event, computed anew. For the tests.

use super::Primary;
use crate::Policy;

impl Primary {
    /// The rule about accepting, written the other way round.
    pub(crate) fn check_accepting(&self) {
        for listener in &self.listeners {
            let free = listener.members.iter().any(|member| {
                let worker = self.workers.iter().find(|worker| worker.id == member.worker).unwrap();
                let probing = member.refusals > 0 && member.in_flight > 0;
                let resting = worker.options.held
                    || member.retry_at.is_some()
                    || worker.retry_at.is_some()
                    || worker.blocked;
                member.active
                    && !member.shared
                    && !resting
                    && !probing
                    && worker.in_flight.len() < self.window
            });
            let room = match self.policy {
                Policy::Sticky => listener.waiting.len() < 64,
                Policy::RoundRobin | Policy::Least | Policy::Shared => listener.waiting.is_empty(),
            };
            assert_eq!(listener.accepting, listener.is_open() && free && room, "{listener:?}");
            if self.policy != Policy::Sticky && free {
                assert!(listener.waiting.is_empty(), "somebody waits beside a free worker");
            }
        }
        for worker in &self.workers {
            let counted: u32 = self
                .listeners
                .iter()
                .flat_map(|listener| &listener.members)
                .filter(|member| member.worker == worker.id)
                .map(|member| member.in_flight)
                .sum();
            assert!(usize::try_from(counted).unwrap() <= worker.in_flight.len());
        }
    }
}
