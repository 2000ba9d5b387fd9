//! The runs, for a keeper in place of one that died.

use ostler_core::RunId;

use super::Driver;
use crate::runs::{self, Adoption, ProcessRef};

impl Driver<'_> {
    /// Gives a new keeper all runs to hold, and asks it for those that the dead one was asked for.
    pub(crate) fn hand_over(&mut self) {
        let mut asked = Vec::new();
        // The dead one may have begun what it was told to, and not have said so.
        let prepared = self.runs.drop_next();
        for (run, held) in self.runs.iter() {
            match held.adoption() {
                Some(Adoption { process, status, fds }) => {
                    let meta = self.meta_of_run(run);
                    self.keeper.adopt(run, process, meta, status, &fds);
                }
                None => asked.push(run),
            }
        }
        self.spawn_again(&asked, &prepared);
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first,
    /// also what it was to begin by itself. Until the next crash there is nothing prepared.
    fn spawn_again(&mut self, asked: &[RunId], prepared: &[RunId]) {
        if asked.is_empty() && prepared.is_empty() {
            return;
        }
        let orphans: Vec<ProcessRef> = runs::marked(self.runs.mark())
            .into_iter()
            .filter(|(run, _)| asked.contains(run) || prepared.contains(run))
            .map(|(_, process)| process)
            .collect();
        runs::end_orphans(&orphans);
        for run in prepared {
            self.runs.drop_group(*run);
        }
        for run in asked {
            self.runs.renew_group(*run);
            self.send_spawn(*run);
        }
    }
}
