//! Writing down when the bytes of a log were written.

use std::fs::{DirBuilder, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{HEAD, MAGIC, PAIR, WITHIN};
use crate::date::now_ms;

/// Two times are so far apart at least, ms.
const APART: u64 = 1000;
/// Two places are so far apart at least, bytes, unless [`WITHIN`] has passed.
const BYTES: u64 = 4096;
/// What could not be written is tried again after this, ms.
const AGAIN: u64 = 60_000;

/// What is known of the times of one log.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    /// When the last time was written down, on the clock that only goes on.
    last: Option<u64>,
    /// Bytes that were written to the log since.
    bytes: u64,
    /// The file with the times, while it is known to be one of this log.
    open: Option<Open>,
    /// It could not be written: not before this, ms.
    not_before: u64,
    /// That it could not is told.
    failed: bool,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    log: (u64, u64),
    end: u64,
    place: u64,
}

impl Keeper {
    /// So many bytes were written. Returns whether their time is to be written down.
    pub(crate) fn wrote(&mut self, bytes: u64, now: u64) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        let since = self.last.map_or(u64::MAX, |last| now.saturating_sub(last));
        let is_due = APART <= since && (BYTES <= self.bytes || WITHIN <= since);
        is_due && self.not_before <= now
    }

    /// The log was emptied, or has another name: its times begin anew.
    pub(crate) fn forget(&mut self) {
        (self.last, self.bytes, self.open) = (None, 0, None);
    }

    /// Writes down that the bytes from this place on were written now. `log` is its device and
    /// inode, `path` gives the path of it that leads over no link. Returns an error that is new.
    pub(crate) fn write(
        &mut self,
        folder: &Path,
        log: (u64, u64),
        path: impl FnOnce() -> PathBuf,
        (place, now): (u64, u64),
    ) -> Option<io::Error> {
        (self.last, self.bytes) = (Some(now), 0);
        let written = self.append(folder, log, path, place);
        if !matches!(written, Ok(true)) {
            self.open = None;
            self.not_before = now + AGAIN;
        }
        let was_told = std::mem::replace(&mut self.failed, written.is_err());
        written.err().filter(|_| !was_told)
    }

    /// Returns whether it is written: not when somebody has removed the file. The home may be about
    /// to go with it, and whoever removes a folder fails when there is a new file in it.
    fn append(
        &mut self,
        folder: &Path,
        log: (u64, u64),
        path: impl FnOnce() -> PathBuf,
        place: u64,
    ) -> io::Result<bool> {
        let same = self.open.as_ref().filter(|open| open.log == log && open.place <= place);
        let mut options = File::options();
        options.read(true).write(true).mode(0o600);
        let (file, end) = match same {
            Some(open) => match super::open(&open.path, &mut options) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => (file?, open.end),
            },
            None => {
                let path = super::file_of(folder, &path());
                let (file, end) = begin(folder, &path, &mut options, log, place)?;
                self.open = Some(Open { path, log, end, place });
                (file, end)
            }
        };
        file.write_all_at(&super::pair(now_ms(), place), end)?;
        if let Some(open) = &mut self.open {
            (open.end, open.place) = (end + PAIR, place);
        }
        Ok(true)
    }
}

/// Opens the file with the times of a log: the one that is there if it goes on, or an empty one.
fn begin(
    folder: &Path,
    path: &Path,
    options: &mut std::fs::OpenOptions,
    log: (u64, u64),
    place: u64,
) -> io::Result<(File, u64)> {
    options.create(true);
    let mut file = match super::open(path, options) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().mode(0o700).create(folder)?;
            super::open(path, options)?
        }
        file => file?,
    };
    let pairs = file.metadata()?.len().saturating_sub(HEAD) / PAIR;
    let end = HEAD + pairs * PAIR;
    if super::head(&mut file)? == Some(log) && 0 < pairs {
        let mut last = [0; PAIR as usize];
        file.read_exact_at(&mut last, end - PAIR)?;
        if super::numbers(&last).all(|(_, last)| last <= place) {
            return Ok((file, end));
        }
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&MAGIC)?;
    file.write_all(&super::pair(log.0, log.1))?;
    Ok((file, HEAD))
}
