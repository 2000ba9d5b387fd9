//! What still runs though keeper and daemon were killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ostler_core::{ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::RunFds;
use ostler_pm2::dump::Saved;
use ostler_pm2::record::from_record;
use serde_json::value::RawValue;

use super::inventory::{Found, Inventory};
use super::rebuilt::{Rebuilt, Sources, Trace, rebuild};
use crate::driver::Driver;
use crate::model::{Counters, SavedProc, State};
use crate::runs::{self, Adoption, Left, Meta, ProcessRef, Shown, Stat};
use crate::starts::Listed;
use crate::state_file::boot_id;
use crate::{clock, daemon_log};

/// What keeper and daemon left on disk.
pub(crate) struct OnDisk {
    /// The saved state, if one can be read.
    pub state: Option<State>,
    /// The list of starts.
    pub starts: Listed,
    /// The saved list.
    pub saved: Vec<Saved>,
    /// There was a state of what runs: whatever else it had is looked for in the saved list.
    pub broken: bool,
}

impl Driver<'_> {
    /// Keeper and daemon were killed: what they ran still runs, deaf and mute. Each such run is
    /// adopted so that it is known, and marked as ending: it is stopped and started
    /// cleanly, never doubled. What only its own process tells of goes on as it is.
    pub(crate) fn adopt_orphans(&mut self, disk: OnDisk, inventory: &mut Inventory) -> State {
        let users = users_of(disk.records());
        let mut left = self.runs.find_left(&disk.starts.runs, &users);
        // An earlier daemon of this keeper came so far with the others.
        left.retain(|run, _| !inventory.runs.contains_key(run));
        let OnDisk { state, starts, saved, broken } = disk;
        let (state, runs, guessed) = match state {
            Some(state) => {
                let slots = state.procs.iter().map(|proc| ProcId(proc.id));
                let runs = shown_runs(&left, slots, inventory);
                (state, runs, BTreeSet::new())
            }
            None => {
                let traces = left.iter().map(|(run, left)| trace(*run, left, &starts)).collect();
                let rest = if broken { &saved[..] } else { &[] };
                let sources = Sources { specs: &starts.specs, saved: &saved, rest };
                let Rebuilt { state, runs, guessed } = rebuild(boot_id(), traces, &sources);
                (state, runs, guessed)
            }
        };
        let mut unknown = Vec::new();
        for (run, Left { leader, others, .. }) in left.into_iter().rev() {
            let slot = runs.get(&run);
            let saved = slot.and_then(|slot| state.procs.iter().find(|proc| proc.id == slot.0));
            match leader.as_ref().zip(saved) {
                Some((leader, saved)) => {
                    let found = self.adopt_orphan(run, leader, saved, guessed.contains(&run));
                    inventory.runs.insert(run, found);
                }
                None => {
                    // Nobody wants it: descendants without their first process, an app that was
                    // deleted, or what a dead keeper began and had no time to tell.
                    unknown.extend(others);
                    unknown.extend(leader);
                }
            }
        }
        self.runs.end_other_groups(|run| inventory.runs.contains_key(&run));
        runs::end_orphans(&unknown);
        // Those are empty now.
        self.runs.end_other_groups(|run| inventory.runs.contains_key(&run));
        state
    }

    fn adopt_orphan(
        &mut self,
        run: RunId,
        leader: &ProcessRef,
        saved: &SavedProc,
        goes_on: bool,
    ) -> Found {
        let counters = Counters {
            restarts: saved.restarts,
            unstable: saved.unstable,
            ended: saved.ended.map(RunId),
            told: None,
        };
        let meta = Meta {
            grouped: self.runs.is_group_populated(run),
            ..meta_of((ProcId(saved.id), SpecId(saved.spec)), counters, goes_on)
        };
        let pid = leader.pid;
        let start_time = Stat::read(pid).map_or(0, |stat| stat.start_time);
        let copy = || leader.fd.try_clone().ok();
        let fds = RunFds { pidfd: copy(), ..RunFds::default() };
        let kept = RunFds { pidfd: copy().map(Arc::new), ..RunFds::default() };
        let adoption = Adoption { process: (pid, start_time), status: None, fds: kept };
        self.keeper.adopt(run, meta.to_bytes(), adoption);
        let fate = if goes_on {
            "goes on as it is, without logs; restart it to have them"
        } else {
            "stopped and started cleanly"
        };
        daemon_log::log(format!("process {pid} of run {} is an orphan: {fate}", run.0));
        Found { pid, start_time, exit: None, next: None, meta, fds }
    }
}

