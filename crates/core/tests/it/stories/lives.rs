//! One run after the other: started, stopped, removed.

use ostler_core::spec::{Policy, Readiness};
use ostler_core::{Event, Exit, ProcId, ReloadOptions, Role, RunId};

use super::{check, one, rolling, told};
use crate::world::{GOOD, Nature, World};

#[test]
fn a_start_spawns_and_the_runtime_makes_it_online() {
    check(&mut one(GOOD, |_| ()), "spawn 0 v1; 0 online");
}

#[test]
fn wait_ready_waits_for_the_message_and_takes_it_as_online_when_time_runs_out() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    check(&mut one(Nature { says_ready: true, ..GOOD }, wait), "spawn 0 v1; 0 online");
    let mut never = one(GOOD, wait);
    check(&mut never, "spawn 0 v1");
    never.wait(30);
    check(&mut never, "0 online late");
}

#[test]
fn the_time_to_be_ready_begins_when_the_run_was_spawned() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |policy| policy.readiness = Readiness::Message);
    world.add(1, spec);
    world.late(5000);
    check(&mut world, "spawn 0 v1");
    assert_eq!(world.state(), "0:up starting v1");
    world.wait(29);
    check(&mut world, "");
    world.wait(1);
    check(&mut world, "0 online late");
}

#[test]
fn what_the_keeper_has_not_come_to_spawn_is_looked_at_again_after_a_second() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add(1, spec);
    let asked = world.now;
    assert_eq!(world.supervisor.deadline(), Some(asked + 30));
    world.late(30);
    assert_eq!(world.supervisor.deadline(), Some(asked + 30 + 1000));
}

#[test]
fn a_stop_asks_and_ends_stopped() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped");
    assert_eq!(world.state(), "0:down stopped v1");
}

#[test]
fn a_stop_that_is_ignored_is_forced_again_and_again() {
    let mut world = one(Nature { stubborn: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(15);
    check(&mut world, "ask 1");
    world.wait(2);
    check(&mut world, "kill 1; 0 ended signal 9; 0 stopped");
}

#[test]
fn a_stop_is_over_only_when_descendants_are_gone() {
    let mut world = one(Nature { litters: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(2);
    check(&mut world, "ask 1; 0 ended signal 2");
    world.wait(16);
    check(&mut world, "kill 1; 0 stopped");
}

#[test]
fn a_start_during_a_stop_runs_again_after_the_end() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.event(Event::Start(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; spawn 0 v1; 0 online");
    assert_eq!(world.supervisor.owner(RunId(1)), None, "the first run is not forgotten");
    assert_eq!(world.supervisor.owner(RunId(2)), Some((ProcId(0), Role::Current)));
    assert!(!world.supervisor.slot(ProcId(0)).unwrap().removing());
}

#[test]
fn a_plain_process_is_online_when_it_is_spawned_unless_it_is_to_say_ready() {
    for (readiness, expected) in [(Readiness::Started, "online"), (Readiness::Message, "starting")]
    {
        let mut world = World::new();
        let spec = world.version(1, GOOD, |policy| policy.readiness = readiness);
        world.add_plain(spec);
        assert_eq!(world.state(), "0:up starting v1");
        world.wait(1);
        assert_eq!(world.state(), format!("0:up {expected} v1"));
    }
    // A worker is, when its runtime says so.
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add(1, spec);
    world.event(Event::Spawned(RunId(1)));
    assert_eq!(world.state(), "0:up starting v1");
}

#[test]
fn a_deadline_that_comes_late_has_its_effect_and_one_of_another_run_has_none() {
    let stubborn = Nature { drains: false, stubborn: true, ..GOOD };
    let mut world = rolling(1, stubborn, GOOD, ReloadOptions::default(), |policy| {
        policy.restart_delay = 100;
        policy.ready_timeout = 60;
    });
    world.wait(40);
    assert_eq!(world.state(), "0:up online v2+");
    world.end(RunId(2), Exit::Code(1));
    world.wait(5);
    assert_eq!(world.state(), "0:up pausing v2+");
    told(&mut world);
    world.wait(10);
    check(&mut world, "ask 1"); // And the pause is not over.
    assert_eq!(world.state(), "0:up pausing v2+");
    world.event(Event::Start(ProcId(0)));
    told(&mut world);
    world.late(12);
    check(&mut world, "kill 1"); // And the new run is not taken as ready.
    assert_eq!(world.state(), "0:up starting v2+");
    // A run that was killed at a time when nobody looked is killed when somebody does.
    let mut world = one(stubborn, |_| ());
    world.event(Event::Stop(ProcId(0)));
    told(&mut world);
    world.now += 100;
    world.event(Event::Deadline);
    check(&mut world, "kill 1");
}

#[test]
fn a_deleted_slot_is_gone_after_its_run() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Delete(ProcId(0)));
    assert_eq!(world.state(), "0:down stopping v1");
    assert!(world.supervisor.slot(ProcId(0)).unwrap().removing());
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped; 0 removed");
    assert_eq!(world.state(), "");
}

#[test]
fn a_retired_worker_drains_first() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Retire(ProcId(0)));
    world.wait(1);
    check(&mut world, "disconnect 1; ask 1; 0 ended code 0; 0 stopped; 0 removed");
}

#[test]
fn a_leaving_worker_drains_is_asked_and_is_killed() {
    let mut world = one(Nature { drains: false, stubborn: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Retire(ProcId(0)));
    world.wait(49);
    check(&mut world, "disconnect 1");
    world.wait(1);
    check(&mut world, "ask 1");
    world.wait(16);
    check(&mut world, "kill 1; 0 ended signal 9; 0 stopped; 0 removed");
}

#[test]
fn what_hangs_is_killed_again_but_not_in_a_busy_loop() {
    let world =
        &mut one(Nature { stubborn: true, hangs: true, ..GOOD }, |policy| policy.stop_grace = 0);
    told(world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(250);
    check(world, "ask 1; kill 1; kill 1; kill 1");
    let world =
        &mut one(Nature { stubborn: true, hangs: true, ..GOOD }, |policy| policy.stop_grace = 400);
    told(world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1300);
    check(world, "ask 1; kill 1; kill 1; kill 1");
}

#[test]
fn a_plain_process_is_asked_at_once_when_it_is_retired() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add_plain(spec);
    world.wait(1);
    check(&mut world, "spawn 0 v1; 0 online");
    assert!(!world.supervisor.slot(ProcId(0)).unwrap().process().is_cluster());
    world.event(Event::Retire(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped; 0 removed");
}
