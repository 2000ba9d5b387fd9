//! What an app says about its listeners, and which of them it shares with others.

use super::group::{Group, GroupOptions};
use super::listener::Listener;
use super::{Command, Output, Primary};
use crate::balance::Policy;
use crate::{GroupId, ListenerId, WorkerId};

impl Primary {
    /// Sets the numbers that the app may use with `listen({fd})` from now on.
    pub fn set_fds(&mut self, group: GroupId, fds: Vec<i64>) {
        self.group(group).options.fds = fds;
    }

    /// Sets the user that the app runs as from now on, if it is another than ours.
    pub fn set_user(&mut self, group: GroupId, user: Option<u32>) {
        self.group(group).options.user = user;
    }

    /// Returns whether a listener may be one for the app: it has it, or another app of the same
    /// user has, or had it until only workers that leave have it.
    pub(super) fn may_share(&self, listener: &Listener, group: GroupId) -> bool {
        let opener = listener.id.opener();
        let user = |group: &GroupId| self.groups.get(group).map(|found| found.options.user);
        let is_ours = |other: &GroupId| user(other) == Some(user(&group).flatten());
        listener.groups.iter().all(is_ours)
            && (opener == group
                || listener.key.fd.is_none() && (!listener.groups.is_empty() || is_ours(&opener)))
    }

    /// Spreads the app's connections differently from now on. A worker that has the listening
    /// socket itself keeps it; the next query is answered by the new policy. A listener that
    /// another app has too stays as it is.
    pub fn set_policy(&mut self, group: GroupId, policy: Policy, out: &mut Output) {
        self.group(group).options.policy = policy;
        for listener in self.listeners.iter().filter(|listener| listener.groups == [group]) {
            self.balance.set_policy(listener.id, policy);
        }
        self.carry_out(out);
    }

    /// Returns how the app's connections are spread.
    #[must_use]
    pub fn policy(&self, group: GroupId) -> Policy {
        self.groups.get(&group).map_or_else(Policy::default, |group| group.options.policy)
    }

    pub(super) fn group(&mut self, group: GroupId) -> &mut Group {
        let next = self.first_listener;
        self.groups.entry(group).or_insert_with(|| Group { options: GroupOptions::default(), next })
    }

    /// Returns the name of a new listener of the app.
    pub(super) fn next_listener(&mut self, group: GroupId) -> ListenerId {
        let found = self.group(group);
        found.next += 1;
        ListenerId::of(group, found.next - 1)
    }

    /// The name is used, or was: it is not given again.
    pub(super) fn reserve_name(&mut self, listener: ListenerId) {
        let found = self.group(listener.opener());
        found.next = found.next.max(listener.number() + 1);
    }

    pub(super) fn group_of(&self, worker: WorkerId) -> Option<GroupId> {
        self.workers.get(&worker).map(|worker| worker.options.group)
    }

    /// Returns whether the app may not have the listener, because others have it whose connections
    /// are spread in another way, and says so.
    pub(super) fn disagrees(&self, at: usize, worker: WorkerId, out: &mut Output) -> bool {
        let Some(listener) = self.listeners.get(at) else { return false };
        let Some(group) = self.group_of(worker) else { return false };
        let Some(holder) = listener.groups.iter().copied().find(|other| *other != group) else {
            return false;
        };
        let policy = self.balance.policy(listener.id).unwrap_or_else(|| self.policy(holder));
        let disagrees = !listener.kind.is_udp() && policy != self.policy(group);
        if disagrees {
            let key = listener.key.to_string();
            out.push(Command::Disagrees { worker, holder, policy, key });
        }
        disagrees
    }
}
