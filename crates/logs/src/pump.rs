//! One turn of one stream: from its pipe to its files and subscribers.

use std::io;
use std::time::Instant;

use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::files::{FileId, LogFile};
use crate::journal::write_all_at;
use crate::note::Target;
use crate::scratch::Peek;
use crate::source::Source;
use crate::worker::{Turn, Worker};

/// Moves by `splice` in one turn.
const MOVES: usize = 16;
/// Most that one move takes.
const MOVE: usize = 1 << 20;
/// Formatted bytes of one step; one line more may go over it.
const STEP: usize = 1 << 20;
/// The same for what is not a regular file: up to here a write to a FIFO is whole or not at all.
const DEVICE_STEP: usize = 4096;
/// Pipes enlarged at a time; an unprivileged user may have 64 such pipes.
const GROWN: usize = 24;
/// How long a device may take to make room before what does not fit is dropped.
const DEVICE_PATIENCE: rustix::event::Timespec = rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl Worker {
    pub(crate) fn pump(&mut self, source: &mut Source) -> Turn {
        let mut is_raw = source.formatter.is_plain() && source.files.len() == 1;
        for id in source.files.clone() {
            let Some(file) = self.files.get_mut(id) else { continue };
            if file.failing.as_ref().is_some_and(|failing| failing.retry_at > Instant::now())
                || file.settling.is_some_and(|settling| settling.owner != source.key)
            {
                return Turn::Parked;
            }
            match file.ensure_open() {
                Ok(open) => is_raw &= open.splices,
                Err(error) => {
                    self.fail(id, error);
                    return Turn::Parked;
                }
            }
            is_raw &= file.writers.len() == 1 || file.settling.is_some();
        }
        match source.files.first().copied() {
            None => self.pass(source, None),
            Some(id) if is_raw => self.pass(source, Some(id)),
            Some(_) => self.step(source),
        }
    }

    /// Bytes as they come, to a file or to nowhere.
    fn pass(&mut self, source: &mut Source, id: Option<FileId>) -> Turn {
        source.known = 0;
        for _ in 0..MOVES {
            let settling = id.and_then(|id| self.files.get(id)).is_some_and(|file| file.settling.is_some());
            let watched = !source.silent && self.subscribers.want(source.origin.proc_id, source.origin.stream);
            let mut len = MOVE;
            let mut ends_line = false;
            if settling || watched {
                len = match self.peek(source, 0) {
                    Ok(Peek::Bytes { len, .. }) => len,
                    Ok(Peek::Empty) => return Turn::Idle,
                    Ok(Peek::End) => return Turn::End,
                    Err(turn) => return turn,
                };
                if settling && let Some(end) = memchr::memchr(b'\n', self.scratch.bytes(len)) {
                    (len, ends_line) = (end + 1, true);
                }
            }
            let moved = match self.splice(source, id, len) {
                Ok(0) => return Turn::End,
                Ok(moved) => moved,
                Err(turn) => return turn,
            };
            if watched {
                let bytes = self.scratch.bytes(moved);
                self.subscribers.feed(&source.origin, &mut source.partial, bytes);
            } else if !source.partial.is_empty() {
                source.partial = Vec::new();
            }
            if let Some(id) = id.filter(|_| ends_line && moved == len) {
                self.settle(id);
                return Turn::More;
            }
        }
        Turn::More
    }

    fn splice(&mut self, source: &Source, id: Option<FileId>, len: usize) -> Result<usize, Turn> {
        let moved = match id.and_then(|id| self.files.get_mut(id)) {
            None => rustix::pipe::splice(&source.pipe, None, &self.devnull, None, len, SpliceFlags::NONBLOCK),
            Some(file) => splice_to_end(source, file, len),
        };
        match (moved, id) {
            (Ok(moved), id) => {
                if let Some(id) = id {
                    self.succeed(id);
                }
                Ok(moved)
            }
            (Err(Errno::AGAIN), _) => Err(Turn::Idle),
            (Err(Errno::INTR), _) | (Err(_), None) => Err(Turn::More),
            (Err(Errno::INVAL | Errno::OPNOTSUPP), Some(id)) => {
                // A file system without splice: by lines, then.
                if let Some(open) = self.files.get_mut(id).and_then(|file| file.open.as_mut()) {
                    open.splices = false;
                }
                Err(Turn::More)
            }
            (Err(error), Some(id)) => {
                self.fail(id, error.into());
                Err(Turn::Parked)
            }
        }
    }

    /// Whole lines, formatted, by way of the journal.
    fn step(&mut self, source: &mut Source) -> Turn {
        if self.journal.is_busy() {
            self.held.push(source.key);
            return Turn::Parked;
        }
        let skipped = source.known;
        let (len, full) = match self.peek(source, skipped) {
            Ok(Peek::Bytes { len, full }) => (len, full),
            Ok(Peek::Empty) => return Turn::Idle,
            Ok(Peek::End) => return Turn::End,
            Err(turn) => return turn,
        };
        let line_end = memchr::memrchr(b'\n', self.scratch.bytes(len)).map(|end| end + 1);
        if line_end.is_none() && !source.is_final() {
            source.known = skipped + len;
            if !full {
                return Turn::Idle;
            }
            if source.recheck_capacity() || self.grow(source) {
                return Turn::More;
            }
        }
        if skipped > 0 {
            // The line's beginning is needed now: look again from the front.
            source.known = 0;
            let whole = line_end.is_none() && !source.is_final();
            let all = skipped + len;
            return if whole { self.look_and_write(source, all) } else { Turn::More };
        }
        self.write(source, line_end.unwrap_or(len), len, full)
    }

    /// A line that fills the largest pipe: a piece of it.
    fn look_and_write(&mut self, source: &mut Source, all: usize) -> Turn {
        match self.peek(source, 0) {
            Ok(Peek::Bytes { len, full }) => self.write(source, len.min(all), len, full),
            Ok(Peek::Empty) => Turn::Idle,
            Ok(Peek::End) => Turn::End,
            Err(turn) => turn,
        }
    }

    /// Writes the lines in the first `whole` of `len` bytes seen.
    fn write(&mut self, source: &mut Source, whole: usize, len: usize, full: bool) -> Turn {
        let is_regular =
            |id: &FileId| self.files.get(*id).and_then(|file| file.open.as_ref()).is_some_and(|open| open.regular);
        let limit = if source.files.iter().all(is_regular) { STEP } else { DEVICE_STEP };
        let mut output = std::mem::take(&mut self.output);
        output.clear();
        let taken = source.formatter.render(self.scratch.bytes(whole), limit, &mut output);
        let committed = self.commit(source, taken as u64, &output);
        self.output = output;
        if let Err((id, error)) = committed {
            self.fail(id, error);
            return Turn::Parked;
        }
        let watched = !source.silent && self.subscribers.want(source.origin.proc_id, source.origin.stream);
        if watched {
            let bytes = self.scratch.bytes(taken);
            self.subscribers.feed(&source.origin, &mut source.partial, bytes);
            if !bytes.ends_with(b"\n") {
                self.subscribers.end(&source.origin, &mut source.partial);
            }
        }
        source.known = if taken == whole { len - whole } else { 0 };
        if full || taken < whole || source.is_final() { Turn::More } else { Turn::Idle }
    }

    /// The journal's four steps.
    fn commit(&mut self, source: &Source, taken: u64, output: &[u8]) -> Result<(), (FileId, io::Error)> {
        let mut order = source.files.clone();
        // A file that failed is tried first: if it fails again, the others are not touched.
        order.sort_by_key(|id| self.files.get(*id).is_none_or(|file| file.failing.is_none()));
        let first = order.first().copied().unwrap_or_default();
        let mut ends = Vec::with_capacity(order.len());
        for id in &order {
            let Some(file) = self.files.get_mut(*id) else { continue };
            let end = file.end().map_err(|error| (*id, error))?;
            let lead = end.is_some_and(|end| !file.ends_with_line(end));
            ends.push((*id, end, lead));
        }
        let targets: Vec<Target<'_>> = ends
            .iter()
            .filter_map(|(id, offset, lead)| {
                let file = self.files.get(*id)?;
                let inode = file.open.as_ref()?.inode;
                Some(Target { path: &file.path, inode, offset: *offset, lead: *lead })
            })
            .collect();
        let origin = (source.origin.source, source.origin.stream);
        self.journal.note(origin, taken, &targets, output).map_err(|error| (first, error))?;
        for (id, end, lead) in &ends {
            let Some(file) = self.files.get_mut(*id) else { continue };
            if let Err(error) = append(file, *end, *lead, output) {
                for (id, end, _) in &ends {
                    undo(self.files.get(*id), *end);
                }
                self.journal.clear().map_err(|error| (first, error))?;
                return Err((*id, error));
            }
        }
        self.journal.consume(&source.pipe, taken).map_err(|error| (first, error))?;
        self.journal.clear().map_err(|error| (first, error))?;
        for (id, end, lead) in ends {
            if let (Some(file), Some(end)) = (self.files.get_mut(id), end) {
                file.clean_end = end + output.len() as u64 + u64::from(lead);
            }
            self.succeed(id);
        }
        Ok(())
    }

    fn peek(&mut self, source: &mut Source, skip: usize) -> Result<Peek, Turn> {
        self.scratch.peek(&source.pipe, source.capacity, skip).map_err(|error| {
            // No descriptor or memory for the scratch pipe: as if the file failed, so that it is tried again.
            match source.files.first() {
                Some(id) => {
                    self.fail(*id, error);
                    Turn::Parked
                }
                None => Turn::More,
            }
        })
    }

    /// Enlarges the pipe for a long line, taking the room back from pipes that need it no more.
    fn grow(&mut self, source: &mut Source) -> bool {
        if self.grown.len() >= GROWN {
            for key in self.grown.clone() {
                let shrunk = self.sources.get_mut(&key).is_none_or(|other| other.known == 0 && other.resize(64 << 10));
                if shrunk {
                    self.grown.remove(&key);
                }
            }
        }
        let grown = self.grown.len() < GROWN && source.grow();
        if grown {
            self.grown.insert(source.key);
        }
        grown
    }
}

