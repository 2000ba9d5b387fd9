//! Who gets which connection.

use std::collections::HashMap;

use super::harness::{World, check, serving, world};
use crate::{Policy, WorkerId};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;

fn give(world: &mut World, conn: u64, peer: u64) -> (u64, u64) {
    let handed = World::handed(&world.accepted(conn, peer));
    assert_eq!(handed.len(), 1);
    handed[0]
}

#[test]
fn a_connection_goes_out_and_our_copy_goes_when_it_is_taken() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    let newconn = r#"w0 <- conn 1 {"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","act":"newconn","key":"7","seq":101}}"#;
    check(&world.accepted(1, 0), &[newconn, "accept 7 false"]);
    check(&world.answers(0, 101, true), &["taken conn 1", "accept 7 true"]);
    check(&world.answers(0, 101, true), &[]);
}

#[test]
fn the_answer_goes_out_before_the_first_connection_is_accepted() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    check(
        &world.query(0, TCP80),
        &["open 7 Tcp { address: None, port: 80, v6only: false, backlog: 511 }"],
    );
    check(
        &world.opened(7, 80),
        &[
            r#"w0 <- {"cmd":"NODE_CLUSTER","errno":null,"key":"7","data":null,"ack":5,"seq":100,"sockname":{"address":"::","family":"IPv6","port":80}}"#,
            "accept 7 true",
        ],
    );
}

#[test]
fn rotation_is_even() {
    let mut world = serving(Policy::RoundRobin, 2, 3);
    let mut counts = [0; 3];
    for conn in 0..30 {
        let (worker, seq) = give(&mut world, conn, 0);
        assert_eq!(worker, conn % 3);
        counts[usize::try_from(worker).unwrap()] += 1;
        world.answers(worker, seq, true);
    }
    assert_eq!(counts, [10, 10, 10]);
    for worker in 0..3 {
        let used = world.primary.listeners_of(WorkerId(worker)).next().unwrap();
        assert_eq!(
            (used.counters.handed, used.counters.refused, used.counters.redistributed),
            (10, 0, 0)
        );
    }
}

#[test]
fn rotation_passes_over_a_full_worker() {
    let mut world = serving(Policy::RoundRobin, 1, 3);
    assert_eq!(give(&mut world, 0, 0).0, 0);
    let (worker, seq) = give(&mut world, 1, 0);
    assert_eq!(worker, 1);
    world.answers(worker, seq, true);
    assert_eq!(give(&mut world, 2, 0).0, 2);
    assert_eq!(give(&mut world, 3, 0).0, 1);
    check(&world.accepted(4, 0), &[]);
    assert_eq!(world.primary.waiting(), 1);
}

#[test]
fn least_takes_the_one_with_the_fewest() {
    let mut world = serving(Policy::Least, 4, 2);
    let first = give(&mut world, 0, 0);
    let second = give(&mut world, 1, 0);
    assert_ne!(first.0, second.0);
    world.answers(second.0, second.1, true);
    assert_eq!(give(&mut world, 2, 0).0, second.0);
}

#[test]
fn sticky_meets_the_same_slot_also_after_a_reload() {
    let mut world = serving(Policy::Sticky, 4, 3);
    let mut homes = HashMap::new();
    for peer in 0..50 {
        let (worker, seq) = give(&mut world, peer, peer * 7919);
        world.answers(worker, seq, true);
        homes.insert(peer, worker);
    }
    assert_eq!(homes.values().collect::<std::collections::HashSet<_>>().len(), 3);
    // Worker 11 is to replace 1 in slot 1. While both are there the old one keeps its peers.
    world.add(11, 1);
    world.query(11, TCP80);
    let of_slot_1 = *homes.iter().find(|(_, worker)| **worker == 1).unwrap().0;
    let (worker, seq) = give(&mut world, 100, of_slot_1 * 7919);
    assert_eq!(worker, 1);
    world.answers(worker, seq, true);
    world.leave(1);
    for (peer, home) in homes {
        let (worker, seq) = give(&mut world, 200 + peer, peer * 7919);
        assert_eq!(worker, if home == 1 { 11 } else { home });
        world.answers(worker, seq, true);
    }
}

#[test]
fn sticky_waits_for_its_worker_for_a_second_only() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let (own, seq) = give(&mut world, 0, 5);
    check(&world.accepted(1, 5), &[]);
    let handed = World::handed(&world.wait());
    assert_eq!(handed[0].0, 1 - own);
    world.answers(handed[0].0, handed[0].1, true);
    // Nobody waits for it again until it answers.
    let other = give(&mut world, 2, 5);
    assert_eq!(other.0, 1 - own);
    world.answers(other.0, other.1, true);
    world.answers(own, seq, true);
    assert_eq!(give(&mut world, 3, 5).0, own);
}

#[test]
fn a_change_of_policy_counts_from_the_next_connection() {
    let mut world = serving(Policy::Sticky, 4, 2);
    let (own, _) = give(&mut world, 0, 5);
    assert_eq!(give(&mut world, 1, 5).0, own);
    world.primary.set_policy(Policy::RoundRobin, &mut world.out);
    let (a, b) = (give(&mut world, 2, 5).0, give(&mut world, 3, 5).0);
    assert_ne!(a, b);
}

#[test]
fn a_worker_with_two_listeners_has_one_window() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.query(0, r#""address":null,"port":81,"addressType":4"#);
    world.opened(8, 81);
    let lines = world.accepted(1, 0);
    assert_eq!(lines[1..], ["accept 8 false", "accept 7 false"]);
    assert_eq!(world.answers(0, 102, true)[1..], ["accept 7 true", "accept 8 true"]);
}
