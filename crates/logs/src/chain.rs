//! All files of a log in the order in which they were written, also those that others renamed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::care::{Names, Packing, Past, Unpacked, history, names};
use crate::place::{At, CHECKED, Located, Place, Trail, head_of, millis};

/// Stands for the inode of a compressed file, which is another with each program that makes it.
const OF_PACKED: u64 = 1;

/// The files of a log, the oldest first and the one that is written to now last.
#[derive(Debug, Default)]
pub struct Chain {
    /// All of them.
    pub files: Vec<Past>,
    /// The last one, where it is the one that is written to: it may get another name any time.
    now: Option<File>,
}

impl Chain {
    /// Finds the files of a log. `others`: also those that a program beside us gave a name, as
    /// logrotate does (`app.log.1`, `app.log-20261127.gz`).
    ///
    /// # Errors
    /// Its folder is there and cannot be read.
    pub fn of(log: &Path, dates: &[Names], others: bool) -> io::Result<Self> {
        // This one first: if it is rotated now, it is found among the others.
        let now = match File::open(log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?).filter(|file| file.metadata().is_ok_and(|meta| meta.is_file())),
        };
        let mut files = history(log, dates)?;
        if others {
            files.extend(renamed(log)?);
            files.sort_by_key(|file| file.written);
        }
        if let Some(now) = &now {
            let meta = now.metadata()?;
            let id = |meta: &Metadata| (meta.dev(), meta.ino());
            let is_now = |file: &Past| file.path.metadata().is_ok_and(|of| id(&of) == id(&meta));
            files.retain(|file| file.packed.is_some() || !is_now(file));
            let (path, written, size) = (log.to_owned(), millis(&meta), meta.len());
            files.push(Past { path, packed: None, written, size });
        }
        Ok(Self { files, now })
    }

    /// The one that is written to now, if this is the one.
    #[must_use]
    pub fn now(&self, number: usize) -> Option<&File> {
        self.now.as_ref().filter(|_| number + 1 == self.files.len())
    }

    /// Takes the one that is written to now out of it.
    pub fn take_now(&mut self) -> Option<File> {
        self.now.take()
    }

    /// Opens one of the files behind so many of its bytes, not compressed.
    ///
    /// # Errors
    /// The system's; it has fewer bytes; it was compressed or removed meanwhile (not found).
    pub fn open_at(&self, number: usize, place: u64) -> io::Result<Opened> {
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let file = self.files.get(number).ok_or(io::ErrorKind::NotFound)?;
        // Where its pieces are is of no interest to who begins with the first.
        let packed = if 0 < place { file.packed()? } else { None };
        if let Some(packed) = packed {
            let mut head = Vec::new();
            packed.open_at(0)?.take(place.min(CHECKED as u64)).read_to_end(&mut head)?;
            let trail = Trail::new(place, head);
            return if place <= packed.length() {
                Ok(Opened { from: packed.open_at(place)?, trail, inode: OF_PACKED })
            } else {
                Err(short())
            };
        }
        if file.packed.is_some() {
            let (mut from, mut head) = (file.open()?, Vec::new());
            from.by_ref().take(place.min(CHECKED as u64)).read_to_end(&mut head)?;
            let left = place - head.len() as u64;
            let passed = io::copy(&mut from.by_ref().take(left), &mut io::sink())?;
            let trail = Trail::new(place, head);
            return if passed == left {
                Ok(Opened { from, trail, inode: OF_PACKED })
            } else {
                Err(short())
            };
        }
        let opened = match self.now(number) {
            Some(now) => now.try_clone()?,
            None => File::open(&file.path)?,
        };
        let meta = opened.metadata()?;
        if meta.len() < place {
            return Err(short());
        }
        let trail = Trail::new(place, head_of(&opened, place)?);
        Ok(Opened { from: Box::new(At(opened, place)), trail, inode: meta.ino() })
    }

    /// Whether one of the files that was not there any more was compressed meanwhile; from now on
    /// the compressed one is read.
    pub fn is_packed_now(&mut self, number: usize) -> bool {
        let Some(file) = self.files.get_mut(number).filter(|file| file.packed.is_none()) else {
            return false;
        };
        let Some((path, packing)) = names::packed_there(&file.path) else { return false };
        (file.path, file.packed) = (path, Some(packing));
        true
    }

    /// Finds a place among the files.
    ///
    /// # Errors
    /// The system's; a file was compressed or removed meanwhile (not found).
    pub fn locate(&self, place: &Place) -> io::Result<Located> {
        let later = self.files.iter().position(|file| place.written < file.written);
        let later = later.unwrap_or(self.files.len());
        if place.inode == 0 {
            return Ok(Located::In(later, 0));
        }
        // The oldest one first: an inode may be another file's by now. It counts only where the
        // clock was set back.
        let numbered = || self.files.iter().enumerate();
        let by_time = numbered().filter(|(_, file)| place.written <= file.written);
        let is_same = |file: &Past| {
            file.packed.is_none()
                && file.path.metadata().is_ok_and(|meta| meta.ino() == place.inode)
        };
        let by_inode = numbered().filter(|(_, file)| is_same(file));
        for (number, _) in by_time.chain(by_inode) {
            match self.open_at(number, place.end.saturating_sub(u64::from(place.check.length))) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                opened => {
                    let Opened { mut from, trail, .. } = opened?;
                    if place.is_behind(trail, &mut *from)? {
                        return Ok(Located::In(number, place.end));
                    }
                }
            }
        }
        Ok(Located::Gone(later))
    }
}

/// A file that is read from a place on.
pub struct Opened {
    /// Its bytes from there on, not compressed.
    pub from: Unpacked,
    /// The trail up to there.
    pub trail: Trail,
    /// Its inode, or what stands for it.
    pub inode: u64,
}

/// The files beside a log whose names are its own and a number or a date.
fn renamed(log: &Path) -> io::Result<Vec<Past>> {
    let real = log.canonicalize().unwrap_or_else(|_| log.to_owned());
    let (Some(folder), Some(own)) =
        (real.parent(), real.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(own)) else { continue };
        let (rest, packed) = Packing::split(rest);
        if !is_number_or_date(rest) {
            continue;
        }
        match entry.metadata() {
            // It went meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(meta) if meta.is_file() => {
                let (path, written, size) = (entry.path(), millis(&meta), meta.len());
                found.push(Past { path, packed, written, size });
            }
            Ok(_) => {}
        }
    }
    // While one is being compressed by others, the compressed one is not whole.
    let whole = found.iter().filter(|file| file.packed.is_none());
    let originals: Vec<PathBuf> = whole
        .flat_map(|file| Packing::ALL.map(|packing| names::packed(&file.path, packing)))
        .collect();
    found.retain(|file| !originals.contains(&file.path));
    Ok(found)
}

fn is_number_or_date(rest: &str) -> bool {
    let digits = rest.strip_prefix(['.', '-']).unwrap_or_default();
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b"-_.:T".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_logrotate_has_named_belong_to_the_log_and_others_do_not() {
        for name in [".1", ".12", "-20261127", "-20261127-10", ".2026-11-27T10:11"] {
            assert!(is_number_or_date(name), "{name}");
        }
        for name in ["", ".", ".bak", "-old", ".1x", "1", ".gz"] {
            assert!(!is_number_or_date(name), "{name}");
        }
    }
}
