//! The runs, for a keeper in place of one that died.

use std::collections::BTreeSet;

use ostler_core::RunId;

use super::Driver;
use crate::runs::{self, ProcessRef};
use crate::starts::{Line, SpecLine};

impl Driver<'_> {
    /// Writes the list of starts anew, where that is due.
    pub(crate) fn shorten_starts(&mut self) {
        // What the keeper was asked for it may add meanwhile, to the file that it has.
        if self.keeper.has_long_starts() && self.runs.iter().all(|(_, held)| !held.is_asked()) {
            self.write_starts();
        }
    }

    /// Writes the list of starts, where that has failed.
    pub(crate) fn give_starts(&mut self) {
        if self.keeper.lacks_starts() {
            self.write_starts();
        }
    }

    /// Writes the list of starts anew, with the runs that there are.
    pub(crate) fn write_starts(&mut self) {
        let known = self.runs.iter().filter_map(|(run, held)| Some((run, held.process()?)));
        let lines: Vec<Line> =
            known.map(|(run, process)| (run, process, self.meta_of_run(run))).collect();
        let versions = self.model.registry().versions();
        let specs: Vec<SpecLine> =
            versions.filter_map(|(id, version)| Some((id, version.record()?))).collect();
        self.keeper.write_starts(&lines, &specs);
    }

    /// Gives the keeper all runs to hold.
    pub(crate) fn give_runs(&mut self) {
        for (run, held) in self.runs.iter() {
            if let Some(adoption) = held.adoption() {
                let meta = self.meta_of_run(run);
                self.keeper.adopt(run, meta, adoption);
            }
        }
    }

    /// Starts that a dead keeper left open. Nobody knows how far it came: what it began dies first,
    /// also what it was to begin by itself. Until the next crash there is nothing prepared.
    pub(crate) fn spawn_again(&mut self) {
        // A dead keeper may have noted what it has not told.
        let starts = self.keeper.read_starts();
        self.write_starts();
        // It may have begun what it was told to, and not have said so.
        let prepared = self.runs.drop_next();
        let asked: Vec<RunId> =
            self.runs.iter().filter(|(_, held)| held.is_asked()).map(|(run, _)| run).collect();
        if asked.is_empty() && prepared.is_empty() {
            return;
        }
        let registry = self.model.registry();
        let of_asked = asked.iter().filter_map(|run| Some(self.runs.get(*run)?.spec));
        let specs = of_asked.chain(prepared.values().copied());
        let users = specs.filter_map(|spec| registry.version(spec)?.spec.uid);
        let own = rustix::process::geteuid().as_raw();
        let users: BTreeSet<u32> = users.chain([own]).collect();
        let mut left = self.runs.find_left(&starts.runs, &users);
        left.retain(|run, _| asked.contains(run) || prepared.contains_key(run));
        let orphans: Vec<ProcessRef> = left
            .into_values()
            .flat_map(|left| left.others.into_iter().chain(left.leader))
            .collect();
        runs::end_orphans(&orphans);
        for run in prepared.keys() {
            self.runs.drop_group(*run);
        }
        for run in asked {
            self.runs.renew_group(run);
            self.send_spawn(run);
        }
    }
}
