//! Reading when the bytes of a log were written.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// When the bytes of a log were written, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Times, and the places from which on bytes were written then or later; both go up.
    pairs: Vec<(u64, u64)>,
}

impl Times {
    /// Reads what is known of the log at this path, which leads over no link. `log` is its device,
    /// inode and length; `None` for one that was compressed.
    ///
    /// # Errors
    /// The system's; that nothing is known is none.
    pub fn read(folder: &Path, path: &Path, log: Option<(u64, u64, u64)>) -> io::Result<Self> {
        let path = super::file_of(folder, path);
        let mut file = match super::open(&path, File::options().read(true)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            file => file?,
        };
        let head = super::head(&mut file)?;
        let is_of = |(device, inode, _)| head == Some((device, inode));
        if head.is_none() || log.is_some_and(|log| !is_of(log)) {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let length = log.map_or(u64::MAX, |(.., length)| length);
        Ok(Self::of(super::numbers(&bytes), length))
    }

    /// Takes the pairs of a log of this length. One that was emptied is another log, of which
    /// nothing is known; a clock that was set back stands still instead.
    fn of(pairs: impl Iterator<Item = (u64, u64)>, length: u64) -> Self {
        let mut known: Vec<(u64, u64)> = Vec::new();
        for (at, place) in pairs {
            let last = known.last().copied().unwrap_or_default();
            if place < last.1 || length < place {
                return Self::default();
            }
            known.push((at.max(last.0), place));
        }
        Self { pairs: known }
    }

    /// When the byte at this place was written, at the earliest; ms since 1970.
    #[must_use]
    pub fn at(&self, place: u64) -> Option<u64> {
        let behind = self.pairs.partition_point(|(_, from)| *from <= place);
        self.pairs.get(behind.checked_sub(1)?).map(|(at, _)| *at)
    }

    /// A place before which everything was written before this time.
    #[must_use]
    pub fn place(&self, since: u64) -> u64 {
        let behind = self.pairs.partition_point(|(at, _)| *at <= since);
        behind.checked_sub(1).and_then(|at| self.pairs.get(at)).map_or(0, |(_, place)| *place)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}
