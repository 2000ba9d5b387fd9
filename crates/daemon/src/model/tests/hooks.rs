//! Commands before and after runs and reloads.

use ostler_wire::control::{Action, Change, ReloadOptions, Request};
use serde_json::json;

use super::super::Input;
use super::world::World;

fn world(script: &str, instances: u32, hooks: &serde_json::Value) -> World {
    let mut world = World::new();
    world.start_with("app", script, instances, json!({ "hooks": hooks }));
    world
}

#[test]
fn each_run_begins_after_pre_start_and_ends_after_pre_stop() {
    let all = json!({"pre_start": "a", "post_start": "b", "pre_stop": "c", "post_stop": "d"});
    let mut world = world("good", 0, &all);
    assert_eq!(world.hooks, ["app:0 pre_start 1"]);
    assert_eq!(world.alive(), 0, "it waits");
    world.wait(50);
    assert_eq!(world.hooks, ["app:0 pre_start 1", "app:0 post_start 1"]);
    assert_eq!(world.alive(), 1);
    world.hooks.clear();
    world.act(Action::Restart, &[0]);
    assert_eq!((world.hooks.clone(), world.alive()), (vec!["app:0 pre_stop 1".to_owned()], 1));
    world.wait(50);
    let then = ["app:0 pre_stop 1", "app:0 post_stop 1", "app:0 pre_start 2", "app:0 post_start 2"];
    assert_eq!(world.hooks, then);
    world.hooks.clear();
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.hooks, ["app:0 pre_stop 2", "app:0 post_stop 2"]);
    assert_eq!(world.state(), "");
}

#[test]
fn a_pre_start_that_fails_is_a_failed_start_with_its_reason() {
    let mut world = world("good", 0, &json!({"pre_start": "fail", "post_stop": "x"}));
    world.wait(5000);
    assert_eq!(world.state(), "app:0 errored good");
    assert!(
        world.log.iter().any(|line| line == "App [app:0] could not be started: `pre_start` failed"),
        "{:?}",
        world.log
    );
    assert!(world.hooks.iter().all(|of| of.contains("pre_start")), "{:?}", world.hooks);
}

#[test]
fn whoever_stops_an_app_before_it_has_begun_ends_its_pre_start() {
    let mut world = world("good", 0, &json!({"pre_start": "x"}));
    world.stop(&[0]);
    assert_eq!(world.parts.last().unwrap(), "end hooks of run 1");
    while world.deliver() {
        assert_eq!(world.alive(), 0, "it is not begun any more");
    }
    world.wait(50);
    assert_eq!((world.state().as_str(), world.alive()), ("app:0 stopped good", 0));
    world.restart(&[0]);
    world.wait(50);
    assert_eq!((world.state().as_str(), world.alive()), ("app:0 online good", 1));
}

/// Takes out what says that commands are over: they go on.
fn hold(world: &mut World) -> Vec<Input> {
    let is_over = |report: &Input| matches!(report, Input::HookOver { .. });
    let (held, others) = world.reports.drain(..).partition(is_over);
    world.reports = others;
    held.into_iter().collect()
}

#[test]
fn a_command_before_the_end_is_followed_by_the_signal_at_once() {
    let mut world = world("good", 0, &json!({"pre_stop": "c"}));
    world.wait(50);
    world.stop(&[0]);
    while world.deliver() {}
    assert_eq!((world.state().as_str(), world.alive()), ("app:0 stopped good", 0));
}

#[test]
fn the_end_of_everything_waits_for_commands_that_go_on() {
    let mut world = world("good", 0, &json!({"post_stop": "d"}));
    world.wait(50);
    world.request(Request::Kill);
    let mut held = Vec::new();
    while world.deliver() {
        held.extend(hold(&mut world));
    }
    assert_eq!((held.len(), world.alive(), world.state().as_str()), (1, 0, ""));
    assert!(!world.model.is_over());
    world.reports.extend(held);
    world.wait(1);
    assert!(world.model.is_over());
}

/// Two apps of two workers, whose reloads have begun and wait for their commands.
fn reloading() -> (World, Vec<Input>) {
    let mut world = World::new();
    for name in ["app", "web"] {
        world.start_with(name, "good", 2, json!({"hooks": {"pre_reload": "x"}}));
    }
    world.wait(50);
    for ids in [[0, 1], [2, 3]] {
        let options = ReloadOptions { parallel: Some(2), ..ReloadOptions::default() };
        world.reload_by(&ids, Change::default(), options);
    }
    let held = hold(&mut world);
    assert_eq!((held.len(), world.alive()), (2, 4));
    (world, held)
}

