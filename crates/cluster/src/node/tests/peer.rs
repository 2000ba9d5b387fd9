//! A worker of the model as it is, not as the primary believes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{ConnId, Key, WorkerOptions};

/// How a worker reads its oldest message.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    Take,
    Refuse,
    Nack,
}

/// A worker as it is, not as the primary believes.
#[derive(Default)]
pub(super) struct Peer {
    pub(super) options: Option<WorkerOptions>,
    /// Messages with a descriptor, unread.
    pub(super) inbox: VecDeque<Unread>,
    /// What it listens on, and whether it has the socket itself.
    pub(super) keys: BTreeMap<u64, bool>,
    /// What it listened on.
    pub(super) closed: BTreeSet<u64>,
    /// Questions that were answered.
    pub(super) answered: BTreeSet<i64>,
    /// Questions without an answer, by number.
    pub(super) asked: BTreeMap<i64, Ask>,
    /// What it said last of what it listens on; we die over it, and leave it in the channel.
    pub(super) said: Vec<String>,
    pub(super) leaving: bool,
    /// It was there before the primary was, and has not answered this one yet.
    pub(super) inherited: bool,
}

/// A call of `listen` by a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) line: String,
    pub(super) key: Key,
    /// It need not succeed: another has the port, or it would be the worker's second one.
    pub(super) may_fail: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Queue,
    Worker(u64),
    /// Noted by the dead primary as sent to that worker; it was not.
    Doubt(u64),
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Conn(u64, ConnId),
    Fence(u64),
    Listener,
}

impl Peer {
    pub(super) fn unread(&self) -> impl Iterator<Item = (u64, ConnId)> {
        self.inbox.iter().filter_map(|unread| match unread {
            Unread::Conn(seq, conn) => Some((*seq, *conn)),
            Unread::Fence(_) | Unread::Listener => None,
        })
    }
}
