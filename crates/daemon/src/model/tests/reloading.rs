//! Reloads that go well, or are not begun: their steps, their order, their queue.

use ostler_wire::control::{Change, ReloadOptions};
use serde_json::json;

use super::words::record;
use super::world::World;

const WAIT: ReloadOptions = ReloadOptions {
    parallel: None,
    surge: None,
    canary: false,
    no_rollback: false,
    port_change: false,
    wait: true,
};

fn env(name: &str, value: &str) -> Change {
    Change { env: Some([(name.to_owned(), value.to_owned())].into()), ..Change::default() }
}

fn env_of(world: &World, id: u32, name: &str) -> String {
    let slot = world.model.core().slot(ostler_core::ProcId(id)).unwrap();
    let version = world.model.registry().version(slot.process().spec()).unwrap();
    version.spec.env.get(name).unwrap_or_default().to_owned()
}

#[test]
fn every_step_is_told_in_its_order() {
    let mut world = World::with("api", "good", 2);
    let client = world.reload(&[0, 1], "api", "better");
    world.wait(100);
    assert_eq!(
        world.heard(client),
        "step api:0 starting a new worker for 0\n\
         step api:0 new worker 0 (pid 103) passed its checks and listens on *:3000; \
         the old one finishes its connections\n\
         step api:0 worker 0 of the old version (pid 101) has left\n\
         step api:1 starting a new worker for 1\n\
         step api:1 new worker 1 (pid 104) passed its checks and listens on *:3000; \
         the old one finishes its connections\n\
         done"
    );
    assert_eq!(world.state(), "api:0 online better, api:1 online better");
}

/// Each waited for the one before it, though nobody served who was to go on.
#[test]
fn of_an_app_that_is_stopped_all_begin_at_once() {
    let mut world = World::with("api", "good", 3);
    world.stop(&[0, 1, 2]);
    world.wait(100);
    let client = world.reload(&[0, 1, 2], "api", "better");
    world.wait(100);
    let said = world.heard(client);
    let steps: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("step api:")).collect();
    let kinds: Vec<String> =
        steps.iter().map(|step| step.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = ["0 starting", "1 starting", "2 starting", "0 new", "1 new", "2 new"];
    assert_eq!(kinds, expected, "{said}");
}

#[test]
fn the_steps_are_in_the_log_too() {
    let mut world = World::with("api", "good", 1);
    let client = world.reload(&[0], "api", "better");
    world.wait(50);
    let steps = world.heard(client).matches("step ").count();
    let logged = world.log.iter().filter(|line| line.starts_with("reload of app [api]: ")).count();
    // Its end is told before the old worker has left.
    assert_eq!((steps, logged), (2, 3), "{:?}", world.log);
}

#[test]
fn a_worker_that_does_not_listen_is_accepted_where_the_old_one_does_not_either() {
    let mut world = World::with("api", "mute", 1);
    let client = world.reload(&[0], "api", "mute");
    world.wait(299);
    assert_eq!(world.state(), "api:0 online mute+");
    world.wait(1);
    assert_eq!(world.reply(client), "done");
    assert!(world.heard(client).contains(
        "(pid 102) passed its checks by living on, since it listens on nothing; the old one"
    ));
}

#[test]
fn workers_are_replaced_one_by_one() {
    let mut world = World::with("api", "good", 3);
    world.reload(&[0, 1, 2], "api", "mute");
    world.wait(50);
    assert_eq!(world.alive(), 4);
}

#[test]
fn as_many_workers_are_replaced_at_a_time_as_was_asked_for() {
    for options in [
        ReloadOptions { parallel: Some(2), ..ReloadOptions::default() },
        ReloadOptions { surge: Some(2), ..ReloadOptions::default() },
    ] {
        let mut world = World::with("api", "good", 3);
        world.reload_with(&[0, 1, 2], "api", "mute", options);
        world.wait(50);
        assert_eq!(world.alive(), 5, "{options:?}");
    }
}

