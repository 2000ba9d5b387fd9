//! Waiting until files are written, somebody says something, or a time has passed.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// Lines that come within this time are passed on together.
const TOGETHER: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// What a thread waits for.
pub(crate) struct Wake {
    notes: OwnedFd,
    words: Arc<OwnedFd>,
    watched: BTreeMap<PathBuf, i32>,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let notes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let words = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { notes, words: Arc::new(words), watched: BTreeMap::new() })
    }

    /// Returns what wakes the thread when something is written to it.
    pub(crate) fn words(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.words)
    }

    /// Watches the file that has this name now. Returns whether there is one.
    pub(crate) fn watch(&mut self, path: &Path) -> bool {
        let flags = WatchFlags::MODIFY | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        let Ok(watch) = inotify::add_watch(&self.notes, path, flags) else { return false };
        let before = self.watched.insert(path.to_owned(), watch);
        if let Some(before) = before.filter(|before| *before != watch)
            && !self.watched.values().any(|other| *other == before)
        {
            // It may be gone by itself.
            _ = inotify::remove_watch(&self.notes, before);
        }
        true
    }

    /// Waits so long at most.
    pub(crate) fn wait(&self, limit: Duration) -> io::Result<()> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        if self.is_written(&limit)? {
            self.is_said(&TOGETHER)?;
        }
        drain(&self.notes);
        drain(&self.words);
        Ok(())
    }

    fn is_written(&self, limit: &Timespec) -> io::Result<bool> {
        let mut polled =
            [PollFd::new(&self.notes, PollFlags::IN), PollFd::new(&*self.words, PollFlags::IN)];
        match rustix::event::poll(&mut polled, Some(limit)) {
            Err(rustix::io::Errno::INTR) => return Ok(false),
            ready => ready?,
        };
        let [notes, words] = polled;
        Ok(!notes.revents().is_empty() && words.revents().is_empty())
    }

    /// Waits for a word alone.
    fn is_said(&self, limit: &Timespec) -> io::Result<bool> {
        let mut polled = [PollFd::new(&*self.words, PollFlags::IN)];
        match rustix::event::poll(&mut polled, Some(limit)) {
            Err(rustix::io::Errno::INTR) => Ok(false),
            ready => Ok(0 < ready?),
        }
    }
}

/// Wakes the thread that waits for words.
pub(crate) fn wake(words: &OwnedFd) {
    // A counter that is full wakes as well.
    _ = rustix::io::write(words, &1_u64.to_ne_bytes());
}

fn drain(fd: &OwnedFd) {
    let mut block = [0; 4096];
    while rustix::io::read(fd, &mut block).is_ok_and(|read| 0 < read) {}
}
