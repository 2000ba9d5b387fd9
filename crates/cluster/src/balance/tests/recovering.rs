//! Connections that a predecessor had accepted, and answers whose meaning comes later.

use super::harness::{MAIN, serving};
use crate::balance::{Policy, Recovered};
use crate::{ConnId, ListenerId, WorkerId};

fn conn(id: u64, worker: Option<u64>) -> Recovered {
    Recovered { conn: ConnId(id), listener: MAIN, peer: 0, worker: worker.map(WorkerId) }
}

#[test]
fn what_was_only_accepted_is_handed_out_and_what_may_be_out_counts() {
    let mut world = serving(Policy::RoundRobin, 2, 2);
    let words = world.recovered(&[conn(1, None), conn(2, Some(0)), conn(3, Some(0))]);
    assert_eq!(words, "1>1");
    assert_eq!(world.accepted(4), "4>1, -7");
    assert_eq!(world.takes(0, 2), "2 taken, +7");
    assert_eq!(world.refuses(0, 3), "-7");
}

#[test]
fn one_that_refuses_is_on_trial_while_recovered_connections_are_out() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    assert_eq!(world.recovered(&[conn(1, Some(0)), conn(2, Some(0))]), "");
    assert_eq!(world.refuses(0, 1), "-7");
    assert_eq!(world.wait(), "");
    assert_eq!(world.takes(0, 2), "2 taken, 1>0, +7");
}

#[test]
fn of_a_listener_or_a_worker_that_is_not_there_any_more() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    let lost = ListenerId(9);
    let words = world.recovered(&[
        Recovered { listener: lost, ..conn(1, None) },
        Recovered { listener: lost, ..conn(2, Some(0)) },
        conn(3, Some(5)),
    ]);
    assert_eq!(words, "1 dropped, 3>0, -7");
    assert_eq!(world.refuses(0, 2), "2 dropped, +7");
}

#[test]
fn sticky_waits_for_the_worker_of_a_recovered_connection_too() {
    let mut world = serving(Policy::Sticky, 1, 2);
    let own = world.give(0, 5);
    let late = Recovered { peer: 5, ..conn(1, None) };
    assert_eq!(world.recovered(&[late]), "");
    assert_eq!(world.balance.deadline(), Some(world.now + 1000));
    assert_eq!(world.takes(own, 0), format!("0 taken, 1>{own}"));
}

#[test]
fn an_unsure_worker_has_room_for_one_more_until_it_is_settled() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    world.accepted(1);
    assert_eq!(world.accepted(2), "2>0, -7");
    world.balance.handle_unsure(WorkerId(0));
    assert_eq!(world.take(), "+7");
    assert_eq!(world.accepted(3), "3>0, -7");
    // The first did not arrive: it comes back, and has no room.
    world.balance.handle_settled(world.now, WorkerId(0), &[ConnId(1)]);
    assert_eq!(world.take(), "");
    assert_eq!(world.balance.deadline(), None);
    assert_eq!(world.takes(0, 2), "2 taken, 1>0");
}

#[test]
fn those_that_did_not_arrive_come_back_in_order() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    for conn in 1..=4 {
        world.accepted(conn);
    }
    world.accepted(5);
    world.balance.handle_settled(world.now, WorkerId(0), &[ConnId(1), ConnId(2), ConnId(9)]);
    assert_eq!(world.take(), "1>0, 2>0");
    assert_eq!(world.balance.counters(MAIN, WorkerId(0)).unwrap().redistributed, 2);
    assert_eq!(world.balance.waiting(), 1);
}

#[test]
fn a_doubt_makes_no_room_where_more_than_the_window_is_out() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    let words = world.recovered(&[conn(1, Some(0)), conn(2, Some(0)), conn(3, Some(0))]);
    assert_eq!(words, "-7");
    world.balance.handle_unsure(WorkerId(0));
    assert_eq!(world.take(), "");
    world.balance.handle_unsure(WorkerId(0));
    assert_eq!(world.take(), "+7");
}
