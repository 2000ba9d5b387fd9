//! Checks that a candidate has to pass.

use ostler_core::spec::{Policy, Readiness};
use ostler_core::{Event, Exit, ReloadOptions, RunId};

use super::{SILENT, check, rolling, told};
use crate::world::{GOOD, Nature, World};

#[test]
fn a_new_version_that_never_listens_fails_when_the_old_one_listens() {
    let mut world = rolling(1, GOOD, SILENT, ReloadOptions::default(), |_| ());
    world.wait(299);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(2);
    check(&mut world, "0 failed NotListening; ask 2; back []; reload ended v1 failed; 0 left");
}

#[test]
fn the_time_to_start_counts_from_the_spawn_and_not_from_the_order() {
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), |_| ());
    world.late(5000);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
    let mut world = rolling(1, GOOD, SILENT, ReloadOptions::default(), |_| ());
    world.late(250);
    world.wait(299);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed NotListening"));
}

#[test]
fn where_the_old_never_listened_being_alive_for_the_readiness_time_is_enough() {
    let mut world = rolling(1, SILENT, SILENT, ReloadOptions::default(), |_| ());
    world.wait(29);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(1);
    check(&mut world, "0 replaced; disconnect 1; reload ended v2; ask 1; 0 left");
}

#[test]
fn with_wait_ready_listening_alone_is_not_enough() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), wait);
    world.wait(301);
    assert!(told(&mut world).contains("0 failed NotReady"));
    let mut world =
        rolling(1, GOOD, Nature { says_ready: true, ..GOOD }, ReloadOptions::default(), wait);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
    // Nothing to listen on: its word is enough.
    let mut world =
        rolling(1, SILENT, Nature { says_ready: true, ..SILENT }, ReloadOptions::default(), wait);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn an_unhealthy_candidate_goes_and_a_healthy_one_stays() {
    let health = |policy: &mut Policy| policy.health_budget = Some(100);
    let mut world =
        rolling(1, GOOD, Nature { healthy: false, ..GOOD }, ReloadOptions::default(), health);
    world.wait(1);
    assert!(told(&mut world).contains("0 failed Unhealthy"));
    assert_eq!(world.state(), "0:up online v1");
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), health);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_candidate_must_live_on_for_stable_for() {
    let mut world =
        rolling(1, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 500);
    world.wait(499);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    assert!(told(&mut world).starts_with("0 failed Exited(Code(1))"));
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn ready_without_a_listener_is_not_enough_where_the_old_one_listens() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    let mut world =
        rolling(1, GOOD, Nature { says_ready: true, ..SILENT }, ReloadOptions::default(), wait);
    world.wait(299);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed NotListening"));
}

#[test]
fn a_listener_that_does_not_cover_the_old_ones_is_not_enough() {
    let mut world =
        rolling(1, GOOD, Nature { partial: true, ..GOOD }, ReloadOptions::default(), |_| ());
    world.wait(299);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed NotListening"));
    // Where there is nothing to cover, any listener is proof at once.
    let mut world =
        rolling(1, SILENT, Nature { partial: true, ..GOOD }, ReloadOptions::default(), |_| ());
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_health_check_without_an_end_is_given_up_after_its_budget() {
    let health = |policy: &mut Policy| policy.health_budget = Some(100);
    let mut world =
        rolling(1, GOOD, Nature { mute: true, ..GOOD }, ReloadOptions::default(), health);
    world.wait(99);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed Unhealthy"));
}

const ELSEWHERE: Nature = Nature { elsewhere: true, ..GOOD };

#[test]
fn a_version_that_listens_elsewhere_fails_at_once() {
    let slow = |policy: &mut Policy| policy.verify_timeout = 30_000;
    let mut world = rolling(1, GOOD, ELSEWHERE, ReloadOptions::default(), slow);
    world.wait(999);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(2);
    assert!(told(&mut world).starts_with("0 failed Elsewhere"));
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn a_release_to_another_port_passes_and_may_be_taken_back() {
    let options = ReloadOptions { port_change: true, ..ReloadOptions::default() };
    let mut world = rolling(1, GOOD, ELSEWHERE, options, |_| ());
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
    // It must listen on something.
    let mut world = rolling(1, GOOD, SILENT, options, |_| ());
    world.wait(301);
    assert!(told(&mut world).contains("0 failed NotListening"));
    // On fewer addresses it has the time to become ready for more.
    let fewer = Nature { partial: true, ..GOOD };
    let mut world = rolling(1, GOOD, fewer, options, |_| ());
    world.wait(29);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_version_that_says_ready_after_it_listened_elsewhere_has_a_second_from_then() {
    let mut world = rolling(1, GOOD, ELSEWHERE, ReloadOptions::default(), |policy| {
        policy.readiness = Readiness::Message;
        policy.verify_timeout = 30_000;
    });
    world.wait(700);
    world.event(Event::ReadyMessage(RunId(2)));
    world.wait(999);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(2);
    assert!(told(&mut world).starts_with("0 failed Elsewhere"));
}

#[test]
fn what_is_due_for_the_old_run_decides_nothing_about_the_new_one() {
    let mut world = World::new();
    let old = world.version(1, GOOD, |policy| policy.restart_delay = 20);
    let new = world.version(2, SILENT, |_| ());
    world.add(1, old);
    world.wait(20);
    world.reload(1, new, ReloadOptions::default());
    world.wait(1);
    told(&mut world);
    world.end(RunId(1), Exit::Code(1));
    world.wait(100);
    check(&mut world, "0 ended code 1; 0 restarts in 20; spawn 0 v1; 0 online");
    assert_eq!(world.state(), "0:up online v1+");
}

#[test]
fn a_candidate_that_the_keeper_has_not_spawned_is_looked_at_again_after_a_second() {
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), |_| ());
    let asked = world.now;
    assert_eq!(world.supervisor.deadline(), Some(asked + 300));
    world.late(300);
    assert_eq!(world.supervisor.deadline(), Some(asked + 300 + 1000 + 300));
}
