//! One worker and what it has not answered for.

use std::collections::VecDeque;

use crate::{ConnId, ListenerId, Millis, WorkerId};

/// The right of a worker to be given connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not before [`Balance::admit`](super::Balance::admit): it is being verified.
    Quarantined,
    /// From every listener that it is a member of.
    Active,
    /// Never again: it finishes what it has.
    Leaving,
}

/// Whether a program has run through what it does for a client. The first time takes several times
/// as long as every other one, and whoever comes meanwhile waits for it as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warmth {
    /// It has, or it may have.
    Warm,
    /// It was verified just now and had no client yet.
    Cold,
    /// It was given its first one.
    Warming {
        /// Nobody else goes to it before, while others can be had.
        until: Millis,
    },
}

/// How long a worker may take for its first client alone, ms.
const WARM_UP: Millis = 20;

/// A connection that a worker has not answered for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) conn: ConnId,
    pub(super) listener: ListenerId,
    pub(super) peer: u64,
    /// For this worker and no other.
    pub(super) pinned: bool,
}

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: WorkerId,
    pub(super) standing: Standing,
    pub(super) warmth: Warmth,
    /// Connections that it has not answered for, oldest first.
    in_flight: VecDeque<Flight>,
    /// Its window was full, and is not half empty yet.
    saturated: bool,
    /// Nothing can be sent to it at present.
    pub(super) blocked: bool,
    /// It had no descriptor free; it gets nothing before.
    pub(super) retry_at: Option<Millis>,
    /// It let a connection wait too long (sticky); until it answers, others need not wait for it.
    pub(super) stuck: bool,
    /// How many it may owe answers for where its clients have nobody else (sticky): one more for
    /// each answer, while more is at hand for it; one when there is nothing.
    pace: usize,
    /// How many of its connections may not have arrived; they do not count.
    unsure: usize,
    /// How many answers of others came while it owed one.
    overtaken: usize,
    /// It was overtaken too often. It gets nothing before it answers.
    silent: bool,
}

impl Worker {
    pub(super) fn new(id: WorkerId, standing: Standing) -> Self {
        Self {
            id,
            standing,
            warmth: Warmth::Warm,
            in_flight: VecDeque::new(),
            saturated: false,
            blocked: false,
            retry_at: None,
            stuck: false,
            pace: 1,
            unsure: 0,
            overtaken: 0,
            silent: false,
        }
    }

    /// Returns whether one more connection may be sent to it now.
    pub(super) fn has_room(&self, window: usize) -> bool {
        self.standing == Standing::Active
            && !self.saturated
            && self.in_flight.len() < window.saturating_add(self.unsure)
            && !self.blocked
            && !self.silent
            && self.retry_at.is_none()
    }

    /// Returns how many connections it has not answered for.
    pub(super) fn count(&self) -> usize {
        self.in_flight.len()
    }

    /// Returns what it has not answered for, oldest first.
    pub(super) fn flights(&self) -> impl DoubleEndedIterator<Item = &Flight> {
        self.in_flight.iter()
    }

    /// Whether it should have its first client for itself.
    pub(super) fn is_warming(&self, now: Millis) -> bool {
        matches!(self.warmth, Warmth::Warming { until } if now < until)
    }

    /// It gets a client.
    pub(super) fn warm_up(&mut self, now: Millis) {
        if self.warmth == Warmth::Cold {
            self.warmth = Warmth::Warming { until: now.saturating_add(WARM_UP) };
        }
    }

    /// Adds a connection. Returns whether its window is full now.
    pub(super) fn give(&mut self, flight: Flight, window: usize) -> bool {
        self.in_flight.push_back(flight);
        self.saturated |= window.saturating_add(self.unsure) <= self.in_flight.len();
        self.saturated
    }

    /// Takes the connection out of those that it has not answered for.
    pub(super) fn take(&mut self, conn: ConnId, window: usize) -> Option<Flight> {
        let at = self.in_flight.iter().position(|flight| flight.conn == conn)?;
        let flight = self.in_flight.remove(at);
        self.saturated &= window / 2 < self.in_flight.len();
        flight
    }

    /// Whether it answers as fast as it is given connections.
    pub(super) fn keeps_pace(&self) -> bool {
        self.in_flight.len() < self.pace.saturating_add(self.unsure)
    }

    /// It answered for a connection: it may owe one more.
    pub(super) fn quicken(&mut self, window: usize) {
        self.pace = self.pace.saturating_add(1).min(window);
    }

    /// Nothing more was at hand for it.
    pub(super) fn slow_down(&mut self) {
        if self.in_flight.is_empty() {
            self.pace = 1;
        }
    }

    /// It said something about its connections.
    pub(super) fn hear(&mut self) {
        self.overtaken = 0;
        self.silent = false;
        self.stuck = false;
    }

    /// Another worker answered. Returns whether this one falls silent by that, because it owes an
    /// answer since `limit` of others.
    pub(super) fn overtake(&mut self, limit: usize) -> bool {
        // What may not have arrived cannot be answered for.
        if self.silent || self.in_flight.len() <= self.unsure {
            return false;
        }
        self.overtaken += 1;
        self.silent = limit <= self.overtaken;
        self.silent
    }

    /// One of its connections may not have arrived.
    pub(super) fn add_doubt(&mut self) {
        self.unsure = self.unsure.saturating_add(1);
        self.saturated = false;
        self.hear();
    }

    /// It is known which arrived.
    pub(super) fn end_doubt(&mut self) {
        self.unsure = 0;
        self.hear();
    }
}
