//! Which log file is which file on disk: one file may be known under several names.
//!
//! Each new name would otherwise be compared with every file there is. A log file notes here what
//! it is when it is opened, so that only those are compared that were this file once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names a file within the engine.
pub(crate) type FileId = u32;

/// Names a file on disk: its device, and its number there.
pub(crate) type Inode = (u64, u64);

/// Which file on disk a log file is, or was when it was open the last time.
#[derive(Debug)]
pub(crate) struct Known {
    id: FileId,
    now: Option<Inode>,
    index: Inodes,
}

impl Known {
    /// Returns what is known.
    pub(crate) fn get(&self) -> Option<Inode> {
        self.now
    }

    /// It is this one now.
    pub(crate) fn set(&mut self, inode: Option<Inode>) {
        self.index.change(self.id, self.now, inode);
        self.now = inode;
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.set(None);
    }
}

/// Which log files are which file on disk; what is noted by one of its copies, all know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inodes(Arc<Mutex<BTreeMap<Inode, BTreeSet<FileId>>>>);

impl Inodes {
    /// Returns what is to be known of a log file that is new.
    pub(crate) fn of_new(&self, id: FileId) -> Known {
        Known { id, now: None, index: self.clone() }
    }

    /// A log file that was one file is another by now, or none.
    fn change(&self, id: FileId, from: Option<Inode>, to: Option<Inode>) {
        if from == to {
            return;
        }
        let mut all = self.all();
        if let Some(from) = from
            && let Some(ids) = all.get_mut(&from)
        {
            ids.remove(&id);
            if ids.is_empty() {
                all.remove(&from);
            }
        }
        if let Some(to) = to {
            all.entry(to).or_default().insert(id);
        }
    }

    /// Returns the log files that are this file.
    pub(crate) fn of(&self, inode: Inode) -> Vec<FileId> {
        self.all().get(&inode).into_iter().flatten().copied().collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Inode, BTreeSet<FileId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_file_is_known_by_the_file_that_it_is_now() {
        let inodes = Inodes::default();
        let [mut first, mut second] = [1, 2].map(|id| inodes.of_new(id));
        first.set(Some((0, 7)));
        second.set(Some((0, 7)));
        assert_eq!(inodes.of((0, 7)), [1, 2]);
        first.set(Some((0, 8)));
        assert_eq!((inodes.of((0, 7)), inodes.of((0, 8))), (vec![2], vec![1]));
        second.set(None);
        first.set(Some((0, 8)));
        assert_eq!((inodes.of((0, 7)), inodes.of((0, 8))), (vec![], vec![1]));
        assert_eq!(inodes.all().len(), 1);
        drop(first);
        assert_eq!(inodes.all().len(), 0, "what is forgotten is no file");
    }
}
