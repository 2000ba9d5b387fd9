//! The one step in flight, written down where a `kill -9` cannot reach it.
//!
//! Problem: a formatted line is written to files by one call and consumed from its pipe by another. A daemon killed in
//! between leaves its successor with two doubts: was it written, and was it consumed? Guessing wrong doubles or loses
//! a line.
//!
//! Rule: there is one memory file (`memfd`) per engine, held by the keeper, and one step at a time:
//!
//! 1. *note*: the output, and for each file its length before the write; last a record of 64 bytes in one page, by one
//!    call, which makes the note valid. A signal cannot split a copy within a page.
//! 2. *write* the output at the noted offsets. Only this thread writes these files, so a file's length says how much of
//!    it has been written.
//! 3. *consume* by `splice` from the pipe into the memory file through its **file position**. The kernel moves the bytes
//!    and advances the position in the same call, and the position belongs to the open file that the keeper shares:
//!    it says how much has been consumed.
//! 4. *clear* the note.
//!
//! A successor that finds a note writes what is missing from the files (if consuming had begun, nothing is), consumes
//! what is missing from the pipe when that is attached again, and clears it. A write that fails is undone by
//! truncating to the noted length, and the note is cleared: the bytes are still in the pipe.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{MemfdFlags, SeekFrom};
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::engine::Outbox;
use crate::note::{Note, RECORD_LEN, Record, Target};
use crate::types::{Event, SourceId, Stream};

/// Name under which the keeper holds the memory file.
const NAME: &str = "logs/journal";
/// Where the note's targets and output lie; the record is at 0.
const BODY: u64 = 4096;
/// Where consumed bytes land, each time over the last ones: far behind the largest body.
const SINK: u64 = 256 << 20;
/// Bodies over this are given back to the system when the engine has nothing to do.
const BODY_KEPT: u64 = 256 << 10;

/// What a former daemon's step still has to consume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owed {
    source: SourceId,
    stream: Stream,
    bytes: u64,
}

/// See the module's text.
pub(crate) struct Journal {
    file: OwnedFd,
    owed: Option<Owed>,
    body_high: u64,
    scratch: Vec<u8>,
}

impl Journal {
    /// Takes the memory file over from a former daemon and writes what its last step left unwritten; or makes a new one
    /// and asks the daemon to have it kept.
    pub(crate) fn open(kept: Vec<(String, OwnedFd)>, outbox: &Outbox) -> io::Result<Self> {
        if let Some((_, file)) = kept.into_iter().find(|(name, _)| name == NAME)
            && let Some(journal) = Self::adopt(file)?
        {
            return Ok(journal);
        }
        let file = rustix::fs::memfd_create("ostler-logs", MemfdFlags::CLOEXEC)?;
        let mut journal = Self { file, owed: None, body_high: 0, scratch: Vec::new() };
        journal.clear()?;
        outbox.send(Event::Keep { name: NAME.to_owned(), fd: journal.file.try_clone()? });
        Ok(journal)
    }

    /// `None` when the file is of a version that this program does not know.
    fn adopt(file: OwnedFd) -> io::Result<Option<Self>> {
        let mut bytes = [0u8; RECORD_LEN];
        read_exact_at(&file, &mut bytes, 0)?;
        let Some(record) = Record::decode(&bytes) else { return Ok(None) };
        let mut journal = Self { file, owed: None, body_high: 0, scratch: Vec::new() };
        if record.active {
            journal.settle(record)?;
        } else {
            journal.clear()?;
        }
        Ok(Some(journal))
    }

    fn settle(&mut self, record: Record) -> io::Result<()> {
        let consumed = rustix::fs::tell(&self.file)?.saturating_sub(SINK);
        if consumed == 0 && !record.written {
            let mut body = vec![0u8; usize::try_from(record.body_len.min(SINK)).unwrap_or(0)];
            read_exact_at(&self.file, &mut body, BODY)?;
            let Some(note) = Note::decode(&body) else { return self.clear() };
            if note.finish().is_err() {
                // As if the step had never begun: its bytes are still in the pipe.
                note.undo();
                return self.clear();
            }
            self.put(&Record { written: true, ..record })?;
        }
        let bytes = record.consume.saturating_sub(consumed);
        self.owed = Some(Owed { source: record.source, stream: record.stream, bytes });
        Ok(())
    }