#[test]
fn the_end_of_everything_waits_for_the_command_of_a_reload() {
    let (mut world, held) = reloading();
    world.request(Request::Kill);
    world.wait(1000);
    assert_eq!((world.alive(), world.state().as_str()), (0, ""));
    assert!(!world.model.is_over());
    world.reports.extend(held);
    world.wait(1);
    assert!(world.model.is_over());
    world.model.check_empty();
}

#[test]
fn a_worker_that_waits_for_the_command_of_its_reload_is_given_up_alone() {
    let (mut world, mut held) = reloading();
    world.stop(&[0]);
    world.wait(50);
    assert_eq!(
        world.state(),
        "app:0 stopped good, app:1 online good+, web:2 online good+, web:3 online good+"
    );
    // The command of one app says nothing about the other one.
    world.reports.push_back(held.remove(0));
    world.wait(5000);
    assert_eq!(
        world.state(),
        "app:0 stopped good, app:1 online good, web:2 online good+, web:3 online good+"
    );
    assert_ne!(world.pids()[0], 102, "it was replaced");
    world.reports.extend(held);
    world.wait(5000);
    assert_eq!(
        world.state(),
        "app:0 stopped good, app:1 online good, web:2 online good, web:3 online good"
    );
}

#[test]
fn the_next_daemon_does_not_run_the_command_of_a_reload_that_has_begun_again() {
    for rests in [false, true] {
        let mut world = world("good", 3, &json!({"pre_reload": "x"}));
        world.wait(50);
        world.reload_by(&[0, 1, 2], Change::default(), ReloadOptions::default());
        let candidates = |world: &World| {
            world.model.core().slots().filter(|(_, slot)| slot.candidate().is_some()).count()
        };
        assert_eq!(candidates(&world), 1);
        // The first is being verified; or it was accepted, and the next one has not begun.
        while rests && candidates(&world) == 1 {
            assert!(world.deliver());
        }
        if !rests {
            assert!(world.deliver(), "the command is over");
        }
        world.forget();
        world.wait(5000);
        assert_eq!(world.hooks.len(), 1, "{:?}", world.hooks);
        assert_eq!(world.pids().len(), 3);
    }
}

#[test]
fn the_next_daemon_does_not_run_the_command_of_a_canary_again() {
    let mut world = world("good", 3, &json!({"pre_reload": "x"}));
    world.wait(50);
    let canary = ReloadOptions { canary: true, ..ReloadOptions::default() };
    world.reload_by(&[0, 1, 2], Change::default(), canary);
    world.wait(50);
    world.forget();
    world.promote("app", true);
    world.wait(5000);
    assert_eq!(world.hooks.len(), 1, "{:?}", world.hooks);
    assert_eq!(world.pids().len(), 3);
}

#[test]
fn the_next_daemon_begins_pre_start_and_pre_stop_anew_and_nothing_else() {
    let all = json!({"pre_start": "a", "post_start": "b", "pre_stop": "c", "post_stop": "d"});
    let mut world = world("good", 0, &all);
    world.forget();
    world.wait(50);
    let starts = world.hooks.iter().filter(|of| of.contains("pre_start")).count();
    assert_eq!((starts, world.alive()), (2, 1));
    world.forget();
    world.wait(50);
    assert_eq!(world.hooks.iter().filter(|of| of.contains("post_start")).count(), 1);
    world.stop(&[0]);
    world.forget();
    world.wait(50);
    assert_eq!(world.hooks.iter().filter(|of| of.contains("pre_stop")).count(), 2);
    assert_eq!(world.state(), "app:0 stopped good");
}

#[test]
fn a_pre_stop_that_does_not_end_is_ended_with_its_app() {
    let mut world = world("good", 0, &json!({"pre_stop": "x"}));
    world.wait(50);
    world.parts.clear();
    world.stop(&[0]);
    // Its end is not heard.
    world.late(1600);
    assert!(world.parts.contains(&"end hooks of run 1".to_owned()), "{:?}", world.parts);
    world.wait(50);
    assert_eq!(world.state(), "app:0 stopped good");
}

#[test]
fn a_reload_has_its_own_two_commands_once() {
    let hooks = json!({"pre_reload": "x", "post_reload": "y"});
    let mut world = world("good", 3, &hooks);
    world.wait(50);
    let options = ReloadOptions { parallel: Some(2), ..ReloadOptions::default() };
    world.reload_by(&[0, 1, 2], Change::default(), options);
    assert_eq!(world.hooks, ["app:0 pre_reload 4"]);
    assert_eq!(world.alive(), 3, "nothing is begun before");
    world.wait(5000);
    assert_eq!(world.hooks.len(), 2, "{:?}", world.hooks);
    assert!(world.hooks[1].starts_with("app:0 post_reload"), "{:?}", world.hooks);
    assert_eq!(world.pids(), [104, 105, 106]);
}