/// What is noted of a run that nobody had noted anything of.
fn meta_of((proc, spec): (ProcId, SpecId), counters: Counters, goes_on: bool) -> Meta {
    Meta {
        proc,
        spec,
        role: Role::Current,
        since: clock::monotonic(),
        since_wall: clock::wall(),
        ready: goes_on,
        listening: false,
        ending: !goes_on,
        cluster: false,
        grouped: false,
        counters,
        log_offsets: [0; 2],
        inspect_port: None,
    }
}

/// The run that each of these slots shows: the newest whose first process lives. Others were on
/// their way out, and so are all of a slot of which the keeper holds a run that lives and goes on.
fn shown_runs(
    left: &BTreeMap<RunId, Left>,
    slots: impl Iterator<Item = ProcId>,
    inventory: &Inventory,
) -> BTreeMap<RunId, ProcId> {
    let mut slots: BTreeSet<ProcId> = slots.collect();
    let goes_on = |found: &&Found| {
        found.exit.is_none() && found.meta.role == Role::Current && !found.meta.ending
    };
    for found in inventory.runs.values().filter(goes_on) {
        slots.remove(&found.meta.proc);
    }
    let lives = left.iter().filter(|(_, left)| left.leader.is_some());
    let known = lives.filter_map(|(run, left)| Some((left.slot?, *run)));
    let newest: BTreeMap<ProcId, RunId> = known.filter(|(slot, _)| slots.contains(slot)).collect();
    newest.into_iter().map(|(slot, run)| (run, slot)).collect()
}

fn trace(run: RunId, left: &Left, starts: &Listed) -> Trace {
    Trace {
        run,
        slot: left.slot,
        meta: starts.runs.get(&run).and_then(|start| start.meta),
        shown: left.leader.as_ref().and_then(|leader| Shown::read(leader.pid)),
    }
}

impl OnDisk {
    /// All specifications in it.
    fn records(&self) -> impl Iterator<Item = &RawValue> {
        let of_state = self.state.iter().flat_map(|state| &state.specs).map(|(_, record)| record);
        of_state.chain(self.starts.specs.values()).map(|record| &**record)
    }
}

/// The users that apps run as; ours is one of them.
fn users_of<'a>(records: impl Iterator<Item = &'a RawValue>) -> BTreeSet<u32> {
    let uids = records.filter_map(|record| {
        // One that is not understood has no process that can be adopted.
        from_record(record.get(), 1).ok()?.uid
    });
    uids.chain([rustix::process::geteuid().as_raw()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that a keeper begins by itself is the newest of its slot: where that keeper dies over
    /// it, and then the daemon, the one that everybody knows of goes on.
    #[test]
    fn what_a_dead_keeper_began_does_not_take_the_place_of_a_run_that_lives() {
        let left = [(6, 2), (8, 1), (9, 2)].map(|(run, slot)| {
            let fd = rustix::io::dup(rustix::stdio::stdin()).unwrap();
            let (leader, others) = (Some(ProcessRef { pid: 7, fd }), Vec::new());
            (RunId(run), Left { leader, slot: Some(ProcId(slot)), others })
        });
        let left = BTreeMap::from(left);
        let shown = |exit, ending: bool| {
            let meta = meta_of((ProcId(1), SpecId(1)), Counters::default(), !ending);
            let (next, fds) = (None, RunFds::default());
            let found = Found { pid: 5, start_time: 1, exit, next, meta, fds };
            let mut inventory = Inventory::default();
            inventory.runs.insert(RunId(7), found);
            let shown = shown_runs(&left, [1, 2, 3].into_iter().map(ProcId), &inventory);
            shown.into_keys().map(|run| run.0).collect::<Vec<_>>()
        };
        assert_eq!(shown(None, false), [9]);
        assert_eq!(shown(None, true), [8, 9], "it is on its way out");
        assert_eq!(shown(Some(ostler_core::Exit::Code(1)), false), [8, 9], "it has ended");
    }

    #[test]
    fn only_who_an_app_runs_as_may_be_one_of_its_processes() {
        let mut state = State::empty(String::new());
        let own = rustix::process::geteuid().as_raw();
        let record = |uid: u32| {
            let text = format!(r#"{{"name":"a","pm_exec_path":"/a.sh","uid":{uid}}}"#);
            Arc::from(RawValue::from_string(text).unwrap())
        };
        state.specs = vec![(1, record(1001)), (2, record(1002))];
        let starts =
            Listed { specs: BTreeMap::from([(SpecId(7), record(1003))]), ..Listed::default() };
        let disk = |state| {
            let (starts, saved, broken) = (Listed::default(), Vec::new(), false);
            OnDisk { state, starts, saved, broken }
        };
        assert_eq!(users_of(disk(None).records()), BTreeSet::from([own]));
        let disk = OnDisk { starts, ..disk(Some(state)) };
        assert_eq!(users_of(disk.records()), BTreeSet::from([own, 1001, 1002, 1003]));
    }
}
