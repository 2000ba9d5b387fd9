//! Commands before and after runs and reloads.

use ostler_wire::control::{Action, Change, ReloadOptions};
use serde_json::json;

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
    world.wait(50);
    assert_eq!((world.state().as_str(), world.alive()), ("app:0 stopped good", 0));
    world.restart(&[0]);
    world.wait(50);
    assert_eq!((world.state().as_str(), world.alive()), ("app:0 online good", 1));
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
