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
use crate::model::{SavedProc, State};
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
                let runs = shown_runs(&left, &state);
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
                    // Nobody knows it: descendants without their first process, or an app that was
                    // deleted.
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
        let meta = Meta {
            proc: ProcId(saved.id),
            spec: SpecId(saved.spec),
            role: Role::Current,
            since: clock::monotonic(),
            since_wall: clock::wall(),
            ready: goes_on,
            listening: false,
            ending: !goes_on,
            cluster: false,
            grouped: self.runs.is_group_populated(run),
            restarts: saved.restarts,
            unstable: saved.unstable,
            log_offsets: [0; 2],
            inspect_port: None,
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

/// The run that each slot of a state shows: the newest whose first process lives. Others were on
/// their way out.
fn shown_runs(left: &BTreeMap<RunId, Left>, state: &State) -> BTreeMap<RunId, ProcId> {
    let slots: BTreeSet<ProcId> = state.procs.iter().map(|proc| ProcId(proc.id)).collect();
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
