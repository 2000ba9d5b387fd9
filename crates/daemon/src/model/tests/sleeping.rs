//! Apps that fall asleep when nobody wants them, and wake when somebody does.

use ostler_core::{Exit, ProcId};
use ostler_wire::control::{self, Action, Change, ReloadOptions, Request};
use serde_json::{Value, json};

use super::crash::same_end;
use super::depending::{happened, on};
use super::words::{raw, record};
use super::world::World;

/// Attributes of an app that sleeps after 800 ms.
fn idle(more: &Value) -> Value {
    let mut all = json!({"idle_stop": 800, "drain_timeout": 100});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// An app of so many instances that may sleep, a moment after its start.
fn web(instances: u32) -> World {
    World::with_more("web", "good", instances, idle(&json!({})))
}

/// The same, asleep.
fn asleep(instances: u32) -> World {
    let mut world = web(instances);
    world.wait(5000);
    assert_eq!(world.alive(), 0, "{}", world.state());
    world.log.clear();
    world
}

fn phase(world: &World, id: u32) -> control::Phase {
    world.model.details(ProcId(id)).unwrap().view.phase
}

fn sleeps(world: &World, id: u32) -> bool {
    phase(world, id) == control::Phase::Sleeping
}

#[test]
fn an_app_sleeps_after_its_time_and_wakes_when_somebody_comes() {
    let mut world = web(2);
    // The first look comes after an eighth of the time, and begins it.
    world.wait(840);
    assert_eq!(world.alive(), 2);
    world.wait(200);
    assert!(sleeps(&world, 0) && sleeps(&world, 1), "{}", world.state());
    assert_eq!(world.alive(), 0);
    world.call("web", false);
    world.wait(50);
    assert_eq!(
        (phase(&world, 0), phase(&world, 1)),
        (control::Phase::Online, control::Phase::Online)
    );
    assert_eq!(world.restarts(), [0, 0], "a wake is no restart");
    world.wait(2000);
    assert_eq!(world.alive(), 0, "it sleeps again");
}

#[test]
fn the_time_counts_from_the_last_connection_and_one_that_stays_open_keeps_it_awake() {
    let mut world = web(1);
    for _ in 0..10 {
        world.wait(700);
        world.call("web", false);
    }
    assert_eq!(world.alive(), 1, "somebody came again and again");
    world.call("web", true);
    world.wait(3_600_000);
    assert_eq!(world.alive(), 1, "somebody has a connection and says nothing");
    world.call("web", false);
    world.wait(800);
    assert_eq!(world.alive(), 1);
    world.wait(300);
    assert_eq!(world.alive(), 0);
}

#[test]
fn what_nobody_would_wake_stays_awake_and_the_log_says_once_why() {
    let mut world = web(1);
    world.callers.deaf = true;
    world.wait(60_000);
    assert_eq!(world.alive(), 1);
    let said: Vec<&String> = world.log.iter().filter(|line| line.contains("stays awake")).collect();
    assert_eq!(said, ["App [web] stays awake: it listens at *:9229 by itself"]);
}

#[test]
fn an_app_without_idle_stop_is_not_looked_at_and_one_in_fork_mode_cannot_have_it() {
    let mut world = World::with("web", "good", 1);
    world.wait(60_000);
    assert_eq!(world.alive(), 1);
    assert_eq!(world.model.deadline(), None, "nobody looks");
    let mut world = World::new();
    let client = world.start_with("web", "good", 0, idle(&json!({})));
    assert!(world.reply(client).contains("needs cluster mode"), "{}", world.reply(client));
    let client = world.start("web", "good", 0);
    world.wait(50);
    assert!(world.talks[&client].over);
    let patch = Some(raw(&json!({"idle_stop": 800})));
    let client = world.act_with(Action::Restart, &[0], Change { patch, ..Change::default() });
    assert!(world.reply(client).contains("needs cluster mode"), "{}", world.reply(client));
}

#[test]
fn one_that_listens_on_nothing_does_not_sleep() {
    let mut world = World::with_more("web", "mute", 1, idle(&json!({})));
    world.wait(60_000);
    assert_eq!(world.alive(), 1);
}

#[test]
fn commands_wake_and_a_stop_ends_the_sleep() {
    let mut world = asleep(2);
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(world.alive(), 2, "an app sleeps as a whole");
    let mut world = asleep(1);
    world.scale("web", control::ScaleTo::Add(1));
    world.wait(50);
    assert_eq!(world.alive(), 2);
    let mut world = asleep(2);
    let records = vec![record("web", "better", 1, idle(&json!({})))];
    let change = Change { records, ..Change::default() };
    world.reload_by(&[0, 1], change, ReloadOptions::default());
    world.wait(200);
    assert_eq!(world.alive(), 2, "{}", world.state());
    world.wait(2000);
    assert_eq!((world.alive(), world.restarts()), (0, [1, 1].into()), "it sleeps again");
    let mut world = asleep(1);
    world.stop(&[0]);
    world.wait(50);
    assert_eq!(phase(&world, 0), control::Phase::Stopped);
    assert!(world.parts.contains(&"close all of app 0".to_owned()), "{:?}", world.parts);
    world.call("web", false);
    world.wait(50);
    assert_eq!(world.alive(), 0, "whoever comes to what was stopped is refused");
}

#[test]
fn its_sockets_are_kept_while_it_sleeps() {
    let mut world = asleep(2);
    world.parts.clear();
    world.wait(60_000);
    world.stop(&[1]);
    world.wait(60_000);
    assert!(world.parts.iter().all(|part| !part.starts_with("close")), "{:?}", world.parts);
}

#[test]
fn a_reload_that_fails_lets_it_sleep_on() {
    let mut world = asleep(1);
    let client = world.reload_by(
        &[0],
        Change { records: vec![record("web", "exits", 1, idle(&json!({})))], ..Change::default() },
        ReloadOptions::default(),
    );
    world.wait(2000);
    assert!(world.heard(client).contains("web"), "{}", world.heard(client));
    assert!(sleeps(&world, 0), "{}", world.state());
    world.call("web", false);
    world.wait(50);
    assert!(world.state().contains("good"), "{}", world.state());
}

#[test]
fn one_that_fails_when_it_is_woken_is_given_up_and_its_sockets_are_closed() {
    let mut world = asleep(1);
    world.call("web", false);
    // The program was broken since.
    for _ in 0..5 {
        world.wait(20);
        if let Some(run) = world.model.core().slot(ProcId(0)).unwrap().process().run() {
            world.end(run, Exit::Code(1));
        }
    }
    world.wait(100);
    assert_eq!(phase(&world, 0), control::Phase::Errored);
    assert!(world.parts.contains(&"close all of app 0".to_owned()), "{:?}", world.parts);
}

#[test]
fn what_it_depends_on_wakes_first_and_sleeps_last() {
    let start = |world: &mut World| {
        world.start_with("db", "good", 1, idle(&json!({})));
        world.start_with("web", "good", 1, idle(&on(&["db"])));
    };
    let mut world = World::new();
    start(&mut world);
    world.wait(1000);
    assert!(!sleeps(&world, 0), "web does not sleep yet: {}", world.state());
    world.wait(3000);
    assert!(sleeps(&world, 0) && sleeps(&world, 1), "{}", world.state());
    world.lifecycle.clear();
    world.call("web", false);
    world.wait(200);
    assert_eq!(happened(&world, "online"), ["db", "web"]);
    let mut world = World::new();
    start(&mut world);
    world.wait(5000);
    // What is below wakes alone.
    world.call("db", false);
    world.wait(200);
    assert!(!sleeps(&world, 0) && sleeps(&world, 1), "{}", world.state());
}

#[test]
fn what_an_app_depends_on_that_does_not_sleep_stays_awake() {
    let mut world = World::new();
    world.start_with("db", "good", 1, idle(&json!({})));
    world.start_with("job", "good", 0, on(&["db"]));
    world.wait(60_000);
    assert_eq!(world.alive(), 2);
    world.stop(&[1]);
    world.wait(5000);
    assert!(sleeps(&world, 0), "{}", world.state());
    world.restart(&[1]);
    world.wait(200);
    assert_eq!(world.alive(), 2, "{}", world.state());
}

#[test]
fn what_restarts_by_itself_leaves_it_asleep() {
    let mut world = World::with_more("web", "good", 1, idle(&json!({"cron_restart": "0 * * * *"})));
    world.wait(5000);
    assert!(sleeps(&world, 0));
    world.log.clear();
    world.wait(2 * 3_600_000);
    assert!(sleeps(&world, 0), "{}", world.state());
    assert_eq!(world.log, [""; 0]);
}

#[test]
fn the_next_daemon_goes_on_waiting_and_counts_the_time_anew() {
    let mut world = asleep(1);
    world.forget();
    world.wait(60_000);
    assert!(sleeps(&world, 0), "{}", world.state());
    world.forget();
    world.call("web", false);
    world.wait(50);
    assert_eq!(world.alive(), 1);
    world.wait(700);
    world.forget();
    world.wait(700);
    assert_eq!(world.alive(), 1);
    world.wait(500);
    assert!(sleeps(&world, 0), "{}", world.state());
}

#[test]
fn whoever_came_while_there_was_no_daemon_wakes_it() {
    let mut world = asleep(1);
    world.callers.unheard();
    world.call("web", false);
    world.forget();
    world.wait(50);
    assert_eq!(world.alive(), 1, "{}", world.state());
}

#[test]
fn the_daemon_may_die_at_every_effect_while_apps_fall_asleep_and_wake() {
    for script in ["good", "stubborn"] {
        same_end(|world| {
            world.start_with("db", "good", 1, idle(&json!({})));
            world.start_with("web", script, 2, idle(&on(&["db"])));
            world.wait(3000);
            world.call("web", false);
            world.wait(3000);
            world.call("web", false);
            world.wait(300);
            world.call("web", true);
            world.wait(3000);
        });
    }
}

#[test]
fn the_list_and_others_say_what_it_does() {
    let mut world = asleep(1);
    let client = world.request(Request::Jlist);
    let list: Value = serde_json::from_str(world.reply(client)).unwrap();
    assert_eq!(list[0]["pm2_env"]["status"], "stopped", "PM2's word for no process");
    assert_eq!(list[0]["pid"], 0);
    let client = world.act(Action::Reset, &[0]);
    world.wait(50);
    assert!(world.talks[&client].over && sleeps(&world, 0), "a reset wakes nobody");
}
