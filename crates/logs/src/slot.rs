//! The bytes of one stream in the journal: how many, and which file has which.

use crate::note::{ENTRY_LEN, Entry, Transfer, Which};
use crate::types::{SourceId, Stream};

/// Where the entries lie; the header is at 0.
const TABLE: u64 = 4096;
/// Where the slots lie, and how far apart: a line of the greatest length, a fill, and room to
/// be moved about.
pub(crate) const SLOTS: u64 = 64 << 20;
pub(crate) const STRIDE: u64 = 4 << 20;

/// How a move ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There may be more in the pipe.
    More,
    /// The pipe is empty.
    Drained,
    /// The pipe is empty, and nobody can write any more.
    End,
}

/// See the module's text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Slot {
    pub index: u32,
    pub start: u64,
    pub len: u64,
    /// How far it has been used since its memory was given back.
    pub high: u64,
    /// Bytes at the front that each file has already: one of the two is 0.
    pub ahead: [u32; 2],
    /// Lines that each file has lost and does not tell yet.
    pub lost: [u32; 2],
    /// Whether each file was given part of a line last, which goes on with its next bytes.
    pub begun: [bool; 2],
    /// Lines that its files have lost in all.
    pub dropped: u32,
}

impl Slot {
    pub(crate) fn entry_place(self) -> u64 {
        TABLE + u64::from(self.index) * ENTRY_LEN as u64
    }

    pub(crate) fn place(self) -> u64 {
        SLOTS + u64::from(self.index) * STRIDE + self.start
    }

    pub(crate) fn entry(self, (source, stream): (SourceId, Stream)) -> Entry {
        Entry {
            transfer: Transfer::Idle,
            which: Which::All,
            source,
            stream,
            start: self.start,
            len: self.len,
            consume: 0,
            body_len: 0,
            ahead: self.ahead,
            lost: self.lost,
            begun: self.begun,
            begins: false,
            dropped: self.dropped,
        }
    }

    /// A note is written: its files have these bytes, or tell what they have lost. `begins`: they
    /// end within a line, which goes on.
    pub(crate) fn written(&mut self, which: Which, consumed: u64, begins: bool) {
        for (index, begun) in self.begun.iter_mut().enumerate() {
            if which.has(index) {
                *begun = begins;
            }
        }
        if consumed > 0 {
            return self.advance(which, consumed);
        }
        for (index, lost) in self.lost.iter_mut().enumerate() {
            if which.has(index) {
                *lost = 0;
            }
        }
    }

    /// These files will not get their next bytes, which are so many lines.
    pub(crate) fn give_up(&mut self, which: Which, bytes: u64, lines: u64) {
        self.lose(which, lines);
        self.advance(which, bytes);
    }

    /// These files will not get the bytes from here to there, which are so many lines; all others
    /// have them. What came behind them has been moved to where they were.
    pub(crate) fn cut(&mut self, which: Which, from: u64, to: u64, lines: u64) {
        self.lose(which, lines);
        self.len = self.len.saturating_sub(to - from);
        let [least, cut] = [from, to - from].map(|of| u32::try_from(of).unwrap_or(u32::MAX));
        let closer = |ahead: u32| ahead.min(least).max(ahead.saturating_sub(cut));
        self.ahead = self.ahead.map(closer);
    }

    fn lose(&mut self, which: Which, lines: u64) {
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        for (index, lost) in self.lost.iter_mut().enumerate() {
            if which.has(index) {
                *lost = lost.saturating_add(lines);
            }
        }
    }

    /// These files are through with their next bytes. What all are through with goes.
    fn advance(&mut self, which: Which, bytes: u64) {
        let all_through = match which {
            Which::All => bytes,
            Which::First | Which::Second => {
                for (index, ahead) in self.ahead.iter_mut().enumerate() {
                    if which.has(index) {
                        *ahead = ahead.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
                    }
                }
                u64::from(self.ahead.into_iter().min().unwrap_or(0))
            }
        };
        self.len = self.len.saturating_sub(all_through);
        self.start = if self.len == 0 { 0 } else { self.start + all_through };
        let most = u32::try_from(self.len).unwrap_or(u32::MAX);
        let all_through = u32::try_from(all_through).unwrap_or(u32::MAX);
        self.ahead = self.ahead.map(|ahead| ahead.saturating_sub(all_through).min(most));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_when_both_files_have_them_or_were_given_up() {
        let mut slot = Slot { start: 10, len: 100, ..Slot::default() };
        slot.written(Which::First, 60, true);
        assert_eq!((slot.start, slot.len, slot.ahead), (10, 100, [60, 0]));
        slot.give_up(Which::Second, 50, 3);
        assert_eq!((slot.start, slot.len, slot.ahead, slot.lost), (60, 50, [10, 0], [0, 3]));
        slot.written(Which::Second, 0, false);
        assert_eq!((slot.len, slot.lost), (50, [0, 0]));
        slot.written(Which::Second, 10, true);
        assert_eq!(slot.begun, [true, true]);
        slot.written(Which::All, 40, false);
        assert_eq!((slot.start, slot.len, slot.ahead), (0, 0, [0, 0]));
        assert_eq!(slot.begun, [false, false]);
    }
}
