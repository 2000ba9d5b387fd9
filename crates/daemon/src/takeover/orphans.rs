//! What still runs though keeper and daemon were killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ostler_core::{ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::RunFds;
use ostler_pm2::record::from_record;

use super::inventory::{Found, Inventory};
use crate::driver::Driver;
use crate::model::{SavedProc, State};
use crate::runs::{self, Adoption, Left, Meta, ProcessRef, Stat};
use crate::starts::Start;
use crate::{clock, daemon_log};

impl Driver<'_> {
    /// Keeper and daemon were killed: what they ran still runs, deaf and mute. Each such run is
    /// adopted so that it is known, and marked as ending: it is stopped and started
    /// cleanly, never doubled.
    pub(crate) fn adopt_orphans(
        &mut self,
        state: &State,
        starts: &BTreeMap<RunId, Start>,
        inventory: &mut Inventory,
    ) {
        let mut slots = BTreeSet::new();
        let mut unknown = Vec::new();
        for (run, left) in self.runs.find_left(starts, &users_of(state)).into_iter().rev() {
            if inventory.runs.contains_key(&run) {
                continue; // An earlier daemon of this keeper came so far.
            }
            let Left { leader, slot, others } = left;
            // The newest of a slot is the one; others were on their way out.
            let saved = slot
                .filter(|_| leader.is_some())
                .filter(|slot| slots.insert(*slot))
                .and_then(|slot| state.procs.iter().find(|proc| proc.id == slot.0));
            match leader.as_ref().zip(saved) {
                Some((leader, saved)) => {
                    let found = self.adopt_orphan(run, leader, saved);
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
    }

    fn adopt_orphan(&mut self, run: RunId, leader: &ProcessRef, saved: &SavedProc) -> Found {
        let meta = Meta {
            proc: ProcId(saved.id),
            spec: SpecId(saved.spec),
            role: Role::Current,
            since: clock::monotonic(),
            since_wall: clock::wall(),
            ready: false,
            listening: false,
            ending: true,
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
        daemon_log::log(format!(
            "process {pid} of run {} is an orphan: stopped and started cleanly",
            run.0
        ));
        Found { pid, start_time, exit: None, next: None, meta, fds }
    }
}

/// The users that the apps of a state run as; ours is one of them.
fn users_of(state: &State) -> BTreeSet<u32> {
    let uids = state.specs.iter().filter_map(|(_, record)| {
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
        assert_eq!(users_of(&state), BTreeSet::from([own]));
        let record = |uid: u32| {
            let text = format!(r#"{{"name":"a","pm_exec_path":"/a.sh","uid":{uid}}}"#);
            serde_json::value::RawValue::from_string(text).unwrap().into()
        };
        state.specs = vec![(1, record(1001)), (2, record(1002))];
        assert_eq!(users_of(&state), BTreeSet::from([own, 1001, 1002]));
    }
}
