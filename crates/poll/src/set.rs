//! The kernel's set, and what is owed to it.
//!
//! Problem: to watch a descriptor takes kernel memory, which may be short for a moment. A listening
//! socket that is not watched then lets its clients wait for ever. Rule: what must be watched and
//! cannot be is remembered, and each wait tries it first; while something is owed, no wait is
//! longer than [`AGAIN`].

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// The time between two tries, ms.
pub(crate) const AGAIN: u64 = 100;

/// A set, as the poll and all that is watched share it.
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) epoll: OwnedFd,
    owed: Mutex<BTreeMap<RawFd, Owed>>,
    /// How many are owed, so that a wait need not ask for the lock.
    count: AtomicUsize,
}

/// What a descriptor is to be watched for.
#[derive(Clone, Copy, Debug)]
struct Owed {
    token: u64,
    flags: EventFlags,
}

impl Set {
    pub(crate) fn new() -> rustix::io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, owed: Mutex::default(), count: AtomicUsize::new(0) })
    }

    /// Whether this descriptor is not watched yet.
    pub(crate) fn owes(&self, io: &impl AsFd) -> bool {
        self.has_owed() && self.lock().contains_key(&io.as_fd().as_raw_fd())
    }

    /// Remembers to watch it. Whoever owns it takes that back before it closes it.
    pub(crate) fn owe(&self, io: &impl AsFd, token: u64, flags: EventFlags) {
        let mut owed = self.lock();
        owed.insert(io.as_fd().as_raw_fd(), Owed { token, flags });
        self.count.store(owed.len(), Ordering::Relaxed);
    }

    /// Forgets to watch it; `false` when that was not owed.
    pub(crate) fn forgive(&self, io: &impl AsFd) -> bool {
        if !self.has_owed() {
            return false;
        }
        let mut owed = self.lock();
        let was = owed.remove(&io.as_fd().as_raw_fd()).is_some();
        self.count.store(owed.len(), Ordering::Relaxed);
        was
    }

    /// Whether anything is owed.
    pub(crate) fn has_owed(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// Watches what is owed, as far as that can be done now.
    pub(crate) fn pay(&self) {
        let mut owed = self.lock();
        owed.retain(|fd, Owed { token, flags }| {
            #[expect(unsafe_code, reason = "the descriptor belongs to a value of any type")]
            // SAFETY: it is open. Its owner calls `forgive`, which waits for this lock, before it
            // closes it.
            let io = unsafe { BorrowedFd::borrow_raw(*fd) };
            epoll::add(&self.epoll, io, EventData::new_u64(*token), *flags).is_err()
        });
        self.count.store(owed.len(), Ordering::Relaxed);
    }

    /// Nothing in here is left half done by a panic.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RawFd, Owed>> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
