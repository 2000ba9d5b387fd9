//! What still runs though keeper and daemon were killed.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{ProcId, Role, RunId, SpecId};
use ostler_keeper::proto::RunFds;

use super::inventory::{Found, Inventory};
use crate::driver::Driver;
use crate::model::{SavedProc, State};
use crate::runs::{self, Meta, ProcessRef, Stat};
use crate::{clock, daemon_log};

impl Driver<'_> {
    /// Keeper and daemon were killed: what they ran still runs, deaf and mute. Each such run is
    /// adopted so that it is known, and marked as ending: it is stopped and started
    /// cleanly, never doubled.
    pub(crate) fn adopt_orphans(&mut self, state: &State, inventory: &mut Inventory) {
        let mut by_run: BTreeMap<RunId, Vec<ProcessRef>> = BTreeMap::new();
        for (run, process) in runs::marked(self.runs.mark()) {
            if inventory.runs.contains_key(&run) {
                continue; // An earlier daemon of this keeper came so far.
            }
            by_run.entry(run).or_default().push(process);
        }
        let mut slots = BTreeSet::new();
        let mut unknown = Vec::new();
        for (run, mut processes) in by_run.into_iter().rev() {
            let leader = processes.iter().position(is_leader).map(|at| processes.swap_remove(at));
            // The newest of a slot is the one; others were on their way out.
            let saved = leader
                .as_ref()
                .and_then(slot_of)
                .filter(|slot| slots.insert(*slot))
                .and_then(|slot| state.procs.iter().find(|proc| proc.id == slot));
            match leader.as_ref().zip(saved) {
                Some((leader, saved)) => {
                    let found = self.adopt_orphan(run, leader, saved);
                    inventory.runs.insert(run, found);
                }
                None => {
                    // Nobody knows it: descendants without their first process, or an app that was
                    // deleted.
                    unknown.extend(processes);
                    unknown.extend(leader);
                }
            }
        }
        runs::end_orphans(&unknown);
        self.runs.remove_other_groups(|run| inventory.runs.contains_key(&run));
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
            stderr_offset: 0,
        };
        let pid = leader.pid;
        let start_time = Stat::read(pid).map_or(0, |stat| stat.start_time);
        let fds = RunFds { pidfd: leader.fd.try_clone().ok(), ..RunFds::default() };
        self.keeper.adopt(run, (pid, start_time), meta.to_bytes(), None, &fds);
        daemon_log::log(format!(
            "process {pid} of run {} is an orphan: stopped and started cleanly",
            run.0
        ));
        Found { pid, start_time, exit: None, next: None, meta, fds }
    }
}

/// Whether the process is the first one of its run.
fn is_leader(process: &ProcessRef) -> bool {
    Stat::read(process.pid).is_some_and(|stat| stat.session == process.pid)
}

/// The slot that a process belongs to, as its environment says.
fn slot_of(process: &ProcessRef) -> Option<u32> {
    runs::variable_of(process.pid, "pm_id")?.parse().ok()
}
