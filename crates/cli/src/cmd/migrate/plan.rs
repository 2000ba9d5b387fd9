//! What becomes of each app of the other manager.

use std::collections::BTreeSet;

use ostler_ports::Address;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::note::Begun;
use super::other::Old;
use crate::voice::MoveWay;

/// One app and what is done with it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Move {
    pub(super) name: String,
    pub(super) processes: Vec<Old>,
    pub(super) way: MoveWay,
    /// What it listens on by itself.
    pub(super) ports: Vec<Address>,
    /// A command that was killed has begun with it: its processes may be here already.
    pub(super) begun: bool,
}

/// Puts the processes together that are of one app, and chooses a way for each. What of an app that
/// is begun ran then is to run here.
pub(super) fn plan(
    list: Vec<Old>,
    taken: &BTreeSet<String>,
    begun: Option<&Begun>,
    shares: bool,
) -> Vec<Move> {
    let moves = by_app(list).into_iter().filter_map(|mut processes| {
        let begun = begun.filter(|begun| processes.iter().all(|old| begun.has(old)));
        let of_begun =
            processes.iter_mut().filter(|old| begun.is_some_and(|of| of.up.contains(&old.id)));
        of_begun.for_each(Old::count_as_up);
        let first = processes.first()?;
        let name = first.name.clone();
        let way = if first.module {
            MoveWay::Left("it is a module of PM2's")
        } else if begun.is_none() && taken.contains(&name) {
            MoveWay::Left("an app of this name is in ostler's list already")
        } else if !processes.iter().any(Old::is_up) {
            MoveWay::Listed
        } else if shares && processes.iter().all(|one| one.cluster) {
            MoveWay::Shared
        } else {
            MoveWay::Restarted
        };
        let pids: Vec<u32> = processes.iter().map(|one| one.pid).filter(|pid| *pid != 0).collect();
        let ports = family_ports(&pids);
        Some(Move { name, processes, way, ports, begun: begun.is_some() })
    });
    moves.collect()
}

/// Puts the processes together that are of one app.
pub(super) fn by_app(list: Vec<Old>) -> Vec<Vec<Old>> {
    let mut apps: Vec<Vec<Old>> = Vec::new();
    for old in list {
        let same = |app: &&mut Vec<Old>| {
            app.first().is_some_and(|one| one.name == old.name && one.namespace == old.namespace)
        };
        match apps.iter_mut().find(same) {
            Some(app) => app.push(old),
            None => apps.push(vec![old]),
        }
    }
    apps
}

/// What these processes and their descendants listen on. Of what may not be seen, nothing.
pub(super) fn family_ports(pids: &[u32]) -> Vec<Address> {
    let family = ostler_ports::with_descendants(pids).unwrap_or_default();
    ostler_ports::listened_on(&family).unwrap_or_default()
}

/// Whether this user may take duplicates of a process's sockets.
pub(super) fn may_share(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    // Every process of PM2's has its standard input.
    pidfd_getfd(&process, 0, PidfdGetfdFlags::empty()).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn old(id: u32, name: &str, mode: &str, status: &str) -> Old {
        let serde_json::Value::Object(record) =
            json!({ "name": name, "exec_mode": mode, "status": status })
        else {
            unreachable!("an object")
        };
        Old::of_record(id, 0, record).unwrap()
    }

    #[test]
    fn each_app_goes_the_way_that_loses_least() {
        let list = vec![
            old(0, "api", "cluster_mode", "online"),
            old(1, "worker", "fork_mode", "online"),
            old(2, "api", "cluster_mode", "stopped"),
            old(3, "rests", "fork_mode", "stopped"),
            old(4, "there", "fork_mode", "online"),
            Old { module: true, ..old(5, "pm2-logrotate", "fork_mode", "online") },
        ];
        let taken = BTreeSet::from(["there".to_owned()]);
        let ways = |shares: bool| {
            let of = |one: Move| (one.name, one.processes.len(), one.way);
            plan(list.clone(), &taken, None, shares).into_iter().map(of).collect::<Vec<_>>()
        };
        let rest = [
            ("worker".to_owned(), 1, MoveWay::Restarted),
            ("rests".to_owned(), 1, MoveWay::Listed),
            (
                "there".to_owned(),
                1,
                MoveWay::Left("an app of this name is in ostler's list already"),
            ),
            ("pm2-logrotate".to_owned(), 1, MoveWay::Left("it is a module of PM2's")),
        ];
        let with = |way: MoveWay| {
            let mut all = vec![("api".to_owned(), 2, way)];
            all.extend(rest.clone());
            all
        };
        assert_eq!(ways(true), with(MoveWay::Shared));
        assert_eq!(ways(false), with(MoveWay::Restarted));
    }

    #[test]
    fn an_app_that_was_begun_is_gone_on_with_although_it_is_here_or_stopped_there() {
        let list =
            vec![old(0, "api", "cluster_mode", "stopped"), old(1, "job", "fork_mode", "online")];
        let taken = BTreeSet::from(["api".to_owned(), "job".to_owned()]);
        let begun = Begun { name: "api".to_owned(), namespace: "default".to_owned(), up: vec![0] };
        let moves = plan(list, &taken, Some(&begun), true);
        assert_eq!((moves[0].way, moves[0].begun), (MoveWay::Shared, true));
        assert!(moves[0].processes[0].is_up() && !moves[1].begun);
        assert!(matches!(moves[1].way, MoveWay::Left(_)));
    }
}
