//! Memory limits of apps.

use ostler_core::{Exit, ProcId, RunId};
use ostler_wire::control::{Change, OverMemory, ReloadOptions};
use serde_json::json;

use super::world::World;

fn limited(name: &str, script: &str, instances: u32) -> World {
    World::with_more(name, script, instances, json!({"max_memory_restart": 100}))
}

#[test]
fn memory_is_looked_at_only_where_an_app_has_a_limit() {
    let mut world = World::with("api", "good", 1);
    world.wait(1000);
    assert_eq!(world.model.deadline(), None);
    let mut world = limited("api", "good", 1);
    world.wait(1000);
    assert_eq!(world.model.deadline(), Some(1000 + 30_000));
}

#[test]
fn memory_is_looked_at_no_more_when_no_app_has_a_limit() {
    let mut world = limited("api", "good", 1);
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.model.deadline(), None);
}

#[test]
fn a_plain_process_above_its_limit_is_restarted() {
    let mut world = limited("job", "good", 0);
    world.use_memory(0, 101);
    world.wait(30_000);
    assert_eq!((world.restarts(), world.pids()), (vec![1], vec![102]));
    assert_eq!(
        world.log[0],
        "[PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value \
         (current_memory=101 max_memory_limit=100 [octets])"
    );
    assert_eq!(world.lifecycle, ["job:0 exit", "job:0 online", "job:0 restart"]);
    let over = OverMemory { at: 1_030_000, memory: 101, limit: 100 };
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.over_memory, Some(over));
    world.forget();
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.over_memory, Some(over));
}

#[test]
fn a_worker_above_its_limit_is_replaced_without_a_gap() {
    let mut world = limited("api", "good", 2);
    world.use_memory(1, 101);
    world.wait(29_949);
    world.late(1);
    while world.deliver() {
        assert_eq!(world.model.known().count_online(), 2);
    }
    assert_eq!(world.pids(), [101, 103]);
    assert!(world.log.iter().any(|line| line.contains("starting a new worker for 1")));
}

#[test]
fn a_process_at_its_limit_is_left_alone() {
    let mut world = limited("job", "good", 0);
    world.use_memory(0, 100);
    world.wait(100_000);
    assert_eq!(world.restarts(), [0]);
}

#[test]
fn memory_is_looked_at_again_and_again() {
    let mut world = limited("job", "good", 0);
    for count in 1..4 {
        world.use_memory(0, 101);
        world.wait(30_000);
        assert_eq!(world.restarts(), [count]);
    }
}

#[test]
fn a_worker_whose_replacement_fails_goes_on() {
    let mut world = limited("api", "good", 1);
    world.use_memory(0, 101);
    let replaced = |world: &World| world.log.iter().any(|line| line.contains("(run 2)"));
    while !replaced(&world) {
        world.late(1000);
        world.deliver();
    }
    world.reports.clear();
    world.end(RunId(2), Exit::Code(1));
    world.wait(100);
    assert_eq!((world.state().as_str(), world.pids()), ("api:0 online good", vec![101]));
}

#[test]
fn a_worker_above_its_limit_waits_for_the_end_of_another_reload() {
    let mut world = limited("api", "good", 3);
    world.use_memory(1, 101);
    let canary = ReloadOptions { canary: true, ..ReloadOptions::default() };
    world.reload_by(&[0, 2], Change::default(), canary);
    world.wait(200_000);
    assert_eq!(world.restarts(), [1, 0, 0]);
    world.promote("api", true);
    world.wait(50);
    assert_eq!(world.restarts(), [1, 1, 1]);
    assert_eq!(world.model.core().saved_reloads().len(), 0);
}
