//! The list of starts, which the keeper and we write together.

use std::sync::Arc;

use ostler_core::{RunId, SpecId};
use ostler_keeper::STARTS;
use serde_json::value::RawValue;

use super::Keeper;
use crate::clock;
use crate::starts::{Line, Listed, SpecLine};

/// So long the list of a predecessor is kept, ms: whoever waited for us is answered first.
const KEPT: u64 = 200;

impl Keeper {
    /// Reads the list as it is on disk: a keeper may have added what it has not told.
    pub fn read_starts(&self) -> Listed {
        self.starts.read()
    }

    /// Adds a start that the keeper may have added to an earlier list.
    pub fn add_start(&mut self, run: RunId, process: (u32, u64), meta: &[u8]) {
        self.starts.begin(run, process, meta);
    }

    /// Adds a specification that a run is about to be started with, unless the list has it.
    pub fn add_spec(&mut self, id: SpecId, record: impl FnOnce() -> Option<Arc<RawValue>>) {
        if !self.starts.has_spec(id)
            && let Some(record) = record()
        {
            self.starts.add_spec(id, &record);
        }
    }

    /// Whether much of it is of runs that are gone.
    pub fn has_long_starts(&self) -> bool {
        self.starts.is_long()
    }

    /// Whether it could not be written, and the keeper does not have it.
    pub fn lacks_starts(&self) -> bool {
        self.lacks_starts
    }

    /// The keeper has the list of our predecessor, which says all that it should until something is
    /// to be added: it is written anew a little later.
    pub fn keep_starts(&mut self) {
        self.starts_at = Some(clock::monotonic() + KEPT);
    }

    /// When it is to be written anew.
    pub fn starts_due(&self) -> Option<u64> {
        self.starts_at
    }

    /// Writes it anew and gives it to the keeper.
    pub fn write_starts(&mut self, runs: &[Line], specs: &[SpecLine]) {
        self.starts_at = None;
        match self.starts.rewrite(runs, specs) {
            Ok(copy) => {
                self.lacks_starts = false;
                self.put(STARTS.to_owned(), Vec::new(), Ok(copy));
            }
            // Without it, what is started is not found again for certain if both are killed.
            Err(error) => {
                self.lacks_starts = true;
                self.lacks("the list of starts", &error);
            }
        }
    }
}
