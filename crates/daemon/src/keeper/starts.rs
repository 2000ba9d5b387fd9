//! The list of starts, which the keeper and we write together.

use std::collections::BTreeMap;

use ostler_core::RunId;
use ostler_keeper::STARTS;

use super::Keeper;
use crate::daemon_log;
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

    /// Writes it anew and gives it to the keeper.
    pub fn write_starts(&mut self, runs: &[Line]) {
        match self.starts.rewrite(runs) {
            Ok(copy) => self.put(STARTS.to_owned(), Vec::new(), Ok(copy)),
            Err(error) => daemon_log::error(format!(
                "could not write the list of starts: {error}; what is started now is not found \
                 again for certain if keeper and daemon are killed together"
            )),
        }
    }
}
