//! What an earlier daemon and its keeper left running, by run.
//!
//! A program may write over its environment (`$0` in Perl, nginx, PostgreSQL), and the first
//! process of a run may be dead: neither may make what is left of the run an orphan for ever,
//! beside the run that replaces it. So each sign counts: the control group, the list of starts
//! (number and time of the first process, which leads the session of the run), the mark in the
//! environment of a process whose user is one of ours, and descent from any process that one of
//! these has found.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{ProcId, RunId};

use super::cgroup::Groups;
use super::marks;
use super::proc::{self, ProcessRef, Processes};
use super::stat::Stat;
use crate::daemon_log;
use crate::starts::Start;

/// What is left of a run, each process held fast.
#[derive(Debug, Default)]
pub struct Left {
    /// Its first process, if that lives.
    pub leader: Option<ProcessRef>,
    /// Its slot, as far as somebody knows it.
    pub slot: Option<ProcId>,
    /// All its other processes.
    pub others: Vec<ProcessRef>,
}

/// Looks for what is left of runs, of which `users` are those that our apps run as. What cannot be
/// looked at is told.
pub(super) fn find(
    mark: &str,
    groups: Option<&Groups>,
    starts: &BTreeMap<RunId, Start>,
    users: &BTreeSet<u32>,
) -> BTreeMap<RunId, Left> {
    let (left, unseen) = look(mark, groups, starts, users);
    for why in unseen {
        daemon_log::error(why);
    }
    left
}

/// Looks for it, and says what could not be looked at: descriptors may be short.
pub(super) fn look(
    mark: &str,
    groups: Option<&Groups>,
    starts: &BTreeMap<RunId, Start>,
    users: &BTreeSet<u32>,
) -> (BTreeMap<RunId, Left>, Vec<String>) {
    let Processes { all, mut marked } = match proc::processes_with_marks(mark) {
        Ok(processes) => processes,
        Err(error) => {
            let why = format!("could not look for what was left running: {error}");
            return (BTreeMap::new(), vec![why]);
        }
    };
    // Anybody may write anything into an environment of his own.
    marked.retain(|pid, _| proc::user_of(*pid).is_some_and(|user| users.contains(&user)));
    let mut owners = marked;
    for (run, members) in groups.map(Groups::all_members).unwrap_or_default() {
        owners.extend(members.into_iter().map(|pid| (pid, run)));
    }
    let (mut left, mut unseen) = (BTreeMap::<RunId, Left>::new(), Vec::new());
    for (pid, run) in owners_of(&all, owners, starts) {
        let Some(stat) = all.get(&pid) else { continue };
        match proc::hold(pid, stat.start_time) {
            Ok(Some(held)) => left.entry(run).or_default().others.push(held),
            Ok(None) => {}
            Err(error) => unseen.push(format!("could not hold process {pid}: {error}")),
        }
    }
    for (run, left) in &mut left {
        left.name(&all, starts.get(run));
    }
    (left, unseen)
}

impl Left {
    /// Finds out which of the processes is the first one, and of which slot it is.
    fn name(&mut self, all: &BTreeMap<u32, Stat>, start: Option<&Start>) {
        let pids: Vec<u32> = self.others.iter().map(|held| held.pid).collect();
        let leader = leader_of(all, &pids, start);
        let at = self.others.iter().position(|held| Some(held.pid) == leader);
        self.leader = at.map(|at| self.others.swap_remove(at));
        let in_environment = |leader: &ProcessRef| {
            marks::variable_of(leader.pid, ostler_env::PM_ID)?.parse().ok().map(ProcId)
        };
        self.slot =
            start.and_then(Start::slot).or_else(|| self.leader.as_ref().and_then(in_environment));
    }
}

/// The first process of a run. Where the list of starts has the run, nobody else can be it.
fn leader_of(all: &BTreeMap<u32, Stat>, pids: &[u32], start: Option<&Start>) -> Option<u32> {
    let began = |pid: &u32| all.get(pid).map(|stat| stat.start_time);
    match start {
        Some(start) => {
            pids.iter().copied().find(|pid| *pid == start.pid && is_start(all, *pid, start))
        }
        None => {
            let leads = |pid: &&u32| all.get(pid).is_some_and(|stat| stat.session == **pid);
            let oldest = || pids.iter().min_by_key(|pid| began(pid));
            pids.iter().filter(leads).min_by_key(|pid| began(pid)).or_else(oldest).copied()
        }
    }
}

