//! Who writes into a log file, and what becomes of their output while it cannot be written.

use std::collections::BTreeSet;

use crate::types::{Fate, OnFull};

/// Names a stream within the engine.
pub(crate) type Key = u64;

/// The streams that write into one file.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    all: BTreeSet<Key>,
    /// Those whose app waits.
    blocking: BTreeSet<Key>,
}

impl Writers {
    pub(crate) fn add(&mut self, writer: Key, full: OnFull) {
        self.all.insert(writer);
        match full {
            OnFull::Block => _ = self.blocking.insert(writer),
            OnFull::DropNewest | OnFull::DropOldest => _ = self.blocking.remove(&writer),
        }
    }

    pub(crate) fn remove(&mut self, writer: Key) {
        self.all.remove(&writer);
        self.blocking.remove(&writer);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.all.iter()
    }

    pub(crate) fn first(&self) -> Option<&Key> {
        self.all.first()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Returns what becomes of output while the file cannot be written.
    pub(crate) fn fate(&self) -> Fate {
        match (self.blocking.is_empty(), self.blocking.len() < self.all.len()) {
            (true, _) => Fate::Dropped,
            (false, false) => Fate::Waits,
            (false, true) => Fate::Both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_output_is_said_by_all_who_write_the_file() {
        let mut writers = Writers::default();
        let mut check = |change: fn(&mut Writers), fate| {
            change(&mut writers);
            assert_eq!(writers.fate(), fate);
        };
        check(|writers| writers.add(1, OnFull::Block), Fate::Waits);
        check(|writers| writers.add(2, OnFull::DropOldest), Fate::Both);
        check(|writers| writers.remove(1), Fate::Dropped);
        check(|writers| writers.add(2, OnFull::Block), Fate::Waits);
    }
}
