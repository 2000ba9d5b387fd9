//! What a stream knows of its lines that wait to be written; see `later`.

use std::collections::VecDeque;

/// Bytes that came at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The number of the arrival, over all streams.
    pub order: u64,
    /// When it was, ms since 1970.
    pub at: u64,
    /// Where they end in the journal.
    pub end: u64,
}

/// What a stream knows of its lines that wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffer {
    /// How long they may wait, ms.
    pub delay: u64,
    /// When they are written, on the clock that only goes on.
    pub due: Option<u64>,
    /// They are written now.
    pub is_forced: bool,
    /// The pipe is at its end.
    pub has_ended: bool,
    /// What came, in order.
    pub marks: VecDeque<Mark>,
}

impl Buffer {
    /// A buffer for so many milliseconds; none for 0.
    pub(crate) fn of(delay: Option<u64>) -> Option<Self> {
        let delay = delay.filter(|delay| 0 < *delay)?;
        Some(Self { delay, ..Self::default() })
    }

    /// Bytes came, up to this end. `extends`: they go with those before, which came last of all.
    pub(crate) fn came(&mut self, mark: Mark, extends: bool) {
        match self.marks.back_mut() {
            Some(last) if extends => last.end = mark.end,
            Some(_) | None => self.marks.push_back(mark),
        }
    }

    /// So many bytes have gone from the front.
    pub(crate) fn gone(&mut self, bytes: u64) {
        for mark in &mut self.marks {
            mark.end = mark.end.saturating_sub(bytes);
        }
        while self.marks.front().is_some_and(|mark| mark.end == 0) {
            self.marks.pop_front();
        }
    }

    /// What came first of that which waits: where it ends in the journal, and when it came.
    pub(crate) fn first(&self) -> Option<(u64, u64)> {
        self.marks.front().map(|mark| (mark.end, mark.at))
    }
}
