//! The journal's content as bytes: its header, an entry for each slot, and the note.
//!
//! The header carries the version; numbers are little-endian. A program that finds a version it
//! does not know leaves the journal alone and starts one of its own.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::fileio::{find_file, write_all_at};
use crate::types::{SourceId, Stream};

/// Length of the header.
pub(crate) const HEADER_LEN: usize = 16;
/// Length of an encoded [`Entry`]; a page holds a whole number of them.
pub(crate) const ENTRY_LEN: usize = 64;
const MAGIC: &[u8; 8] = b"OSTLOG\0\x01";

/// The header: the version, and how many entries have ever been used.
pub(crate) fn encode_header(used: u32) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    for (place, word) in bytes.chunks_exact_mut(8).zip([*MAGIC, u64::from(used).to_le_bytes()]) {
        place.copy_from_slice(&word);
    }
    bytes
}

/// How many entries have ever been used; `None` for another version.
pub(crate) fn decode_header(bytes: &[u8]) -> Option<u32> {
    let mut reader = Reader(bytes);
    (reader.take(8)? == MAGIC).then_some(())?;
    reader.u64()?.try_into().ok()
}

/// What happens to a slot's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// Nothing is in flight.
    Idle,
    /// The memory file's position says how many bytes have come behind `len`.
    Moving,
    /// The note holds what becomes of the first `consume` bytes.
    Writing,
}

/// Which of a stream's files, of which there are at most two, something concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    First,
    Second,
}

impl Which {
    /// One file of several.
    pub(crate) fn one(index: usize, of: usize) -> Self {
        match (index, of) {
            (_, 0 | 1) => Self::All,
            (0, _) => Self::First,
            (_, _) => Self::Second,
        }
    }

    pub(crate) fn has(self, index: usize) -> bool {
        match self {
            Self::All => true,
            Self::First => index == 0,
            Self::Second => index == 1,
        }
    }
}

/// What a slot holds, and what happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub transfer: Transfer,
    /// The files that the note writes to.
    pub which: Which,
    pub source: SourceId,
    pub stream: Stream,
    /// Where its bytes begin within the slot, and how many they are.
    pub start: u64,
    pub len: u64,
    /// What the note writes of each of its files' next bytes; 0 for a note that tells what is lost.
    pub consume: u64,
    /// Length of the encoded note.
    pub body_len: u64,
    /// Bytes at the front that each file has already: one of the two is 0.
    pub ahead: [u32; 2],
    /// Lines that each file has lost and does not tell yet. (An older program writes 0 for these.)
    pub lost: [u32; 2],
    /// Whether each file was given part of a line last, which goes on with its next bytes; and
    /// whether that is so for the files of the note when it is written. (As with `lost`.)
    pub begun: [bool; 2],
    pub begins: bool,
    /// Lines that files of the stream have lost in all. (As with `lost`.)
    pub dropped: u32,
}

impl Entry {
    pub(crate) fn encode(&self) -> [u8; ENTRY_LEN] {
        let mut bytes = [0; ENTRY_LEN];
        let transfer = match self.transfer {
            Transfer::Idle => 1,
            Transfer::Moving => 2,
            Transfer::Writing => 3,
        };
        let stream = u64::from(self.stream == Stream::Err);
        let which = match self.which {
            Which::All => 0,
            Which::First => 1,
            Which::Second => 2,
        };
        let [first, second] = self.begun.map(u64::from);
        let begun = first | second << 1 | u64::from(self.begins) << 2;
        let dropped = u64::from(self.dropped) << 32;
        let flags = transfer | stream << 8 | which << 16 | begun << 24 | dropped;
        let pair = |[first, second]: [u32; 2]| u64::from(first) | u64::from(second) << 32;
        let words = [
            flags,
            self.source,
            self.start,
            self.len,
            self.consume,
            self.body_len,
            pair(self.ahead),
            pair(self.lost),
        ];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// `None` for a slot that is free.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let flags = reader.u64()?;
        let transfer = match flags & 0xff {
            1 => Transfer::Idle,
            2 => Transfer::Moving,
            3 => Transfer::Writing,
            _ => return None,
        };
        let stream = if flags >> 8 & 0xff == 1 { Stream::Err } else { Stream::Out };
        let which = match flags >> 16 & 0xff {
            1 => Which::First,
            2 => Which::Second,
            _ => Which::All,
        };
        let [first, second, begins] = [24, 25, 26].map(|bit| flags >> bit & 1 == 1);
        let (source, start, len) = (reader.u64()?, reader.u64()?, reader.u64()?);
        Some(Self {
            transfer,
            which,
            source,
            stream,
            start,
            len,
            consume: reader.u64()?,
            body_len: reader.u64()?,
            ahead: reader.pair()?,
            lost: reader.pair()?,
            begun: [first, second],
            begins,
            dropped: u32::try_from(flags >> 32).unwrap_or(u32::MAX),
        })
    }
}

/// One file that a step writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub path: &'a Path,
    /// Device and inode, to know the file again after a rename.
    pub inode: (u64, u64),
    /// Its length before the write; `None` for what is not a regular file.
    pub offset: Option<u64>,
    /// The file ends within a line that nobody will end: write a line end first.
    pub lead: bool,
}

/// A step as a successor finds it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    targets: Vec<Target<'a>>,
    output: &'a [u8],
}

