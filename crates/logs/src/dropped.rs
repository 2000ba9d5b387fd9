//! How many lines the files of each stream have not got, told to the daemon.
//!
//! Problem: while a disk is full, lines are dropped thousands of times a second; and the daemon, or
//! this thread with it, may die at any time. Rule: the number stands in the journal with what was
//! dropped, from the run's begin on; it is told once a second at most, to a daemon that takes over
//! again, and when the stream is forgotten. The same number twice means nothing new.

use std::io;

use ostler_poll::now;

use crate::note::Which;
use crate::reactor::Reactor;
use crate::source::Source;
use crate::types::{Event, SourceId, Stream};

/// Pause between two reports, ms.
const PAUSE: u64 = 1000;

impl Reactor {
    /// These files of a stream have lost lines.
    pub(crate) fn count_dropped(
        &mut self,
        source: &Source,
        which: Which,
        lines: u64,
    ) -> io::Result<()> {
        let files = match which {
            Which::All => source.files.len() as u64,
            Which::First | Which::Second => 1,
        };
        self.journal.count_dropped(source.id(), lines * files)?;
        self.note_dropped(source.id());
        Ok(())
    }

    /// What a stream has lost is to be told, if it has lost anything.
    pub(crate) fn note_dropped(&mut self, owner: (SourceId, Stream)) {
        if 0 < self.journal.dropped(owner) {
            self.untold.insert(owner);
            self.tell_at.get_or_insert(now() + PAUSE);
        }
    }

    /// Tells what streams have lost since that was told.
    pub(crate) fn tell_dropped(&mut self) {
        self.tell_at = None;
        for owner in std::mem::take(&mut self.untold) {
            if let Some(source) = self.find(owner) {
                self.send_dropped(source);
            }
        }
    }

    /// A stream is about to be forgotten: tells what it has lost.
    pub(crate) fn tell_last_dropped(&mut self, source: &Source) {
        if self.untold.remove(&source.id()) {
            self.send_dropped(source);
        }
    }

    fn send_dropped(&self, source: &Source) {
        let (id, stream) = source.id();
        let (proc_id, lines) = (source.origin.proc_id, self.journal.dropped(source.id()));
        self.outbox.send(Event::Dropped { source: id, stream, proc_id, lines: lines.into() });
    }
}
