//! Memory limits of apps.

use ostler_core::{Exit, ProcId, RunId};
use ostler_wire::control::{Change, OverMemory, ReloadOptions};
use serde_json::json;

use super::super::Input;
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
    assert!(world.model.deadline().is_some_and(|at| at <= world.at.now + 900));
}

#[test]
fn a_look_at_memory_is_no_more_than_a_look_unless_something_else_is_due_before() {
    let mut world = World::with("api", "good", 1);
    assert!(!world.model.only_looks());
    let limit = json!({"max_memory_restart": 100, "restart_delay": 300});
    world = World::with_more("job", "good", 0, limit.clone());
    assert!(world.model.only_looks());
    world.crash(0, Exit::Code(1));
    while world.deliver() {}
    assert!(!world.model.only_looks(), "its restart is due before");
    let mut later = limit;
    later["cron_restart"] = json!("* * * * *");
    world = World::with_more("job", "good", 0, later);
    assert!(world.model.only_looks(), "its restart is due after");
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
    world.wait(1000);
    assert_eq!((world.restarts(), world.pids()), (vec![1], vec![102]));
    assert_eq!(
        world.log[0],
        "[PM2][WORKER] Process 0 restarted because it exceeds --max-memory-restart value \
         (current_memory=101 max_memory_limit=100 [octets])"
    );
    assert_eq!(world.lifecycle, ["job:0 exit", "job:0 online", "job:0 restart"]);
    let over = OverMemory { at: 1_000_900, memory: 101, limit: 100 };
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.over_memory, Some(over));
    world.forget();
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.over_memory, Some(over));
}

#[test]
fn a_worker_above_its_limit_is_replaced_without_a_gap() {
    let mut world = limited("api", "good", 2);
    world.use_memory(1, 101);
    world.wait(849);
    world.late(1);
    while world.deliver() {
        assert_eq!(world.model.known().count_online(), 2);
    }
    assert_eq!(world.pids(), [101, 103]);
    assert!(world.log.iter().any(|line| line.contains("starting a new worker for 1")));
}

/// Starts a job with this limit, lets it use so much, and lets it be measured once.
fn measured(limit: u64, memory: u64) -> World {
    let mut world = World::with_more("job", "good", 0, json!({"max_memory_restart": limit}));
    world.use_memory(0, memory);
    world.wait(900);
    while world.deliver() {}
    world
}

#[test]
fn a_process_far_below_its_limit_is_looked_at_when_it_can_have_reached_it() {
    for (limit, memory, expected) in [
        (1 << 30, (1 << 30) - 1, 900),
        (1 << 30, 0, 900 + 1024),
        (3 << 30, 1 << 30, 900 + 2048),
        (1 << 40, 0, 30_000),
    ] {
        let (world, looked_at) = (measured(limit, memory), 1000 + 900);
        assert_eq!(world.model.deadline(), Some(looked_at + expected), "{limit} {memory}");
    }
}

#[test]
fn whoever_grows_as_fast_as_memory_is_given_is_noticed_within_a_second() {
    for limit in [1_u64 << 20, 100 << 20, 5 << 30, 20 << 30] {
        let mut world = measured(limit, 0);
        let (began, mut passed) = (world.at.now, None);
        for ms in 0.. {
            let memory = ms << 20;
            world.use_memory(0, memory);
            world.wait(1);
            if limit < memory {
                passed.get_or_insert(world.at.now);
            }
            if world.restarts() != [0] {
                break;
            }
        }
        let late = world.at.now - passed.unwrap_or(began);
        assert!(late < 1000, "{limit}: noticed after {late} ms");
    }
}

#[test]
fn one_that_starts_is_looked_at_as_soon_however_far_the_others_are_from_their_limits() {
    let mut world = measured(1 << 40, 0);
    world.start_with("next", "good", 0, json!({"max_memory_restart": 100}));
    world.wait(50);
    world.use_memory(1, 101);
    world.wait(1000);
    assert_eq!(world.restarts(), [0, 1]);
}

#[test]
fn memory_is_not_looked_at_while_all_that_have_a_limit_are_stopped() {
    let mut world = measured(100, 0);
    world.stop(&[0]);
    world.wait(100_000);
    assert_eq!(world.model.deadline(), None);
    world.restart(&[0]);
    world.wait(50);
    world.use_memory(0, 101);
    world.wait(1000);
    assert_eq!(world.restarts()[0], 1);
}

#[test]
fn an_app_that_needs_more_than_its_limit_is_not_restarted_all_the_time() {
    let mut world = limited("job", "good", 0);
    for _ in 0..600 {
        world.use_memory(0, 101);
        world.wait(100);
    }
    assert!((10..=12).contains(&world.restarts()[0]), "{:?} in a minute", world.restarts());
}

#[test]
fn a_fixed_interval_is_kept() {
    let mut settings = super::world::settings(1);
    settings.memory_interval = Some(30_000);
    let mut world = World::new();
    world.model = crate::model::Model::new(settings);
    world.start_with("job", "good", 0, json!({"max_memory_restart": 100}));
    world.wait(50);
    world.use_memory(0, 101);
    world.wait(29_000);
    assert_eq!(world.restarts(), [0]);
    world.wait(2000);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn a_process_at_its_limit_is_left_alone() {
    let mut world = limited("job", "good", 0);
    world.use_memory(0, 100);
    world.wait(100_000);
    assert_eq!(world.restarts(), [0]);
    assert_eq!(world.model.details(ProcId(0)).unwrap().view.over_memory, None);
}

#[test]
fn a_look_that_comes_late_is_a_look() {
    let mut world = limited("job", "good", 0);
    world.use_memory(0, 101);
    world.at.now += 5000;
    world.wait(10);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn what_was_measured_before_all_with_a_limit_went_makes_nobody_look_again() {
    let mut world = limited("job", "good", 0);
    world.delete(&[0]);
    world.wait(50);
    world.input(Input::Measured(vec![(RunId(1), 50)]));
    assert_eq!(world.model.deadline(), None);
}

#[test]
fn memory_is_looked_at_again_and_again() {
    let mut world = limited("job", "good", 0);
    for count in 1..4 {
        world.use_memory(0, 101);
        world.wait(1000);
        assert_eq!(world.restarts(), [count]);
        world.wait(5000);
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
