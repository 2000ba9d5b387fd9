//! The same client meets the same slot.

use std::collections::{BTreeMap, BTreeSet};

use super::harness::serving;
use crate::balance::Policy;

#[test]
fn sticky_meets_the_same_slot_also_after_a_reload() {
    let mut world = serving(Policy::Sticky, 4, 3);
    let mut homes = BTreeMap::new();
    for peer in 0..50 {
        let worker = world.give(peer, peer * 7919);
        world.takes(worker, peer);
        homes.insert(peer, worker);
    }
    assert_eq!(homes.values().collect::<BTreeSet<_>>().len(), 3);
    // Worker 11 is to replace 1 in slot 1. While both are there the old one keeps its peers.
    world.add(11, 1);
    let of_slot_1 = *homes.iter().find(|(_, worker)| **worker == 1).unwrap().0;
    assert_eq!(world.give(100, of_slot_1 * 7919), 1);
    world.takes(1, 100);
    world.retires(1);
    for (peer, home) in homes {
        let worker = world.give(200 + peer, peer * 7919);
        assert_eq!(worker, if home == 1 { 11 } else { home });
        world.takes(worker, 200 + peer);
    }
}

#[test]
fn when_a_slot_goes_only_its_own_peers_move() {
    let homes = |workers: &[u64]| -> Vec<u64> {
        let mut world = serving(Policy::Sticky, 16, 0);
        for worker in workers {
            world.add(*worker, u32::try_from(*worker).unwrap());
        }
        let mut give = |peer| {
            let worker = world.give(peer, peer * 7919);
            world.takes(worker, peer);
            worker
        };
        (0..200).map(&mut give).collect()
    };
    let (before, after) = (homes(&[0, 1, 2]), homes(&[0, 2]));
    for (before, after) in before.iter().zip(&after) {
        assert!(*before == 1 || before == after);
    }
    for worker in 0..3 {
        let share = before.iter().filter(|home| **home == worker).count();
        assert!((40..95).contains(&share), "{share} of 200 for slot {worker}");
    }
}

#[test]
fn sticky_waits_for_its_worker_for_a_second_only() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let own = world.give(0, 5);
    assert_eq!(world.accepted_from(1, 5), "");
    assert_eq!(world.balance.deadline(), Some(world.now + 1000));
    assert_eq!(world.wait(), format!("1>{}, -7", 1 - own));
    world.takes(1 - own, 1);
    // Nobody waits for it again until it answers.
    assert_eq!(world.give(2, 5), 1 - own);
    world.takes(1 - own, 2);
    world.takes(own, 0);
    assert_eq!(world.give(3, 5), own);
}

#[test]
fn a_worker_that_only_is_in_the_way_is_not_stuck() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let own = world.give(0, 5);
    world.takes(own, 0);
    world.blocked(own, true);
    assert_eq!(world.accepted_from(1, 5), "");
    assert_eq!(world.wait(), format!("1>{}, -7", 1 - own));
    assert_eq!(world.blocked(own, false), "+7");
    assert_eq!(world.give(2, 5), own, "it has nothing that it did not answer");
}

#[test]
fn where_all_are_stuck_the_own_one_is_waited_for() {
    let mut world = serving(Policy::Sticky, 1, 1);
    assert_eq!(world.give(0, 5), 0);
    assert_eq!(world.accepted_from(1, 5), "");
    assert_eq!(world.wait(), "");
    assert_eq!(world.takes(0, 0), "0 taken, 1>0");
}

#[test]
fn where_all_are_stuck_the_own_one_is_served_as_soon_as_it_has_room() {
    let mut world = serving(Policy::Sticky, 4, 1);
    assert_eq!(world.give(0, 5), 0);
    assert_eq!(world.blocked(0, true), "-7");
    assert_eq!(world.accepted_from(1, 5), "");
    assert_eq!(world.wait(), "");
    assert_eq!(world.blocked(0, false), "+7");
    assert_eq!(world.takes(0, 0), "0 taken, 1>0");
}

#[test]
fn others_are_served_past_one_that_waits_for_its_worker() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let own = world.give(0, 5);
    assert_eq!(world.accepted_from(1, 5), "");
    let other = (0..100).find(|peer| {
        let mut fresh = serving(Policy::Sticky, 1, 2);
        fresh.give(0, *peer) != own
    });
    assert_eq!(world.accepted_from(2, other.unwrap()), format!("2>{}, -7", 1 - own));
}

#[test]
fn not_more_than_sixty_four_wait_for_their_own_workers() {
    let mut world = serving(Policy::Sticky, 1, 2);
    world.give(0, 5);
    for conn in 1..64 {
        assert_eq!(world.accepted_from(conn, 5), "");
    }
    assert_eq!(world.accepted_from(64, 5), "-7");
}

#[test]
fn a_worker_that_had_nothing_to_do_begins_with_one_connection_again() {
    let mut world = serving(Policy::Sticky, 8, 1);
    for conn in 0..5 {
        assert_eq!(world.give(conn, 5), 0);
        world.takes(0, conn);
    }
    assert_eq!(world.accepted_from(5, 5), "5>0");
    assert_eq!(world.accepted_from(6, 5), "", "it has not answered yet");
}
