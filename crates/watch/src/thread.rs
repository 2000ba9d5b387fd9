//! The thread that waits for the kernel.

use std::collections::BTreeMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::UNIX_EPOCH;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{ReadFlags, Reader};
use rustix::io::Errno;

use crate::folders::{Folders, Key};
use crate::rules::Rules;
use crate::scan::{Changed, Found, Root};

/// Folders that are not there are looked for after this, seconds.
const RETRY: i64 = 1;

/// So many events of the kernel are taken before apps are told of what they mean.
const MOST_AT_ONCE: usize = 10_000;

/// An app that is to be watched.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What it is called; one that was called so before is the same.
    pub id: u32,
    /// What counts as a change of it.
    pub rules: Rules,
    /// Files that were written after this, ms since 1970, have changed.
    pub since: Option<u64>,
}

/// What the thread has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchNews {
    /// A file of this app has changed, and perhaps others.
    Changed {
        /// What the app is called.
        id: u32,
        /// The first of the files.
        path: PathBuf,
    },
    /// All that was wanted is watched: so many folders.
    Watching(usize),
    /// This app has more folders than may be watched.
    Limited {
        /// What the app is called.
        id: u32,
        /// So many folders are watched.
        folders: usize,
    },
}

/// The end of whoever wants apps to be watched. Without it the thread ends.
#[derive(Debug)]
pub struct Watcher {
    wanted: Option<mpsc::Sender<Vec<Wanted>>>,
    wakeup: Arc<OwnedFd>,
}

/// The thread's own end.
#[derive(Debug)]
pub struct Work {
    wanted: mpsc::Receiver<Vec<Wanted>>,
    wakeup: Arc<OwnedFd>,
    folders: Folders,
    roots: BTreeMap<Key, Root>,
    next: Key,
    /// When the kernel was listened to last, ms since 1970.
    heard: u64,
}

impl Watcher {
    /// Makes both ends; [`Work::run`] is for a thread of its own.
    ///
    /// # Errors
    /// Out of descriptors, or this user has too many watchers.
    pub fn new() -> io::Result<(Self, Work)> {
        let (sender, wanted) = mpsc::channel();
        let wakeup = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let work = Work {
            wanted,
            wakeup: Arc::clone(&wakeup),
            folders: Folders::new()?,
            roots: BTreeMap::new(),
            next: 0,
            heard: now(),
        };
        Ok((Self { wanted: Some(sender), wakeup }, work))
    }

    /// Watches these apps from now on, and no others.
    pub fn set(&self, wanted: Vec<Wanted>) {
        // A thread that has ended was told to.
        _ = self.wanted.as_ref().map(|sender| sender.send(wanted));
        self.wake();
    }

    fn wake(&self) {
        // It can only be full, and wakes it then, too.
        _ = rustix::io::write(&*self.wakeup, &1_u64.to_ne_bytes());
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.wanted = None;
        self.wake();
    }
}

