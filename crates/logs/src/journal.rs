//! The lines in flight, where a `kill -9` cannot reach them.
//!
//! Problem: a formatted line is written to files by one call and leaves its pipe by another. A
//! daemon killed in between leaves its successor with two doubts: was it written, and was it
//! consumed? Guessing wrong doubles or loses a line. Nor may an unfinished line stay in its pipe:
//! Linux does not report what a blocked writer adds to a pipe that is not empty.
//!
//! Rule: there is one memory file (`memfd`) per engine, held by the keeper, with a slot for each
//! stream that goes by lines.
//!
//! 1. *move*: the slot's entry says where new bytes go, and the memory file's **position** is set
//!    there; `splice` takes them from the pipe through that position. The kernel moves the bytes
//!    and advances the position in one call, and the position belongs to the open file that the
//!    keeper shares: it says how much has been moved.
//! 2. *note*: the output, and for each file its length before the write; then the entry, 64 bytes
//!    in one page by one call (a signal cannot split a copy within a page): it makes the note
//!    valid, and ends the move.
//! 3. *write* the output at the noted offsets. Only this thread writes these files, so a file's
//!    length says how much of it has been written.
//! 4. *done*: the entry again, now without the bytes that were written.
//!
//! A successor that finds a move counts it; that finds a note writes what is missing. A write that
//! fails is undone by truncating to the noted length; its bytes stay in the slot.

mod dropping;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FallocateFlags, MemfdFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::fileio::{read_exact_at, write_all_at};
use crate::mailbox::Outbox;
use crate::note::{
    ENTRY_LEN, Entry, HEADER_LEN, Note, Target, Transfer, decode_header, encode_header,
};
use crate::slot::{Filled, SLOTS, STRIDE, Slot};
use crate::step::Step;
use crate::types::{Event, SourceId, Stream};

/// Name under which the keeper holds the memory file.
const NAME: &str = "logs/journal";
/// Where the note lies: behind 65,536 entries at least.
const BODY: u64 = 8 << 20;
/// Entries there are: streams by lines at the same time.
const MOST: u32 = 65_536;
/// A line longer than this is passed on in pieces.
pub(crate) const LONGEST: u64 = 1 << 20;
/// Bytes moved before others get their turn.
const FILL: u64 = 256 << 10;
/// Memory over this is given back to the system when there is nothing to do.
const KEPT: u64 = 64 << 10;

/// Whose bytes they are.
pub(crate) type Owner = (SourceId, Stream);

/// See the module's text.
pub(crate) struct Journal {
    file: OwnedFd,
    slots: BTreeMap<Owner, Slot>,
    /// Streams that have begun a line in a file.
    begun: BTreeSet<Owner>,
    free: BTreeSet<u32>,
    used: u32,
    body_high: u64,
    head: Vec<u8>,
}

impl Journal {
    /// Takes the memory file over from a former daemon and writes what its last step left
    /// unwritten; or makes a new one and asks the daemon to have it kept.
    pub(crate) fn open(kept: Vec<(String, OwnedFd)>, outbox: &Outbox) -> io::Result<Self> {
        if let Some((_, file)) = kept.into_iter().find(|(name, _)| name == NAME)
            && let Some(journal) = Self::adopt(file)?
        {
            return Ok(journal);
        }
        let journal = Self::with(rustix::fs::memfd_create("ostler-logs", MemfdFlags::CLOEXEC)?, 0);
        write_all_at(&journal.file, &encode_header(0), 0)?;
        outbox.send(Event::Keep { name: NAME.to_owned(), fd: journal.file.try_clone()? });
        Ok(journal)
    }

    fn with(file: OwnedFd, used: u32) -> Self {
        Self {
            file,
            slots: BTreeMap::new(),
            begun: BTreeSet::new(),
            free: BTreeSet::new(),
            used,
            body_high: 0,
            head: Vec::new(),
        }
    }

