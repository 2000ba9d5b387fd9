//! By lines: from the pipe to the journal, and from there to each file that takes them.
//!
//! Rule: the files of a stream are served one by one when they are not equally far, so that one
//! that fails keeps no line from the other. What waits for a file that fails is bounded (see
//! `failing`): the pipe is always read, and the application never waits for a disk, unless its
//! owner wants that.

use std::io;

use crate::failing::{CAREFUL_STEP, HELD, TOTAL};
use crate::inodes::FileId;
use crate::journal::LONGEST;
use crate::laid::Places;
use crate::note::Which;
use crate::reactor::{Reactor, Turn};
use crate::slot::Filled;
use crate::source::Source;
use crate::step::Step;
use crate::types::{LinePlace, OnFull};

/// Formatted bytes of one step; one line more may go over it.
const STEP: usize = 1 << 20;
/// The same for what is not a regular file: up to here a write to a FIFO is whole or not at all.
const DEVICE_STEP: usize = 4096;

/// What a turn by lines has before it.
pub(crate) struct Batch<'a> {
    /// What waits in the journal.
    pub input: &'a [u8],
    /// How much of it is whole lines; all of it, when no more will come.
    pub whole: usize,
    /// It is part of a line, which is written as it is.
    pub is_piece: bool,
}

