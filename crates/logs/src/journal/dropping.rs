//! What is taken out of the journal because it cannot be written, and how much that was.

use std::io;
use std::ops::Range;

use super::{FILL, Journal, Owner};
use crate::fileio::write_all_at;
use crate::note::Which;

impl Journal {
    /// Another stream is about to write behind the line that this one has begun in its file of this
    /// index: the line is cut there.
    pub(crate) fn cut(&mut self, owner: Owner, index: usize) -> io::Result<()> {
        let slot = self.slots.get_mut(&owner);
        if let Some(begun) = slot.and_then(|slot| slot.begun.get_mut(index)) {
            *begun = false;
        }
        self.note_begun(owner);
        self.rest(owner)
    }

    /// These files will not get their next bytes: so many lines are lost for them.
    pub(crate) fn give_up(
        &mut self,
        owner: Owner,
        which: Which,
        bytes: u64,
        lines: u64,
    ) -> io::Result<()> {
        let mut slot = self.slot(owner)?;
        slot.give_up(which, bytes, lines);
        let wasteful = slot.len == 0 && slot.high > 2 * FILL;
        self.slots.insert(owner, slot);
        self.rest(owner)?;
        if wasteful {
            self.punch(slot, 0);
            slot.high = 0;
            self.slots.insert(owner, slot);
        }
        Ok(())
    }

    /// These files will not get these bytes, which are so many lines, and all others have them:
    /// they go, and what is behind them stays. It is copied to a free place first, and the entry is
    /// written when the copy is whole.
    pub(crate) fn cut_lines(
        &mut self,
        owner: Owner,
        which: Which,
        bytes: Range<usize>,
        lines: u64,
    ) -> io::Result<()> {
        let mut slot = self.slot(owner)?;
        let (from, to) = (bytes.start as u64, bytes.end as u64);
        if to < slot.len {
            let mut left = Vec::new();
            self.read(owner, &mut left)?;
            left.drain(bytes);
            let free = slot.start + slot.len;
            slot.start = if left.len() as u64 <= slot.start { 0 } else { free };
            write_all_at(&self.file, &left, slot.place())?;
            slot.high = slot.high.max(slot.start + left.len() as u64);
        }
        slot.cut(which, from, to, lines);
        self.slots.insert(owner, slot);
        self.rest(owner)
    }

    /// How many lines files of this stream have lost in all.
    pub(crate) fn dropped(&self, owner: Owner) -> u32 {
        self.slots.get(&owner).map_or(0, |slot| slot.dropped)
    }

    /// Files of this stream have lost lines.
    pub(crate) fn count_dropped(&mut self, owner: Owner, lines: u64) -> io::Result<()> {
        if let Some(slot) = self.slots.get_mut(&owner) {
            let lines = u32::try_from(lines).unwrap_or(u32::MAX);
            slot.dropped = slot.dropped.saturating_add(lines);
        }
        self.rest(owner)
    }
}
