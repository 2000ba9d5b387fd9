//! Questions that change nothing.

use super::Primary;
use crate::{Key, ListenerId, ListenerMeta, Policy, Use, WorkerId};

impl Primary {
    /// Every listener that the worker has and what came of it, in the order in which they were
    /// opened.
    pub fn listeners_of(&self, worker: WorkerId) -> impl Iterator<Item = Use<'_>> {
        self.listeners.iter().filter_map(move |listener| {
            let member = listener.members.iter().find(|member| member.worker == worker)?;
            Some(Use {
                listener: listener.id,
                key: &listener.key,
                kind: &listener.kind,
                sockname: listener.sockname(),
                shared: member.shared,
                active: member.active,
                counters: member.counters,
            })
        })
    }

    /// What the worker listens on, whatever way. In a reload the new worker must have all of the
    /// old one's. (A listener of `exclusive` or `reusePort` is the worker's own: nobody tells us.)
    pub fn addresses(&self, worker: WorkerId) -> impl Iterator<Item = &Key> {
        self.listeners_of(worker).map(|used| used.key)
    }

    /// Whether `new` listens on everything that `old` listens on.
    #[must_use]
    pub fn covers(&self, new: WorkerId, old: WorkerId) -> bool {
        self.listeners_of(old)
            .all(|used| self.listeners_of(new).any(|other| other.listener == used.listener))
    }

    /// Connections that were given to the worker and not acknowledged.
    #[must_use]
    pub fn in_flight(&self, worker: WorkerId) -> usize {
        self.workers
            .iter()
            .find(|found| found.id == worker)
            .map_or(0, |found| found.in_flight.len())
    }

    /// Connections that were accepted and wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.listeners.iter().map(|listener| listener.waiting.len()).sum()
    }

    /// All listeners, those that are still being opened too.
    pub fn listeners(&self) -> impl Iterator<Item = (ListenerId, &Key)> {
        self.listeners.iter().map(|listener| (listener.id, &listener.key))
    }

    /// What to store about the listener; `None` while it is not open.
    #[must_use]
    pub fn listener_meta(&self, listener: ListenerId) -> Option<ListenerMeta> {
        self.listeners.iter().find(|found| found.id == listener).and_then(ListenerMeta::of)
    }

    /// How connections are spread.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }
}
