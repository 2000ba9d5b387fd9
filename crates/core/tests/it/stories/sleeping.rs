//! A worker that nobody wants leaves, and the next one begins when somebody comes.

use std::sync::Arc;

use ostler_core::{Event, Exit, ProcId, ReloadOptions};

use crate::world::{GOOD, Nature, World};

const ID: ProcId = ProcId(0);

/// A worker that is online; `drains` says how.
fn online(nature: Nature) -> World {
    let mut world = World::new();
    let spec = world.version(1, nature, |_| ());
    world.add(1, spec);
    world.wait(20);
    world.said.clear();
    world
}

#[test]
fn a_worker_that_sleeps_leaves_and_is_followed_when_it_is_wanted() {
    let mut world = online(GOOD);
    world.event(Event::Sleep(ID));
    assert_eq!(world.state(), "0:up sleeping v1+");
    world.wait(5000);
    assert_eq!(world.state(), "0:up sleeping v1");
    assert_eq!(world.said, ["disconnect 1", "0 sleeps", "ask 1", "0 left"]);
    world.event(Event::Wake(ID));
    world.wait(20);
    assert_eq!(world.state(), "0:up online v1");
    assert_eq!(world.supervisor.slot(ID).unwrap().process().restarts(), 0);
}

#[test]
fn whoever_comes_while_the_worker_leaves_does_not_wait_for_its_end() {
    let mut world = online(Nature { drains: false, stubborn: true, ..GOOD });
    world.event(Event::Sleep(ID));
    world.event(Event::Wake(ID));
    world.wait(10);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(5000);
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn what_does_not_serve_does_not_fall_asleep() {
    let mut world = online(GOOD);
    world.event(Event::Wake(ID));
    assert_eq!(world.state(), "0:up online v1");
    world.event(Event::Stop(ID));
    world.event(Event::Sleep(ID));
    world.event(Event::Wake(ID));
    assert_eq!(world.state(), "0:down stopping v1");
    world.wait(100);
    world.event(Event::Sleep(ID));
    world.event(Event::Wake(ID));
    assert_eq!(world.state(), "0:down stopped v1");

    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add_plain(spec);
    world.wait(20);
    world.event(Event::Sleep(ID));
    assert_eq!(world.state(), "0:up online v1", "nobody holds a socket of a plain process");
}

#[test]
fn a_slot_that_sleeps_is_stopped_started_and_restarted_as_one_that_is_at_rest() {
    let asleep = || {
        let mut world = online(GOOD);
        world.event(Event::Sleep(ID));
        world.wait(100);
        world
    };
    let mut world = asleep();
    world.event(Event::Stop(ID));
    assert_eq!(world.state(), "0:down stopped v1");
    let mut world = asleep();
    world.event(Event::Start(ID));
    world.wait(20);
    assert_eq!(world.state(), "0:up online v1");
    let mut world = asleep();
    let new = world.version(2, GOOD, |_| ());
    let change = Some((new, Arc::clone(&world.versions[&new].0)));
    world.event(Event::Restart { proc: ID, change });
    world.wait(20);
    assert_eq!(world.state(), "0:up online v2");
    let mut world = asleep();
    world.event(Event::Delete(ID));
    assert_eq!(world.state(), "");
}

#[test]
fn a_reload_wakes_and_one_that_fails_lets_sleep() {
    let mut world = online(GOOD);
    world.event(Event::Sleep(ID));
    world.wait(100);
    let good = world.version(2, GOOD, |_| ());
    world.reload(1, good, ReloadOptions::default());
    world.wait(20);
    assert_eq!(world.state(), "0:up online v2");
    world.event(Event::Sleep(ID));
    world.wait(100);
    let bad = world.version(3, Nature { exits: Some(1), ..GOOD }, |_| ());
    world.reload(1, bad, ReloadOptions::default());
    world.wait(100);
    assert_eq!(world.state(), "0:up sleeping v2");
}

#[test]
fn a_client_that_comes_in_a_reload_is_answered_by_the_old_version() {
    let mut world = online(GOOD);
    world.event(Event::Sleep(ID));
    world.wait(100);
    let slow = world.version(2, GOOD, |policy| policy.stable_for = 50);
    world.reload(1, slow, ReloadOptions::default());
    world.wait(10);
    world.event(Event::Wake(ID));
    world.wait(10);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(200);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn one_whose_dependencies_are_not_there_wakes_when_they_are() {
    let mut world = online(GOOD);
    world.event(Event::Sleep(ID));
    world.event(Event::Hold { proc: ID, held: true });
    assert_eq!(world.state(), "0:up sleeping v1+");
    world.event(Event::Wake(ID));
    assert_eq!(world.state(), "0:up held v1+");
    world.event(Event::Hold { proc: ID, held: false });
    world.wait(20);
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn short_runs_before_a_sleep_are_not_in_a_row_with_those_after_it() {
    let mut world = online(GOOD);
    for _ in 0..2 {
        let run = world.supervisor.slot(ID).unwrap().process().run().unwrap();
        world.end(run, Exit::Code(1));
        world.wait(5);
    }
    world.wait(20);
    world.event(Event::Sleep(ID));
    world.event(Event::Wake(ID));
    world.wait(5);
    let run = world.supervisor.slot(ID).unwrap().process().run().unwrap();
    world.end(run, Exit::Code(1));
    world.wait(20);
    assert_eq!(world.state(), "0:up online v1");
}
