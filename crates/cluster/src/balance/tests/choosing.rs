//! The worker that gets a connection, and when connections are accepted at all.

use super::harness::{MAIN, World, serving};
use crate::balance::{Balance, Policy, Standing};
use crate::{ConnId, ListenerId, WorkerId};

#[test]
fn a_connection_goes_out_and_our_copy_goes_when_it_is_taken() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    assert_eq!(world.accepted(1), "1>0, -7");
    assert_eq!(world.takes(0, 1), "1 taken, +7");
    assert_eq!(world.takes(0, 1), "", "a second answer means nothing");
    assert_eq!(world.takes(9, 1), "");
}

#[test]
fn accepting_begins_with_the_first_member_and_ends_with_the_last() {
    let mut world = World { balance: Balance::new(1), now: 0 };
    world.balance.add_worker(WorkerId(0), Standing::Active);
    world.balance.add_listener(MAIN, Policy::RoundRobin);
    assert_eq!(world.take(), "");
    world.balance.join(MAIN, WorkerId(0), 0);
    world.balance.join(MAIN, WorkerId(0), 0);
    assert_eq!(world.take(), "+7");
    assert_eq!(world.add(1, 1), "");
    world.balance.leave(MAIN, WorkerId(0));
    assert_eq!(world.take(), "");
    assert_eq!(world.dies(1), "-7");
    assert_eq!(world.dies(1), "");
}

#[test]
fn rotation_is_even() {
    let mut world = serving(Policy::RoundRobin, 2, 3);
    for conn in 0..30 {
        let worker = world.give(conn, 0);
        assert_eq!(worker, conn % 3);
        world.takes(worker, conn);
    }
    for worker in 0..3 {
        let counters = world.balance.counters(MAIN, WorkerId(worker)).unwrap();
        assert_eq!((counters.handed, counters.refused, counters.redistributed), (10, 0, 0));
    }
}

#[test]
fn rotation_passes_over_a_full_worker() {
    let mut world = serving(Policy::RoundRobin, 1, 3);
    assert_eq!(world.accepted(0), "0>0");
    assert_eq!(world.accepted(1), "1>1");
    assert_eq!(world.takes(1, 1), "1 taken");
    assert_eq!(world.accepted(2), "2>2");
    assert_eq!(world.accepted(3), "3>1, -7");
    assert_eq!(world.accepted(4), "");
    assert_eq!(world.balance.waiting(), 1);
    assert_eq!(world.takes(2, 2), "2 taken, 4>2");
}

#[test]
fn a_worker_that_goes_does_not_disturb_the_rotation() {
    let mut world = serving(Policy::RoundRobin, 4, 4);
    assert_eq!((world.give(0, 0), world.give(1, 0)), (0, 1));
    assert_eq!(world.dies(0), "0>2");
    assert_eq!(world.give(2, 0), 3);
    // One that stands behind the place does not move it.
    assert_eq!(world.give(3, 0), 1);
    assert_eq!(world.dies(3), "2>2");
    assert_eq!((world.give(4, 0), world.give(5, 0)), (1, 2));
}

#[test]
fn round_robin_takes_the_one_with_the_fewest_and_of_equals_the_next() {
    let mut world = serving(Policy::RoundRobin, 4, 3);
    assert_eq!((world.give(0, 0), world.give(1, 0), world.give(2, 0)), (0, 1, 2));
    world.takes(1, 1);
    assert_eq!(world.give(3, 0), 1);
    assert_eq!((world.give(4, 0), world.give(5, 0), world.give(6, 0)), (2, 0, 1));
}

#[test]
fn a_window_is_one_to_sixteen() {
    for (asked, given) in [(0, 1), (1, 1), (16, 16), (17, 16)] {
        let mut world = serving(Policy::RoundRobin, asked, 1);
        for conn in 0..20 {
            world.accepted(conn);
        }
        assert_eq!(world.balance.in_flight(WorkerId(0)), given);
        assert_eq!(world.balance.waiting(), 20 - given);
    }
}

#[test]
fn a_full_window_takes_nothing_more_before_it_is_half_empty() {
    let mut world = serving(Policy::RoundRobin, 5, 1);
    for conn in 1..5 {
        world.accepted(conn);
    }
    assert_eq!(world.accepted(5), "5>0, -7");
    assert_eq!(world.takes(0, 1), "1 taken");
    assert_eq!(world.takes(0, 2), "2 taken");
    assert_eq!(world.takes(0, 3), "3 taken, +7");
    // One that was never full takes what comes.
    assert_eq!(world.accepted(6), "6>0");
    assert_eq!(world.accepted(7), "7>0");
}

#[test]
fn a_worker_with_two_listeners_has_one_window() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    world.balance.add_listener(ListenerId(8), Policy::RoundRobin);
    world.balance.join(ListenerId(8), WorkerId(0), 0);
    assert_eq!(world.take(), "+8");
    assert_eq!(world.accepted(1), "1>0");
    assert_eq!(world.accepted(2), "2>0, -8, -7");
    assert_eq!(world.takes(0, 1), "1 taken, +7, +8");
}

#[test]
fn members_of_several_apps_share_a_listener() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    assert_eq!(world.add(1 << 40, 9), "");
    assert_eq!((world.give(1, 0), world.give(2, 0), world.give(3, 0)), (0, 1 << 40, 0));
}

#[test]
fn a_blocked_worker_gets_nothing() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    assert_eq!(world.blocked(0, true), "");
    assert_eq!(world.accepted(1), "1>1");
    assert_eq!(world.blocked(1, true), "-7");
    assert_eq!(world.accepted(2), "");
    assert_eq!(world.blocked(0, false), "2>0, +7");
    assert_eq!(world.blocked(0, false), "");
}

#[test]
fn a_change_of_policy_counts_from_the_next_connection() {
    let mut world = serving(Policy::Sticky, 4, 2);
    let own = world.give(0, 5);
    world.takes(own, 0);
    assert_eq!(world.give(1, 5), own);
    world.takes(own, 1);
    world.balance.set_policy(MAIN, Policy::RoundRobin);
    assert_eq!(world.balance.policy(MAIN), Some(Policy::RoundRobin));
    assert_ne!(world.give(2, 5), world.give(3, 5));
}

#[test]
fn who_waits_for_its_own_worker_does_not_after_a_change_of_policy() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let own = world.give(0, 5);
    assert_eq!(world.accepted_from(1, 5), "");
    world.balance.set_policy(MAIN, Policy::RoundRobin);
    assert_eq!(world.take(), format!("1>{}, -7", 1 - own));
    // Nor does it when there is nobody else.
    let mut world = serving(Policy::Sticky, 1, 1);
    world.give(0, 5);
    assert_eq!(world.accepted_from(1, 5), "");
    world.balance.set_policy(MAIN, Policy::Sticky);
    assert_eq!(world.balance.deadline(), Some(world.now + 1000));
    world.balance.set_policy(MAIN, Policy::RoundRobin);
    assert_eq!(world.balance.deadline(), None);
}

#[test]
fn a_listener_that_goes_turns_away_who_waits() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.accepted(1);
    world.accepted(2);
    world.balance.remove_listener(MAIN);
    assert_eq!(world.take(), "2 dropped");
    assert_eq!(world.refuses(0, 1), "1 dropped");
    world.balance.handle_accepted(world.now, MAIN, ConnId(3), 0);
    assert_eq!(world.take(), "3 dropped");
    assert_eq!(world.balance.counters(MAIN, WorkerId(0)), None);
}