#[test]
fn a_surge_counts_the_workers_that_have_not_left() {
    let mut world = World::with("api", "busy", 2);
    let options = ReloadOptions { surge: Some(1), ..ReloadOptions::default() };
    world.reload_with(&[0, 1], "api", "good", options);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good+, api:1 online busy");
    world.wait(8000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good+");
}

#[test]
fn a_process_that_is_named_twice_gets_one_new_worker() {
    let mut world = World::with("api", "good", 1);
    let options = ReloadOptions { parallel: Some(2), ..ReloadOptions::default() };
    let client = world.reload_with(&[0, 0], "api", "better", options);
    world.wait(50);
    assert_eq!((world.reply(client), world.alive()), ("done", 1));
}

#[test]
fn a_reload_without_changes_replaces_the_workers_all_the_same() {
    let mut world = World::with("api", "good", 1);
    let before = world.pids();
    world.reload_by(&[0], Change::default(), ReloadOptions::default());
    world.wait(50);
    assert_ne!(world.pids(), before);
    assert_eq!(world.versions(), (vec![1], 1));
}

#[test]
fn an_unknown_process_refuses_the_whole_reload() {
    let mut world = World::with("api", "good", 1);
    let client = world.reload(&[0, 9], "api", "better");
    assert_eq!(
        world.heard(client),
        "error: process 9 not found\nhint: see `ostler list` for the ids"
    );
    assert_eq!((world.state().as_str(), world.versions().1), ("api:0 online good", 1));
}

#[test]
fn plain_processes_are_restarted_two_at_a_time() {
    let mut world =
        World::with_more("job", "unready", 0, json!({"instances": 3, "wait_ready": true}));
    world.wait(1000);
    let client = world.reload_by(&[0, 1, 2], env("A", "1"), ReloadOptions::default());
    world.wait(50);
    assert_eq!(world.state().matches("starting").count(), 2);
    world.wait(1000);
    let heard = world.heard(client);
    assert_eq!(heard.lines().filter(|line| line.starts_with("acted job:")).count(), 3, "{heard}");
    assert_eq!(env_of(&world, 2, "A"), "1");
}

#[test]
fn workers_and_plain_processes_are_reloaded_by_one_request() {
    let mut world = World::with("api", "good", 1);
    world.start("job", "good", 0);
    world.wait(50);
    let client = world.reload_by(&[0, 1], env("A", "1"), ReloadOptions::default());
    world.wait(50);
    assert_eq!((env_of(&world, 0, "A"), env_of(&world, 1, "A")), ("1".into(), "1".into()));
    assert_eq!(world.reply(client), "done");
}

#[test]
fn two_apps_are_reloaded_beside_each_other() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "good", 1);
    world.wait(50);
    let client = world.reload_by(&[0, 1], env("A", "1"), ReloadOptions::default());
    assert_eq!(world.state(), "api:0 online good+, web:1 online good+");
    world.wait(50);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn a_second_reload_of_an_app_is_refused_while_one_is_under_way() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    let client = world.reload(&[0], "api", "newest");
    assert_eq!(
        world.heard(client),
        "error: a reload of app `api` is under way\n\
         hint: `ostler reload api --wait` queues behind it"
    );
}

#[test]
fn a_refused_reload_changes_nothing() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    let name =
        Change { patch: Some(super::words::raw(&json!({"name": "web"}))), ..Change::default() };
    world.reload_by(&[0], name, ReloadOptions::default());
    world.wait(50);
    assert_eq!((world.state().as_str(), world.versions().1), ("api:0 online better", 1));
}

#[test]
fn a_reload_that_may_wait_begins_when_the_other_has_ended() {
    let mut world = World::with("api", "good", 2);
    world.reload(&[0, 1], "api", "better");
    let client = world.reload_with(&[0, 1], "api", "newest", WAIT);
    assert_eq!(world.heard(client), "");
    world.wait(200);
    assert_eq!(world.state(), "api:0 online newest, api:1 online newest");
    assert_eq!(world.reply(client), "done");
}

#[test]
fn a_reload_that_waits_begins_also_after_a_failure() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "exits");
    let client = world.reload_with(&[0], "api", "newest", WAIT);
    world.wait(50);
    assert_eq!((world.state().as_str(), world.reply(client)), ("api:0 online newest", "done"));
}

