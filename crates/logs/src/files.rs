//! The log files, each open once, however many write to it.
//!
//! Rule: a file is known by the path it was opened with, created with its folders, written at its
//! end (which is asked for each time: someone may have truncated it), and opened anew only when
//! told to. `O_APPEND` is not used, since `splice` refuses it; this thread is the only writer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use crate::types::Token;

/// Names a stream within the engine.
pub(crate) type Key = u64;
/// Names a file within the engine.
pub(crate) type FileId = u32;

/// A file that is open.
pub(crate) struct Open {
    pub fd: OwnedFd,
    pub inode: (u64, u64),
    pub regular: bool,
    /// `false` once the kernel has refused `splice` for it.
    pub splices: bool,
}

/// A file that could not be written the last time.
pub(crate) struct Failing {
    pub code: Option<i32>,
    pub retry_at: u64,
}

/// Waiting for the end of the line that `owner` is writing as it comes.
#[derive(Clone, Copy)]
pub(crate) struct Settling {
    pub owner: Key,
    pub until: u64,
}

/// One log file.
pub(crate) struct LogFile {
    pub path: PathBuf,
    pub open: Option<Open>,
    pub writers: BTreeSet<Key>,
    /// Where the file ended when it was last known to end with a line end.
    pub clean_end: u64,
    pub failing: Option<Failing>,
    pub settling: Option<Settling>,
    /// To do at the next line end: open anew, and truncate for these requests.
    pub reopen: bool,
    pub truncate: Vec<Token>,
}

impl LogFile {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
            writers: BTreeSet::new(),
            clean_end: 0,
            failing: None,
            settling: None,
            reopen: false,
            truncate: Vec::new(),
        }
    }

    /// The open file, opened now if need be.
    pub(crate) fn ensure_open(&mut self) -> io::Result<&mut Open> {
        let open = match self.open.take() {
            Some(open) => open,
            None => open(&self.path)?,
        };
        Ok(self.open.insert(open))
    }

    /// Where the next byte goes; `None` for what is not a regular file.
    pub(crate) fn end(&mut self) -> io::Result<Option<u64>> {
        let open = self.ensure_open()?;
        if !open.regular {
            return Ok(None);
        }
        let stat = rustix::fs::fstat(&open.fd)?;
        Ok(Some(u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// Whether the file is empty or ends with a line end. What cannot be read counts as ended.
    pub(crate) fn ends_with_line(&self, end: u64) -> bool {
        let Some(open) = self.open.as_ref().filter(|_| end != 0 && end != self.clean_end) else {
            return true;
        };
        let mut last = [b'\n'];
        let read = std::fs::File::open(&self.path).ok().filter(|file| {
            file.metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == open.inode)
        });
        if let Some(file) = read {
            // A failed read leaves the line end in place.
            let _ = rustix::io::pread(&file, &mut last, end - 1);
        }
        last == [b'\n']
    }

    /// Whether the path leads to another file by now.
    pub(crate) fn has_moved(&self) -> bool {
        match (&self.open, self.path.metadata()) {
            (Some(open), Ok(meta)) => (meta.dev(), meta.ino()) != open.inode,
            (Some(_), Err(_)) => true,
            (None, _) => false,
        }
    }

    /// Opens the path anew. On an error the old file stays open and in use.
    pub(crate) fn open_anew(&mut self) -> io::Result<()> {
        self.open = Some(open(&self.path)?);
        self.clean_end = 0;
        Ok(())
    }
}

/// Opens a log file for writing, with the folders that lead to it.
fn open(path: &Path) -> io::Result<Open> {
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let mode = Mode::from_raw_mode(0o644);
    let fd = match rustix::fs::open(path, flags, mode) {
        Err(rustix::io::Errno::NOENT) => {
            if let Some(folder) = path.parent() {
                std::fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
            }
            rustix::fs::open(path, flags, mode)?
        }
        opened => opened?,
    };
    let stat = rustix::fs::fstat(&fd)?;
    let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    Ok(Open { fd, inode: (stat.st_dev, stat.st_ino), regular, splices: regular })
}

/// All log files in use.
#[derive(Default)]
pub(crate) struct Files {
    all: BTreeMap<FileId, LogFile>,
    by_path: BTreeMap<PathBuf, FileId>,
    next: FileId,
}

impl Files {
    /// The file at this path, new or already in use (also under another name), and what
    /// opening it said.
    pub(crate) fn attach(&mut self, path: &Path, writer: Key) -> (FileId, io::Result<()>) {
        if let Some(id) = self.by_path.get(path).copied()
            && let Some(file) = self.all.get_mut(&id)
        {
            file.writers.insert(writer);
            return (id, Ok(()));
        }
        let mut file = LogFile::new(path);
        let opened = file.ensure_open().map(|open| open.inode);
        let same = opened.as_ref().ok().and_then(|inode| {
            self.all
                .iter()
                .find(|(_, other)| other.open.as_ref().is_some_and(|open| open.inode == *inode))
        });
        let id = match same {
            Some((id, _)) => *id,
            None => {
                self.next = self.next.wrapping_add(1);
                self.all.insert(self.next, file);
                self.next
            }
        };
        self.by_path.insert(path.to_owned(), id);
        if let Some(file) = self.all.get_mut(&id) {
            file.writers.insert(writer);
        }
        (id, opened.map(drop))
    }

    /// This stream writes no more; a file without writers is closed. Returns requests that
    /// die with it.
    pub(crate) fn detach(&mut self, id: FileId, writer: Key) -> Option<LogFile> {
        let file = self.all.get_mut(&id)?;
        file.writers.remove(&writer);
        if !file.writers.is_empty() {
            return None;
        }
        self.by_path.retain(|_, known| *known != id);
        self.all.remove(&id)
    }

    pub(crate) fn get(&self, id: FileId) -> Option<&LogFile> {
        self.all.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: FileId) -> Option<&mut LogFile> {
        self.all.get_mut(&id)
    }

    pub(crate) fn find(&self, path: &Path) -> Option<FileId> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn ids(&self) -> Vec<FileId> {
        self.all.keys().copied().collect()
    }
}
