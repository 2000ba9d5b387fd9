//! A worker that must prove itself before clients meet it.

use super::harness::{World, check, serving};
use crate::{ConnId, ListenerId, Policy, WorkerId, WorkerOptions};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;

/// Worker 0 serves in slot 0; worker 9 is to replace it.
fn with_candidate(policy: Policy) -> World {
    let mut world = serving(policy, 2, 1);
    world
        .primary
        .handle_worker_added(WorkerId(9), WorkerOptions { held: true, ..WorkerOptions::node(0) });
    world.query(9, TCP80);
    world
}

fn own(world: &mut World, conn: u64) -> (bool, Vec<String>) {
    let sent = world.primary.handle_own(WorkerId(9), ListenerId(7), ConnId(conn), &mut world.out);
    (sent, world.take())
}

#[test]
fn a_held_worker_listens_and_gets_nothing_until_it_is_trusted() {
    for policy in [Policy::RoundRobin, Policy::Sticky, Policy::Least] {
        let mut world = with_candidate(policy);
        assert!(world.primary.covers(WorkerId(9), WorkerId(0)));
        assert_eq!(World::handed(&world.accepted(1, 5))[0].0, 0, "{policy:?}");
        assert_eq!(World::handed(&world.accepted(2, 5))[0].0, 0, "{policy:?}");
        // The old one has no slot left, and the new one is no way out.
        check(&world.accepted(3, 5), &[]);
        world.primary.handle_trusted(WorkerId(9), &mut world.out);
        let after = world.take();
        if policy == Policy::Sticky {
            // Its peers stay with the old one until that leaves.
            assert_eq!(World::handed(&after), []);
            assert_eq!(World::handed(&world.leave(0))[0].0, 9);
        } else {
            assert_eq!(World::handed(&after)[0].0, 9, "{policy:?}");
        }
    }
}

#[test]
fn a_connection_of_its_own_reaches_a_held_worker() {
    let mut world = with_candidate(Policy::RoundRobin);
    let (sent, lines) = own(&mut world, 1);
    assert!(sent);
    let handed = World::handed(&lines);
    assert_eq!(handed.len(), 1);
    check(&world.answers(9, handed[0].1, true), &["taken conn 1"]);
    // It is no part of the rotation and of the counters.
    let used = world.primary.listeners_of(WorkerId(9)).next().unwrap();
    assert_eq!(used.counters.handed, 0);
}

#[test]
fn a_connection_of_its_own_never_goes_to_another() {
    let mut world = with_candidate(Policy::RoundRobin);
    let (_, lines) = own(&mut world, 1);
    check(&world.answers(9, World::handed(&lines)[0].1, false), &["drop conn 1"]);
    assert!(own(&mut world, 2).0);
    check(&world.eof(9), &["drop conn 2"]);
    assert!(!own(&mut world, 3).0, "its channel is closed");
}
