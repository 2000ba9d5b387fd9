//! Hearing of it when a file of the home is deleted, moved or replaced.
//!
//! Watched are the files themselves, not the folder: in it the state is saved at every start of an
//! app, and each would wake us. A file tells of the loss of its name, whoever takes it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ostler_core::Millis;
use ostler_poll::{Interest, Poll, Watched};
use rustix::fs::inotify::{self, WatchFlags};

use super::{FOLDERS, FileId, LOCK, LOG, PID, SOCKET, mark};
use crate::tokens::Source;
use crate::{clock, door};

/// What could not be made again is tried again after this, ms.
const RETRY: u64 = 5000;

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
        poll: &Rc<Poll<Source>>,
    ) -> io::Result<Self> {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let inotify = poll.watch(inotify::init(flags)?, Source::Home, Interest::READ.edge())?;
        Ok(Self { home: home.to_owned(), inotify, mark, socket, retry_at: None })
    }

    /// Watches what is in the home now.
    pub(super) fn renew(&self) {
        let flags = WatchFlags::ATTRIB
            | WatchFlags::MOVE_SELF
            | WatchFlags::DELETE_SELF
            | WatchFlags::DONT_FOLLOW;
        let files = [SOCKET, LOCK, PID, LOG, mark::NAME, door::RPC, door::PUB];
        let files = files.iter().chain(&FOLDERS);
        let files = files.map(|name| self.home.join(name));
        for path in std::iter::once(self.home.clone()).chain(files) {
            // Without a watch (there may be too many on this machine) a signal still tells, and
            // commands send it.
            _ = inotify::add_watch(&*self.inotify, path, flags);
        }
    }

    /// Forgets what changed.
    pub(super) fn forget_changes(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&*self.inotify, &mut buffer);
        while reader.next().is_ok() {}
    }

    /// Tries again a little later. `false`: that was known.
    pub(super) fn retry_later(&mut self) -> bool {
        self.retry_at.replace(clock::monotonic() + RETRY).is_none()
    }

    /// Everything is there.
    pub(super) fn settle(&mut self) {
        self.retry_at = None;
    }

    /// When the home is to be looked at again.
    pub fn deadline(&self) -> Option<Millis> {
        self.retry_at
    }
}
