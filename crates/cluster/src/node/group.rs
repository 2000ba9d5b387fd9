//! The workers of one app, and what holds for all of them.

use crate::balance::Policy;
use crate::{GroupId, ListenerId};

/// Listeners have names by the app that opened them: the first half is the app's.
const GROUP: u32 = 32;

/// Settings of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupOptions {
    /// How the connections of its listeners are spread.
    pub policy: Policy,
    /// Numbers that it may use with `listen({fd})`: one for each socket of the configuration.
    pub fds: Vec<i64>,
    /// The user that it runs as, if it is another than ours. Apps of different users share nothing.
    pub user: Option<u32>,
}

/// One app and its workers.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) options: GroupOptions,
    /// The second half of the name of its next listener.
    pub(super) next: u64,
}

impl ListenerId {
    /// Returns the app that opened it.
    #[must_use]
    pub fn opener(self) -> GroupId {
        GroupId(u32::try_from(self.0 >> GROUP).unwrap_or(u32::MAX))
    }

    pub(super) fn of(group: GroupId, number: u64) -> Self {
        Self((u64::from(group.0) << GROUP) + number)
    }

    /// Returns the second half of the name.
    pub(super) fn number(self) -> u64 {
        self.0 & (Self::of(GroupId(1), 0).0 - 1)
    }

    /// Returns what [`Policy::Sticky`] hashes over. For workers of the app that opened the listener
    /// it is their slot; a client must not move because another app came.
    pub(super) fn place(self, group: GroupId, slot: u32) -> u64 {
        let slot = u64::from(slot);
        if self.opener() == group { slot } else { ((u64::from(group.0) + 1) << GROUP) + slot }
    }
}