fn is_start(all: &BTreeMap<u32, Stat>, pid: u32, start: &Start) -> bool {
    all.get(&pid).is_some_and(|stat| stat.start_time == start.start_time)
}

/// The run that each process belongs to: as somebody knows it, else by the list of starts, else
/// by its parent.
fn owners_of(
    all: &BTreeMap<u32, Stat>,
    mut owners: BTreeMap<u32, RunId>,
    starts: &BTreeMap<RunId, Start>,
) -> BTreeMap<u32, RunId> {
    owners.retain(|pid, _| all.contains_key(pid));
    for (run, start) in starts {
        let first = all.get(&start.pid);
        if first.is_some_and(|first| first.start_time != start.start_time) {
            // The number is another's now, and so is the session.
            continue;
        }
        let of_session =
            |stat: &Stat| stat.session == start.pid && start.start_time <= stat.start_time;
        for (pid, _) in all.iter().filter(|(_, stat)| of_session(stat)) {
            owners.entry(*pid).or_insert(*run);
        }
    }
    loop {
        let by_parent = |(pid, stat): (&u32, &Stat)| {
            let is_new = !owners.contains_key(pid);
            owners.get(&stat.ppid).filter(|_| is_new).map(|run| (*pid, *run))
        };
        let more: BTreeSet<(u32, RunId)> = all.iter().filter_map(by_parent).collect();
        if more.is_empty() {
            return owners;
        }
        owners.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(ppid: u32, session: u32, start_time: u64) -> Stat {
        Stat { state: 'S', ppid, session, cpu: 0, start_time, rss: 0, is_kernel: false }
    }

    fn start(pid: u32, start_time: u64) -> Start {
        Start { pid, start_time, meta: None }
    }

    #[test]
    fn who_overwrote_its_environment_is_found_by_number_time_and_session() {
        let all = BTreeMap::from([
            // The first process, a child, and a grandchild in a session of its own.
            (10, stat(1, 10, 100)),
            (11, stat(10, 10, 101)),
            (12, stat(11, 12, 102)),
            // A stranger.
            (20, stat(1, 20, 100)),
        ]);
        let starts = BTreeMap::from([(RunId(7), start(10, 100))]);
        let owners = owners_of(&all, BTreeMap::new(), &starts);
        assert_eq!(owners, BTreeMap::from([10, 11, 12].map(|pid| (pid, RunId(7)))));
        assert_eq!(leader_of(&all, &[10, 11, 12], starts.get(&RunId(7))), Some(10));
    }

    #[test]
    fn who_lost_its_first_process_is_found_by_the_session_and_has_no_leader() {
        let all = BTreeMap::from([(11, stat(1, 10, 101)), (12, stat(11, 12, 102))]);
        let starts = BTreeMap::from([(RunId(7), start(10, 100))]);
        let owners = owners_of(&all, BTreeMap::new(), &starts);
        assert_eq!(owners, BTreeMap::from([(11, RunId(7)), (12, RunId(7))]));
        assert_eq!(leader_of(&all, &[11, 12], starts.get(&RunId(7))), None, "not the session's");
        assert_eq!(leader_of(&all, &[11, 12], None), Some(12), "nobody knows better");
        assert_eq!(leader_of(&all, &[11], None), Some(11), "the oldest is as good as any");
    }

    #[test]
    fn a_number_that_is_anothers_by_now_finds_nobody() {
        let all = BTreeMap::from([(10, stat(1, 10, 900)), (11, stat(10, 10, 901))]);
        let starts = BTreeMap::from([(RunId(7), start(10, 100))]);
        assert!(owners_of(&all, BTreeMap::new(), &starts).is_empty());
        // Without a first process, who is older than the run is not of it.
        let all = BTreeMap::from([(11, stat(1, 10, 99))]);
        assert!(owners_of(&all, BTreeMap::new(), &starts).is_empty());
    }

    #[test]
    fn a_control_group_and_a_mark_are_known_before_the_list() {
        let all = BTreeMap::from([(10, stat(1, 10, 100)), (11, stat(10, 10, 101))]);
        let starts = BTreeMap::from([(RunId(7), start(10, 100))]);
        let known = BTreeMap::from([(11, RunId(8)), (99, RunId(9))]);
        let owners = owners_of(&all, known, &starts);
        assert_eq!(owners, BTreeMap::from([(10, RunId(7)), (11, RunId(8))]));
    }
}
