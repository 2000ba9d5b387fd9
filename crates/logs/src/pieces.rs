//! Part of a line, shown before the line ends.
//!
//! Problem: several streams write to a combined file, so that each waits for the end of its line;
//! but a program that asks something ends no line, and who looks at the file does not see the
//! question. Rule: what has begun a line and was held back for long enough is written without its
//! end. The rest of the line goes on behind it, unless another stream has written meanwhile: then
//! the line is cut there, and nothing of it is lost or doubled. In JSON each piece is an object.

use ostler_poll::now;

use crate::format::Part;
use crate::inodes::FileId;
use crate::lines::Batch;
use crate::note::Which;
use crate::reactor::Reactor;
use crate::source::Source;

impl Reactor {
    /// Whether the batch, in which no line ends, is to be shown as it is.
    pub(crate) fn is_due(source: &Source, batch: &Batch<'_>) -> bool {
        let is_due = source.show_by.is_some_and(|at| at <= now());
        is_due && batch.whole == 0 && !batch.input.is_empty() && !source.waiting.contains(&true)
    }

    /// After a turn: when what is left of the input is to be shown. A line that began before this
    /// turn has waited since.
    pub(crate) fn hold_back(&mut self, source: &mut Source, ended: usize, is_left: bool) {
        let Some(hold) = source.hold.filter(|_| !is_left) else { return };
        if ended > 0 || self.journal.len(source.id()) == 0 {
            source.show_by = None;
        }
        if self.journal.len(source.id()) > 0 && source.show_by.is_none() {
            let at = now() + hold;
            source.show_by = Some(at);
            self.show_at.insert((at, source.key));
        }
    }

    /// What files of a stream get next: those that are equally far, and go on with a begun line
    /// or not alike.
    pub(crate) fn alike(&mut self, source: &Source, which: Which) -> (Which, bool) {
        let continues: Vec<bool> =
            source.files.iter().enumerate().map(|at| self.continues(source, at)).collect();
        match (which, continues.as_slice()) {
            (Which::All, [first, second]) if first != second => (Which::First, *first),
            (Which::Second, [_, second]) => (which, *second),
            (_, [first, ..]) => (which, *first),
            (_, []) => (which, false),
        }
    }

    /// Whether what this file gets next goes on with the line that it ends with.
    fn continues(&mut self, source: &Source, (index, id): (usize, &FileId)) -> bool {
        if !self.journal.begun(source.id()).get(index).is_some_and(|begun| *begun) {
            return false;
        }
        let Some(file) = self.files.get_mut(*id) else { return false };
        // Somebody may have emptied it, or put another in its place.
        matches!(file.end(), Ok(Some(end)) if !file.ends_with_line(end))
    }
}

impl Batch<'_> {
    /// How its lines are to be written that come behind `continues`.
    pub(crate) fn part(&self, source: &Source, continues: bool) -> Part {
        Part { continues: continues && source.formatter.goes_on(), begins: self.is_piece }
    }
}
