//! How many lines the log files of a slot have not got, since it was added or reset.
//!
//! Problem: the log engine tells of each run, again and again and after a daemon's death once more,
//! how many lines it has lost since its begin. Rule: what was told of the last runs is kept, and
//! only what is more than that is added.

use serde::{Deserialize, Serialize};

/// So many runs of a slot are remembered: a few may be on their way out.
const RUNS: usize = 16;

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedLines {
    /// All lines so far.
    total: u64,
    /// What was told, by number of the run: of its standard output and of its standard error.
    told: Vec<(u64, [u64; 2])>,
}

impl DroppedLines {
    /// Returns how many they are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether nothing was ever lost.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.told.is_empty()
    }

    /// A run has lost so many lines of an output (0: standard output, 1: standard error) since its
    /// begin. Returns whether that is news.
    pub fn on_dropped(&mut self, run: u64, stream: usize, lines: u64) -> bool {
        if !self.told.iter().any(|(of, _)| *of == run) {
            if RUNS <= self.told.len() {
                self.told.remove(0);
            }
            self.told.push((run, [0; 2]));
        }
        let told = self.told.iter_mut().find(|(of, _)| *of == run);
        let Some(before) = told.and_then(|(_, told)| told.get_mut(stream)) else { return false };
        let more = lines.saturating_sub(*before);
        *before += more;
        self.total += more;
        0 < more
    }

    /// It is counted from here on.
    pub fn reset(&mut self) {
        self.total = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_counted_once_however_often_it_is_told() {
        let mut dropped = DroppedLines::default();
        for (run, stream, lines, news, total) in [
            (1, 0, 5, true, 5),
            (1, 0, 5, false, 5),
            (1, 1, 5, true, 10),
            (1, 0, 7, true, 12),
            // A worker that is on its way out, and the one that came after it.
            (2, 0, 1, true, 13),
            (1, 0, 8, true, 14),
        ] {
            assert_eq!(dropped.on_dropped(run, stream, lines), news);
            assert_eq!(dropped.total(), total);
        }
        let saved = serde_json::to_string(&dropped).unwrap();
        let mut dropped: DroppedLines = serde_json::from_str(&saved).unwrap();
        dropped.reset();
        assert!(!dropped.on_dropped(2, 0, 1), "it was told before the reset");
        assert!(dropped.on_dropped(2, 0, 4));
        assert_eq!(dropped.total(), 3);
    }
}
