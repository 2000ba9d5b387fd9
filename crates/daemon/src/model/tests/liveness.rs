//! Processes that are restarted when their health is lost.

use ostler_core::ProcId;
use ostler_wire::control::{Change, ReloadOptions};
use serde_json::json;

use super::world::World;

fn checked(script: &str, instances: u32) -> World {
    let health = json!({"tcp": 3000, "interval": 100, "restart_after": 3, "grace": 1000});
    World::with_more("job", script, instances, json!({"health": health, "min_uptime": 100}))
}

#[test]
fn one_that_fails_so_often_is_restarted_and_the_reason_is_told_also_by_the_next_daemon() {
    let mut world = checked("sick", 0);
    // Asked for the first time when the grace is over, then after each interval.
    world.wait(1149);
    assert_eq!(world.restarts(), [0]);
    world.wait(51);
    assert_eq!(world.restarts(), [1]);
    let log = &world.log[0];
    assert_eq!(
        log,
        "App [job:0] is restarted: its health check failed 3 times in a row: it is sick"
    );
    let of = |world: &World| world.model.details(ProcId(0)).unwrap().view.unhealthy.unwrap();
    let lost = of(&world);
    assert_eq!((lost.failures, lost.why.as_str()), (3, "it is sick"));
    world.forget();
    assert_eq!(of(&world), lost);
    // Another end is another reason.
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.unhealthy, None);
}

#[test]
fn one_that_is_healthy_or_is_not_to_be_restarted_goes_on() {
    let mut world = checked("good", 0);
    world.wait(60_000);
    assert_eq!(world.restarts(), [0]);
    let mut world = World::with_more("job", "sick", 0, json!({"health": {"tcp": 3000}}));
    world.wait(60_000);
    assert_eq!(world.restarts(), [0]);
    assert_eq!(world.model.deadline(), None, "nobody looks");
}

#[test]
fn the_next_daemon_counts_anew_and_keeps_the_grace() {
    let mut world = checked("sick", 0);
    world.wait(1100);
    world.forget();
    world.wait(199);
    assert_eq!(world.restarts(), [0]);
    world.wait(300);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn a_worker_that_is_being_replaced_is_not_restarted_for_its_health() {
    // Its health check never passes, and that of the one to come does not end.
    let health = json!({"tcp": 3000, "interval": 1000, "restart_after": 1, "grace": 10});
    let mut world = World::with_more("app", "stuck", 1, json!({ "health": health }));
    world.reload_by(&[0], Change::default(), ReloadOptions::default());
    world.wait(8000);
    let said = |world: &World| world.log.iter().any(|line| line.contains("is restarted"));
    assert!(!said(&world), "{:?}", world.log);
    // The reload has failed by now, and this is a process as any other.
    world.wait(4000);
    assert!(said(&world), "{:?}", world.log);
}

#[test]
fn nobody_is_asked_any_more_when_the_app_is_gone() {
    let mut world = checked("good", 2);
    world.wait(5000);
    assert!(world.model.deadline().is_some());
    world.delete(&[0, 1]);
    world.wait(50);
    assert_eq!(world.model.deadline(), None);
}
