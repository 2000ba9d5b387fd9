//! The set of watched descriptors, and the wait.

use std::io;
use std::marker::PhantomData;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::interest::{Interest, Ready};
use crate::set::{AGAIN, Set};
use crate::token::Token;
use crate::watched::Watched;

/// A set of watched descriptors, each with a token `K`.
#[derive(Debug)]
pub struct Poll<K> {
    pub(crate) set: Arc<Set>,
    tokens: PhantomData<fn(K) -> K>,
}

/// One descriptor that is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<K> {
    /// The token that it is watched under.
    pub token: K,
    /// What it is ready for.
    pub ready: Ready,
}

/// Room for the events of one wait, made once.
pub struct Events<K> {
    list: Vec<epoll::Event>,
    tokens: PhantomData<fn(K) -> K>,
}

impl<K: Token> Poll<K> {
    /// Makes an empty set.
    ///
    /// # Errors
    /// Out of descriptors or kernel memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self { set: Arc::new(Set::new()?), tokens: PhantomData })
    }

    /// Watches a descriptor until the result is dropped.
    ///
    /// # Errors
    /// Out of kernel memory, or the descriptor is a regular file; it is closed then.
    pub fn watch<T: AsFd>(&self, io: T, token: K, interest: Interest) -> io::Result<Watched<T>> {
        let mut watched = self.unwatched(io, token);
        watched.set(interest)?;
        Ok(watched)
    }

    /// Takes a descriptor that is watched from its first [`Watched::set`] on.
    pub fn unwatched<T: AsFd>(&self, io: T, token: K) -> Watched<T> {
        Watched::new(Arc::clone(&self.set), io, token.to_raw())
    }

    /// Waits until something is ready or the deadline (monotonic ms, as [`now`]) has passed. A
    /// signal ends the wait early, without an event. `None` waits without end.
    ///
    /// # Errors
    /// Cannot happen with a set that is open.
    pub fn wait(&self, events: &mut Events<K>, deadline: Option<u64>) -> io::Result<()> {
        let deadline = self.pay(deadline);
        let timeout = deadline.map(|at| timeout(at, clock_gettime(ClockId::Monotonic)));
        events.list.clear();
        let room = rustix::buffer::spare_capacity(&mut events.list);
        match epoll::wait(&self.set.epoll, room, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Watches what could not be watched before; returns how long the wait may be.
    fn pay(&self, deadline: Option<u64>) -> Option<u64> {
        if self.set.has_owed() {
            self.set.pay();
        }
        match self.set.has_owed() {
            true => Some(deadline.unwrap_or(u64::MAX).min(now() + AGAIN)),
            false => deadline,
        }
    }
}

impl<K: Token> Events<K> {
    /// Makes room for so many events a wait, at least one; the others come with the next one.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { list: Vec::with_capacity(capacity.max(1)), tokens: PhantomData }
    }

    /// Returns the events of the last wait.
    pub fn iter(&self) -> impl Iterator<Item = Event<K>> {
        self.list.iter().filter_map(|event| {
            let (data, flags) = (event.data, event.flags);
            Some(Event { token: K::from_raw(data.u64())?, ready: Ready::new(flags) })
        })
    }
}

/// Returns the milliseconds of the monotonic clock: the same in all processes, from the boot on.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000
        + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Returns the time left until `at`, rounded up to whole ms, which is what old kernels wait in:
/// waking early would be waking in vain.
pub(crate) fn timeout(at: u64, now: Timespec) -> Timespec {
    let now = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    let left = (i128::from(at) * 1_000_000 - now).max(0);
    // Longer ones are split by the caller's coming back.
    let millis = i64::try_from((left + 999_999) / 1_000_000).unwrap_or(i64::MAX);
    let millis = millis.min(i64::from(i32::MAX));
    Timespec { tv_sec: millis / 1000, tv_nsec: (millis % 1000) * 1_000_000 }
}
