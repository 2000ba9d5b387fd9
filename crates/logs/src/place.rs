//! A place in a log that is found again, whatever its file is called then.
//!
//! Problem: somebody has read a log up to here and wants to go on behind it later. Meanwhile the
//! file was rotated, renamed by others, copied and emptied, or compressed: neither its name nor its
//! inode need be what they were, and an inode may be another file's. Rule: a place names a time
//! before which its file was not written to last, how many bytes are before the place, and what
//! the first and the last of these bytes are. All older files were written to last before that
//! time, so the oldest of the others is the one, if it has these bytes there; a copy of it comes
//! before what it became. Where there is none it is gone, and everything that was written later
//! begins with the next file.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// So many bytes before a place are looked at.
pub const CHECKED: usize = 32;

/// A place in one of the files of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The inode of the file; 0: behind every file that was written to last before or at `written`.
    pub inode: u64,
    /// The file was written to at this time or later, ms since 1970.
    pub written: u64,
    /// How many of its bytes are before the place, not compressed.
    pub end: u64,
    /// What the last of these are.
    pub check: Check,
    /// What the first of these are, [`CHECKED`] at most; 0: not known.
    pub head: u32,
}

/// A file that is being read, whose places are known as its bytes pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    end: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Trail {
    /// Begins behind so many bytes of a file, of which these are the first.
    #[must_use]
    pub fn new(end: u64, mut head: Vec<u8>) -> Self {
        head.truncate(usize::try_from(end).unwrap_or(CHECKED).min(CHECKED));
        Self { end, head, tail: Vec::new() }
    }

    /// Returns behind how many bytes of the file it is.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Passes the next bytes.
    pub fn pass(&mut self, bytes: &[u8]) {
        if self.head.len() as u64 == self.end {
            let missing = CHECKED.saturating_sub(self.head.len()).min(bytes.len());
            self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        }
        let last = bytes.get(bytes.len().saturating_sub(CHECKED)..).unwrap_or_default();
        let stay = CHECKED.saturating_sub(last.len());
        self.tail.drain(..self.tail.len().saturating_sub(stay));
        self.tail.extend_from_slice(last);
        self.end += bytes.len() as u64;
    }

    /// Returns the place behind what has passed, in the file with this inode.
    #[must_use]
    pub fn place(&self, inode: u64, written: u64) -> Place {
        let (end, check) = (self.end, Check::of(&self.tail));
        let is_known = self.head.len() as u64 == end.min(CHECKED as u64);
        let head = if is_known { hash(&self.head).max(1) } else { 0 };
        Place { inode, written, end, check, head }
    }
}

/// What a few bytes are, told by a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// How many bytes, [`CHECKED`] at most.
    pub length: u8,
    /// The number that tells them.
    pub hash: u32,
}

/// Where a place was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located {
    /// In this one of the files, behind so many bytes.
    In(usize, u64),
    /// Its file is gone; what was written later begins with this one of the files.
    Gone(usize),
}

impl Check {
    /// Tells what the last of these bytes are.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let last = bytes.get(bytes.len().saturating_sub(CHECKED)..).unwrap_or_default();
        Self { length: u8::try_from(last.len()).unwrap_or(0), hash: hash(last) }
    }
}

impl Place {
    /// The place behind every file that was written to last before or at this time.
    #[must_use]
    pub fn behind(written: u64) -> Self {
        Self { written, ..Self::default() }
    }

    /// The end of a file that is being written to, or the end of its last whole line.
    ///
    /// # Errors
    /// Those of the system.
    pub fn end_of(file: &File, is_whole: bool) -> io::Result<Self> {
        let meta = file.metadata()?;
        let (mut end, mut window) = (meta.len(), vec![0; 64 << 10]);
        let mut known = read_before(file, end, &mut window)?;
        while is_whole && !known.is_empty() && !known.ends_with(b"\n") {
            let kept = memchr::memrchr(b'\n', known).map_or(0, |at| at + 1);
            end -= (known.len() - kept) as u64;
            known = read_before(file, end, &mut window)?;
        }
        let known = known.get(known.len().saturating_sub(CHECKED)..).unwrap_or_default();
        let mut trail = Trail::new(end - known.len() as u64, head_of(file, end)?);
        trail.pass(known);
        Ok(trail.place(meta.ino(), millis(&meta)))
    }

    /// Whether the bytes before it are in this open file.
    pub(crate) fn is_in(&self, file: &File) -> io::Result<bool> {
        let from = self.end.saturating_sub(u64::from(self.check.length));
        let trail = Trail::new(from, head_of(file, from)?);
        self.is_behind(trail, &mut At(file, from))
    }

    /// Whether what is read are the bytes before it.
    pub(crate) fn is_behind(&self, mut trail: Trail, from: &mut dyn Read) -> io::Result<bool> {
        let mut bytes = vec![0; usize::from(self.check.length)];
        match from.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        trail.pass(&bytes);
        let found = trail.place(self.inode, self.written);
        let is_same_head = self.head == 0 || found.head == 0 || self.head == found.head;
        Ok(found.check == self.check && is_same_head)
    }
}

/// A file from a place on.
pub(crate) struct At<F>(pub F, pub u64);

impl<F: Borrow<File>> Read for At<F> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.0.borrow().read_at(room, self.1)?;
        self.1 += read as u64;
        Ok(read)
    }
}

/// Reads as many bytes as there is room for, unless it ends before.
pub(crate) fn read_most(from: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(left) = room.get_mut(length..).filter(|left| !left.is_empty()) {
        match from.read(left) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Returns the first bytes of a file that are before this place, [`CHECKED`] at most.
///
/// # Errors
/// Those of the system.
pub fn head_of(file: &File, place: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    At(file, 0).take(place.min(CHECKED as u64)).read_to_end(&mut head)?;
    Ok(head)
}

/// Returns the number by which a place names the log of this path.
#[must_use]
pub fn key(log: &Path) -> u32 {
    hash(log.as_os_str().as_bytes())
}

/// Tells by a number what some bytes are: FNV-1a, whose results are the same in every version.
#[must_use]
pub fn hash(bytes: &[u8]) -> u32 {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, mix)
}

/// When a file was written to last, ms since 1970.
pub(crate) fn millis(meta: &std::fs::Metadata) -> u64 {
    let ms = meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
    u64::try_from(ms).unwrap_or(0)
}

/// Reads the bytes before a place, as many as there is room for.
fn read_before<'w>(file: &File, end: u64, window: &'w mut [u8]) -> io::Result<&'w [u8]> {
    let length = usize::try_from(end).unwrap_or(usize::MAX).min(window.len());
    let room = window.get_mut(..length).unwrap_or_default();
    file.read_exact_at(room, end - length as u64)?;
    Ok(room)
}
