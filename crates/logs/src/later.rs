//! Lines that are written later, many at once (`log_buffer`): for disks that wear out by writes.
//!
//! Problem: no line may be lost when the daemon is killed, be late for who looks, or get the date
//! at which it was written instead of the one at which it came. Rule: what comes waits in the
//! journal, which the keeper holds, for a bounded time and up to [`MOST`] bytes, and is then
//! written by the journal's steps. A mark for each arrival says when it was and in which order with
//! those of other streams. What ends a stream, or empties, renames or reopens a file, and whoever
//! asks for lines, has everything written first; a stream with a subscriber does not wait.

use std::collections::BTreeSet;

use ostler_poll::now;

use crate::buffer::Mark;
use crate::date::now_ms;
use crate::files::Key;
use crate::inodes::FileId;
use crate::reactor::{Reactor, Turn};
use crate::slot::Filled;
use crate::source::Source;

/// So many bytes of a stream do not wait for their time.
const MOST: u64 = 64 << 10;
/// Times that what waits is gone through; what is left then has its next turn.
const ROUNDS: usize = 8;

impl Reactor {
    /// Whether what comes of a stream waits.
    pub(crate) fn buffers(&self, source: &Source) -> bool {
        let Some(buffer) = &source.buffer else { return false };
        let is_busy = |id: &FileId| {
            let file = self.files.get(*id);
            file.is_some_and(|file| file.settling.is_some() || file.failing.is_some())
        };
        let must_write = source.is_final()
            || buffer.has_ended
            || buffer.is_forced
            || source.files.is_empty()
            || self.is_watched(source)
            || source.files.iter().any(is_busy);
        match self.journal.len(source.id()) {
            _ if must_write => false,
            0 => true,
            // What a former daemon had waiting has no time: it is written at once.
            length => length < MOST && buffer.due.is_some_and(|due| now() < due),
        }
    }

    /// Takes in what comes and writes nothing.
    pub(crate) fn hold(&mut self, source: &mut Source) -> Turn {
        let before = self.journal.len(source.id());
        let filled = self.journal.fill(source.id(), &source.pipe);
        let rested = self.journal.rest(source.id());
        let filled = match filled.and_then(|filled| rested.map(|()| filled)) {
            Ok(filled) => filled,
            Err(error) => return self.troubled(source, error),
        };
        let length = self.journal.len(source.id());
        let Some(buffer) = &mut source.buffer else { return Turn::More };
        if before < length {
            let is_last = std::mem::replace(&mut self.arrived_last, source.key) == source.key;
            self.arrivals += 1;
            let mark = Mark { order: self.arrivals, at: now_ms(), end: length };
            let is_alike = source.formatter.is_plain()
                || buffer.marks.back().is_some_and(|last| last.at == mark.at);
            buffer.came(mark, is_last && is_alike);
            if before == 0 {
                let due = now() + buffer.delay;
                buffer.due = Some(due);
                self.show_at.insert((due, source.key));
            }
        }
        match filled {
            Filled::End if length == 0 => Turn::End,
            Filled::End => {
                buffer.has_ended = true;
                Turn::More
            }
            Filled::Drained if length < MOST => Turn::Idle,
            Filled::Drained | Filled::More => Turn::More,
        }
    }

    /// What waited was written, as far as it could be.
    pub(crate) fn end_forced(source: &mut Source) {
        if let Some(buffer) = source.buffer.as_mut().filter(|buffer| buffer.marks.is_empty()) {
            (buffer.is_forced, buffer.due) = (false, None);
        }
    }

    /// Whether lines of a stream wait no more.
    pub(crate) fn is_due_to_write(&self, key: Key) -> bool {
        let source = self.sources.get(&key).filter(|source| source.first_that_waits().is_some());
        source.is_some_and(|source| !self.buffers(source))
    }

    /// Writes what waits of all streams.
    pub(crate) fn write_all_out(&mut self) {
        let waits = self.sources.iter().filter(|(_, source)| source.first_that_waits().is_some());
        let keys: Vec<Key> = waits.map(|(key, _)| *key).collect();
        self.write_out(&keys);
    }

    /// Writes what waits of a stream, and of those that share a file with it, in its order.
    pub(crate) fn write_out_with(&mut self, key: Key) {
        let mut keys = BTreeSet::from([key]);
        let mut next = vec![key];
        while let Some(key) = next.pop() {
            let Some(source) = self.sources.get(&key) else { continue };
            for file in source.files.iter().filter_map(|id| self.files.get(*id)) {
                next.extend(file.writers.iter().copied().filter(|key| keys.insert(*key)));
            }
        }
        let keys: Vec<Key> = keys.into_iter().collect();
        self.write_out(&keys);
    }

    fn write_out(&mut self, keys: &[Key]) {
        for _ in 0..ROUNDS {
            let mut order = Vec::new();
            for key in keys {
                let source = self.sources.get_mut(key);
                let Some(buffer) = source.and_then(|source| source.buffer.as_mut()) else {
                    continue;
                };
                buffer.is_forced |= !buffer.marks.is_empty();
                order.extend(buffer.marks.iter().map(|mark| (mark.order, *key)));
            }
            if order.is_empty() {
                return;
            }
            order.sort_unstable();
            for (_, key) in order {
                self.turn(key);
            }
        }
    }
}
