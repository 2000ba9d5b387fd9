//! When an app has settled, and what is closed then.

use serde_json::json;

use super::world::World;

/// Waits until sockets are closed, step by step; returns after how long, ms, and which.
fn closed_after(world: &mut World, limit: u64) -> (u64, Vec<String>) {
    for passed in 0..limit {
        if world.parts.iter().any(|part| part.starts_with("close")) {
            return (passed, std::mem::take(&mut world.parts));
        }
        world.wait(1);
    }
    panic!("nothing is closed in {limit} ms")
}

const UNUSED: &str = "close unused of app 0";

#[track_caller]
fn assert_none_closed(world: &World) {
    assert!(!world.parts.iter().any(|part| part.starts_with("close")), "{:?}", world.parts);
}

#[test]
fn what_an_app_needs_is_looked_at_again_after_the_memory_was_lost() {
    // It says nothing after the death that would make anybody look.
    let mut world = World::with("api", "mute", 2);
    world.wait(5000);
    world.forget();
    world.quiet();
    let (after, closed) = closed_after(&mut world, 1000);
    assert_eq!((after, closed), (300, vec![UNUSED.to_owned()]), "as if they just listened");
    world.wait(5000);
    assert!(world.parts.is_empty(), "once: {:?}", world.parts);
}

#[test]
fn a_worker_that_listens_on_nothing_has_the_time_of_a_new_version() {
    let more = json!({"prove_timeout": 2000});
    let mut world = World::with_more("api", "mute", 1, more);
    let (after, closed) = closed_after(&mut world, 5000);
    assert!((1900..2400).contains(&after), "{after}");
    assert_eq!(closed, [UNUSED]);
    world.wait(5000);
    assert!(world.parts.is_empty(), "once: {:?}", world.parts);
}

#[test]
fn while_an_old_worker_finishes_its_work_nothing_is_closed_that_it_may_use() {
    let mut world = World::with("api", "stubborn", 1);
    world.reload(&[0], "api", "good");
    world.wait(5000);
    let leaves =
        |world: &World| world.model.core().slots().any(|(_, slot)| slot.leaving().next().is_some());
    assert!(leaves(&world), "{}", world.state());
    assert_none_closed(&world);
}

#[test]
fn while_a_worker_begins_nothing_is_closed_that_it_may_want() {
    let mut world = World::with_more("api", "good", 2, json!({"restart_delay": 3000}));
    world.wait(1000);
    world.quiet();
    world.crash(0, ostler_core::Exit::Code(1));
    world.restart(&[1]);
    world.wait(2500);
    assert_none_closed(&world);
    let (_, closed) = closed_after(&mut world, 2000);
    assert_eq!(closed, [UNUSED]);
}

#[test]
fn a_worker_that_is_to_stay_down_keeps_nothing_open_and_one_that_still_stops_does() {
    let mut world = World::with_more("api", "stubborn", 2, json!({"kill_timeout": 700}));
    world.wait(1000);
    world.quiet();
    world.stop(&[0]);
    world.wait(500);
    assert!(world.parts.is_empty(), "it stops still: {:?}", world.parts);
    let (_, closed) = closed_after(&mut world, 1000);
    assert_eq!(closed, [UNUSED]);
}

#[test]
fn workers_that_listen_have_settled_without_the_time_of_a_new_version() {
    let mut world = World::with_more("api", "good", 1, json!({"prove_timeout": 20_000}));
    world.wait(1000);
    assert_eq!(world.parts, [UNUSED]);
}

#[test]
fn while_a_new_worker_is_verified_nothing_is_closed_that_it_may_want() {
    let mut world = World::with("api", "good", 1);
    world.wait(1000);
    world.quiet();
    let slow = json!({"prove_timeout": 20_000, "wait_ready": true});
    let records = vec![super::words::record("api", "unready", 1, slow)];
    let change = ostler_wire::control::Change { records, ..Default::default() };
    world.reload_by(&[0], change, Default::default());
    world.wait(2000);
    assert!(world.model.core().slots().all(|(_, slot)| slot.candidate().is_some()));
    assert_none_closed(&world);
}

#[test]
fn while_a_run_is_due_another_that_is_stopped_closes_nothing() {
    let mut world = World::with_more("api", "good", 2, json!({"restart_delay": 3000}));
    world.wait(1000);
    world.quiet();
    world.crash(0, ostler_core::Exit::Code(1));
    world.stop(&[1]);
    world.wait(1000);
    assert_none_closed(&world);
}
