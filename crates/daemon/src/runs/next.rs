//! Runs that the keeper begins by itself when others end.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ostler_core::{ProcId, Role, RunId, SpecId};

use super::run::Next;
use super::{Meta, NewRun, Run, Runs, log_lengths};
use crate::clock;
use crate::model::Counters;

impl Runs {
    /// The keeper is about to be told to begin this run when another ends. Returns what is to be
    /// kept with it, and its control group; `None` when it may not be told: that one has ended
    /// since this was decided, and its end says what was begun, or what the keeper before began of
    /// this run is to go.
    pub fn prepare_run(
        &mut self,
        after: RunId,
        run: RunId,
        new: NewRun,
        counters: Counters,
    ) -> Option<(Meta, Option<PathBuf>)> {
        let is_over = self.get(after).is_none_or(Run::is_dead);
        if is_over || self.contains(run) || self.is_to_be_cleared(run) {
            return None;
        }
        // The port of the inspector becomes free by that end.
        let inspect_port = self.get(after).and_then(|held| held.inspect_port);
        let next = Next { after, run: Run { inspect_port, ..self.grouped(run, new) } };
        let meta = next.run.meta(Role::Current, false, counters);
        let group = self.path_of(run, &next.run);
        if self.limit(run, &next.run).is_err() {
            // It is told when the run is due.
            self.drop_group(run);
            return None;
        }
        self.next.insert(run, next);
        Some((meta, group))
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

    /// The end of the run of this place was told, and of all before it in the slot.
    pub fn note_told(&mut self, id: ProcId, end: RunId) {
        let told = self.told.entry(id).or_insert(end);
        *told = end.max(*told);
    }

    /// The place of the last run of the slot whose end was told.
    pub fn told(&self, id: ProcId) -> Option<RunId> {
        self.told.get(&id).copied()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::rc::Rc;

    use ostler_core::SpecId;
    use ostler_poll::Poll;

    use super::*;

    fn new_run() -> NewRun {
        let (proc, spec, settings) = (ProcId(0), SpecId(0), None);
        NewRun { proc, spec, settings, since: 0, since_wall: 0, log_offsets: [0; 2] }
    }

    /// The decision changes with time, and is then told under the number that it has.
    #[test]
    fn what_a_dead_keeper_may_have_begun_is_not_prepared_anew_before_it_is_gone() {
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        let prepare = |runs: &mut Runs| {
            runs.prepare_run(RunId(1), RunId(2), new_run(), Counters::default()).is_some()
        };
        runs.ask(RunId(1), new_run());
        assert!(prepare(&mut runs));
        let open: BTreeSet<RunId> = runs.drop_next().into_keys().collect();
        assert_eq!(open, BTreeSet::from([RunId(2)]));
        runs.want_cleared(open, BTreeMap::new(), BTreeSet::new());
        let clearing = runs.begin_clearing().unwrap();
        assert!(!prepare(&mut runs), "it would be killed for an orphan");
        assert!(runs.drop_next().is_empty());
        assert!(runs.end_clearing(clearing.runs).is_some());
        assert!(prepare(&mut runs));
    }

    /// When the keeper dies, what may have begun unheard of is killed.
    #[test]
    fn a_run_that_has_begun_is_not_among_those_that_may_begin() {
        let mut runs = Runs::new("mark".to_owned(), Rc::new(Poll::new().unwrap())).unwrap();
        runs.ask(RunId(1), new_run());
        let prepare = |runs: &mut Runs| {
            runs.prepare_run(RunId(1), RunId(2), new_run(), Counters::default()).is_some()
        };
        assert!(prepare(&mut runs));
        // It ends, and this is decided once more before that is heard.
        runs.begin_next(RunId(1), Some(RunId(2)));
        runs.die(RunId(1), ostler_core::Exit::Code(1), true);
        assert!(!prepare(&mut runs) && runs.drop_next().is_empty());
    }
}