impl<'a> Note<'a> {
    /// Appends everything but the output itself, which follows.
    pub(crate) fn encode_head(targets: &[Target<'_>], output_len: usize, out: &mut Vec<u8>) {
        out.extend((targets.len() as u64).to_le_bytes());
        for target in targets {
            let path = target.path.as_os_str().as_bytes();
            let offset = target.offset.unwrap_or(u64::MAX);
            for number in
                [target.inode.0, target.inode.1, offset, u64::from(target.lead), path.len() as u64]
            {
                out.extend(number.to_le_bytes());
            }
            out.extend(path);
        }
        out.extend((output_len as u64).to_le_bytes());
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let count = reader.u64()?;
        let mut targets = Vec::new();
        for _ in 0..count {
            let inode = (reader.u64()?, reader.u64()?);
            let offset = Some(reader.u64()?).filter(|offset| *offset != u64::MAX);
            let lead = reader.u64()? == 1;
            let len = reader.u64()?;
            targets.push(Target {
                path: Path::new(OsStr::from_bytes(reader.take(len)?)),
                inode,
                offset,
                lead,
            });
        }
        let len = reader.u64()?;
        Some(Self { targets, output: reader.take(len)? })
    }

    /// Writes what is missing.
    ///
    /// # Errors
    /// A file cannot be written, or is gone: then the step is to be undone and taken again
    /// from the pipe.
    pub(crate) fn finish(&self) -> io::Result<()> {
        for target in &self.targets {
            let Some(offset) = target.offset else { continue };
            let file = find_file(target.path, target.inode)?.ok_or(io::ErrorKind::NotFound)?;
            let size =
                rustix::fs::fstat(&file).map(|stat| u64::try_from(stat.st_size).unwrap_or(0))?;
            // Shorter than before the write: someone truncated it, the output goes to its new end.
            let (done, at) = if size < offset { (0, size) } else { (size - offset, size) };
            let lead: &[u8] = if target.lead { b"\n" } else { b"" };
            let missing: Vec<u8> = lead
                .iter()
                .chain(self.output)
                .skip(usize::try_from(done).unwrap_or(usize::MAX))
                .copied()
                .collect();
            write_all_at(&file, &missing, at)?;
        }
        Ok(())
    }

    /// Cuts the files back to what they were before the step.
    pub(crate) fn undo(&self) {
        for target in &self.targets {
            if let (Some(offset), Ok(Some(file))) =
                (target.offset, find_file(target.path, target.inode))
                && rustix::fs::fstat(&file)
                    .is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size > offset))
            {
                // When even that fails, part of a line stays and is written again: there is nothing
                // better to do.
                let _ = rustix::fs::ftruncate(&file, offset);
            }
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn pair(&mut self) -> Option<[u32; 2]> {
        let half = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_le_bytes);
        Some([half(self.take(4)?)?, half(self.take(4)?)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_and_another_version_is_refused() {
        for transfer in [Transfer::Idle, Transfer::Moving, Transfer::Writing] {
            let entry = Entry {
                transfer,
                which: Which::Second,
                source: 7,
                stream: Stream::Err,
                start: 3,
                len: 5000,
                consume: 4096,
                body_len: 99,
                ahead: [0, 70_000],
                lost: [u32::MAX, 1],
                begun: [false, true],
                begins: transfer == Transfer::Writing,
                dropped: 0xfedc_ba98,
            };
            assert_eq!(Entry::decode(&entry.encode()), Some(entry));
        }
        assert_eq!(Entry::decode(&[0; ENTRY_LEN]), None);
        let mut header = encode_header(77);
        assert_eq!(decode_header(&header), Some(77));
        header[7] = 2;
        assert_eq!(decode_header(&header), None);
    }

    #[test]
    fn every_prefix_of_a_note_is_incomplete() {
        let target =
            Target { path: Path::new("/x/y.log"), inode: (1, 2), offset: Some(10), lead: true };
        let device =
            Target { path: Path::new("/dev/tty"), inode: (3, 4), offset: None, lead: false };
        let mut bytes = Vec::new();
        Note::encode_head(&[target, device], 5, &mut bytes);
        bytes.extend(b"line\n");
        let note = Note::decode(&bytes).unwrap();
        assert_eq!(note, Note { targets: vec![target, device], output: b"line\n" });
        for len in 0..bytes.len() {
            assert_eq!(Note::decode(&bytes[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn a_half_written_file_is_completed_and_a_complete_one_left_alone() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        for found in ["old", "old\n", "old\nli", "old\nline\n"] {
            std::fs::write(&path, found).unwrap();
            let meta = path.metadata().unwrap();
            let inode = (meta.dev(), meta.ino());
            let target = Target { path: &path, inode, offset: Some(3), lead: true };
            Note { targets: vec![target], output: b"line\n" }.finish().unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "old\nline\n", "from {found:?}");
        }
        let renamed = folder.path().join("a.log.1");
        std::fs::write(&path, "old\nli").unwrap();
        let meta = path.metadata().unwrap();
        std::fs::rename(&path, &renamed).unwrap();
        let target =
            Target { path: &path, inode: (meta.dev(), meta.ino()), offset: Some(3), lead: true };
        Note { targets: vec![target], output: b"line\n" }.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&renamed).unwrap(), "old\nline\n");
        assert!(!path.exists());
    }
}
