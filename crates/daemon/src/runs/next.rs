//! Runs that the keeper begins by itself when others end.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_core::{Role, RunId, SpecId};

use super::run::Next;
use super::{Meta, NewRun, Run, Runs, log_lengths};
use crate::clock;

impl Runs {
    /// The keeper is about to be told to begin this run when another ends. Returns what is to be
    /// kept with it, and its control group.
    pub fn prepare_run(
        &mut self,
        after: RunId,
        run: RunId,
        new: NewRun,
        counters: (u32, u32),
    ) -> (Meta, Option<PathBuf>) {
        // The port of the inspector becomes free by that end.
        let inspect_port = self.get(after).and_then(|held| held.inspect_port);
        let next = Next { after, run: Run { inspect_port, ..self.grouped(run, new) } };
        let meta = next.run.meta(Role::Current, false, counters);
        let group = self.path_of(run, &next.run);
        self.next.insert(run, next);
        (meta, group)
    }

    /// A run ended, and the keeper began that one with it, if any; what else it might have
    /// begun is forgotten.
    pub fn begin_next(&mut self, ended: RunId, begun: Option<RunId>) {
        let of_run = self.next.iter().filter(|(_, next)| next.after == ended);
        for run in of_run.map(|(run, _)| *run).collect::<Vec<_>>() {
            let Some(next) = self.next.remove(&run) else { continue };
            if Some(run) == begun {
                let mut held = next.run;
                (held.since, held.since_wall) = (clock::monotonic(), clock::wall());
                held.in_advance = true;
                // What the run before has still to write is told with it.
                if let Some(spec) = &held.settings {
                    held.log_offsets = log_lengths(spec, held.proc);
                }
                self.all.insert(run, held);
            } else if let Some(groups) = self.groups.as_ref().filter(|_| next.run.grouped) {
                groups.remove(run);
            }
        }
    }

    /// A run could not be spawned. Whether it is to be asked for again: what the keeper was given
    /// in advance (its group, the place of its program) may have gone since.
    pub fn renew_begun(&mut self, run: RunId) -> bool {
        let Some(held) = self.all.get_mut(&run) else { return false };
        if !std::mem::take(&mut held.in_advance) {
            return false;
        }
        let groups = self.groups.as_mut().filter(|_| held.grouped);
        held.grouped = groups.is_some_and(|groups| groups.create(run).is_ok());
        true
    }

    /// Takes the group of a run away that never comes, or was ended.
    pub fn drop_group(&self, run: RunId) {
        if let Some(groups) = &self.groups {
            groups.remove(run);
        }
    }

    /// The keeper is gone, and what it was told with it. Returns what it might have begun.
    pub fn drop_next(&mut self) -> BTreeMap<RunId, SpecId> {
        let next = std::mem::take(&mut self.next).into_iter();
        next.map(|(run, next)| (run, next.run.spec)).collect()
    }
}
