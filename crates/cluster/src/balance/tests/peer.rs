//! A worker as the random histories know it.

use std::collections::BTreeSet;

use crate::balance::Standing;
use crate::{ConnId, ListenerId};

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) slot: u32,
    pub(super) standing: Standing,
    pub(super) blocked: bool,
    pub(super) unsure: usize,
    /// Its window was full, and is not half empty yet.
    pub(super) saturated: bool,
    /// Answers of others while it owed one.
    pub(super) overtaken: usize,
    pub(super) silent: bool,
    /// Unanswered ones, oldest first.
    pub(super) conns: Vec<ConnId>,
    pub(super) listeners: BTreeSet<ListenerId>,
}

impl Peer {
    pub(super) fn new(slot: u32, standing: Standing) -> Self {
        Self {
            slot,
            standing,
            blocked: false,
            unsure: 0,
            saturated: false,
            overtaken: 0,
            silent: false,
            conns: Vec::new(),
            listeners: BTreeSet::new(),
        }
    }

    pub(super) fn hear(&mut self) {
        (self.overtaken, self.silent) = (0, false);
    }

    pub(super) fn give(&mut self, conn: ConnId, window: usize) {
        self.conns.push(conn);
        self.saturated |= window + self.unsure <= self.conns.len();
    }

    pub(super) fn take(&mut self, count: usize, window: usize) -> Vec<ConnId> {
        let taken: Vec<_> = self.conns.drain(..count.min(self.conns.len())).collect();
        self.saturated &= taken.is_empty() || window / 2 < self.conns.len();
        taken
    }
}