fn splice_to_end(source: &Source, file: &mut LogFile, len: usize) -> rustix::io::Result<usize> {
    let Some(open) = file.open.as_ref() else { return Err(Errno::BADF) };
    let mut end = u64::try_from(rustix::fs::fstat(&open.fd)?.st_size).unwrap_or(0);
    rustix::pipe::splice(&source.pipe, None, &open.fd, Some(&mut end), len, SpliceFlags::NONBLOCK)
}

fn append(file: &LogFile, end: Option<u64>, lead: bool, output: &[u8]) -> io::Result<()> {
    let Some(open) = file.open.as_ref() else { return Err(Errno::BADF.into()) };
    match end {
        Some(end) => {
            if lead {
                write_all_at(&open.fd, b"\n", end)?;
            }
            write_all_at(&open.fd, output, end + u64::from(lead))
        }
        None => write_device(open, output),
    }
}

/// Writes to a FIFO or a terminal: all of it, or what its reader makes room for in time; an error only when nothing went.
fn write_device(open: &crate::files::Open, output: &[u8]) -> io::Result<()> {
    let mut left = output;
    while !left.is_empty() {
        match rustix::io::write(&open.fd, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if left.len() < output.len() => {
                let mut polled = [rustix::event::PollFd::new(&open.fd, rustix::event::PollFlags::OUT)];
                if rustix::event::poll(&mut polled, Some(&DEVICE_PATIENCE)).is_ok_and(|ready| ready == 0) {
                    return Ok(());
                }
            }
            Err(error) if left.len() == output.len() => return Err(error.into()),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Cuts a file back to its length before a step that failed.
fn undo(file: Option<&LogFile>, end: Option<u64>) {
    if let (Some(open), Some(end)) = (file.and_then(|file| file.open.as_ref()), end)
        && rustix::fs::fstat(&open.fd).is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size > end))
    {
        // When even that fails, part of a line stays and is written again: there is nothing better to do.
        let _ = rustix::fs::ftruncate(&open.fd, end);
    }
}
