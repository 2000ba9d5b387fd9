//! Runs that lose their health.

use ostler_core::{Event, ProcId, ReloadOptions, RunId};

use super::{check, one, told};
use crate::world::{GOOD, Nature, World};

fn plain(change: impl FnOnce(&mut ostler_core::spec::Policy)) -> World {
    let mut world = World::new();
    let spec = world.version(1, GOOD, change);
    world.add_plain(spec);
    world.wait(1);
    told(&mut world);
    world
}

#[test]
fn a_run_without_health_is_ended_and_the_next_one_waits_as_after_a_crash() {
    let mut world = plain(|policy| policy.restart_delay = 7);
    world.wait(20);
    world.event(Event::Unhealthy(RunId(1)));
    world.event(Event::Unhealthy(RunId(1)));
    world.wait(1);
    check(&mut world, "0 unhealthy; ask 1; 0 ended signal 2; 0 restarts in 7");
    world.wait(10);
    check(&mut world, "spawn 0 v1; 0 online");
    let process = world.supervisor.slot(ProcId(0)).unwrap().process();
    assert_eq!((process.restarts(), process.unstable()), (1, 0));
}

#[test]
fn one_that_loses_its_health_again_and_again_is_given_up_as_one_that_crashes() {
    let mut world = plain(|_| ());
    for _ in 0..3 {
        let run = world.supervisor.slot(ProcId(0)).unwrap().process().run().unwrap();
        world.event(Event::Unhealthy(run));
        world.wait(1);
    }
    let said = world.said.join("; ");
    assert_eq!(said.matches("0 unhealthy").count(), 3, "{said}");
    assert!(said.ends_with("0 ended signal 2; 0 gave up after 3"), "{said}");
}

#[test]
fn one_that_does_not_end_is_killed() {
    let mut world = World::new();
    let spec = world.version(1, Nature { stubborn: true, ..GOOD }, |_| ());
    world.add_plain(spec);
    world.wait(1);
    told(&mut world);
    world.event(Event::Unhealthy(RunId(1)));
    world.wait(16);
    check(
        &mut world,
        "0 unhealthy; ask 1; kill 1; 0 ended signal 9; 0 restarts in 0; spawn 0 v1; 0 online",
    );
}

#[test]
fn what_is_not_to_be_restarted_stays_stopped() {
    let mut world = plain(|policy| policy.autorestart = false);
    world.event(Event::Unhealthy(RunId(1)));
    world.wait(1);
    check(&mut world, "0 unhealthy; ask 1; 0 ended signal 2; 0 stopped");
}

#[test]
fn whoever_stops_or_restarts_it_meanwhile_is_obeyed() {
    let mut world = plain(|policy| policy.restart_delay = 7);
    world.event(Event::Unhealthy(RunId(1)));
    world.event(Event::Stop(ProcId(0)));
    world.wait(50);
    check(&mut world, "0 unhealthy; ask 1; 0 ended signal 2; 0 stopped");
    world.event(Event::Start(ProcId(0)));
    world.wait(1);
    told(&mut world);
    world.event(Event::Unhealthy(RunId(2)));
    world.event(Event::Restart { proc: ProcId(0), change: None });
    world.wait(1);
    check(&mut world, "0 unhealthy; ask 2; 0 ended signal 2; spawn 0 v1; 0 online");
}

#[test]
fn nothing_is_ended_for_its_health_while_it_is_reloaded() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    let next = world.version(2, GOOD, |policy| policy.stable_for = 10);
    world.reload(1, next, ReloadOptions::default());
    world.event(Event::Unhealthy(RunId(1)));
    world.wait(1);
    let said = world.said.join("; ");
    assert!(!said.contains("unhealthy"), "{said}");
    // The candidate is none that serves.
    world.event(Event::Unhealthy(RunId(2)));
    world.wait(200);
    let said = world.said.join("; ");
    assert!(!said.contains("unhealthy") && said.contains("0 replaced"), "{said}");
}

#[test]
fn nothing_is_ended_for_its_health_that_a_reload_is_about_to_replace() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    let next = world.version(2, GOOD, |policy| policy.stable_for = 10);
    world.add(2, spec);
    world.wait(20);
    world.reload(2, next, ReloadOptions::default());
    told(&mut world);
    world.event(Event::Unhealthy(RunId(2)));
    check(&mut world, "");
}
