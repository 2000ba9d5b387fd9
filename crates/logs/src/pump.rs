//! One turn of one stream: from its pipe to its files and subscribers.

use ostler_poll::now;
use rustix::io::Errno;
use rustix::pipe::SpliceFlags;

use crate::failing::CAREFUL_STEP;
use crate::files::LogFile;
use crate::inodes::FileId;
use crate::laid::{Laid, Places};
use crate::note::Which;
use crate::reactor::{Reactor, Turn};
use crate::scratch::Peek;
use crate::source::Source;
use crate::step::Step;

/// Moves by `splice` in one turn.
const MOVES: usize = 16;
/// Most that one move takes.
const MOVE: usize = 1 << 20;

impl Reactor {
    pub(crate) fn pump(&mut self, source: &mut Source) -> Turn {
        if self.waits_for_subscriber(source) {
            return Turn::Parked;
        }
        Self::end_forced(source);
        if self.buffers(source) {
            return self.hold(source);
        }
        let (now, mut is_closed) = (now(), false);
        source.waiting = [false; 2];
        for (id, waiting) in source.files.iter().zip(&mut source.waiting) {
            let Some(file) = self.files.get(*id) else { continue };
            if file.settling.is_some_and(|settling| settling.owner != source.key) {
                return Turn::Parked;
            }
            *waiting = file.waits(now);
            is_closed |= file.open.is_none() && file.failing.is_none();
        }
        if is_closed && let Some(turn) = self.idle_turn(source) {
            return turn;
        }
        let waits = source.waiting.contains(&true);
        match (self.make_ready(source), source.files.first().copied()) {
            (Err(turn), _) => turn,
            (Ok(_), None) => self.pass(source, None),
            (Ok(true), Some(id)) if !waits => self.pass(source, Some(id)),
            (Ok(_), Some(_)) => self.step(source),
        }
    }

    /// Whether a stream waits for a subscriber that misses nothing.
    fn waits_for_subscriber(&self, source: &mut Source) -> bool {
        source.held = !source.silent && self.subscribers.hold(&source.origin);
        source.held
    }

    /// What the turn comes to when nothing is to be written, for which a file would be opened.
    fn idle_turn(&self, source: &Source) -> Option<Turn> {
        let mut polled = [rustix::event::PollFd::new(&source.pipe, rustix::event::PollFlags::IN)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        if self.journal.len(source.id()) > 0
            || self.journal.lost(source.id()) != [0; 2]
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

    /// Opens the files of a stream that are closed, and has them tell what they have lost; but not
    /// those that wait. Returns whether the stream's bytes may go as they come.
    fn make_ready(&mut self, source: &mut Source) -> Result<bool, Turn> {
        let mut is_raw = source.formatter.is_plain() && source.files.len() == 1;
        for (id, _) in source.files.iter().copied().zip(source.waiting).filter(|(_, waits)| !waits)
        {
            let Some(file) = self.files.get_mut(id) else { continue };
            match file.ensure_open() {
                Ok(open) => is_raw &= open.splices,
                Err(error) => {
                    self.fail(id, error);
                    return Err(Turn::More);
                }
            }
            file.used = true;
            is_raw &= file.writers.len() == 1 || file.settling.is_some();
        }
        if !source.files.is_empty() {
            self.close_when_idle();
        }
        self.tell_losses(source)?;
        Ok(is_raw)
    }

    /// Bytes as they come, to a file or to nowhere.
    fn pass(&mut self, source: &mut Source, id: Option<FileId>) -> Turn {
        if let Err(turn) = self.pass_waiting(source) {
            return turn;
        }
        for _ in 0..MOVES {
            if self.waits_for_subscriber(source) {
                return Turn::Parked;
            }
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
            let (moved, laid) = match self.splice(source, id, len) {
                Ok((0, _)) => return Turn::End,
                Ok(moved) => moved,
                Err(turn) => return turn,
            };
            if watched {
                let bytes = self.scratch.bytes(moved);
                let places = laid.map_or(Places::Unknown, Places::AsTheyCame);
                self.subscribers.feed(&source.origin, &mut source.partial, bytes, places);
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

    /// Takes bytes out of the pipe of a stream, which nobody is to have.
    pub(crate) fn splice_to_nowhere(&self, source: &Source, len: usize) -> Result<usize, Errno> {
        let flags = SpliceFlags::NONBLOCK;
        rustix::pipe::splice(&source.pipe, None, &self.devnull, None, len, flags)
    }

    /// Returns how much was moved, and where it is, if somebody wants to know that.
    fn splice(
        &mut self,
        source: &Source,
        id: Option<FileId>,
        len: usize,
    ) -> Result<(usize, Option<Laid>), Turn> {
        let moved = match id.and_then(|id| self.files.get_mut(id)) {
            None => self.splice_to_nowhere(source, len),
            Some(file) => splice_to_end(source, file, len),
        };
        match (moved, id) {
            (Ok(moved), id) => {
                let mut laid = None;
                if let Some(id) = id {
                    if self.wants_places(source) {
                        laid = self.files.get(id).and_then(|file| file.laid_last(moved));
                    }
                    self.succeed(id);
                    self.written.add(source.origin.proc_id, moved as u64, now());
                    self.grown(id, moved as u64, Some(source.key));
                }
                Ok((moved, laid))
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
                Err(Turn::More)
            }
        }
    }

    /// What the journal holds of a stream that goes by lines no more: part of a line, which goes on
    /// in the pipe, or what its file could not take.
    fn pass_waiting(&mut self, source: &mut Source) -> Result<(), Turn> {
        let waiting = self.journal.len(source.id());
        if waiting == 0 {
            return Ok(());
        }
        let mut input = std::mem::take(&mut self.input);
        let read = self.journal.read(source.id(), &mut input);
        let owes = self.owes(source);
        if owes && let Some(end) = memchr::memrchr(b'\n', &input) {
            // What was lost is told behind it.
            input.truncate(end + 1);
        }
        source.kept = None;
        if self.is_failing(source, Which::All) {
            input.truncate(CAREFUL_STEP);
        }
        let taken = input.len() as u64;
        let passed = match read {
            Ok(()) if source.files.is_empty() => {
                let step = Step { which: Which::All, taken, goes_on: true, begins: false };
                self.journal.done(source.id(), step).map_err(|error| (None, error))
            }
            Ok(()) => {
                let step = Step { which: Which::All, taken, goes_on: true, begins: false };
                self.commit(source, step, &input).map(drop).map_err(|(id, error)| (Some(id), error))
            }
            Err(error) => Err((None, error)),
        };
        if passed.is_ok() {
            source.wrote(input.len(), false);
            let shown = source.shown;
            source.shown = shown.saturating_sub(input.len());
            if self.is_watched(source) {
                let unseen = input.get(shown..).unwrap_or_default();
                self.subscribers.feed(&source.origin, &mut source.partial, unseen, Places::Unknown);
            }
        }
        self.input = input;
        match passed {
            Ok(()) if owes || taken < waiting => Err(Turn::More),
            Ok(()) => Ok(()),
            Err((Some(id), error)) => {
                self.fail(id, error);
                Err(Turn::More)
            }
            Err((None, error)) => Err(self.troubled(source, error)),
        }
    }
}

fn splice_to_end(source: &Source, file: &mut LogFile, len: usize) -> rustix::io::Result<usize> {
    let size = file.size();
    let mut end = size.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let Some(open) = file.open.as_ref() else { return Err(Errno::BADF) };
    rustix::pipe::splice(&source.pipe, None, &open.fd, Some(&mut end), len, SpliceFlags::NONBLOCK)
}