impl Reactor {
    /// What one turn came to.
    pub(crate) fn step(&mut self, source: &mut Source) -> Turn {
        let mut input = std::mem::take(&mut self.input);
        let turn = self.take_in(source, &mut input).and_then(|filled| {
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

    /// Moves what is in the pipe into the journal, unless something else comes first.
    fn take_in(&mut self, source: &mut Source, input: &mut Vec<u8>) -> io::Result<Filled> {
        self.note_kept(source, input)?;
        // What waits to be written comes first, as it came.
        if self.owes(source) || source.first_that_waits().is_some() {
            return Ok(Filled::More);
        }
        self.journal.fill(source.id(), &source.pipe)
    }

    fn write(&mut self, source: &mut Source, filled: Filled, input: &[u8]) -> io::Result<Turn> {
        let is_final = match filled {
            Filled::More => false,
            Filled::Drained => source.is_final(),
            Filled::End => true,
        };
        let first = source.first_that_waits();
        let whole = match memchr::memrchr(b'\n', came_first(input, first)) {
            _ if is_final => input.len(),
            Some(end) => end + 1,
            None if input.len() as u64 >= LONGEST => input.len(),
            None => 0,
        };
        let (ended, batch) = (whole, Batch { input, whole, is_piece: false });
        let batch = match first.is_none() && Self::is_due(source, &batch) {
            true => Batch { whole: input.len(), is_piece: true, ..batch },
            false => batch,
        };
        let (whole, mut places) = (batch.whole, Vec::new());
        match self.behind(source, whole) {
            None => self.journal.rest(source.id())?,
            Some((which, from)) => match self.write_lines(source, which, from, &batch) {
                Ok(written) => places = written,
                Err((id, error)) => {
                    self.fail(id, error);
                    self.journal.rest(source.id())?;
                    return Ok(Turn::More);
                }
            },
        }
        self.give_up_lines(source, &batch)?;
        let gone = self.gone(source, &batch);
        self.show(source, &batch, &places);
        source.shown = source.shown.saturating_sub(gone);
        let whole = whole - gone.min(whole);
        let is_left = self.behind(source, whole).is_some();
        let is_held = self.is_held(source, whole);
        source.wrote(gone, first.is_some() && !is_left);
        self.hold_back(source, ended, is_left);
        Ok(match filled {
            _ if is_left => Turn::More,
            Filled::More if self.journal.has_room(source.id()) => Turn::More,
            Filled::More => Turn::Parked,
            Filled::Drained | Filled::End if is_held => Turn::Parked,
            Filled::Drained => Turn::Idle,
            Filled::End => Turn::End,
        })
    }

    /// The files that lines may be written to and that are furthest behind, and how far they are:
    /// both, when they are equally far.
    fn behind(&self, source: &Source, whole: usize) -> Option<(Which, usize)> {
        let ahead = self.journal.ahead(source.id());
        let mut found: Option<(Which, usize)> = None;
        for index in 0..source.files.len() {
            let (Some(false), Some(at)) = (source.waiting.get(index), ahead.get(index).copied())
            else {
                continue;
            };
            found = match found {
                _ if at >= whole => found,
                Some((_, least)) if least == at => Some((Which::All, at)),
                Some((_, least)) if least < at => found,
                Some(_) | None => Some((Which::one(index, source.files.len()), at)),
            };
        }
        found
    }

    /// Whether whole lines wait for a file that fails.
    fn is_held(&self, source: &Source, whole: usize) -> bool {
        let ahead = self.journal.ahead(source.id());
        source.waiting.iter().zip(ahead).any(|(waits, at)| *waits && at < whole)
    }

    /// How many bytes of the batch have gone from the journal since it was read.
    pub(crate) fn gone(&self, source: &Source, batch: &Batch<'_>) -> usize {
        let left = usize::try_from(self.journal.len(source.id())).unwrap_or(usize::MAX);
        batch.input.len().saturating_sub(left)
    }

    /// Returns where the lines are in the stream's own file, if somebody wants to know that.
    fn write_lines(
        &mut self,
        source: &Source,
        which: Which,
        from: usize,
        batch: &Batch<'_>,
    ) -> Result<Vec<LinePlace>, (FileId, io::Error)> {
        let lines = batch.input.get(from..batch.whole).unwrap_or_default();
        let (which, continues) = self.alike(source, which);
        let part = batch.part(source, continues);
        let mut output = std::mem::take(&mut self.output);
        output.clear();
        let limit = self.limit(source, which);
        let at = source.first_that_waits().map(|(_, at)| at);
        let taken = source.formatter.render(lines, (part, at), limit, &mut output) as u64;
        let begins = !output.ends_with(b"\n");
        let step = Step { which, taken, goes_on: false, begins };
        let committed = self.commit(source, step, &output);
        let places = committed.map(|laid| laid.map_or_else(Vec::new, |laid| laid.lines(&output)));
        self.output = output;
        places
    }

    /// What waits for a file for too long, or is too much, is lost for it.
    fn give_up_lines(&mut self, source: &mut Source, batch: &Batch<'_>) -> io::Result<()> {
        if source.full == OnFull::Block || !source.waiting.contains(&true) {
            return Ok(());
        }
        let is_much = batch.input.len() > HELD / 16 && self.journal.total() > TOTAL;
        for (index, id) in source.files.iter().enumerate() {
            if !source.waiting.get(index).is_some_and(|waits| *waits) {
                continue;
            }
            let held = match source.full {
                _ if self.is_given_up(*id, source) => 0,
                // They go below.
                OnFull::DropNewest | OnFull::Block => usize::MAX,
                OnFull::DropOldest => {
                    if is_much {
                        0
                    } else {
                        HELD
                    }
                }
            };
            let at = self.journal.ahead(source.id()).get(index).copied().unwrap_or(0);
            let from = (at + self.gone(source, batch)).min(batch.whole);
            let lost = too_much(batch, from, held);
            if !lost.is_empty() {
                let which = Which::one(index, source.files.len());
                let (bytes, lines) = (lost.len() as u64, count_lines(lost));
                self.journal.give_up(source.id(), which, bytes, lines)?;
                self.count_dropped(source, which, lines)?;
            }
        }
        match source.full {
            OnFull::DropNewest => self.give_up_newest(source, batch),
            OnFull::DropOldest | OnFull::Block => Ok(()),
        }
    }

    /// Shows the subscribers what was written or waits for a file that fails.
    fn show(&mut self, source: &mut Source, batch: &Batch<'_>, places: &[LinePlace]) {
        let upto = if source.waiting.contains(&true) {
            batch.whole
        } else {
            let ahead = self.journal.ahead(source.id()).into_iter().max().unwrap_or(0);
            self.gone(source, batch) + ahead
        };
        let Some(lines) = batch.input.get(source.shown..upto).filter(|lines| !lines.is_empty())
        else {
            return;
        };
        source.shown = upto;
        if self.is_watched(source) {
            // Lines that were shown when they could not be written are not shown again.
            let is_each =
                !places.is_empty() && memchr::memchr_iter(b'\n', lines).count() == places.len();
            let places = if is_each { Places::Each(places) } else { Places::Unknown };
            self.subscribers.feed(&source.origin, &mut source.partial, lines, places);
            if !lines.ends_with(b"\n") && !batch.is_piece {
                self.subscribers.end(&source.origin, &mut source.partial);
            }
        }
    }

    pub(crate) fn is_watched(&self, source: &Source) -> bool {
        !source.silent && self.subscribers.want(source.origin.proc_id, source.origin.stream)
    }

    /// Whether somebody wants to know where the lines of a stream are.
    pub(crate) fn wants_places(&self, source: &Source) -> bool {
        let origin = &source.origin;
        !source.silent && self.subscribers.want_places(origin.proc_id, origin.stream)
    }

    fn limit(&self, source: &Source, which: Which) -> usize {
        let is_device = |id: &FileId| {
            self.files
                .get(*id)
                .and_then(|file| file.open.as_ref())
                .is_some_and(|open| !open.regular)
        };
        if source.files.iter().any(is_device) {
            DEVICE_STEP
        } else if self.is_failing(source, which) {
            CAREFUL_STEP
        } else {
            STEP
        }
    }
}

/// The part of the input that waited and came first, if any waits.
fn came_first(input: &[u8], first: Option<(u64, u64)>) -> &[u8] {
    let end = first.and_then(|(end, _)| usize::try_from(end).ok());
    end.and_then(|end| input.get(..end)).unwrap_or(input)
}

/// The first lines of the batch behind `from` that must go, so that no more than `held` bytes stay.
fn too_much<'a>(batch: &Batch<'a>, from: usize, held: usize) -> &'a [u8] {
    let waiting = batch.input.get(from..).unwrap_or_default();
    let whole = batch.input.get(from..batch.whole).unwrap_or_default();
    let least = waiting.len().saturating_sub(held).min(whole.len());
    if least == 0 {
        return &[];
    }
    let rest = whole.get(least - 1..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).map_or(whole.len(), |end| least + end);
    whole.get(..end).unwrap_or(whole)
}

pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    let ended = memchr::memchr_iter(b'\n', bytes).count() as u64;
    ended + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, held: usize, lost: &str, lines: u64) {
        let whole = input.rfind('\n').map_or(0, |end| end + 1);
        let batch = Batch { input: input.as_bytes(), whole, is_piece: false };
        let found = too_much(&batch, 0, held);
        assert_eq!(std::str::from_utf8(found), Ok(lost));
        assert_eq!(count_lines(found), lines);
    }

    #[test]
    fn whole_lines_go_from_the_front_until_what_stays_is_little_enough() {
        check("aa\nbb\ncc\n", 9, "", 0);
        check("aa\nbb\ncc\n", 8, "aa\n", 1);
        check("aa\nbb\ncc\n", 6, "aa\n", 1);
        check("aa\nbb\ncc\n", 5, "aa\nbb\n", 2);
        check("aa\nbb\nbegun", 0, "aa\nbb\n", 2);
        check("begun", 0, "", 0);
        assert_eq!(count_lines(b"a\npart"), 2);
    }
}
