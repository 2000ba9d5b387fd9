//! What becomes of connections is told to whoever wants to know.

use ostler_wire::control::{Action, Change, Connections, ReloadOptions};
use serde_json::json;

use super::words::record;
use super::world::World;

const COUNTED: Change = Change {
    records: Vec::new(),
    patch: None,
    env: None,
    parallel: None,
    watch: None,
    connections: true,
    doing: false,
};

fn counted(script: &str) -> Change {
    Change { records: vec![record("api", script, 1, json!({}))], ..COUNTED }
}

fn of(name: &str, script: &str, instances: u32) -> World {
    let mut world = World::with(name, script, instances);
    world.open = Connections::Dropped(3);
    world
}

#[test]
fn old_workers_are_not_waited_for_any_longer_also_when_nobody_looked_in_time() {
    let mut world = World::with("api", "hangs", 1);
    let client = world.reload_by(&[0], counted("good"), ReloadOptions::default());
    world.wait(50);
    assert_eq!((world.state().as_str(), world.talks[&client].over), ("api:0 online good+", false));
    world.at.now += 1_000_000;
    world.wait(1);
    assert!(world.talks[&client].over);
}

#[test]
fn what_a_signal_ended_with_open_connections_dropped_them() {
    for action in [Action::Stop, Action::Restart, Action::Delete] {
        let mut world = of("job", "good", 0);
        let client = world.act_with(action, &[0], COUNTED);
        world.wait(50);
        assert_eq!(world.heard(client), "acted job:0 Dropped(3)\ndone", "{action:?}");
    }
    // By the second signal, too.
    let mut world = of("job", "stubborn", 0);
    let client = world.act_with(Action::Stop, &[0], COUNTED);
    world.wait(50);
    assert_eq!(world.heard(client), "acted job:0 Dropped(3)\ndone");
}

#[test]
fn what_an_app_that_takes_the_signal_finished_is_not_known() {
    let mut world = of("job", "polite", 0);
    let client = world.act_with(Action::Restart, &[0], COUNTED);
    world.wait(50);
    assert_eq!(world.heard(client), "acted job:0\ndone");
    // Unless there was nothing to finish.
    world.open = Connections::Dropped(0);
    let client = world.act_with(Action::Restart, &[0], COUNTED);
    world.wait(50);
    assert_eq!(world.heard(client), "acted job:0 Dropped(0)\ndone");
}

#[test]
fn nobody_counts_unless_somebody_wants_to_know() {
    let mut world = of("job", "good", 0);
    let run = world.runs.keys().next().copied().unwrap();
    assert!(world.model.counted(run).is_none());
    let client = world.stop(&[0]);
    assert!(world.model.counted(run).is_none());
    world.wait(50);
    assert_eq!(world.heard(client), "acted job:0\ndone");
}

#[test]
fn what_was_stopped_already_dropped_nothing() {
    let mut world = of("job", "good", 0);
    world.stop(&[0]);
    world.wait(50);
    let client = world.act_with(Action::Stop, &[0], COUNTED);
    assert_eq!(world.heard(client), "acted job:0 Nowhere\ndone");
}

#[test]
fn a_reload_that_was_counted_ends_when_the_old_workers_have_left() {
    let mut world = of("api", "good", 1);
    let client = world.reload_by(&[0], counted("better"), ReloadOptions::default());
    world.wait(50);
    let heard = world.heard(client);
    let left = "step api:0 worker 0 of the old version (pid 101) has left\ndone";
    assert!(heard.ends_with(left), "{heard}");
}

#[test]
fn a_reload_waits_a_second_at_most_for_workers_that_finish_connections() {
    let mut world = of("api", "busy", 1);
    let client = world.reload_by(&[0], counted("good"), ReloadOptions::default());
    world.wait(50);
    assert!(!world.heard(client).contains("done"), "{}", world.heard(client));
    world.wait(1000);
    let heard = world.heard(client);
    assert!(heard.ends_with("finishes its connections\ndone"), "{heard}");
}

#[test]
fn a_worker_that_did_not_finish_its_connections_in_time_dropped_them() {
    let more = json!({"drain_timeout": 100});
    let mut world = World::with_more("api", "busy", 1, more);
    world.open = Connections::Dropped(2);
    let client = world.reload_by(&[0], counted("good"), ReloadOptions::default());
    world.wait(500);
    let heard = world.heard(client);
    assert!(heard.ends_with("(pid 101) has left with 2 open connections\ndone"), "{heard}");
}

#[test]
fn what_the_daemon_before_counted_is_not_known() {
    let mut world = of("job", "stubborn", 0);
    let client = world.act_with(Action::Stop, &[0], COUNTED);
    world.forget();
    world.wait(100);
    assert_eq!(world.heard(client), "acted job:0\ndone");
}

#[test]
fn what_became_of_connections_that_nobody_counted_is_not_known() {
    let mut world = of("job", "polite", 0);
    world.stop(&[0]);
    // It has ended well by now, and the signal came before somebody wanted to know.
    let client = world.act_with(Action::Stop, &[0], COUNTED);
    world.wait(50);
    assert_eq!(world.heard(client), "acted job:0\ndone");
}
