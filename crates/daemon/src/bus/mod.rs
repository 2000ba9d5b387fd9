//! PM2's socket of events: whoever connects is told everything.
//!
//! An event is put into a frame once, and all subscribers share it. What a subscriber does not
//! read is bounded: beyond that it misses events, and is told how many when it reads again. It
//! delays nobody. Where nobody subscribes, no event is made.

mod events;
mod subscriber;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ostler_pm2::bus;
use ostler_poll::{Interest, Poll};

use crate::door::{Door, PUB};
use crate::reports::{Report, Reports};
use crate::tokens::Source;
use crate::{clock, daemon_log};
use subscriber::{Flushed, Subscriber};

/// What all subscribers together are sent in a turn of the daemon's loop, bytes. They may read as
/// fast as they are sent, and everything else would wait for them.
const TURN: usize = 512 << 10;
/// What each is sent at least, if it takes it, bytes.
const LEAST: usize = 4 << 10;

/// All subscribers, and the socket at which they come in.
pub struct Bus {
    door: Door,
    subscribers: BTreeMap<usize, Subscriber>,
    next: usize,
    /// Something was published since the last flush, or was not sent in it.
    fresh: bool,
    /// Whether anybody subscribed when it was told last.
    heard: bool,
    poll: Rc<Poll<Source>>,
}

impl Bus {
    /// Subscribers come in at this socket; `kept`: what the keeper held of it.
    pub fn new(kept: Option<(Vec<u8>, OwnedFd)>, poll: &Rc<Poll<Source>>) -> Self {
        Self {
            door: Door::new(PUB, Source::Bus, kept, poll),
            subscribers: BTreeMap::new(),
            next: 0,
            fresh: false,
            heard: false,
            poll: Rc::clone(poll),
        }
    }

    /// The socket at which clients come in.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The same, to look after it.
    pub fn door_mut(&mut self) -> &mut Door {
        &mut self.door
    }

    /// Whether anybody listens.
    fn is_heard(&self) -> bool {
        !self.subscribers.is_empty()
    }

    /// Takes in subscribers that want in.
    pub fn accept(&mut self, reports: &mut Reports) {
        while let Some(stream) = self.door.accept(self.subscribers.len()) {
            let number = self.next;
            self.next += 1;
            let interest = Interest::READ.edge() | Interest::WRITE.edge();
            match self.poll.watch(stream, Source::Subscriber(number), interest) {
                Ok(stream) => _ = self.subscribers.insert(number, Subscriber::new(stream)),
                Err(error) => daemon_log::error(format!("a subscriber cannot be polled: {error}")),
            }
        }
        self.report(reports);
    }

    /// Events are made while somebody hears them: reports when that has changed.
    fn report(&mut self, reports: &mut Reports) {
        let heard = self.is_heard();
        if std::mem::replace(&mut self.heard, heard) != heard {
            reports.push_back(Report::Heard(heard));
        }
    }

    /// A subscriber left, or takes bytes again.
    pub fn on_ready(&mut self, number: usize, readable: bool, reports: &mut Reports) {
        let Some(one) = self.subscribers.get_mut(&number) else { return };
        if readable && !one.is_there() {
            self.subscribers.remove(&number);
            self.report(reports);
        } else {
            self.fresh = true;
        }
    }

    /// Tells everybody of an event; the payload is JSON text.
    fn publish(&mut self, topic: &str, payload: &str) {
        if self.subscribers.is_empty() {
            return;
        }
        self.fresh = true;
        let frame: Rc<[u8]> = bus::frame(topic, payload).into();
        for one in self.subscribers.values_mut() {
            one.push(&frame);
        }
    }

    /// Events that nobody was told of, because they were too many to be made.
    fn miss(&mut self, count: u64) {
        self.fresh = true;
        for one in self.subscribers.values_mut() {
            one.miss(count);
        }
    }

    /// Whether subscribers take more than they were sent in this turn.
    pub fn want_turn(&self) -> bool {
        self.fresh
    }

    /// Sends what was published: to each the same share of [`TURN`] at most, the rest when
    /// everybody else had a turn.
    pub fn flush(&mut self, reports: &mut Reports) {
        if !std::mem::take(&mut self.fresh) {
            return;
        }
        let now = clock::wall();
        let share = TURN / self.subscribers.len().max(1);
        let mut more = false;
        self.subscribers.retain(|_, one| {
            one.tell_missed(now);
            let flushed = one.flush(share.max(LEAST));
            more |= flushed == Flushed::More;
            flushed != Flushed::Over
        });
        self.fresh = more;
        self.report(reports);
    }
}

#[cfg(test)]
mod tests;
