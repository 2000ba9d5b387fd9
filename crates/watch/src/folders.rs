//! The folders that the kernel tells of, each for all apps that want it.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;

/// Number of an app's rules within the thread.
pub type Key = u32;

/// A folder that is watched.
#[derive(Debug)]
pub struct Folder {
    /// Where it was when it was watched.
    pub path: PathBuf,
    /// Who wants it.
    pub keys: Vec<Key>,
}

/// All of them, by the kernel's number.
#[derive(Debug)]
pub struct Folders {
    /// Tells of changes.
    pub inotify: Arc<OwnedFd>,
    watched: HashMap<i32, Folder>,
}

impl Folders {
    /// Folders of which none is watched yet.
    ///
    /// # Errors
    /// Out of descriptors, or this user has too many watchers.
    pub fn new() -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self { inotify: Arc::new(inotify), watched: HashMap::new() })
    }

    /// The folder of this number.
    pub fn get(&self, number: i32) -> Option<&Folder> {
        self.watched.get(&number)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.watched.len()
    }

    /// Watches a folder for somebody. `false`: it was watched for them, perhaps by another path.
    ///
    /// # Errors
    /// It is gone, or may not be read, or there are too many.
    pub fn watch(&mut self, path: &Path, key: Key) -> Result<bool, Errno> {
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::EXCL_UNLINK
            | WatchFlags::ONLYDIR;
        let number = inotify::add_watch(&self.inotify, path, flags)?;
        let new = || Folder { path: path.to_owned(), keys: Vec::new() };
        let folder = self.watched.entry(number).or_insert_with(new);
        let is_new = !folder.keys.contains(&key);
        if is_new {
            folder.keys.push(key);
        }
        Ok(is_new)
    }

    /// Somebody wants none of these folders any more.
    pub fn leave(&mut self, key: Key, which: impl Fn(&Path) -> bool) {
        let inotify = &self.inotify;
        self.watched.retain(|number, folder| {
            if which(&folder.path) {
                folder.keys.retain(|of| *of != key);
            }
            if folder.keys.is_empty() {
                // One that is gone is not watched any more.
                _ = inotify::remove_watch(inotify, *number);
            }
            !folder.keys.is_empty()
        });
        self.watched.shrink_to_fit();
    }

    /// The kernel does not watch it any more.
    pub fn forget(&mut self, number: i32) {
        self.watched.remove(&number);
    }
}
