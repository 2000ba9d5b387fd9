//! Giving memory back when there is nothing to do.
//!
//! Work takes memory that a daemon at rest does not need: what was freed in the midst of the heap,
//! pages of the program, texts that can be made again. It gives them back when nothing has happened
//! for [`AFTER`]. The keeper's question every few seconds is no work; what the answer to it has
//! touched of the program goes at once.

use ostler_core::Millis;

use crate::sys;

/// The rest begins when nothing has happened for so long, ms.
const AFTER: u64 = 1_000;

/// Whether the daemon works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It did a moment ago; the rest begins at this time.
    From(Millis),
    /// There has been nothing to do for a while.
    Begun,
}

impl Rest {
    /// After work that ends now.
    pub fn after_work(now: Millis) -> Self {
        Self::From(now + AFTER)
    }

    /// When [`begin`](Self::begin) is due.
    pub fn due(self) -> Option<Millis> {
        match self {
            Self::From(at) => Some(at),
            Self::Begun => None,
        }
    }

    /// A turn of the loop is over, in which there was something to do or not. Returns whether
    /// what it has touched of the program is of no use any more.
    #[must_use]
    pub fn end_turn(&mut self, worked: bool, now: Millis) -> bool {
        if worked {
            *self = Self::after_work(now);
        }
        *self == Self::Begun
    }

    /// Begins, and gives back what is free.
    pub fn begin(&mut self) {
        *self = Self::Begun;
        sys::trim_heap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_begins_some_time_after_the_last_work_and_ends_with_the_next() {
        let mut rest = Rest::after_work(0);
        assert!(!rest.end_turn(true, 900));
        assert_eq!(rest.due(), Some(900 + AFTER));
        assert!(!rest.end_turn(false, 1_500), "pages are used until the rest begins");
        assert_eq!(rest.due(), Some(900 + AFTER), "what is no work does not put it off");
        rest.begin();
        assert_eq!(rest.due(), None);
        assert!(rest.end_turn(false, 5_000));
        assert!(!rest.end_turn(true, 6_000));
        assert_eq!(rest.due(), Some(6_000 + AFTER));
    }
}
