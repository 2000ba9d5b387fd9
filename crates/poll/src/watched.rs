//! A descriptor in a poll's set, which cannot be closed and stay there.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::event::epoll::{self, EventData};

use crate::interest::Interest;
use crate::set::Set;

/// Owns a descriptor that a poll watches. Dropping it takes the descriptor out of the poll's set
/// and then closes it, whoever holds duplicates.
#[derive(Debug)]
pub struct Watched<T: AsFd> {
    set: Arc<Set>,
    io: T,
    token: u64,
    interest: Option<Interest>,
}

impl<T: AsFd> Watched<T> {
    pub(crate) fn new(set: Arc<Set>, io: T, token: u64) -> Self {
        Self { set, io, token, interest: None }
    }

    /// Watches for this from now on; without a system call when it does already.
    ///
    /// # Errors
    /// Out of kernel memory, or not a descriptor that can be polled. What it was watched for stays.
    pub fn set(&mut self, interest: Interest) -> io::Result<()> {
        let (data, flags) = (EventData::new_u64(self.token), interest.flags());
        match self.interest {
            Some(current) if current == interest => return Ok(()),
            Some(_) if self.set.owes(&self.io) => self.set.owe(&self.io, self.token, flags),
            Some(_) => epoll::modify(&self.set.epoll, &self.io, data, flags)?,
            None => epoll::add(&self.set.epoll, &self.io, data, flags)?,
        }
        self.interest = Some(interest);
        Ok(())
    }

    /// The same for what must be watched, and be it a moment later: what cannot be watched now is
    /// watched by the first wait that can.
    ///
    /// # Errors
    /// Not a descriptor that can be polled.
    pub fn set_or_owe(&mut self, interest: Interest) -> io::Result<()> {
        match self.set(interest) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(error),
            Err(_) if self.interest.is_none() => {
                self.set.owe(&self.io, self.token, interest.flags());
                self.interest = Some(interest);
                Ok(())
            }
            done => done,
        }
    }

    /// Has the next wait tell what the descriptor is ready for, whether or not that was told.
    ///
    /// # Errors
    /// Out of kernel memory.
    pub fn look_again(&mut self) -> io::Result<()> {
        let Some(interest) = self.interest.filter(|_| !self.set.owes(&self.io)) else {
            return Ok(());
        };
        let (data, flags) = (EventData::new_u64(self.token), interest.flags());
        Ok(epoll::modify(&self.set.epoll, &self.io, data, flags)?)
    }

    /// Stops watching until the next [`set`](Self::set).
    pub fn unset(&mut self) {
        if self.interest.take().is_some() && !self.set.forgive(&self.io) {
            // It is in the set and open: this cannot fail.
            let _ = epoll::delete(&self.set.epoll, &self.io);
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
