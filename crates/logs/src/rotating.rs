//! By which rule a log is rotated, and whether it is due.

use std::sync::Arc;

use ostler_poll::now;

use crate::care::{Names, Renamer};

/// A line that goes on for so many times the size is cut in the end.
const FORCED: u64 = 2;

/// When and how a log is rotated by the engine itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// As soon as it has so many bytes; `None`: only when it is told to.
    pub max_size: Option<u64>,
    /// How the rotated files are called.
    pub names: Arc<Names>,
}

/// What a file knows of its rotation.
#[derive(Debug, Default)]
pub(crate) struct Rotating {
    pub rule: Rotation,
    /// It is to be rotated whatever its size.
    pub asked: bool,
    /// It could not be rotated: not before this, ms.
    pub not_before: u64,
    /// That it could not is told.
    pub failed: bool,
    pub renamer: Renamer,
}

impl Rotating {
    /// Whether it is to be rotated, now that it ends here.
    pub(crate) fn is_due(&self, end: u64) -> bool {
        let is_full = self.rule.max_size.is_some_and(|most| most <= end);
        0 < end && (is_full || self.asked) && (self.not_before == 0 || self.not_before <= now())
    }

    /// Whether it is rotated even within a line: that line is too long to wait for.
    pub(crate) fn is_forced(&self, end: u64) -> bool {
        self.rule.max_size.is_some_and(|most| most.saturating_mul(FORCED) <= end)
    }
}
