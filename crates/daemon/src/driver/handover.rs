//! The runs, for a keeper in place of one that died.

use ostler_core::RunId;

use super::Driver;
use crate::runs::{self, ProcessRef};

impl Driver<'_> {
    /// Gives the keeper all runs to hold.
    pub(crate) fn give_runs(&mut self) {
        for (run, held) in self.runs.iter() {
            match held.adoption() {
                Ok(Some(adoption)) => {
                    let meta = self.meta_of_run(run);
                    self.keeper.adopt(run, meta, adoption);
                }
                Ok(None) => {}
                Err(error) => self.keeper.lacks(&format!("run {}", run.0), &error),
            }
        }
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first.
    pub(crate) fn spawn_again(&mut self) {
        let asked: Vec<RunId> =
            self.runs.iter().filter(|(_, held)| held.is_asked()).map(|(run, _)| run).collect();
        if asked.is_empty() {
            return;
        }
        let orphans: Vec<ProcessRef> = runs::marked(self.runs.mark())
            .into_iter()
            .filter(|(run, _)| asked.contains(run))
            .map(|(_, process)| process)
            .collect();
        runs::end_orphans(&orphans);
        for run in asked {
            self.runs.renew_group(run);
            self.send_spawn(run);
        }
    }
}
