//! Files that cannot be written: a full disk, a missing permission, a FIFO that nobody reads.
//!
//! Problem: a disk that refuses must stop no application, and what is lost must be said. Rule: a
//! file that fails is tried again each second, by all who write to it. Its streams keep at most
//! [`HELD`] bytes for it, all streams together [`TOTAL`]; and not for ever, when their lines are
//! dated ([`PATIENCE`]: the date would be wrong) or when the run has ended ([`LAST_PATIENCE`]: its
//! end waits for them). What is older, or more, is lost: whole lines, counted in the journal; by
//! `drop-newest` what is newer goes in place of what is older (see `newest`). When the file can be
//! written again, it gets a line that says how many, where they are missing.

use std::io;

use ostler_poll::now;
use rustix::io::Errno;

use crate::commit::{append_whole, finish_begun};
use crate::failure::Failing;
use crate::files::{LogFile, REMOVED};
use crate::format::Part;
use crate::inodes::FileId;
use crate::note::Which;
use crate::reactor::{Reactor, Turn};
use crate::scratch::Peek;
use crate::source::Source;
use crate::step::Step;
use crate::types::{Event, OnFull};

/// How long lines that get a date wait for a file that fails, ms.
const PATIENCE: u64 = 60_000;
/// How long the lines of a run that has ended wait, ms; and how long a device's reader may sleep
/// before that is news.
const LAST_PATIENCE: u64 = 5000;
/// Bytes that wait for a file, of one stream.
pub(crate) const HELD: usize = 768 << 10;
/// Bytes that wait for files, of all streams.
pub(crate) const TOTAL: u64 = 64 << 20;
/// What a file that failed is given in one step: there may be little room.
pub(crate) const CAREFUL_STEP: usize = 16 << 10;
/// Pause between two attempts on a file that fails, ms.
const RETRY: u64 = 1000;
/// The same for a device whose reader is slow.
const RETRY_SLOW: u64 = 50;

impl Reactor {
    /// A file cannot be written: says so once, and tries again later.
    pub(crate) fn fail(&mut self, id: FileId, error: io::Error) {
        let now = now();
        let Some(file) = self.files.get_mut(id) else { return };
        if file.has_moved() {
            // What was removed keeps its room on the disk for as long as it is open.
            file.open = None;
        }
        let is_removed = error.raw_os_error() == Some(REMOVED.raw_os_error());
        let is_slow = is_removed || error.kind() == io::ErrorKind::WouldBlock;
        let retry_at = now + if is_slow { RETRY_SLOW } else { RETRY };
        if is_removed && let Some(failing) = &mut file.failing {
            // It failed before, and who was told of that hears of its end.
            failing.retry_at = retry_at;
            self.timers.push(std::cmp::Reverse((retry_at, id)));
            return;
        }
        let code = error.raw_os_error();
        let before = file.failing.take();
        let since = before.as_ref().map_or(now, |failing| failing.since);
        let known = before.filter(|failing| failing.code == code).is_some_and(|known| known.told);
        // A reader that is slow is no news, one that sleeps is.
        let is_news = !known && (!is_slow || since + LAST_PATIENCE <= now);
        file.failing = Some(Failing { code, since, retry_at, told: known || is_news });
        if !is_removed {
            file.last_error = Some(error.to_string());
        }
        self.timers.push(std::cmp::Reverse((retry_at, id)));
        if is_news {
            let fate = file.writers.fate();
            self.outbox.send(Event::FileError { path: file.path.clone(), error, fate });
        }
    }

    /// Whether one of these files of a stream could not be written the last time.
    pub(crate) fn is_failing(&self, source: &Source, which: Which) -> bool {
        let mut files = source.files.iter().enumerate().filter(|(index, _)| which.has(*index));
        files.any(|(_, id)| self.files.get(*id).is_some_and(|file| file.failing.is_some()))
    }

    /// Whether this file has failed for longer than lines of this stream wait.
    pub(crate) fn is_given_up(&self, id: FileId, source: &Source) -> bool {
        let patience = match (source.ended, source.formatter.is_plain()) {
            (true, _) => LAST_PATIENCE,
            (false, false) => PATIENCE,
            (false, true) => return false,
        };
        let failing = self.files.get(id).and_then(|file| file.failing.as_ref());
        failing.is_some_and(|failing| failing.since + patience <= now())
    }

    /// A file was opened for a stream that is new. If that is what had failed, it is over; whether
    /// there is room is seen when it is written.
    pub(crate) fn opened(&mut self, id: FileId) {
        let Some(file) = self.files.get(id) else { return };
        let full = [Errno::NOSPC, Errno::DQUOT, Errno::FBIG, Errno::IO].map(Errno::raw_os_error);
        let code = file.failing.as_ref().map(|failing| failing.code);
        if code.is_some_and(|code| code.is_none_or(|code| full.contains(&code))) {
            return;
        }
        let path = file.path.clone();
        if code.is_some() {
            self.succeed(id);
        }
        self.outbox.send(Event::FileOpened { path });
    }

    /// A file has been written.
    pub(crate) fn succeed(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(id)
            && let Some(failing) = file.failing.take()
        {
            if failing.told {
                self.outbox.send(Event::FileOk { path: file.path.clone() });
            }
            self.wake_writers(id);
        }
    }

