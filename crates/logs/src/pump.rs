//! One turn of one stream: from its pipe to its files and subscribers.

use std::io;

use ostler_poll::now;
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::fileio::write_all_at;
use crate::files::{FileId, LogFile};
use crate::journal::{Filled, LONGEST};
use crate::note::Target;
use crate::reactor::{Reactor, Turn};
use crate::scratch::Peek;
use crate::source::Source;

/// Moves by `splice` in one turn.
const MOVES: usize = 16;
/// Most that one move takes.
const MOVE: usize = 1 << 20;
/// Formatted bytes of one step; one line more may go over it.
const STEP: usize = 1 << 20;
/// The same for what is not a regular file: up to here a write to a FIFO is whole or not at all.
const DEVICE_STEP: usize = 4096;
/// How long a device may take to make room before what does not fit is dropped.
const DEVICE_PATIENCE: rustix::event::Timespec =
    rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

impl Reactor {
    pub(crate) fn pump(&mut self, source: &mut Source) -> Turn {
        let mut is_closed = false;
        for id in &source.files {
            let Some(file) = self.files.get(*id) else { continue };
            if file.failing.as_ref().is_some_and(|failing| failing.retry_at > now())
                || file.settling.is_some_and(|settling| settling.owner != source.key)
            {
                return Turn::Parked;
            }
            is_closed |= file.open.is_none() && file.failing.is_none();
        }
        if is_closed && let Some(turn) = self.idle_turn(source) {
            return turn;
        }
        match (self.open_files(source), source.files.first().copied()) {
            (Err(turn), _) => turn,
            (Ok(_), None) => self.pass(source, None),
            (Ok(true), Some(id)) => self.pass(source, Some(id)),
            (Ok(false), Some(_)) => self.step(source),
        }
    }

