//! Starts that are laid out for the end of a run.
//!
//! A daemon that is told of an exit and answers with a start costs a crashed program a round trip.
//! So it may decide in advance; the keeper only compares run, time and status with what it was
//! told. Each preparation is used at most once, and `proto` says what becomes of the others.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::proto::ExitStatus;
use crate::table::Refusal;

/// Most bytes of all preparations.
const MAX_BYTES: usize = 64 << 20;

/// A start in waiting; `L` is how it is laid out.
pub(crate) struct Prepared<L> {
    /// The run to start.
    pub(crate) run: u64,
    /// When the end must come, monotonic ms.
    pub(crate) window: Range<u64>,
    /// Exit codes upon which nothing is started.
    pub(crate) except_codes: Vec<i32>,
    /// The memory that it takes.
    pub(crate) size: usize,
    pub(crate) layout: L,
}

/// All preparations, by the run whose end they wait for.
pub(crate) struct Preparations<L> {
    waiting: BTreeMap<u64, Prepared<L>>,
    bytes: usize,
}

impl<L> Default for Preparations<L> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), bytes: 0 }
    }
}

impl<L> Preparations<L> {
    /// Adds one for the end of the run `after`, which must have none.
    pub(crate) fn insert(&mut self, after: u64, prepared: Prepared<L>) -> Result<(), Refusal> {
        if self.bytes + prepared.size > MAX_BYTES {
            return Err(Refusal::Full);
        }
        self.bytes += prepared.size;
        self.waiting.insert(after, prepared);
        Ok(())
    }

    pub(crate) fn contains(&self, after: u64) -> bool {
        self.waiting.contains_key(&after)
    }

    /// Takes the one for the end of that run.
    pub(crate) fn take(&mut self, after: u64) -> Option<Prepared<L>> {
        let prepared = self.waiting.remove(&after)?;
        self.bytes -= prepared.size;
        Some(prepared)
    }

    /// Drops all of them.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl<L> Prepared<L> {
    /// Returns whether it is meant for such an end at that time.
    pub(crate) fn holds(&self, status: ExitStatus, now: u64) -> bool {
        let meant = match status {
            ExitStatus::Code(code) => !self.except_codes.contains(&code),
            ExitStatus::Signal(..) => true,
            ExitStatus::Unknown => false,
        };
        meant && self.window.contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(run: u64, size: usize) -> Prepared<()> {
        Prepared { run, window: 100..200, except_codes: vec![0, 3], size, layout: () }
    }

    #[test]
    fn an_end_must_come_in_the_window_and_with_a_status_that_is_meant() {
        let holds = |status, now| prepared(2, 1).holds(status, now);
        assert!(holds(ExitStatus::Code(1), 100) && holds(ExitStatus::Code(1), 199));
        assert!(!holds(ExitStatus::Code(1), 99) && !holds(ExitStatus::Code(1), 200));
        assert!(!holds(ExitStatus::Code(0), 150) && !holds(ExitStatus::Code(3), 150));
        assert!(
            holds(ExitStatus::Signal(3, false), 150) && holds(ExitStatus::Signal(9, true), 150)
        );
        assert!(!holds(ExitStatus::Unknown, 150), "it may have been one of the codes");
    }

    #[test]
    fn each_is_taken_once_and_memory_is_counted() {
        let mut all = Preparations::default();
        all.insert(1, prepared(2, 7)).unwrap();
        all.insert(3, prepared(4, MAX_BYTES - 7)).unwrap();
        assert_eq!(all.insert(5, prepared(6, 1)), Err(Refusal::Full));
        assert!(all.contains(1));
        assert_eq!(all.take(1).map(|prepared| prepared.run), Some(2));
        assert!(all.take(1).is_none() && !all.contains(1));
        all.insert(5, prepared(6, 7)).unwrap();
        all.clear();
        assert_eq!((all.bytes, all.contains(3)), (0, false));
    }
}
