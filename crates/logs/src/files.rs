//! The log files, each open at most once, however many write to it.
//!
//! Rule: a file is known by the path it was opened with, created with its folders, written at its
//! end (which is asked for each time: someone may have truncated it), and opened anew only when
//! told to, or when it was closed because nobody had written to it for [`IDLE`]: two thousand
//! silent files cost no descriptor. `O_APPEND` is not used, since `splice` refuses it; this thread
//! is the only writer.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_poll::now;
use rustix::fs::FileType;
use rustix::io::Errno;

use crate::failure::Failing;
use crate::format::Formatter;
use crate::inodes::{FileId, Inodes, Known};
use crate::opener::Opener;
use crate::rotating::Rotating;
use crate::times::Keeper;
use crate::types::{OnFull, Token};
pub(crate) use crate::writers::Key;
use crate::writers::Writers;

/// A file is closed when nothing was written to it for this long, ms, or twice this.
pub(crate) const IDLE: u64 = 5000;

/// A file that was removed is made anew after this, ms: with its folder it may be about to go.
const GONE: u64 = 300;

/// Files that nobody writes to any more and that have a loss to tell, at most.
const MOURNING: usize = 256;

/// What is said of a file that was just removed.
pub(crate) const REMOVED: Errno = Errno::STALE;

/// A file that is open.
pub(crate) struct Open {
    pub fd: OwnedFd,
    pub inode: (u64, u64),
    pub regular: bool,
    /// `false` once the kernel has refused `splice` for it.
    pub splices: bool,
    /// What a device has not taken yet of what was begun.
    pub rest: Vec<u8>,
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
    pub opener: Arc<dyn Opener>,
    pub open: Option<Open>,
    /// Which file it was when it was open the last time.
    inode: Known,
    /// When it was found to be removed.
    gone_at: Option<u64>,
    /// Somebody had something to write since the last look for idle files.
    pub used: bool,
    pub writers: Writers,
    /// Where the file ended when it was last known to end with a line end.
    pub clean_end: u64,
    pub failing: Option<Failing>,
    /// Why it could not be written the last time that it could not.
    pub last_error: Option<String>,
    /// Lines that it lost of streams that are forgotten, and the form of its lines.
    pub bequest: Option<(u64, Formatter)>,
    pub settling: Option<Settling>,
    /// To do at the next line end: open anew, and truncate for these requests.
    pub reopen: bool,
    pub truncate: Vec<Token>,
    pub rotating: Rotating,
    pub times: Keeper,
}

impl LogFile {
    fn new(path: &Path, opener: &Arc<dyn Opener>, inode: Known) -> Self {
        Self {
            path: path.to_owned(),
            opener: Arc::clone(opener),
            open: None,
            inode,
            gone_at: None,
            used: false,
            writers: Writers::default(),
            clean_end: 0,
            failing: None,
            last_error: None,
            bequest: None,
            settling: None,
            reopen: false,
            truncate: Vec::new(),
            rotating: Rotating::default(),
            times: Keeper::default(),
        }
    }

    /// The open file, opened now if need be.
    pub(crate) fn ensure_open(&mut self) -> io::Result<&mut Open> {
        let open = match self.open.take() {
            Some(open) => open,
            None => {
                self.stay_away()?;
                let open = self.open_path()?;
                self.inode.set(Some(open.inode));
                self.clean_end = 0;
                open
            }
        };
        Ok(self.open.insert(open))
    }

    /// Whoever removes a folder fails when there is a new file in it.
    fn stay_away(&mut self) -> io::Result<()> {
        if self.inode.get().is_none() || self.path.symlink_metadata().is_ok() {
            self.gone_at = None;
            return Ok(());
        }
        let now = now();
        if now < *self.gone_at.get_or_insert(now) + GONE {
            return Err(REMOVED.into());
        }
        self.gone_at = None;
        Ok(())
    }