    pub(crate) fn handle_file_timer(&mut self, id: FileId, at: u64) {
        let Some(file) = self.files.get(id) else { return };
        if file.settling.is_some_and(|settling| settling.until <= at) {
            self.settle(id);
        } else if file.failing.as_ref().is_some_and(|failing| failing.retry_at <= at) {
            self.finish_begun(id);
            self.tell_bequest(id);
            self.wake_writers(id);
        }
    }

    /// A device that has taken part of what was written gets the rest a moment later, also where
    /// nobody writes more.
    pub(crate) fn await_rest(&mut self, id: FileId) {
        if self.files.get(id).is_some_and(LogFile::owes_rest) {
            self.fail(id, Errno::AGAIN.into());
        }
    }

    /// Gives a device what it has not taken yet of what was begun, and goes on with that later.
    fn finish_begun(&mut self, id: FileId) {
        let file = self.files.get_mut(id).filter(|file| file.owes_rest());
        let Some(open) = file.and_then(|file| file.open.as_mut()) else { return };
        match finish_begun(open) {
            Ok(()) => self.succeed(id),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.timers.push(std::cmp::Reverse((now() + RETRY_SLOW, id)));
            }
            // Its reader is gone, which who writes next is told.
            Err(_) => {}
        }
        self.files.remove_unused(id);
    }

    /// Not even the journal takes a stream's bytes: no memory, a limit of the size of files. As if
    /// its file failed, so that it is tried again; and what the pipe holds then goes.
    pub(crate) fn troubled(&mut self, source: &mut Source, error: io::Error) -> Turn {
        let Some(id) = source.files.first().copied() else { return Turn::More };
        let is_failing = self.files.get(id).is_some_and(|file| file.failing.is_some());
        self.fail(id, error);
        if is_failing && source.full != OnFull::Block { self.discard(source) } else { Turn::Parked }
    }

    /// What is in the pipe goes, so that nobody waits for it.
    fn discard(&mut self, source: &mut Source) -> Turn {
        let len = match self.scratch.peek(&source.pipe) {
            Ok(Peek::Bytes(len)) => len,
            Ok(Peek::Empty) => return Turn::Idle,
            Ok(Peek::End) => return Turn::End,
            Err(_) => return Turn::Parked,
        };
        match self.splice_to_nowhere(source, len) {
            Ok(moved) => {
                source.unrecorded +=
                    memchr::memchr_iter(b'\n', self.scratch.bytes(moved)).count() as u64;
                Turn::More
            }
            Err(_) => Turn::Parked,
        }
    }

    /// Has the files of this stream that do not wait say what they have lost.
    pub(crate) fn tell_losses(&mut self, source: &mut Source) -> Result<(), Turn> {
        if source.unrecorded > 0
            && self.journal.give_up(source.id(), Which::All, 0, source.unrecorded).is_ok()
            && self.count_dropped(source, Which::All, source.unrecorded).is_ok()
        {
            source.unrecorded = 0;
        }
        let lost = self.journal.lost(source.id());
        for index in 0..source.files.len() {
            let Some(id) = source.files.get(index).copied() else { continue };
            if source.waiting.get(index).is_some_and(|waits| *waits) {
                continue;
            }
            self.tell_bequest(id);
            let Some(lines) = lost.get(index).copied().filter(|lines| *lines > 0) else { continue };
            match self.has_older(source, index) {
                Ok(false) => {}
                Ok(true) => continue,
                Err(error) => return Err(self.troubled(source, error)),
            }
            let mut output = Vec::new();
            let which = Which::one(index, source.files.len());
            let notice = self.files.get(id).map(|file| file.notice(lines.into()));
            let notice = notice.unwrap_or_default();
            source.formatter.render(
                notice.as_bytes(),
                (Part::WHOLE, None),
                usize::MAX,
                &mut output,
            );
            let step = Step { which, taken: 0, goes_on: false, begins: false };
            if let Err((id, error)) = self.commit(source, step, &output) {
                self.fail(id, error);
                return Err(Turn::More);
            }
        }
        Ok(())
    }

    /// A stream is forgotten: what its files have lost, they tell without it.
    pub(crate) fn bequeath(&mut self, source: &Source) {
        let lost = self.journal.lost(source.id());
        for (id, lines) in source.files.iter().zip(lost) {
            let lines = u64::from(lines) + source.unrecorded;
            if let Some(file) = self.files.get_mut(*id).filter(|_| lines > 0) {
                let before = file.bequest.take().map_or(0, |(lines, _)| lines);
                file.bequest = Some((before + lines, source.formatter.clone()));
            }
        }
    }

    /// Has a file say what streams had lost that are forgotten.
    pub(crate) fn tell_bequest(&mut self, id: FileId) {
        let at = now();
        let Some(file) = self.files.get_mut(id) else { return };
        let Some((lines, formatter)) =
            file.bequest.clone().filter(|_| !file.waits(at) && file.settling.is_none())
        else {
            return;
        };
        // Who removed the file of an app that is gone does not want it back.
        let is_told = !file.writers.is_empty() || file.path.symlink_metadata().is_ok();
        if is_told {
            let mut output = Vec::new();
            let notice = file.notice(lines);
            formatter.render(notice.as_bytes(), (Part::WHOLE, None), usize::MAX, &mut output);
            if let Err(error) = append_whole(file, &output) {
                return self.fail(id, error);
            }
        }
        file.bequest = None;
        self.succeed(id);
        self.files.remove_unused(id);
    }
}
