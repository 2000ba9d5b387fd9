//! What a descriptor is watched for, and what it turned out to be ready for.

use std::ops::BitOr;

use rustix::event::epoll::EventFlags;

/// What a descriptor is watched for. Errors and hanging up are reported always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(EventFlags);

impl Interest {
    /// Something to read, or its end.
    pub const READ: Self = Self(EventFlags::IN);
    /// Room to write.
    pub const WRITE: Self = Self(EventFlags::OUT);
    /// Nothing but what is reported always.
    pub const HANGUP: Self = Self(EventFlags::empty());

    /// Reports a change once instead of a state again and again: after an event the descriptor must
    /// be used until it would block.
    #[must_use]
    pub const fn edge(self) -> Self {
        Self(self.0.union(EventFlags::ET))
    }

    pub(crate) const fn flags(self) -> EventFlags {
        self.0
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready(EventFlags);

impl Ready {
    pub(crate) const fn new(flags: EventFlags) -> Self {
        Self(flags)
    }

    /// A read does not block: it gives bytes, the end or an error.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.0.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR)
    }

    /// A write does not block: it takes bytes or fails.
    #[must_use]
    pub fn is_writable(self) -> bool {
        self.0.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR)
    }

    /// The other side is gone; of a pidfd: the process was reaped.
    #[must_use]
    pub fn is_hangup(self) -> bool {
        self.0.contains(EventFlags::HUP)
    }
}
