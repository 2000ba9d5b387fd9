//! Where the bytes of a stream were laid down, for subscribers that want to find their lines again.

use crate::files::LogFile;
use crate::place::{Check, key};
use crate::types::LinePlace;

/// Where bytes begin in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Laid {
    pub log: u32,
    pub inode: u64,
    pub from: u64,
}

/// Where the lines are that subscribers are shown.
#[derive(Clone, Copy)]
pub(crate) enum Places<'p> {
    /// Nobody knows, or wants to know.
    Unknown,
    /// The bytes are in the file as they came.
    AsTheyCame(Laid),
    /// Each line is here, one after the other.
    Each(&'p [LinePlace]),
}

impl LogFile {
    /// What was written from this place of the file on; `None` for a device.
    pub(crate) fn laid(&self, from: u64) -> Option<Laid> {
        let open = self.open.as_ref().filter(|open| open.regular)?;
        Some(Laid { log: key(&self.path), inode: open.inode.1, from })
    }

    /// The same for so many bytes that were written last.
    pub(crate) fn laid_last(&self, bytes: usize) -> Option<Laid> {
        let open = self.open.as_ref().filter(|open| open.regular)?;
        let size = rustix::fs::fstat(&open.fd).ok()?.st_size;
        self.laid(u64::try_from(size).ok()?.checked_sub(bytes as u64)?)
    }
}

impl Laid {
    /// Returns where this line is, which ends so many bytes behind the begin.
    pub(crate) fn line(self, line: &[u8], end: usize) -> LinePlace {
        let end = self.from + end as u64;
        let (start, check) = (end.saturating_sub(line.len() as u64), Check::of(line));
        LinePlace { log: self.log, inode: self.inode, start, end, check }
    }

    /// Returns where each line of these bytes is.
    pub(crate) fn lines(self, bytes: &[u8]) -> Vec<LinePlace> {
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
        ends.map(|end| {
            let line = bytes.get(std::mem::replace(&mut start, end)..end).unwrap_or_default();
            self.line(line, end)
        })
        .collect()
    }
}
