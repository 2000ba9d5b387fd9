//! What runs wrote into their log files, to be quoted.

use std::path::Path;

use ostler_core::{ProcId, RunId};

use super::{Runs, last, stderr};
use crate::environment;

impl Runs {
    /// Returns the last lines that a run wrote to its standard error.
    pub fn stderr_tail(&self, run: RunId) -> Vec<String> {
        let Some(held) = self.get(run) else { return Vec::new() };
        let Some(spec) = &held.settings else { return Vec::new() };
        stderr::tail_since(spec, held.proc, held.log_offsets[1])
    }

    /// A log file was rotated: what is in the file of that name now was written after that.
    pub fn rotated(&mut self, path: &Path) {
        for held in self.all.values_mut() {
            let Some(spec) = &held.settings else { continue };
            let files = environment::log_files(spec, held.proc);
            for (file, offset) in files.iter().zip(&mut held.log_offsets) {
                if file.as_deref() == Some(path) {
                    *offset = 0;
                }
            }
        }
        self.ends.rotated(path);
    }

    /// Returns where in the log files of a slot the current run begins, or else the last one
    /// that is over.
    pub fn log_start(&self, id: ProcId, current: Option<RunId>) -> Option<[u64; 2]> {
        let of_slot = self.iter().filter(|(_, held)| held.proc == id);
        let held = of_slot.map(|(run, held)| (run, held.log_offsets));
        last::log_start(current, held, self.ends.log_start(id))
    }

    /// Returns the last lines of the last run of a slot that is over, and whether they were
    /// written to standard error; `None` while they are being written.
    pub fn last_lines(&self, id: ProcId) -> Option<(Vec<String>, bool)> {
        self.ends.last_lines(id, |run| self.contains(run))
    }
}
