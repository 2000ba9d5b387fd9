//! Hearing of it when a file of the home is deleted, moved or replaced.
//!
//! Watched are the files themselves, not the folder: in it the state is saved at every start of an
//! app, and each would wake us. A file tells of the loss of its name, whoever takes it.
//!
//! Who deletes the whole home (`rm -rf`) fails when something new is in a folder that was just
//! emptied. So nothing is made again before nothing more has been deleted for a moment, for which
//! the folders are watched as well.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ostler_core::Millis;
use ostler_poll::{Interest, Poll, Watched};
use rustix::fs::inotify::{self, WatchFlags};

use super::{DUMP, FOLDERS, FileId, LOCK, LOG, PID, SOCKET, mark};
use crate::tokens::Polled;
use crate::{clock, door};

/// What could not be made again is tried again after this, ms.
const RETRY: u64 = 5000;
/// What is missing is made again when nothing has been deleted for so long, ms.
const REST: u64 = 1000;
/// But after this at the latest, ms.
const LONGEST_REST: u64 = 5000;

/// The watch over a home.
pub struct Watch {
    pub(super) home: PathBuf,
    /// Tells of changes.
    inotify: Watched<OwnedFd>,
    /// The mark of the home.
    pub mark: String,
    /// Which file the control socket is.
    pub socket: FileId,
    /// When that is made again which could not be made.
    retry_at: Option<Millis>,
    /// Something was deleted: since when, and when everything has rested for long enough.
    rest: Option<(Millis, Millis)>,
}

impl Watch {
    /// Watches this home, whose control socket is this file.
    ///
    /// # Errors
    /// Out of file descriptors.
    pub fn new(
        home: &Path,
        mark: String,
        socket: FileId,
        poll: &Rc<Poll<Polled>>,
    ) -> io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let inotify = poll.watch(inotify::init(flags)?, Polled::Home, Interest::READ.edge())?;
        Ok(Self { home: home.to_owned(), inotify, mark, socket, retry_at: None, rest: None })
    }

    /// Watches what is in the home now; everything was looked at.
    pub(super) fn renew(&mut self) {
        self.rest = None;
        self.watch();
    }

    /// Watches what was made since.
    pub fn watch(&self) {
        let flags = WatchFlags::ATTRIB
            | WatchFlags::MOVE_SELF
            | WatchFlags::DELETE_SELF
            | WatchFlags::DONT_FOLLOW;
        let files = [SOCKET, LOCK, PID, LOG, mark::NAME, DUMP, door::RPC, door::PUB];
        for path in self.folders().chain(files.map(|name| self.home.join(name))) {
            // Without a watch (there may be too many on this machine) a signal still tells, and
            // commands send it.
            _ = inotify::add_watch(&*self.inotify, path, flags);
        }
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let within = FOLDERS.map(|name| self.home.join(name));
        std::iter::once(self.home.clone()).chain(within)
    }

    /// Something changed: everything is looked at when nothing more does.
    pub fn rest(&mut self) {
        self.forget_changes();
        let now = clock::monotonic();
        if self.rest.is_none() {
            for path in self.folders() {
                let flags = WatchFlags::DELETE | WatchFlags::MASK_ADD;
                _ = inotify::add_watch(&*self.inotify, path, flags);
            }
        }
        let since = self.rest.map_or(now, |(since, _)| since);
        self.rest = Some((since, (now + REST).min(since + LONGEST_REST)));
    }

    /// Forgets what changed.
    pub(super) fn forget_changes(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&*self.inotify, &mut buffer);
        while reader.next().is_ok() {}
    }

    /// Tries again a little later. `false`: that was known.
    pub fn retry_later(&mut self) -> bool {
        self.retry_at.replace(clock::monotonic() + RETRY).is_none()
    }

    /// Everything is there.
    pub fn settle(&mut self) {
        self.retry_at = None;
    }

    /// When the home is to be looked at again.
    pub fn deadline(&self) -> Option<Millis> {
        self.retry_at.into_iter().chain(self.rest.map(|(_, until)| until)).min()
    }
}