    /// What the turn comes to when nothing is to be written, for which a file would be opened.
    fn idle_turn(&self, source: &Source) -> Option<Turn> {
        let mut polled = [rustix::event::PollFd::new(&source.pipe, rustix::event::PollFlags::IN)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        if source.unwritten
            || self.journal.len(source.id()) > 0
            || rustix::event::poll(&mut polled, Some(&at_once)).is_err()
        {
            return None;
        }
        let [polled] = polled;
        match polled.revents() {
            none if none.is_empty() => Some(Turn::Idle),
            rustix::event::PollFlags::HUP => Some(Turn::End),
            _ => None,
        }
    }

    /// Opens the files of a stream that are closed. Returns whether its bytes may go as they come.
    fn open_files(&mut self, source: &Source) -> Result<bool, Turn> {
        let mut is_raw = source.formatter.is_plain() && source.files.len() == 1;
        for id in source.files.iter().copied() {
            let Some(file) = self.files.get_mut(id) else { continue };
            match file.ensure_open() {
                Ok(open) => is_raw &= open.splices,
                Err(error) => {
                    self.fail(id, error);
                    return Err(Turn::Parked);
                }
            }
            file.used = true;
            is_raw &= file.writers.len() == 1 || file.settling.is_some();
        }
        if !source.files.is_empty() {
            self.close_when_idle();
        }
        Ok(is_raw)
    }

    /// Bytes as they come, to a file or to nowhere.
    fn pass(&mut self, source: &mut Source, id: Option<FileId>) -> Turn {
        if let Err(turn) = self.pass_waiting(source) {
            return turn;
        }
        for _ in 0..MOVES {
            let settling =
                id.and_then(|id| self.files.get(id)).is_some_and(|file| file.settling.is_some());
            let watched = self.is_watched(source);
            let mut len = MOVE;
            let mut ends_line = false;
            if settling || watched {
                len = match self.scratch.peek(&source.pipe) {
                    Ok(Peek::Bytes(len)) => len,
                    Ok(Peek::Empty) => return Turn::Idle,
                    Ok(Peek::End) => return Turn::End,
                    Err(error) => return self.troubled(source, error),
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
            None => rustix::pipe::splice(
                &source.pipe,
                None,
                &self.devnull,
                None,
                len,
                SpliceFlags::NONBLOCK,
            ),
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

    /// What the journal holds of a stream that goes by lines no more: part of a line, which goes on
    /// in the pipe.
    fn pass_waiting(&mut self, source: &mut Source) -> Result<(), Turn> {
        let waiting = self.journal.len(source.id());
        if waiting == 0 {
            return Ok(());
        }
        let mut input = std::mem::take(&mut self.input);
        let passed = match self.journal.read(source.id(), &mut input) {
            Ok(()) if source.files.is_empty() => {
                self.journal.done(source.id(), waiting).map_err(|error| (None, error))
            }
            Ok(()) => self.commit(source, waiting, &input).map_err(|(id, error)| (Some(id), error)),
            Err(error) => Err((None, error)),
        };
        if passed.is_ok() && self.is_watched(source) {
            self.subscribers.feed(&source.origin, &mut source.partial, &input);
        }
        self.input = input;
        match passed {
            Ok(()) => Ok(()),
            Err((Some(id), error)) => {
                self.fail(id, error);
                Err(Turn::Parked)
            }
            Err((None, error)) => Err(self.troubled(source, error)),
        }
    }

    /// Whole lines, formatted, by way of the journal.
    fn step(&mut self, source: &mut Source) -> Turn {
        let filled = if source.unwritten {
            Ok(Filled::More)
        } else {
            self.journal.fill(source.id(), &source.pipe)
        };
        let mut input = std::mem::take(&mut self.input);
        let turn = filled.and_then(|filled| {
            self.journal.read(source.id(), &mut input)?;
            self.write(source, filled, &input)
        });
        if turn.is_err() {
            // No move may stay open when another stream gets its turn. If this fails too, so does
            // its move.
            let _ = self.journal.rest(source.id());
        }
        self.input = input;
        turn.unwrap_or_else(|error| self.troubled(source, error))
    }

    /// Writes the whole lines of what waits in the journal; all of it, when no more will come.
    fn write(&mut self, source: &mut Source, filled: Filled, input: &[u8]) -> io::Result<Turn> {
        let is_final = match filled {
            Filled::More => false,
            Filled::Drained => source.is_final(),
            Filled::End => true,
        };
        let whole = match memchr::memrchr(b'\n', input) {
            Some(end) => end + 1,
            None if is_final || source.unwritten || input.len() as u64 >= LONGEST => input.len(),
            None => 0,
        };
        let mut taken = 0;
        if whole == 0 {
            self.journal.rest(source.id())?;
        } else {
            let mut output = std::mem::take(&mut self.output);
            output.clear();
            let lines = input.get(..whole).unwrap_or(input);
            taken = source.formatter.render(lines, self.limit(source), &mut output);
            let committed = self.commit(source, taken as u64, &output);
            self.output = output;
            source.unwritten = committed.is_err();
            if let Err((id, error)) = committed {
                self.fail(id, error);
                self.journal.rest(source.id())?;
                return Ok(Turn::Parked);
            }
            self.publish(source, input.get(..taken).unwrap_or(input));
        }
        let is_left = taken < whole || (is_final && taken < input.len());
        Ok(match filled {
            Filled::More => Turn::More,
            Filled::Drained | Filled::End if is_left => Turn::More,
            Filled::Drained => Turn::Idle,
            Filled::End => Turn::End,
        })
    }

    fn publish(&mut self, source: &mut Source, lines: &[u8]) {
        if self.is_watched(source) {
            self.subscribers.feed(&source.origin, &mut source.partial, lines);
            if !lines.ends_with(b"\n") {
                self.subscribers.end(&source.origin, &mut source.partial);
            }
        }
    }

    fn is_watched(&self, source: &Source) -> bool {
        !source.silent && self.subscribers.want(source.origin.proc_id, source.origin.stream)
    }

    fn limit(&self, source: &Source) -> usize {
        let is_device = |id: &FileId| {
            self.files
                .get(*id)
                .and_then(|file| file.open.as_ref())
                .is_some_and(|open| !open.regular)
        };
        if source.files.iter().any(is_device) { DEVICE_STEP } else { STEP }
    }

    /// No descriptor or memory to be had: as if the file failed, so that it is tried again.
    fn troubled(&mut self, source: &Source, error: io::Error) -> Turn {
        match source.files.first() {
            Some(id) => {
                self.fail(*id, error);
                Turn::Parked
            }
            None => Turn::More,
        }
    }

    /// The journal's steps from the note on.
    fn commit(
        &mut self,
        source: &Source,
        taken: u64,
        output: &[u8],
    ) -> Result<(), (FileId, io::Error)> {
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
        let owner = source.id();
        self.journal.note(owner, taken, &targets, output).map_err(|error| (first, error))?;
        for (id, end, lead) in &ends {
            let Some(file) = self.files.get_mut(*id) else { continue };
            if let Err(error) = append(file, *end, *lead, output) {
                for (id, end, _) in &ends {
                    undo(self.files.get(*id), *end);
                }
                self.journal.rest(owner).map_err(|error| (first, error))?;
                return Err((*id, error));
            }
        }
        self.journal.done(owner, taken).map_err(|error| (first, error))?;
        for (id, end, lead) in ends {
            if let (Some(file), Some(end)) = (self.files.get_mut(id), end) {
                file.clean_end = end + output.len() as u64 + u64::from(lead);
            }
            self.succeed(id);
        }
        Ok(())
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

/// Writes to a FIFO or a terminal: all of it, or what its reader makes room for in time; an error
/// only when nothing went.
fn write_device(open: &crate::files::Open, output: &[u8]) -> io::Result<()> {
    let mut left = output;
    while !left.is_empty() {
        match rustix::io::write(&open.fd, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if left.len() < output.len() => {
                let mut polled =
                    [rustix::event::PollFd::new(&open.fd, rustix::event::PollFlags::OUT)];
                if rustix::event::poll(&mut polled, Some(&DEVICE_PATIENCE))
                    .is_ok_and(|ready| ready == 0)
                {
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
        && rustix::fs::fstat(&open.fd)
            .is_ok_and(|stat| u64::try_from(stat.st_size).is_ok_and(|size| size > end))
    {
        // When even that fails, part of a line stays and is written again: there is nothing better
        // to do.
        let _ = rustix::fs::ftruncate(&open.fd, end);
    }
}
