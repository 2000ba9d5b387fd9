//! A descriptor in a poll's set, which cannot be closed and stay there.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::epoll::{self, EventData};

use crate::interest::Interest;

/// Owns a descriptor that a poll watches. Dropping it takes the descriptor out of the poll's set
/// and then closes it, whoever holds duplicates.
#[derive(Debug)]
pub struct Watched<T: AsFd> {
    epoll: Arc<OwnedFd>,
    io: T,
    token: u64,
    interest: Option<Interest>,
}

impl<T: AsFd> Watched<T> {
    pub(crate) fn new(epoll: Arc<OwnedFd>, io: T, token: u64) -> Self {
        Self { epoll, io, token, interest: None }
    }

    /// Watches for this from now on; without a system call when it does already.
    ///
    /// # Errors
    /// Out of kernel memory, or not a descriptor that can be polled. What it was watched for stays.
    pub fn set(&mut self, interest: Interest) -> io::Result<()> {
        let (data, flags) = (EventData::new_u64(self.token), interest.flags());
        match self.interest {
            Some(current) if current == interest => return Ok(()),
            Some(_) => epoll::modify(&self.epoll, &self.io, data, flags)?,
            None => epoll::add(&self.epoll, &self.io, data, flags)?,
        }
        self.interest = Some(interest);
        Ok(())
    }

    /// Has the next wait tell what the descriptor is ready for, whether or not that was told.
    ///
    /// # Errors
    /// Out of kernel memory.
    pub fn look_again(&mut self) -> io::Result<()> {
        let Some(interest) = self.interest else { return Ok(()) };
        let (data, flags) = (EventData::new_u64(self.token), interest.flags());
        Ok(epoll::modify(&self.epoll, &self.io, data, flags)?)
    }

    /// Stops watching until the next [`set`](Self::set).
    pub fn unset(&mut self) {
        if self.interest.take().is_some() {
            // It is in the set and open: this cannot fail.
            let _ = epoll::delete(&self.epoll, &self.io);
        }
    }

    /// Returns what it is watched for; `None` while it is not watched.
    #[must_use]
    pub fn interest(&self) -> Option<Interest> {
        self.interest
    }
}

impl<T: AsFd> Drop for Watched<T> {
    fn drop(&mut self) {
        self.unset();
    }
}

impl<T: AsFd> Deref for Watched<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.io
    }
}

impl<T: AsFd> AsFd for Watched<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
