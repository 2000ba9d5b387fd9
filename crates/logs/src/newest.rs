//! Which lines go when more waits for a file than fits into memory: the newest.
//!
//! Problem: the line that says how many are missing has to stand where they are missing. What waits
//! came before them, what the application writes next comes behind them. Rule: once a stream has
//! lost lines, all its lines are lost until the file has got what waits, and then the line that
//! says how many are missing. A file that is written again gets these two before anything new is
//! read. A stream with two files that fail keeps for both or for neither.
//!
//! The lines go from the middle of the stream's slot in the journal: behind them may be the
//! beginning of a line that has not ended.

use std::io;

use crate::failing::{HELD, TOTAL};
use crate::lines::{Batch, count_lines};
use crate::note::Which;
use crate::reactor::Reactor;
use crate::source::Source;
use crate::types::OnFull;

impl Reactor {
    /// Whether a file of this stream is written again that has to get what waits before anything
    /// new is read.
    pub(crate) fn owes(&self, source: &Source) -> bool {
        let lost = self.journal.lost(source.id());
        let mut files = source.files.iter().zip(lost).zip(source.waiting);
        source.full == OnFull::DropNewest && files.any(|((_, lost), waits)| 0 < lost && !waits)
    }

    /// Whether whole lines wait for this file that came before those that it has lost.
    pub(crate) fn has_older(&mut self, source: &Source, index: usize) -> io::Result<bool> {
        if source.full != OnFull::DropNewest {
            return Ok(false);
        }
        self.journal.read(source.id(), &mut self.input)?;
        let at = self.journal.ahead(source.id()).get(index).copied().unwrap_or(0);
        Ok(memchr::memchr(b'\n', self.input.get(at..).unwrap_or_default()).is_some())
    }

    /// Before anything new is read: notes how much waits that came before the lines that are lost.
    pub(crate) fn note_kept(&self, source: &mut Source, input: &mut Vec<u8>) -> io::Result<()> {
        if source.full != OnFull::DropNewest || self.journal.lost(source.id()) == [0; 2] {
            source.kept = None;
        } else if source.kept.is_none() {
            self.journal.read(source.id(), input)?;
            source.kept = Some(end_of_lines(input).unwrap_or(0));
        }
        Ok(())
    }

    /// What is more than may wait is lost for the files that fail: the newest lines.
    pub(crate) fn give_up_newest(
        &mut self,
        source: &mut Source,
        batch: &Batch<'_>,
    ) -> io::Result<()> {
        let (gone, ahead) = (self.gone(source, batch), self.journal.ahead(source.id()));
        let files = || source.files.iter().zip(source.waiting).enumerate().zip(ahead);
        if files().any(|((_, (_, waits)), at)| !waits && at + gone < batch.whole) {
            // It is given these lines first.
            return Ok(());
        }
        let mut waiting = files().filter(|((_, (_, waits)), _)| *waits);
        let Some(((first, _), at)) = waiting.next() else { return Ok(()) };
        let (which, at) = match waiting.next() {
            Some((_, other)) => (Which::All, at.max(other)),
            None => (Which::one(first, source.files.len()), at),
        };
        let is_much = HELD / 16 < batch.input.len() && TOTAL < self.journal.total();
        let most = if is_much { HELD / 16 } else { HELD };
        let from = match source.kept {
            Some(kept) => kept.max(gone),
            None if batch.input.len() - gone <= most => return Ok(()),
            None => {
                let kept = batch.input.get(gone..gone + most).and_then(end_of_lines);
                gone + kept.unwrap_or(0)
            }
        };
        let from = line_from(batch, from.max(gone + at));
        let lost = batch.input.get(from..batch.whole).unwrap_or_default();
        if !lost.is_empty() {
            let (bytes, lines) = ((from - gone)..(batch.whole - gone), count_lines(lost));
            self.journal.cut_lines(source.id(), which, bytes, lines)?;
            self.count_dropped(source, which, lines)?;
        }
        source.kept = Some(from - gone);
        Ok(())
    }
}

/// Where the first line begins that begins at this place or behind it.
fn line_from(batch: &Batch<'_>, at: usize) -> usize {
    let is_begin = at == 0 || batch.input.get(at - 1) == Some(&b'\n');
    let rest = batch.input.get(at..batch.whole).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        _ if is_begin || at == batch.whole => at,
        Some(end) => at + end + 1,
        None => at.max(batch.whole),
    }
}

fn end_of_lines(bytes: &[u8]) -> Option<usize> {
    memchr::memrchr(b'\n', bytes).map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_from_where_one_begins() {
        let batch = Batch { input: b"aa\nbb\ncc\nbegun", whole: 9, is_piece: false };
        let found: Vec<usize> = [0, 1, 3, 4, 6, 8, 9].map(|at| line_from(&batch, at)).into();
        assert_eq!(found, [0, 3, 3, 6, 6, 9, 9]);
    }
}
