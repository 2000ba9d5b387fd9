//! What a walk over all processes is made for, and what is done with what it found.

use ostler_core::RunId;

use super::Runs;
use super::run::Run;
use super::walk::{Purpose, Walk, Walked};
use crate::daemon_log;
use crate::reports::Reports;

impl Runs {
    /// Looks for the descendants of a run with the next walk.
    pub(super) fn look_for_descendants(&mut self, run: RunId, purpose: Purpose) {
        self.walks.want(run, purpose);
    }

    /// Returns the walk that is to be made now, if there is one.
    pub fn begin_walk(&mut self) -> Option<Walk> {
        if !self.walks.begin() {
            return None;
        }
        let first = |run: &RunId| Some((*run, self.get(*run)?.pid()));
        let wanted = self.walks.under_way.keys().filter_map(first).collect();
        Some(Walk { mark: self.mark.as_str().into(), wanted })
    }

    /// Does with the descendants what they were looked for.
    pub fn on_walked(&mut self, walked: Walked, reports: &mut Reports) {
        let mut under_way = self.walks.end();
        for (run, result) in walked {
            let purposes = under_way.remove(&run).unwrap_or_default();
            if !self.contains(run) {
                continue;
            }
            if let Err(error) = &result {
                daemon_log::error(format!(
                    "could not look for descendants of run {}: {error}",
                    run.0
                ));
            }
            let found = result.as_deref().unwrap_or_default();
            if purposes.contains(&Purpose::Terminate) {
                self.terminate_all(run, found);
            }
            if purposes.contains(&Purpose::Kill) {
                self.kill_all(run, found, reports);
            }
            if purposes.contains(&Purpose::Watch) {
                match result {
                    Ok(found) => self.watch_descendants(run, found, reports),
                    // Nobody knows, so it is not over; asked again a little later.
                    Err(_) => self.look_again(run),
                }
            }
        }
    }

    /// The first process of a run, as far as it is known.
    pub(super) fn first_process(&self, run: RunId) -> u32 {
        self.get(run).map_or(0, Run::pid)
    }
}
