//! Connections that come back: refused, never received, of a worker that is gone.

use super::harness::{MAIN, serving};
use crate::WorkerId;
use crate::balance::Policy;

#[test]
fn a_refused_connection_goes_to_the_next() {
    let mut world = serving(Policy::RoundRobin, 2, 2);
    assert_eq!(world.accepted(1), "1>0");
    assert_eq!(world.refuses(0, 1), "1>1");
    assert_eq!(world.balance.deadline(), Some(world.now + 5));
    let counters = world.balance.counters(MAIN, WorkerId(0)).unwrap();
    assert_eq!((counters.handed, counters.refused, counters.redistributed), (1, 1, 0));
}

#[test]
fn a_pause_after_a_refusal_is_doubled_up_to_160_ms() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    assert_eq!(world.accepted(1), "1>0");
    for pause in [5, 10, 20, 40, 80, 160, 160, 160] {
        world.refuses(0, 1);
        assert_eq!(world.balance.deadline(), Some(world.now + pause));
        let before = world.now;
        assert!(world.wait().contains("1>0"));
        assert_eq!(world.now, before + pause);
    }
    // A connection that it takes makes it as good as new.
    assert_eq!(world.takes(0, 1), "1 taken, +7");
    world.accepted(2);
    world.refuses(0, 2);
    assert_eq!(world.balance.deadline(), Some(world.now + 5));
}

#[test]
fn one_that_refused_is_offered_one_at_a_time_until_it_takes_one() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    assert_eq!(world.accepted(1), "1>0");
    assert_eq!(world.accepted(2), "2>0");
    assert_eq!(world.refuses(0, 1), "-7");
    assert_eq!(world.wait(), "", "the second is still on its way");
    assert_eq!(world.takes(0, 2), "2 taken, 1>0, +7");
    assert_eq!(world.accepted(3), "3>0");
}

#[test]
fn a_second_refusal_in_a_pause_does_not_double_it() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    world.accepted(1);
    world.accepted(2);
    world.refuses(0, 1);
    let until = world.balance.deadline();
    world.now += 1;
    assert_eq!(world.refuses(0, 2), "");
    assert_eq!(world.balance.deadline(), until);
    // The one that came back last is in front.
    assert_eq!(world.wait(), "2>0");
}

#[test]
fn a_refusal_of_a_leaving_worker_is_no_sign_of_overload() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    world.accepted(1);
    world.accepted(2);
    world.accepted(3);
    assert_eq!(world.refuses(0, 1), "1>1");
    assert_eq!(world.retires(0), "");
    assert_eq!(world.balance.deadline(), None);
    assert_eq!(world.refuses(0, 3), "3>1");
    assert_eq!(world.balance.deadline(), None);
}

#[test]
fn one_without_descriptors_passes_its_connection_on_and_rests() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    assert_eq!(world.accepted(1), "1>0");
    assert_eq!(world.misses(0, 1), "1>1");
    assert_eq!(world.balance.deadline(), Some(world.now + 100));
    assert_eq!(world.accepted(2), "2>1");
    assert_eq!(world.wait(), "");
    assert_eq!(world.accepted(3), "3>0");
    let counters = world.balance.counters(MAIN, WorkerId(0)).unwrap();
    assert_eq!((counters.handed, counters.refused, counters.redistributed), (2, 0, 1));
}

#[test]
fn what_a_dead_worker_had_goes_to_others_in_order() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    world.accepted(1);
    world.accepted(2);
    world.accepted(3);
    assert_eq!(world.dies(0), "");
    assert_eq!(world.balance.waiting(), 3);
    assert_eq!(world.add(1, 1), "1>1, 2>1");
    assert_eq!(world.takes(1, 1), "1 taken, 3>1");
}

#[test]
fn a_silent_worker_keeps_its_connection_until_it_is_gone() {
    let mut world = serving(Policy::RoundRobin, 1, 2);
    assert_eq!(world.accepted(1), "1>0");
    assert_eq!(world.balance.deadline(), None);
    world.now += 1_000_000;
    world.balance.handle_deadline(world.now);
    assert_eq!(world.take(), "");
    assert_eq!(world.retires(0), "");
    assert_eq!(world.dies(0), "1>1, -7");
}

#[test]
fn one_that_left_the_listener_gives_its_connection_back() {
    let mut world = serving(Policy::RoundRobin, 2, 2);
    assert_eq!(world.accepted(1), "1>0");
    world.balance.leave(MAIN, WorkerId(0));
    assert_eq!(world.take(), "");
    assert_eq!(world.refuses(0, 1), "1>1");
    assert_eq!(world.balance.deadline(), None);
}
