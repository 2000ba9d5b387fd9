//! What runs use, as a memory limit counts it.

use std::os::fd::OwnedFd;

use ostler_core::{Millis, RunId};

use super::Runs;
use super::cgroup::{Groups, members_in};
use super::gauge::{Gauge, Usage};
use super::tree::{First, descendants};
use crate::reserve;

impl Runs {
    /// Memory of a run, bytes; 0 when its first process is gone. Where a limit is for all processes
    /// of the run together, it is `limit`; else only the first counts.
    pub fn memory(&mut self, run: RunId, limit: Option<u64>, now: Millis) -> u64 {
        let Some(alive) = self.get_mut(run).and_then(|held| held.alive_mut()) else { return 0 };
        let Some(Usage { cpu, memory }) = alive.gauge(Gauge::read_if_run) else { return 0 };
        let Some(limit) = limit else { return memory };
        let first = First { pid: alive.processes.pid, cpu, memory };
        let mut tree = alive.tree.take().unwrap_or_default();
        let mut open = tree.list.take();
        let all = tree.memory((now, limit), first, || match self.group_of(run) {
            Some(groups) => members(&mut open, groups, run),
            None => descendants(first.pid),
        });
        tree.list = open;
        if let Some(alive) = self.get_mut(run).and_then(|held| held.alive_mut()) {
            alive.tree = Some(tree);
        }
        all
    }
}

/// The processes of a run. To read a list that is open takes a third of the time.
fn members(open: &mut Option<OwnedFd>, groups: &Groups, run: RunId) -> Vec<u32> {
    if let Some(found) = open.as_ref().and_then(members_in) {
        return found;
    }
    *open = groups.open_members(run).ok().filter(reserve::is_plentiful);
    groups.members(run)
}