#[test]
fn reloads_that_wait_begin_in_their_order() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    let clients = ["newest", "good", "better"].map(|to| world.reload_with(&[0], "api", to, WAIT));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online better");
    assert!(clients.iter().all(|client| world.reply(*client) == "done"));
}

#[test]
fn a_reload_that_waited_keeps_what_the_one_before_it_changed() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    let client = world.reload_by(&[0], env("A", "1"), WAIT);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
    assert_eq!(world.state(), "api:0 online better");
    assert_eq!(env_of(&world, 0, "A"), "1");
}

#[test]
fn a_reload_that_waits_is_told_that_its_processes_are_gone() {
    let mut world = World::with("api", "good", 2);
    world.reload(&[0, 1], "api", "mute");
    let gone = world.reload_with(&[0], "api", "newest", WAIT);
    let other = world.reload_with(&[1], "api", "newest", WAIT);
    world.delete(&[0]);
    world.wait(20);
    assert_eq!((world.heard(gone).as_str(), world.heard(other).as_str()), ("", ""));
    world.wait(1000);
    assert_eq!(world.reply(gone), "error: process 0 was deleted meanwhile");
    // It waits for its own reload, not for one that was over before it began.
    assert_eq!(world.reply(other), "done");
    assert!(world.heard(other).contains("new worker 1"), "{}", world.heard(other));
}

#[test]
fn a_reload_that_a_command_cuts_short_is_told_which() {
    for word in ["stop", "restart", "delete"] {
        let mut world = World::with("api", "good", 1);
        let client = world.reload(&[0], "api", "mute");
        match word {
            "stop" => world.stop(&[0]),
            "restart" => world.restart(&[0]),
            _ => world.delete(&[0]),
        };
        world.wait(50);
        assert_eq!(
            world.reply(client),
            format!(
                "error: the reload of app `api` was cut short: a `{word}` took process 0 out of \
                 it\nhint: see `ostler list`; `ostler reload api` again for the new version"
            )
        );
    }
}

#[test]
fn a_worker_that_was_replaced_already_can_be_stopped_without_harm_to_the_reload() {
    let mut world = World::with("api", "good", 2);
    let records = vec![record("api", "better", 1, json!({"stable_for": 50}))];
    let change = Change { records, ..Change::default() };
    let client = world.reload_by(&[0, 1], change, ReloadOptions::default());
    world.wait(110);
    assert_eq!(world.state(), "api:0 online better, api:1 online good+");
    world.stop(&[0]);
    world.wait(50);
    assert_eq!(world.state(), "api:0 stopped better, api:1 online better");
    assert_eq!(world.reply(client), "done");
}

#[test]
fn a_reload_starts_a_worker_that_was_stopped() {
    let mut world = World::with("api", "good", 2);
    world.stop(&[1]);
    world.wait(50);
    world.reload(&[0, 1], "api", "better");
    world.wait(500);
    assert_eq!(world.state(), "api:0 online better, api:1 online better");
}

#[test]
fn clients_meet_a_new_worker_only_when_it_has_passed_its_checks() {
    let mut world = World::with("api", "good", 1);
    let records = vec![record("api", "better", 1, json!({"stable_for": 50}))];
    world.reload_by(&[0], Change { records, ..Change::default() }, ReloadOptions::default());
    world.wait(49);
    assert!(!world.parts.contains(&"admit run 2".to_owned()), "{:?}", world.parts);
    world.wait(1);
    assert!(world.parts.contains(&"admit run 2".to_owned()), "{:?}", world.parts);
}

#[test]
fn how_connections_are_spread_follows_the_version_in_force() {
    for (to, expected) in [("better", "balance app 0 by version 1"), ("exits", "by version 0")] {
        let mut world = World::with("api", "good", 1);
        world.reload(&[0], "api", to);
        world.wait(50);
        assert!(world.parts.iter().any(|part| part.ends_with(expected)), "{:?}", world.parts);
    }
}

#[test]
fn old_and_new_version_are_kept_while_a_reload_goes_on() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "mute");
    assert_eq!(world.versions(), (vec![0], 2));
    world.reload_with(&[0], "api", "newest", WAIT);
    assert_eq!(world.versions(), (vec![0], 3));
    world.wait(1000);
    assert_eq!(world.versions(), (vec![2], 1));
}