impl Work {
    /// Watches until the other end is gone.
    ///
    /// # Errors
    /// The kernel does not let it wait.
    pub fn run(mut self, mut say: impl FnMut(WatchNews)) -> io::Result<()> {
        loop {
            loop {
                match self.wanted.try_recv() {
                    Ok(wanted) => self.set(wanted, &mut say),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.wait()?;
            self.find_lost(&mut say);
            self.hear(&mut say)?;
        }
    }

    fn wait(&self) -> io::Result<()> {
        let is_lost = self.roots.values().any(|root| !root.lost.is_empty());
        let timeout = is_lost.then_some(Timespec { tv_sec: RETRY, tv_nsec: 0 });
        let mut of = [
            PollFd::new(&*self.wakeup, PollFlags::IN),
            PollFd::new(&self.folders.inotify, PollFlags::IN),
        ];
        match poll(&mut of, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // Whoever wakes it meanwhile is in the channel.
        _ = rustix::io::read(&*self.wakeup, &mut [0_u8; 8]);
        Ok(())
    }

    fn set(&mut self, wanted: Vec<Wanted>, say: &mut impl FnMut(WatchNews)) {
        let mut kept = Vec::new();
        for one in wanted {
            let same = |(key, root): &(&Key, &Root)| {
                !kept.contains(*key) && root.rules.asked() == one.rules.asked()
            };
            // A new version of an app may well want what the one before it wanted.
            let found = self.roots.iter().filter(same);
            let found = found.max_by_key(|(_, root)| root.id == one.id).map(|(key, _)| *key);
            if let Some(key) = found.filter(|_| one.since.is_none()) {
                kept.push(key);
                self.roots.entry(key).and_modify(|root| root.id = one.id);
                continue;
            }
            let key = self.next;
            self.next = self.next.wrapping_add(1);
            kept.push(key);
            let changed = one.since.map_or(Changed::Nothing, Changed::Since);
            self.begin(key, Root::new(one.id, one.rules), changed, say);
        }
        let gone: Vec<Key> = self.roots.keys().copied().filter(|key| !kept.contains(key)).collect();
        for key in gone {
            self.roots.remove(&key);
            self.folders.leave(key, |_| true);
        }
        say(WatchNews::Watching(self.folders.len()));
    }

    fn begin(
        &mut self,
        key: Key,
        mut root: Root,
        changed: Changed,
        say: &mut impl FnMut(WatchNews),
    ) {
        let mut found = Found::default();
        root.begin(key, &mut self.folders, changed, &mut found);
        self.tell(root.id, found, say);
        self.roots.insert(key, root);
    }

    fn tell(&self, id: u32, found: Found, say: &mut impl FnMut(WatchNews)) {
        if found.limited {
            say(WatchNews::Limited { id, folders: self.folders.len() });
        }
        if let Some(path) = found.changed {
            say(WatchNews::Changed { id, path });
        }
    }

    /// Walks through an app anew.
    fn again(&mut self, key: Key, changed: Changed, say: &mut impl FnMut(WatchNews)) {
        let Some(root) = self.roots.remove(&key) else { return };
        self.folders.leave(key, |_| true);
        let rules = Rules::new(root.rules.asked().clone());
        self.begin(key, Root::new(root.id, rules), changed, say);
    }

    /// Looks for folders that were not there.
    fn find_lost(&mut self, say: &mut impl FnMut(WatchNews)) {
        for (key, root) in &mut self.roots {
            let mut found = Found::default();
            for folder in std::mem::take(&mut root.lost) {
                if folder.is_dir() {
                    root.enter(&folder, *key, &mut self.folders, Changed::Everything, &mut found);
                } else {
                    root.lost.push(folder);
                }
            }
            if let Some(path) = found.changed {
                say(WatchNews::Changed { id: root.id, path });
            }
        }
    }

    /// Takes all that the kernel tells; each app is told of once.
    fn hear(&mut self, say: &mut impl FnMut(WatchNews)) -> io::Result<()> {
        let mut changes = Changes::default();
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let inotify = Arc::clone(&self.folders.inotify);
        let mut reader = Reader::new(&*inotify, &mut buffer);
        let mut count = 0;
        // Under writes without an end apps are told all the same. What was read is not lost.
        while count < MOST_AT_ONCE || !reader.is_buffer_empty() {
            count += 1;
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let what = event.events();
            if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.missed = true;
            } else if what.contains(ReadFlags::IGNORED) {
                self.folders.forget(event.wd());
            } else if let Some(folder) = self.folders.get(event.wd()) {
                let (path, keys) = (folder.path.clone(), folder.keys.clone());
                match event.file_name() {
                    Some(name) => {
                        use std::os::unix::ffi::OsStrExt as _;
                        let name = std::ffi::OsStr::from_bytes(name.to_bytes());
                        self.on_entry(&path.join(name), what, &keys, &mut changes);
                    }
                    None => self.on_itself(&path, &keys),
                }
            }
        }
        let since = std::mem::replace(&mut self.heard, now());
        if changes.missed {
            for key in self.roots.keys().copied().collect::<Vec<_>>() {
                self.again(key, Changed::Since(since), say);
            }
        }
        for key in std::mem::take(&mut changes.again) {
            self.again(key, Changed::Nothing, say);
        }
        for (key, found) in changes.found {
            if let Some(id) = self.roots.get(&key).map(|root| root.id) {
                self.tell(id, found, say);
            }
        }
        Ok(())
    }

    /// Something happened to an entry of a folder.
    fn on_entry(&mut self, path: &Path, what: ReadFlags, keys: &[Key], changes: &mut Changes) {
        let is_folder = what.contains(ReadFlags::ISDIR);
        let came = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if what.contains(ReadFlags::MOVED_FROM) && is_folder {
            for key in self.roots.keys() {
                self.folders.leave(*key, |of| of.starts_with(path));
            }
        }
        for key in keys {
            let Some(root) = self.roots.get_mut(key) else { continue };
            let found = changes.found.entry(*key).or_default();
            if path.ends_with(".gitignore") && root.rules.asked().gitignore {
                if !what.contains(ReadFlags::CREATE) && !changes.again.contains(key) {
                    changes.again.push(*key);
                }
            } else if is_folder || (came && is_link_to_folder(root, path)) {
                if came && root.enters(path) {
                    let all = Changed::Everything;
                    root.enter(path, *key, &mut self.folders, all, found);
                }
            } else if what.contains(ReadFlags::CREATE) && !is_whole(path) {
                continue; // It is told of when it is written.
            }
            if found.changed.is_none() && root.counts(path, is_folder) {
                found.changed = Some(path.to_owned());
            }
        }
    }

    /// Something happened to a folder itself: it is gone, or is somewhere else.
    fn on_itself(&mut self, path: &Path, keys: &[Key]) {
        for key in keys {
            self.folders.leave(*key, |of| of.starts_with(path));
            if let Some(root) = self.roots.get_mut(key)
                && root.rules.starts().iter().any(|start| start == path)
                && !root.lost.iter().any(|lost| lost == path)
            {
                root.lost.push(path.to_owned());
            }
        }
    }
}

/// What the kernel told in one go.
#[derive(Debug, Default)]
struct Changes {
    found: BTreeMap<Key, Found>,
    /// Those of which git ignores something else now.
    again: Vec<Key>,
    /// There was more than the kernel could keep.
    missed: bool,
}

fn is_link_to_folder(root: &Root, path: &Path) -> bool {
    root.rules.asked().follows && path.is_symlink() && path.is_dir()
}

/// Whether a file that was made is there with all that is in it: as a link.
fn is_whole(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::symlink_metadata(path).is_ok_and(|of| of.is_symlink() || 1 < of.nlink())
}

fn now() -> u64 {
    let now = UNIX_EPOCH.elapsed().ok().and_then(|now| u64::try_from(now.as_millis()).ok());
    now.unwrap_or(0)
}
