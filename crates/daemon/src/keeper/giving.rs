//! What could not be given to the keeper is given again.

use std::io;

use super::{GIVE_AGAIN, Keeper};
use crate::{clock, daemon_log, reserve};

impl Keeper {
    /// Something could not be given to it, and dies with us unless it is given again in time.
    pub fn lacks(&mut self, what: &str, error: &io::Error) {
        let pause = self.give_pause;
        daemon_log::error(format!(
            "could not give {what} to the keeper: {error}; trying again in {pause} ms"
        ));
        self.incomplete = Some(clock::monotonic() + pause);
    }

    /// When everything is given to it again, because something could not be given.
    pub fn give_due(&self) -> Option<u64> {
        self.incomplete.filter(|_| !self.is_lost())
    }

    /// It is being given everything.
    pub fn begin_giving(&mut self) {
        self.incomplete = None;
        self.give_pause = (2 * self.give_pause).min(GIVE_AGAIN.1);
    }

    /// Whether it has everything that it must hold.
    pub fn has_all(&self) -> bool {
        self.incomplete.is_none() && !self.is_lost()
    }

    /// It was given everything that could be given. Returns whether that was all.
    pub fn end_giving(&mut self) -> bool {
        self.reserve.fill(reserve::KEEPER);
        let has_all = self.incomplete.is_none();
        if has_all {
            self.give_pause = GIVE_AGAIN.0;
        }
        has_all
    }
}