    /// It is made again at once, if it is gone.
    pub(crate) fn come_back(&mut self) -> io::Result<()> {
        if self.open.is_none() {
            self.inode.set(None);
        }
        self.ensure_open().map(drop)
    }

    /// Whether it failed and is not to be tried again yet.
    pub(crate) fn waits(&self, now: u64) -> bool {
        self.failing.as_ref().is_some_and(|failing| failing.retry_at > now)
    }

    /// The line that says what is missing.
    pub(crate) fn notice(&self, lines: u64) -> String {
        let what = if lines == 1 { "1 line was" } else { &format!("{lines} lines were") };
        let why = self.last_error.as_deref().unwrap_or("the file could not be written");
        format!("ostler: {what} lost here: {why}\n")
    }

    /// Whether a device has taken part of what was written, and is to get the rest.
    pub(crate) fn owes_rest(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.rest.is_empty())
    }

    /// Closes the file if nobody needs it now. What is not regular stays open: its reader would
    /// take that for the end.
    pub(crate) fn close_unused(&mut self) {
        if !self.is_busy() && self.open.as_ref().is_some_and(|open| open.regular) {
            self.open = None;
        }
    }

    fn is_busy(&self) -> bool {
        self.used || self.settling.is_some() || self.failing.is_some()
    }

    /// As [`close_unused`](Self::close_unused), but not within a line, which is not to be split
    /// between two files.
    pub(crate) fn close_between_lines(&mut self) {
        if !self.is_busy()
            && let Ok(Some(end)) = self.end()
            && self.ends_with_line(end)
        {
            self.close_unused();
        }
    }

    /// Whether it is the file of this inode, also when it is closed.
    fn is(&self, inode: (u64, u64)) -> bool {
        self.inode.get() == Some(inode)
            && (self.open.is_some() || self.path.metadata().is_ok_and(|meta| id_of(&meta) == inode))
    }

    /// Where the next byte goes; `None` for what is not a regular file.
    pub(crate) fn end(&mut self) -> io::Result<Option<u64>> {
        if !self.ensure_open()?.regular {
            return Ok(None);
        }
        Ok(Some(self.size()?))
    }

    /// The length of the file. One that was removed is made anew: nobody would read it.
    pub(crate) fn size(&mut self) -> io::Result<u64> {
        let stat = rustix::fs::fstat(&self.ensure_open()?.fd)?;
        if stat.st_nlink > 0 || !self.has_moved() {
            return Ok(u64::try_from(stat.st_size).unwrap_or(0));
        }
        self.open = None;
        let stat = rustix::fs::fstat(&self.ensure_open()?.fd)?;
        Ok(u64::try_from(stat.st_size).unwrap_or(0))
    }

    /// Whether the file is empty or ends with a line end. What cannot be read counts as ended.
    pub(crate) fn ends_with_line(&self, end: u64) -> bool {
        let Some(open) = self.open.as_ref().filter(|_| end != 0 && end != self.clean_end) else {
            return true;
        };
        let mut last = [b'\n'];
        let read = std::fs::File::open(&self.path)
            .ok()
            .filter(|file| file.metadata().is_ok_and(|meta| id_of(&meta) == open.inode));
        if let Some(file) = read {
            // A failed read leaves the line end in place.
            let _ = rustix::io::pread(&file, &mut last, end - 1);
        }
        last == [b'\n']
    }

    /// Whether the path leads to another file by now.
    pub(crate) fn has_moved(&self) -> bool {
        match (&self.open, self.path.metadata()) {
            (Some(open), Ok(meta)) => id_of(&meta) != open.inode,
            (Some(_), Err(_)) => true,
            (None, _) => false,
        }
    }

    /// Opens the path anew. On an error the old file stays open and in use.
    pub(crate) fn open_anew(&mut self) -> io::Result<()> {
        let mut open = self.open_path()?;
        if let Some(before) = self.open.take().filter(|before| before.inode == open.inode) {
            open.rest = before.rest;
        }
        self.inode.set(Some(open.inode));
        self.clean_end = 0;
        self.open = Some(open);
        Ok(())
    }

    fn open_path(&self) -> io::Result<Open> {
        let fd = self.opener.open(&self.path)?;
        let stat = rustix::fs::fstat(&fd)?;
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let inode = (stat.st_dev, stat.st_ino);
        Ok(Open { fd, inode, regular, splices: regular, rest: Vec::new() })
    }
}

