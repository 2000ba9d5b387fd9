//! The list of starts, which the keeper and we write together.

use std::collections::BTreeMap;

use ostler_core::RunId;
use ostler_keeper::STARTS;

use super::Keeper;
use crate::starts::{Line, Start};

impl Keeper {
    /// Reads the list as it is on disk: a keeper may have added what it has not told.
    pub fn read_starts(&self) -> BTreeMap<RunId, Start> {
        self.starts.read()
    }

    /// Adds a start that the keeper may have added to an earlier list.
    pub fn add_start(&mut self, run: RunId, process: (u32, u64), meta: &[u8]) {
        self.starts.begin(run, process, meta);
    }

    /// Whether much of it is of runs that are gone.
    pub fn has_long_starts(&self) -> bool {
        self.starts.is_long()
    }

    /// Whether it could not be written, and the keeper does not have it.
    pub fn lacks_starts(&self) -> bool {
        self.lacks_starts
    }

    /// Writes it anew and gives it to the keeper.
    pub fn write_starts(&mut self, runs: &[Line]) {
        match self.starts.rewrite(runs) {
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