    /// Whether a former daemon's step waits for its pipe: no new step may begin.
    pub(crate) fn is_busy(&self) -> bool {
        self.owed.is_some()
    }

    /// Ends the former daemon's step, now that its pipe is back.
    pub(crate) fn attached(&mut self, source: SourceId, stream: Stream, pipe: &OwnedFd) -> io::Result<()> {
        let Some(owed) = self.owed.filter(|owed| owed.source == source && owed.stream == stream) else {
            return Ok(());
        };
        self.consume(pipe, owed.bytes)?;
        self.owed = None;
        self.clear()
    }

    /// The pipe of the former daemon's step does not come back: there is nothing to consume.
    pub(crate) fn give_up_owed(&mut self) -> io::Result<()> {
        match self.owed.take() {
            Some(_) => self.clear(),
            None => Ok(()),
        }
    }

    /// Step 1: from here on a successor finishes this step.
    pub(crate) fn note(
        &mut self,
        (source, stream): (SourceId, Stream),
        consume: u64,
        targets: &[Target<'_>],
        output: &[u8],
    ) -> io::Result<()> {
        self.scratch.clear();
        Note::encode_head(targets, output.len(), &mut self.scratch);
        let head = self.scratch.len() as u64;
        write_all_at(&self.file, &self.scratch, BODY)?;
        write_all_at(&self.file, output, BODY + head)?;
        let body_len = head + output.len() as u64;
        self.body_high = self.body_high.max(body_len);
        self.put(&Record { active: true, written: false, source, stream, consume, body_len })
    }

    /// Step 3. A pipe that has less is a pipe that someone else reads: then there is nothing left to consume.
    pub(crate) fn consume(&self, pipe: &OwnedFd, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let len = usize::try_from(left).unwrap_or(usize::MAX);
            match rustix::pipe::splice(pipe, None, &self.file, None, len, SpliceFlags::NONBLOCK) {
                Ok(0) | Err(Errno::AGAIN) => return Ok(()),
                Ok(moved) => left = left.saturating_sub(moved as u64),
                Err(Errno::INTR) => {}
                Err(_) => left = left.saturating_sub(read_away(pipe, len)?),
            }
        }
        Ok(())
    }

    /// Step 4, and the state before a first note.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.put(&Record { active: false, written: false, source: 0, stream: Stream::Out, consume: 0, body_len: 0 })?;
        rustix::fs::seek(&self.file, SeekFrom::Start(SINK))?;
        Ok(())
    }

    /// Gives memory back that a flood took. Only between steps.
    pub(crate) fn trim(&mut self) {
        if self.body_high > BODY_KEPT && self.owed.is_none() {
            // A failure costs memory, nothing else.
            let _ = rustix::fs::ftruncate(&self.file, BODY);
            self.body_high = 0;
        }
    }

    fn put(&self, record: &Record) -> io::Result<()> {
        write_all_at(&self.file, &record.encode(), 0)
    }
}

/// The last resort when the memory file takes nothing more: exactly once but for a kill within these two lines.
fn read_away(pipe: &OwnedFd, len: usize) -> io::Result<u64> {
    let mut bytes = vec![0u8; len.min(64 << 10)];
    Ok(rustix::io::read(pipe, &mut bytes)? as u64)
}

/// Writes all of it at this offset, whatever it takes.
pub(crate) fn write_all_at(file: impl AsFd, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pwrite(&file, bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn read_exact_at(file: &OwnedFd, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::pread(file, &mut *bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = bytes.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The file at `path` if it is the one noted, or the one it has been renamed to in the same folder.
pub(crate) fn find_file(path: &Path, inode: (u64, u64)) -> io::Result<Option<OwnedFd>> {
    use std::os::unix::fs::MetadataExt;
    let is_it = |path: &Path| path.metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == inode);
    let open = |path: &Path| std::fs::OpenOptions::new().write(true).open(path).map(|file| Some(OwnedFd::from(file)));
    if is_it(path) {
        return open(path);
    }
    let Some(folder) = path.parent() else { return Ok(None) };
    for entry in std::fs::read_dir(folder)?.flatten() {
        if is_it(&entry.path()) {
            return open(&entry.path());
        }
    }
    Ok(None)
}
