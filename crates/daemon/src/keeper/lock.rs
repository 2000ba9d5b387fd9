//! The lock of the home, which keeper and daemon hold both.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Keeper, LOCK, OLD_LOCKS, SWEPT};
use crate::home;

impl Keeper {
    /// Returns a copy of the lock, for another keeper.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn lock_copy(&self) -> io::Result<OwnedFd> {
        self.lock.try_clone()
    }

    /// Whether our lock is of the file at this path.
    ///
    /// # Errors
    /// It cannot be found out.
    pub fn has_lock_at(&self, path: &Path) -> io::Result<bool> {
        home::is_at(&self.lock, path)
    }

    /// Another file has the name, and this is its lock. The one before stays ours where the
    /// file was moved, as the home was: a second manager there would find our mark, and what
    /// runs under it.
    pub fn replace_lock(&mut self, lock: OwnedFd) {
        let old = std::mem::replace(&mut self.lock, lock);
        if !home::is_deleted(&old) {
            self.old_locks.push(old);
            self.put_old_locks();
        }
        let copy = self.lock_copy();
        self.put(LOCK.to_owned(), SWEPT.to_vec(), copy);
    }

    /// Gives the keeper the locks of homes that were moved.
    pub fn put_old_locks(&mut self) {
        let copies: Vec<io::Result<OwnedFd>> =
            self.old_locks.iter().map(OwnedFd::try_clone).collect();
        for (number, copy) in copies.into_iter().enumerate() {
            self.put(format!("{OLD_LOCKS}{number}"), Vec::new(), copy);
        }
    }
}
