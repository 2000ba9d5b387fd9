//! A worker that is being verified meets no client, and connections for one worker only.

use super::harness::{MAIN, World, serving};
use crate::balance::{Policy, Standing};
use crate::{ConnId, ListenerId, WorkerId};

/// Worker 0 serves in slot 0; worker 9 is to replace it.
fn with_candidate(policy: Policy) -> World {
    let mut world = serving(policy, 2, 1);
    world.balance.add_worker(WorkerId(9), Standing::Quarantined);
    world.balance.join(MAIN, WorkerId(9), 0);
    assert_eq!(world.take(), "");
    world
}

fn pin(world: &mut World, conn: u64) -> bool {
    let pinned = world.balance.pin(WorkerId(9), MAIN, ConnId(conn));
    world.take();
    pinned
}

#[test]
fn a_quarantined_worker_gets_nothing_until_it_is_admitted() {
    for policy in [Policy::RoundRobin, Policy::Shared] {
        let mut world = with_candidate(policy);
        assert_eq!(world.accepted(1), "1>0");
        assert_eq!(world.accepted(2), "2>0, -7");
        assert_eq!(world.accepted(3), "", "the new one is no way out");
        world.balance.admit(WorkerId(9));
        assert_eq!(world.take(), "3>9, +7", "{policy:?}");
    }
}

#[test]
fn an_admitted_worker_has_its_first_client_for_itself_while_others_can_be_had() {
    let mut world = serving(Policy::RoundRobin, 2, 2);
    world.balance.add_worker(WorkerId(9), Standing::Quarantined);
    world.balance.join(MAIN, WorkerId(9), 0);
    world.balance.admit(WorkerId(9));
    let served = |world: &mut World, conns: std::ops::Range<u64>| -> Vec<u64> {
        let serve = |conn| {
            let worker = world.give(conn, 0);
            world.takes(worker, conn);
            worker
        };
        conns.map(serve).collect()
    };
    assert_eq!(served(&mut world, 0..7), [0, 1, 9, 0, 1, 0, 1]);
    world.now += 19;
    for (conn, worker) in [(7, 0), (8, 1), (9, 0), (10, 1)] {
        assert_eq!(world.give(conn, 0), worker);
    }
    assert_eq!(world.give(11, 0), 9, "the others have no room left");
    for (conn, worker) in [(7, 0), (8, 1), (9, 0), (10, 1), (11, 9)] {
        world.takes(worker, conn);
    }
    world.now += 1;
    let mut next = served(&mut world, 12..15);
    next.sort_unstable();
    assert_eq!(next, [0, 1, 9]);
}

#[test]
fn sticky_peers_stay_with_the_old_one_until_that_leaves() {
    let mut world = with_candidate(Policy::Sticky);
    world.accepted_from(1, 5);
    assert_eq!(world.accepted_from(2, 5), "");
    world.balance.admit(WorkerId(9));
    assert_eq!(world.take(), "");
    assert_eq!(world.retires(0), "2>9");
}

#[test]
fn a_leaving_worker_is_not_admitted() {
    let mut world = with_candidate(Policy::RoundRobin);
    world.retires(9);
    world.balance.admit(WorkerId(9));
    world.retires(0);
    assert_eq!(world.accepted(1), "");
}

#[test]
fn a_pinned_connection_reaches_a_quarantined_worker_and_counts_for_nothing() {
    let mut world = with_candidate(Policy::RoundRobin);
    assert!(pin(&mut world, 1));
    assert_eq!(world.balance.in_flight(WorkerId(9)), 1);
    assert_eq!(world.takes(9, 1), "1 taken");
    assert_eq!(world.handed(9), 0);
}

#[test]
fn a_pinned_connection_never_goes_to_another() {
    let mut world = with_candidate(Policy::RoundRobin);
    assert!(pin(&mut world, 1));
    assert_eq!(world.refuses(9, 1), "1 dropped");
    assert!(pin(&mut world, 2));
    assert_eq!(world.misses(9, 2), "2 dropped");
    assert_eq!(world.balance.counters(MAIN, WorkerId(9)).unwrap().redistributed, 0);
    assert!(pin(&mut world, 3));
    assert_eq!(world.dies(9), "3 dropped");
    assert!(!pin(&mut world, 4), "it is gone");
}

#[test]
fn one_that_cannot_be_asked_gets_no_pinned_connection() {
    let mut world = with_candidate(Policy::RoundRobin);
    assert!(!world.balance.pin(WorkerId(9), ListenerId(8), ConnId(1)), "no such listener");
    world.blocked(9, true);
    assert!(!pin(&mut world, 1), "blocked");
    world.blocked(9, false);
    for conn in 0..16 {
        assert!(pin(&mut world, conn));
    }
    assert!(!pin(&mut world, 16), "it has as many as anybody may have");
    assert_eq!(world.takes(9, 0), "0 taken");
    world.retires(9);
    assert!(!pin(&mut world, 17), "it leaves");
    world.balance.leave(MAIN, WorkerId(0));
    assert!(!world.balance.pin(WorkerId(0), MAIN, ConnId(18)), "no member");
}

#[test]
fn one_that_refuses_is_on_trial_while_a_pinned_connection_is_out() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    assert!(world.balance.pin(WorkerId(0), MAIN, ConnId(1)));
    assert_eq!(world.accepted(2), "2>0");
    assert_eq!(world.refuses(0, 2), "-7");
    assert_eq!(world.wait(), "");
    assert_eq!(world.takes(0, 1), "1 taken, 2>0, +7");
}

#[test]
fn a_pinned_connection_uses_up_room() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    assert!(world.balance.pin(WorkerId(0), MAIN, ConnId(1)));
    assert_eq!(world.take(), "-7");
    assert_eq!(world.takes(0, 1), "1 taken, +7");
}
