//! Restarts of processes that are there.

use ostler_core::Exit;
use ostler_wire::control::{Action, Change};
use serde_json::json;

use super::stopping::{slow, starting};
use super::words::record;
use super::world::World;

#[test]
fn one_of_two_instances_stays_up_in_a_restart() {
    let mut world = slow("api", 2);
    world.restart(&[0, 1]);
    world.wait(50);
    assert_eq!(world.state(), "api:0 starting unready, api:1 online unready");
    world.wait(300);
    assert_eq!(world.state(), "api:0 online unready, api:1 starting unready");
}

#[test]
fn of_more_instances_two_are_restarted_at_a_time() {
    let mut world = slow("api", 5);
    world.restart(&[0, 1, 2, 3, 4]);
    world.wait(50);
    assert_eq!(starting(&world), 2);
}

#[test]
fn apps_are_restarted_beside_each_other() {
    let mut world = slow("api", 2);
    world.start_with("web", "unready", 2, json!({"wait_ready": true}));
    world.wait(1000);
    world.restart(&[0, 1, 2, 3]);
    world.wait(50);
    assert_eq!(starting(&world), 4);
}

#[test]
fn as_many_are_restarted_at_a_time_as_was_asked_for() {
    for (asked, begun) in [(3, 3), (0, 1), (u32::MAX, 5)] {
        let mut world = slow("api", 5);
        let change = Change { parallel: Some(asked), ..Change::default() };
        world.act_with(Action::Restart, &[0, 1, 2, 3, 4], change);
        world.wait(50);
        assert_eq!(starting(&world), begun, "{asked} asked for");
    }
}

/// `stop --parallel` and `delete --parallel` were accepted, and all were ended at once.
#[test]
fn a_restart_is_counted_and_told_for_each_process() {
    let mut world = World::with("api", "good", 2);
    let client = world.restart(&[0, 1]);
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:0\nacted api:1\ndone");
    assert_eq!(world.restarts(), [1, 1]);
}

/// `stop` made `exited` of what was to be started again or had been given up.
#[test]
fn restarts_that_were_asked_for_are_told_from_those_that_were_not() {
    let mut world = World::with_more("api", "good", 1, json!({"max_restarts": 9}));
    let asked = |world: &World| (world.restarts(), world.each(|proc| proc.asked_restarts));
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(asked(&world), (vec![1], vec![1]));
    world.crash(0, Exit::Code(3));
    world.wait(50);
    assert_eq!(asked(&world), (vec![2], vec![1]));
    world.forget();
    world.wait(50);
    assert_eq!(asked(&world), (vec![2], vec![1]), "the daemon after knows it");
    world.stop(&[0]);
    world.wait(50);
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(asked(&world), (vec![2], vec![1]), "a start is no restart");
    world.act_with(Action::Reset, &[0], Change::default());
    world.wait(50);
    assert_eq!(asked(&world), (vec![0], vec![0]));
}

/// A restart of three showed a count and nothing of what took its time.
#[test]
fn a_restart_starts_what_is_stopped_without_counting() {
    let mut world = World::with("api", "good", 1);
    world.stop(&[0]);
    world.wait(50);
    world.restart(&[0]);
    world.wait(50);
    assert_eq!((world.state().as_str(), world.restarts()), ("api:0 online good", vec![0]));
}

#[test]
fn a_restart_into_a_version_that_exits_is_told_as_failed() {
    let mut world = World::with("api", "good", 1);
    let records = vec![record("api", "exits", 1, json!({}))];
    let change = Change { records, ..Change::default() };
    let client = world.act_with(Action::Restart, &[0], change);
    world.wait(1000);
    assert_eq!(
        world.heard(client),
        "acted api:0: app `api` did not start: exit code 1\n\
         error: app `api` did not start: exit code 1\n\
         hint: see `ostler logs api`"
    );
}

#[test]
fn a_restart_that_names_an_unknown_process_restarts_none() {
    let mut world = World::with("api", "good", 1);
    let before = world.pids();
    let client = world.restart(&[0, 9]);
    world.wait(50);
    assert_eq!(
        world.heard(client),
        "error: process 9 not found\nhint: see `ostler list` for the ids"
    );
    assert_eq!(world.pids(), before);
}

#[test]
fn a_process_that_is_deleted_while_it_is_restarted_is_told_as_gone() {
    let mut world = slow("api", 1);
    let client = world.restart(&[0]);
    world.wait(50);
    world.delete(&[0]);
    world.wait(50);
    let gone = "process 0 was deleted meanwhile";
    assert_eq!(world.heard(client), format!("acted api:0: {gone}\nerror: {gone}"));
}

#[test]
fn a_process_that_is_stopped_while_it_is_restarted_stays_stopped() {
    let mut world = slow("api", 1);
    let client = world.restart(&[0]);
    world.wait(50);
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!(world.heard(client), "acted api:0\ndone");
    assert_eq!(world.state(), "api:0 stopped unready");
}
