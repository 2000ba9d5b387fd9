//! Questions that change nothing.

use ostler_wire::node::outgoing::Sockname;

use super::listener::Listener;
use super::worker::Worker;
use super::{Key, ListenerMeta, Primary, Use};
use crate::{GroupId, ListenerId, WorkerId};

impl Primary {
    /// Returns every listener that the worker has and what came of it, oldest first.
    pub fn listeners_of(&self, worker: WorkerId) -> impl Iterator<Item = Use<'_>> {
        let active = self.workers.get(&worker).is_some_and(Worker::is_active);
        self.listeners.iter().filter_map(move |listener| {
            let user = listener.user(worker)?;
            Some(Use {
                listener: listener.id,
                key: &listener.key,
                kind: &listener.kind,
                sockname: listener.sockname(),
                shared: user.shared,
                policy: self.balance.policy(listener.id).unwrap_or_default(),
                active,
                counters: self.balance.counters(listener.id, worker).unwrap_or_default(),
            })
        })
    }

    /// Returns what the worker listens on, in whatever way. In a reload the new worker must have
    /// all that the old one has. (A listener of `exclusive` or `reusePort` is the worker's own, and
    /// nobody tells us of it.)
    pub fn addresses(&self, worker: WorkerId) -> impl Iterator<Item = &Key> {
        self.listeners_of(worker).map(|used| used.key)
    }

    /// Returns whether `new` listens on everything that `old` listens on.
    #[must_use]
    pub fn covers(&self, new: WorkerId, old: WorkerId) -> bool {
        self.listeners_of(old)
            .all(|used| self.listeners_of(new).any(|other| other.listener == used.listener))
    }

    /// Returns how many connections were given to the worker and not acknowledged.
    #[must_use]
    pub fn in_flight(&self, worker: WorkerId) -> usize {
        self.balance.in_flight(worker)
    }

    /// Returns how many accepted connections wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.balance.waiting()
    }

    /// Returns all listeners, those that are still being opened too.
    pub fn listeners(&self) -> impl Iterator<Item = (ListenerId, &Key)> {
        self.listeners.iter().map(|listener| (listener.id, &listener.key))
    }

    /// Returns the listeners that an app wants and has.
    pub fn listeners_of_group(&self, group: GroupId) -> impl Iterator<Item = ListenerId> {
        let of_group =
            move |listener: &&Listener| listener.is_open() && listener.groups.contains(&group);
        self.listeners.iter().filter(of_group).map(|listener| listener.id)
    }

    /// Returns where the listeners are that an app wants and has.
    pub fn places_of_group(
        &self,
        group: GroupId,
    ) -> impl Iterator<Item = (&Key, Option<&Sockname>)> {
        let of_group = self.listeners_of_group(group);
        let found = of_group.filter_map(|id| self.listeners.get(self.listener_at(id)?));
        found.map(|listener| (&listener.key, listener.sockname()))
    }

    /// Returns the apps that want the listener.
    pub fn groups_of(&self, listener: ListenerId) -> impl Iterator<Item = GroupId> {
        let found = self.listener_at(listener).and_then(|at| self.listeners.get(at));
        found.into_iter().flat_map(|listener| listener.groups.iter().copied())
    }

    /// Whether a connection was accepted from the listener and waits for a worker.
    #[must_use]
    pub fn has_waiting(&self, listener: ListenerId) -> bool {
        self.balance.has_waiting(listener)
    }

    /// Returns what to store about the listener; `None` while it is not open.
    #[must_use]
    pub fn listener_meta(&self, listener: ListenerId) -> Option<ListenerMeta> {
        self.listeners.get(self.listener_at(listener)?).and_then(ListenerMeta::of)
    }
}