fn id_of(meta: &std::fs::Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// All log files in use.
pub(crate) struct Files {
    opener: Arc<dyn Opener>,
    all: BTreeMap<FileId, LogFile>,
    by_path: BTreeMap<PathBuf, FileId>,
    inodes: Inodes,
    next: FileId,
}

impl Files {
    pub(crate) fn new(opener: Arc<dyn Opener>) -> Self {
        let (all, by_path, inodes) = (BTreeMap::new(), BTreeMap::new(), Inodes::default());
        Self { opener, all, by_path, inodes, next: 0 }
    }

    /// Empties a file that nobody has open, if it is there.
    pub(crate) fn truncate(&self, path: &Path) -> io::Result<()> {
        let file = match self.opener.open_existing(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            rustix::fs::ftruncate(&file, 0)?;
        }
        Ok(())
    }

    /// Returns a file that nobody has open, for a moment.
    pub(crate) fn unused(&self, path: &Path) -> LogFile {
        LogFile::new(path, &self.opener, self.inodes.of_new(0))
    }

    /// The file at this path, new or already in use (also under another name), and what
    /// opening it said.
    pub(crate) fn attach(
        &mut self,
        path: &Path,
        writer: Key,
        full: OnFull,
    ) -> (FileId, io::Result<()>) {
        if let Some(id) = self.by_path.get(path).copied()
            && let Some(file) = self.all.get_mut(&id)
        {
            file.writers.add(writer, full);
            return (id, file.ensure_open().map(drop));
        }
        self.next = self.next.wrapping_add(1);
        let mut file = LogFile::new(path, &self.opener, self.inodes.of_new(self.next));
        let opened = file.ensure_open().map(|open| open.inode);
        let same = opened.as_ref().ok().and_then(|inode| self.same(*inode));
        let id = same.unwrap_or(self.next);
        if same.is_none() {
            self.all.insert(id, file);
        }
        self.by_path.insert(path.to_owned(), id);
        if let Some(file) = self.all.get_mut(&id) {
            file.writers.add(writer, full);
        }
        (id, opened.map(drop))
    }

    /// The log file that is this file already.
    fn same(&self, inode: (u64, u64)) -> Option<FileId> {
        let is = |id: &FileId| self.all.get(id).is_some_and(|file| file.is(inode));
        self.inodes.of(inode).into_iter().find(is)
    }

    /// This stream writes no more; a file without writers is closed. Returns requests that
    /// die with it.
    pub(crate) fn detach(&mut self, id: FileId, writer: Key) -> Option<LogFile> {
        let file = self.all.get_mut(&id)?;
        file.writers.remove(writer);
        self.remove_unused(id)
    }

    /// Forgets a file that nobody writes to, unless it has something to tell.
    pub(crate) fn remove_unused(&mut self, id: FileId) -> Option<LogFile> {
        let owes = |file: &LogFile| file.bequest.is_some() || file.owes_rest();
        let mourning = |file: &&LogFile| file.writers.is_empty() && owes(file);
        let is_full = self.all.values().filter(mourning).count() > MOURNING;
        let file = self.all.get(&id)?;
        if !file.writers.is_empty() || (owes(file) && !is_full) {
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

    /// Closes the files that nobody wrote to since the last look. Returns whether others are open
    /// that may be closed later.
    pub(crate) fn close_idle(&mut self) -> bool {
        let mut open = false;
        for file in self.all.values_mut() {
            file.close_unused();
            file.used = false;
            open |= file.open.as_ref().is_some_and(|open| open.regular);
        }
        open
    }

    pub(crate) fn ids(&self) -> Vec<FileId> {
        self.all.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests;
