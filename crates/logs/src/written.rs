//! How much each process had written to its files in the last hour: what a disk that wears out
//! has to bear.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An hour has so many parts, each of so many milliseconds.
const PARTS: u64 = 12;
const PART: u64 = 300_000;

/// What the engine counts, and the daemon reads when somebody asks. A daemon begins at 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<BTreeMap<u32, Hour>>>);

/// The bytes of the last hour.
#[derive(Clone, Copy, Debug, Default)]
struct Hour {
    parts: [u64; PARTS as usize],
    /// The number of the part that was counted last.
    last: u64,
}

impl Written {
    /// A process had so many bytes written at this time, ms.
    pub(crate) fn add(&self, process: u32, bytes: u64, now: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(process).or_default().add(bytes, now / PART);
    }

    /// Returns the bytes of the hour before this time, by process.
    pub(crate) fn last_hour(&self, now: u64) -> Vec<(u32, u64)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, hour| {
            hour.add(0, now / PART);
            hour.parts.iter().any(|bytes| 0 < *bytes)
        });
        all.iter().map(|(process, hour)| (*process, hour.parts.iter().sum())).collect()
    }
}

impl Hour {
    fn add(&mut self, bytes: u64, part: u64) {
        let passed = part.saturating_sub(self.last);
        self.last = self.last.max(part);
        for (number, held) in (0..).zip(&mut self.parts) {
            // How many parts ago this one was.
            let age = (self.last + PARTS - number) % PARTS;
            if age < passed {
                *held = 0;
            }
            if age == 0 {
                *held += bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_for_an_hour() {
        let (written, minute) = (Written::default(), 60_000);
        let begin = 1000 * 60 * minute;
        written.add(3, 100, begin);
        written.add(3, 20, begin + 30 * minute);
        written.add(7, 5, begin + 31 * minute);
        assert_eq!(written.last_hour(begin + 54 * minute), [(3, 120), (7, 5)]);
        assert_eq!(written.last_hour(begin + 61 * minute), [(3, 20), (7, 5)]);
        written.add(3, 1, begin + 62 * minute);
        assert_eq!(written.last_hour(begin + 92 * minute), [(3, 1)]);
        assert_eq!(written.last_hour(begin + 10_000 * minute), []);
    }
}