    /// `None` when the file is of a version that this program does not know.
    fn adopt(file: OwnedFd) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER_LEN];
        read_exact_at(&file, &mut header, 0)?;
        let Some(used) = decode_header(&header).filter(|used| *used <= MOST) else {
            return Ok(None);
        };
        let mut journal = Self::with(file, used);
        for index in 0..used {
            let slot = Slot { index, ..Slot::default() };
            let mut bytes = [0; ENTRY_LEN];
            read_exact_at(&journal.file, &mut bytes, slot.entry_place())?;
            match Entry::decode(&bytes) {
                Some(entry) => journal.settle(slot, entry)?,
                None => {
                    journal.free.insert(index);
                }
            }
        }
        Ok(Some(journal))
    }

    fn settle(&mut self, slot: Slot, entry: Entry) -> io::Result<()> {
        let Entry { start, len, ahead, lost, begun, dropped, .. } = entry;
        let mut slot = Slot { start, len, ahead, lost, begun, dropped, high: STRIDE, ..slot };
        match entry.transfer {
            Transfer::Idle => {}
            Transfer::Moving => {
                let position = rustix::fs::tell(&self.file)?;
                slot.len += position.saturating_sub(slot.place() + slot.len).min(STRIDE);
            }
            Transfer::Writing => {
                let mut body =
                    vec![0; usize::try_from(entry.body_len.min(SLOTS - BODY)).unwrap_or(0)];
                read_exact_at(&self.file, &mut body, BODY)?;
                // A failure leaves the bytes in the slot, as in any step.
                if let Some(note) = Note::decode(&body) {
                    match note.finish() {
                        Ok(()) => slot.written(entry.which, entry.consume, entry.begins),
                        Err(_) => note.undo(),
                    }
                }
            }
        }
        let owner = (entry.source, entry.stream);
        self.slots.insert(owner, slot);
        self.note_begun(owner);
        self.rest(owner)
    }

    /// Bytes of this stream that wait here.
    pub(crate) fn len(&self, owner: Owner) -> u64 {
        self.slots.get(&owner).map_or(0, |slot| slot.len)
    }

    /// Bytes of all streams that wait here.
    pub(crate) fn total(&self) -> u64 {
        self.slots.values().map(|slot| slot.len).sum()
    }

    /// Whether a move would find room.
    pub(crate) fn has_room(&self, owner: Owner) -> bool {
        self.len(owner) < LONGEST
    }

    /// How many of the bytes that wait each file has already.
    pub(crate) fn ahead(&self, owner: Owner) -> [usize; 2] {
        let ahead = self.slots.get(&owner).map_or([0; 2], |slot| slot.ahead);
        ahead.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// How many lines each file has lost, that it does not tell yet.
    pub(crate) fn lost(&self, owner: Owner) -> [u32; 2] {
        self.slots.get(&owner).map_or([0; 2], |slot| slot.lost)
    }

    /// Step 1. [`Self::note`] or [`Self::rest`] has to follow before any other stream's move.
    pub(crate) fn fill(&mut self, owner: Owner, pipe: &OwnedFd) -> io::Result<Filled> {
        let slot = self.slot(owner)?;
        rustix::fs::seek(&self.file, SeekFrom::Start(slot.place() + slot.len))?;
        self.put(owner, |entry| entry.transfer = Transfer::Moving)?;
        let mut moved = 0;
        let filled = loop {
            if moved >= FILL || slot.len + moved >= LONGEST {
                break Ok(Filled::More);
            }
            let len = usize::try_from(FILL).unwrap_or(usize::MAX);
            // To the very end: only an empty pipe reports its next bytes.
            match rustix::pipe::splice(pipe, None, &self.file, None, len, SpliceFlags::NONBLOCK) {
                Ok(0) => break Ok(Filled::End),
                Ok(more) => moved += more as u64,
                Err(Errno::AGAIN) => break Ok(Filled::Drained),
                Err(Errno::INTR) => {}
                Err(error) => break Err(error),
            }
        };
        if let Some(slot) = self.slots.get_mut(&owner) {
            slot.len += moved;
            slot.high = slot.high.max(slot.start + slot.len);
        }
        if filled.is_err() {
            self.rest(owner)?;
        }
        Ok(filled?)
    }

    /// The slot of this stream, with its bytes at its front when they have wandered off.
    fn slot(&mut self, owner: Owner) -> io::Result<Slot> {
        let mut slot = match self.slots.get(&owner) {
            Some(slot) => *slot,
            None => Slot { index: self.take_index()?, ..Slot::default() },
        };
        if slot.start >= FILL.max(slot.len) {
            let mut bytes = vec![0; usize::try_from(slot.len).unwrap_or(0)];
            read_exact_at(&self.file, &mut bytes, slot.place())?;
            // The copy overlaps nothing, and counts only with the entry.
            slot.start = 0;
            write_all_at(&self.file, &bytes, slot.place())?;
            write_all_at(&self.file, &slot.entry(owner).encode(), slot.entry_place())?;
            if slot.high > 2 * FILL {
                self.punch(slot, slot.len);
                slot.high = slot.len;
            }
        }
        self.slots.insert(owner, slot);
        Ok(slot)
    }

    fn take_index(&mut self) -> io::Result<u32> {
        if let Some(index) = self.free.pop_first() {
            return Ok(index);
        }
        let index = self.used;
        if index >= MOST {
            return Err(io::Error::other(
                "more than 65536 streams with formatted or shared log files",
            ));
        }
        // Until its first use the entry reads as free.
        let slot = Slot { index, ..Slot::default() };
        write_all_at(&self.file, &[0; ENTRY_LEN], slot.entry_place())?;
        write_all_at(&self.file, &encode_header(index + 1), 0)?;
        self.used += 1;
        Ok(index)
    }

    /// Copies the bytes that wait.
    pub(crate) fn read(&self, owner: Owner, bytes: &mut Vec<u8>) -> io::Result<()> {
        let Some(slot) = self.slots.get(&owner) else {
            bytes.clear();
            return Ok(());
        };
        bytes.resize(usize::try_from(slot.len).unwrap_or(0), 0);
        read_exact_at(&self.file, bytes, slot.place())
    }

    /// Step 2: from here on a successor finishes this step.
    pub(crate) fn note(
        &mut self,
        owner: Owner,
        step: Step,
        targets: &[Target<'_>],
        output: &[u8],
    ) -> io::Result<()> {
        self.head.clear();
        Note::encode_head(targets, output.len(), &mut self.head);
        let head = self.head.len() as u64;
        write_all_at(&self.file, &self.head, BODY)?;
        write_all_at(&self.file, output, BODY + head)?;
        let body_len = head + output.len() as u64;
        self.body_high = self.body_high.max(body_len);
        self.put(owner, |entry| {
            (entry.transfer, entry.which) = (Transfer::Writing, step.which);
            (entry.consume, entry.body_len) = (step.taken, body_len);
            entry.begins = step.begins;
        })
    }

    /// Step 4: what was noted is in its files.
    pub(crate) fn done(&mut self, owner: Owner, step: Step) -> io::Result<()> {
        if let Some(slot) = self.slots.get_mut(&owner) {
            slot.written(step.which, step.taken, step.begins);
        }
        self.note_begun(owner);
        self.rest(owner)
    }

    /// Whether each file was given part of a line of this stream last, as far as this stream knows.
    pub(crate) fn begun(&self, owner: Owner) -> [bool; 2] {
        self.slots.get(&owner).map_or([false; 2], |slot| slot.begun)
    }

    /// The streams that have begun a line in a file.
    pub(crate) fn beginners(&self) -> Vec<Owner> {
        self.begun.iter().copied().collect()
    }

    fn note_begun(&mut self, owner: Owner) {
        if self.begun(owner).contains(&true) {
            self.begun.insert(owner);
        } else {
            self.begun.remove(&owner);
        }
    }

    /// Nothing is in flight: the slot's bytes wait.
    pub(crate) fn rest(&mut self, owner: Owner) -> io::Result<()> {
        self.put(owner, |_| {})
    }

    /// The stream is gone, with what still waits here.
    pub(crate) fn forget(&mut self, owner: Owner) {
        self.begun.remove(&owner);
        if let Some(slot) = self.slots.remove(&owner) {
            self.punch(slot, 0);
            // If the entry stays, a successor has a slot of a stream that never comes: `resumed`
            // forgets it.
            if write_all_at(&self.file, &[0; ENTRY_LEN], slot.entry_place()).is_ok() {
                self.free.insert(slot.index);
            }
        }
    }

    /// Forgets what belongs to streams that are no longer known.
    pub(crate) fn forget_all_but(&mut self, is_known: impl Fn(&Owner) -> bool) {
        let strangers: Vec<Owner> =
            self.slots.keys().filter(|owner| !is_known(owner)).copied().collect();
        for owner in strangers {
            self.forget(owner);
        }
    }

    /// Gives memory back that a flood took. Only between steps.
    pub(crate) fn trim(&mut self) {
        if self.body_high > KEPT {
            // Failing to give back costs memory, nothing else; here and below.
            let _ = rustix::fs::fallocate(&self.file, punch_flags(), BODY, self.body_high);
            self.body_high = 0;
        }
        let mut wasteful = Vec::new();
        for slot in self.slots.values_mut().filter(|slot| slot.high > KEPT && slot.len == 0) {
            wasteful.push(*slot);
            slot.high = 0;
        }
        for slot in wasteful {
            self.punch(slot, 0);
        }
    }

    /// Gives a slot's memory back from this byte on.
    fn punch(&self, slot: Slot, from: u64) {
        if slot.high > from {
            let place = Slot { start: from, ..slot }.place();
            let _ = rustix::fs::fallocate(&self.file, punch_flags(), place, slot.high - from);
        }
    }

    fn put(&self, owner: Owner, change: impl FnOnce(&mut Entry)) -> io::Result<()> {
        let Some(slot) = self.slots.get(&owner) else { return Ok(()) };
        let mut entry = slot.entry(owner);
        change(&mut entry);
        write_all_at(&self.file, &entry.encode(), slot.entry_place())
    }
}

fn punch_flags() -> FallocateFlags {
    FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE
}
