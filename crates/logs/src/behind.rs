//! The lines of a log behind a place, read as they come.
//!
//! Problem: whoever passes lines on must do so once each, over rotation, compression, renames and
//! its own death. Rule: it keeps nothing but a place, which it moves when a line is passed on; the
//! files hold the lines until then.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::care::Names;
use crate::chain::{Chain, Opened};
use crate::place::{At, Located, Place, Trail, head_of, millis};

/// Read at a time.
const BLOCK: usize = 64 << 10;
/// A line that is longer comes in pieces of this length.
const LONGEST: usize = 1 << 20;

/// Reads a log behind a place.
#[derive(Debug)]
pub struct Behind {
    log: PathBuf,
    names: Vec<Names>,
    place: Place,
    /// The file of the place, while it is the one that is written to: as long as it is open, no
    /// other has its inode.
    current: Option<File>,
}

/// What reading came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// There may be more.
    pub more: bool,
    /// The file of the place was gone: lines may be missing before what was read.
    pub gone: bool,
}

impl Behind {
    /// Reads the log of this path behind this place.
    #[must_use]
    pub fn new(log: &Path, names: Vec<Names>, place: Place) -> Self {
        Self { log: log.to_owned(), names, place, current: None }
    }

    /// The place up to which it was read.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Reads whole lines of about so many bytes, and gives each out, without its end, with the
    /// place behind it. What stops it is tried again from the last place that was given out.
    ///
    /// # Errors
    /// The system's, and those of `each`.
    pub fn read(
        &mut self,
        most: usize,
        mut each: impl FnMut(&[u8], Place) -> io::Result<()>,
    ) -> io::Result<Read> {
        let mut left = most;
        if let Some(file) = self.current.take().filter(|file| self.is_current(file)) {
            let (written, end) = (millis(&file.metadata()?), self.place.end);
            let trail = Trail::new(end, head_of(&file, end)?);
            let of = Of { inode: self.place.inode, written, is_over: false };
            let more = self.lines((&mut At(&file, end), trail), of, &mut left, &mut each)?;
            self.current = Some(file);
            return Ok(Read { more, gone: false });
        }
        match self.read_chain(&mut left, &mut each) {
            // A file was compressed or removed meanwhile: the next look finds it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Read { more: true, gone: false })
            }
            read => read,
        }
    }

    fn read_chain(
        &mut self,
        left: &mut usize,
        each: &mut dyn FnMut(&[u8], Place) -> io::Result<()>,
    ) -> io::Result<Read> {
        let mut chain = Chain::of(&self.log, &self.names, true)?;
        let (mut done, was) = (Read::default(), self.place);
        let (first, mut start, is_gone) = match chain.locate(&was)? {
            Located::In(number, end) => (number, end, false),
            Located::Gone(number) => (number, 0, true),
        };
        for (number, file) in chain.files.iter().enumerate().skip(first) {
            let Opened { mut from, trail, inode } =
                chain.open_at(number, std::mem::take(&mut start))?;
            let is_over = chain.now(number).is_none();
            let of = Of { inode, written: file.written, is_over };
            done.more = self.lines((&mut *from, trail), of, left, each)?;
            done.gone = is_gone && self.place != was;
            if done.more {
                break;
            }
        }
        self.current = chain.take_now().filter(|file| self.is_current(file));
        Ok(done)
    }

    /// Whether this open file is the one that is written to now, and the one of the place.
    fn is_current(&self, file: &File) -> bool {
        let id = |meta: &std::fs::Metadata| (meta.dev(), meta.ino());
        let (Ok(named), Ok(meta)) = (self.log.metadata(), file.metadata()) else { return false };
        if id(&named) != id(&meta) || meta.ino() != self.place.inode || meta.len() < self.place.end
        {
            return false;
        }
        self.place.is_in(file).unwrap_or(false)
    }

    /// Gives out the lines of an open file. Returns whether there may be more.
    fn lines(
        &mut self,
        (from, mut trail): (&mut dyn io::Read, Trail),
        of: Of,
        left: &mut usize,
        each: &mut dyn FnMut(&[u8], Place) -> io::Result<()>,
    ) -> io::Result<bool> {
        // A place moves with lines alone: at the begin of a file no bytes say which one it is.
        let (mut held, mut start) = (Vec::new(), 0);
        loop {
            let have = held.get(start..).unwrap_or_default();
            let end = memchr::memchr(b'\n', have);
            let Some(length) = end.or((LONGEST <= have.len()).then_some(LONGEST)) else {
                held.drain(..std::mem::take(&mut start));
                match fill(from, &mut held)? {
                    0 => break,
                    _ => continue,
                }
            };
            if *left == 0 {
                return Ok(true);
            }
            let with_end = length + usize::from(end.is_some());
            trail.pass(have.get(..with_end).unwrap_or_default());
            self.give(
                have.get(..length).unwrap_or_default(),
                trail.place(of.inode, of.written),
                each,
            )?;
            *left = left.saturating_sub(with_end);
            start += with_end;
        }
        if of.is_over && !held.is_empty() {
            trail.pass(&held);
            self.give(&held, trail.place(of.inode, of.written), each)?;
        }
        Ok(false)
    }

    fn give(
        &mut self,
        line: &[u8],
        place: Place,
        each: &mut dyn FnMut(&[u8], Place) -> io::Result<()>,
    ) -> io::Result<()> {
        each(line, place)?;
        self.place = place;
        Ok(())
    }
}

/// A file whose lines are read.
#[derive(Clone, Copy)]
struct Of {
    inode: u64,
    written: u64,
    /// What has no end at its end is a line, too.
    is_over: bool,
}

/// Reads a block to the end of these bytes. Returns how many came; none at the end of the file.
fn fill(from: &mut dyn io::Read, held: &mut Vec<u8>) -> io::Result<usize> {
    let length = held.len();
    held.resize(length + BLOCK, 0);
    let read = loop {
        match from.read(held.get_mut(length..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    held.truncate(length + *read.as_ref().unwrap_or(&0));
    read
}

#[cfg(test)]
mod tests;
