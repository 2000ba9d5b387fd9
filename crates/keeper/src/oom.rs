//! Protection from the kernel's out-of-memory killer.
//!
//! When memory runs out the kernel kills the process with the highest score. The keeper is small
//! and must not be the one, while what it starts must be killed as easily as without it. So the
//! keeper lowers its own score, and each child raises its score again before it executes.

use std::ffi::CString;
use std::fs;

const SCORE: &str = "/proc/self/oom_score_adj";

/// What to lower the score to: never to be killed, or as before any change. The first one
/// needs a privilege.
const LOWERED: [i32; 2] = [-1000, 0];

/// A lowered score of this process.
pub(crate) struct OomScore {
    original: CString,
    lowered: i32,
}

impl OomScore {
    /// Lowers the score of this process as far as it may; `None` when nothing changed.
    pub(crate) fn lower() -> Option<Self> {
        let original = fs::read_to_string(SCORE).ok()?.trim().to_owned();
        let current: i32 = original.parse().ok()?;
        let below = LOWERED.into_iter().filter(|score| *score < current);
        let lowered = below.into_iter().find(|score| write(*score))?;
        Some(Self { original: CString::new(original).ok()?, lowered })
    }

    /// Returns the score that children get back, in decimal.
    pub(crate) fn original(&self) -> &CString {
        &self.original
    }

    /// Gives this process its score back, before it executes another program.
    pub(crate) fn restore(&self) {
        // Raising it is always allowed; without `/proc` it could not have been lowered.
        let _ = fs::write(SCORE, self.original.as_bytes());
    }

    /// Lowers the score again, after a program that could not be executed.
    pub(crate) fn lower_again(&self) {
        // It was allowed before.
        let _ = write(self.lowered);
    }
}

fn write(score: i32) -> bool {
    fs::write(SCORE, score.to_string()).is_ok()
}
