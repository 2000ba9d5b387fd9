//! Apps that wait for others: when they begin, what is said meanwhile, and in which order all goes.

use ostler_core::{Event, Exit, ProcId, RunId};
use ostler_wire::control::{Action, Change, ReloadOptions, Request};
use serde_json::{Value, json};

use super::super::Input;
use super::words::{record, starting};
use super::world::World;

/// Apps that are started by one request: name, script and more keys. All are plain processes.
pub fn start(world: &mut World, apps: &[(&str, &str, Value)]) -> usize {
    let apps = apps.iter().map(|(name, script, more)| record(name, script, 0, more.clone()));
    let apps = apps.collect();
    let ticket = world.ticket();
    world.request(starting(apps, ticket))
}

/// The same, and some time.
pub fn started(apps: &[(&str, &str, Value)]) -> World {
    let mut world = World::new();
    start(&mut world, apps);
    world.wait(900);
    world.quiet();
    world
}

pub fn on(names: &[&str]) -> Value {
    json!({ "depends_on": names })
}

/// `db` says when it is ready, `api` waits for that.
fn db_and_api() -> [(&'static str, &'static str, Value); 2] {
    [("api", "good", on(&["db"])), ("db", "unready", json!({"wait_ready": true}))]
}

pub fn run_of(world: &World, id: u32) -> RunId {
    world.model.core().slot(ProcId(id)).unwrap().process().run().unwrap()
}

/// What happened to processes, in its order, as far as it is this.
pub fn happened(world: &World, what: &str) -> Vec<String> {
    let of = world.lifecycle.iter().filter_map(|text| text.strip_suffix(&format!(" {what}")));
    of.map(|name| name.split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn an_app_begins_when_what_it_depends_on_is_ready_and_no_sooner() {
    let mut world = World::new();
    let client = start(&mut world, &db_and_api());
    world.wait(200);
    assert_eq!(world.state(), "api:0 waiting good, db:1 starting unready");
    assert_eq!(world.heard(client), "");
    let waits = "App [api:0] waits for `db` to be ready (it is being started)";
    assert_eq!(world.log.iter().filter(|line| *line == waits).count(), 1, "{:?}", world.log);
    let run = run_of(&world, 1);
    world.input(Input::Core(Event::ReadyMessage(run)));
    world.wait(900);
    assert_eq!(world.state(), "api:0 online good, db:1 online unready");
    assert_eq!(world.heard(client), "started db [1]\nstarted api [0]\ndone");
}

#[test]
fn who_waits_for_another_has_all_its_time_from_when_it_begins() {
    let mut world = World::new();
    let slow = json!({"wait_ready": true, "depends_on": ["db"]});
    let db = json!({"wait_ready": true, "listen_timeout": 60_000});
    let client = start(&mut world, &[("api", "unready", slow), ("db", "unready", db)]);
    // It is waited for twice as long as for one that waits for nobody, but for a moment.
    world.wait(2 * (300 + 8000 + 3 * 16 + 10_000) - 100);
    assert_eq!(world.heard(client), "");
    let run = run_of(&world, 1);
    world.input(Input::Core(Event::ReadyMessage(run)));
    world.wait(290);
    assert_eq!(world.state(), "api:0 starting unready, db:1 online unready");
    let run = run_of(&world, 0);
    world.input(Input::Core(Event::ReadyMessage(run)));
    world.wait(900);
    assert_eq!(world.heard(client), "started db [1]\nstarted api [0]\ndone");
}

#[test]
fn a_dependency_that_is_taken_as_online_without_having_said_so_is_not_ready() {
    let mut world = World::new();
    let client = start(&mut world, &db_and_api());
    world.wait(1000);
    assert_eq!(world.state(), "api:0 waiting good, db:1 online unready");
    let why = "app `api` waits for `db` to be ready (it did not say `ready` in time)";
    let hint = "`ostler describe db` has more; `api` begins by itself when `db` has come to it";
    assert_eq!(world.reply(client), format!("error: {why}\nhint: {hint}"));
    let run = run_of(&world, 1);
    world.input(Input::Core(Event::ReadyMessage(run)));
    world.wait(900);
    assert_eq!(world.state(), "api:0 online good, db:1 online unready");
}

#[test]
fn a_dependency_that_fails_ends_the_start_with_the_reason_and_the_app_goes_on_waiting() {
    let mut world = World::new();
    let apps =
        [("db", "exits", json!({})), ("api", "good", on(&["db"])), ("web", "good", on(&["api"]))];
    let client = start(&mut world, &apps);
    world.wait(1000);
    assert_eq!(world.state(), "db:0 errored exits, api:1 waiting good, web:2 waiting good");
    let heard = world.heard(client);
    for app in ["api", "web"] {
        let why = format!(
            "failed {app}: app `{app}` waits for `db` to be ready (it was given up: exit code 1)"
        );
        assert!(heard.contains(&why), "{heard}");
    }
    let records = vec![record("db", "good", 0, json!({}))];
    world.act_with(Action::Restart, &[0], Change { records, ..Change::default() });
    world.wait(900);
    assert_eq!(world.state(), "db:0 online good, api:1 online good, web:2 online good");
}

#[test]
fn a_job_is_completed_when_it_ended_with_success_and_then_others_begin() {
    for (script, more, state) in [
        ("ends", json!({}), "job:0 stopped ends, api:1 online good"),
        ("exits", json!({"success_exit_codes": [1]}), "job:0 stopped exits, api:1 online good"),
        ("exits", json!({"autorestart": false}), "job:0 stopped exits, api:1 waiting good"),
        ("exits", json!({}), "job:0 errored exits, api:1 waiting good"),
        ("good", json!({}), "job:0 online good, api:1 waiting good"),
    ] {
        let mut job = json!({"oneshot": true});
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut world = World::new();
        let api = json!({"depends_on": {"job": "completed"}});
        let client = start(&mut world, &[("job", script, job), ("api", "good", api)]);
        world.wait(1000);
        assert_eq!(world.state(), state);
        let over = world.talks[&client].over;
        assert_eq!(over, script != "good", "who started it waits as long as the job runs");
        if state == "job:0 stopped exits, api:1 waiting good" {
            let why = "`job` to complete (it has ended: exit code 1)";
            assert!(world.reply(client).contains(why), "{}", world.reply(client));
        }
    }
}

#[test]
fn an_app_is_restarted_when_what_it_depends_on_has_recovered_if_it_asks_for_it() {
    let with = json!({"depends_on": {"db": {"condition": "ready", "restart": true}}});
    let mut world =
        started(&[("db", "good", json!({})), ("api", "good", with), ("web", "good", on(&["db"]))]);
    let run = run_of(&world, 0);
    world.end(run, Exit::Code(1));
    world.wait(1000);
    assert_eq!(world.state(), "db:0 online good, api:1 online good, web:2 online good");
    assert_eq!(world.restarts(), [1, 1, 0]);
    assert!(world.log.iter().any(|line| line.contains("what it depends on has recovered")));
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!(world.restarts(), [1, 1, 0], "it serves on");
    assert!(!world.log.iter().any(|line| line.contains("[api:1] waits")), "{:?}", world.log);
    world.restart(&[0]);
    world.wait(1000);
    assert_eq!(world.restarts(), [1, 2, 0]);
    let all = Change { parallel: Some(9), ..Change::default() };
    world.act_with(Action::Restart, &[0, 1, 2], all);
    world.wait(1000);
    assert_eq!(world.restarts(), [2, 3, 1], "once each");
    let run = run_of(&world, 2);
    world.end(run, Exit::Code(1));
    world.wait(1000);
    assert_eq!(world.restarts(), [2, 3, 2], "it does not depend on that");
}

#[test]
fn what_is_to_be_restarted_anyway_is_not_restarted_for_what_has_recovered() {
    let with = json!({"depends_on": {"db": {"condition": "ready", "restart": true}}});
    let slow = json!({"wait_ready": true});
    let mut world =
        started(&[("db", "good", json!({})), ("web", "unready", slow), ("api", "good", with)]);
    let one = Change { parallel: Some(1), ..Change::default() };
    world.act_with(Action::Restart, &[0, 1, 2], one);
    world.wait(2000);
    assert_eq!(world.restarts(), [1, 1, 1]);
}

#[test]
fn a_job_that_is_stopped_is_not_completed_and_what_is_stopped_waits_for_nothing() {
    let api = json!({"depends_on": {"job": "completed"}});
    let mut world = started(&[("job", "good", json!({})), ("api", "good", api)]);
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!(world.state(), "job:0 stopped good, api:1 waiting good");
    world.stop(&[1]);
    world.restart(&[0]);
    world.wait(1000);
    world.quiet();
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!(world.state(), "job:0 stopped good, api:1 stopped good");
    assert!(!world.log.iter().any(|line| line.contains("waits")), "{:?}", world.log);
}

#[test]
fn what_ends_has_no_more_time_when_what_it_depends_on_is_there_again() {
    let mut world = started(&[("db", "good", json!({})), ("api", "hangs", on(&["db"]))]);
    let client = world.stop(&[1]);
    world.wait(5000);
    world.restart(&[0]);
    world.wait(300 + 8000 + 3 * 16 + 10_000 - 5000);
    assert!(world.talks[&client].over, "{}", world.state());
}

#[test]
fn what_crashes_while_its_dependency_is_down_waits_instead_of_being_given_up() {
    let mut world = started(&[("db", "good", json!({})), ("api", "good", on(&["db"]))]);
    world.stop(&[0]);
    world.wait(1000);
    let run = run_of(&world, 1);
    world.quiet();
    let saves = world.saves;
    world.end(run, Exit::Code(1));
    while world.deliver() {}
    assert_eq!((world.removed.len(), saves < world.saves), (1, true), "{:?}", world.removed);
    world.wait(10_000);
    assert_eq!(world.state(), "db:0 stopped good, api:1 waiting good");
    world.restart(&[0]);
    world.wait(1000);
    assert_eq!(world.state(), "db:0 online good, api:1 online good");
    assert_eq!(world.restarts(), [0, 1]);
}

#[test]
fn dependencies_that_cannot_be_are_refused_and_change_nothing() {
    let mut world = started(&[("db", "good", json!({})), ("api", "good", on(&["db"]))]);
    let before = world.state();
    let client = start(&mut world, &[("a", "good", json!({})), ("b", "good", on(&["nobody"]))]);
    let why = "error: `b` depends on `nobody`, which is not in the list\nhint: start `nobody` \
               before, or with it; `ostler list` shows what there is";
    assert_eq!(world.reply(client), why);
    let records = vec![record("db", "good", 0, on(&["api"]))];
    let change = Change { records, ..Change::default() };
    let client = world.act_with(Action::Restart, &[0], change.clone());
    let why = "error: none of these apps can begin: `api` waits for `db`, which waits for `api`\n\
               hint: leave one of these dependencies out";
    assert_eq!(world.reply(client), why);
    let client = world.reload_by(&[0], change, ReloadOptions::default());
    assert_eq!(world.reply(client), why);
    let client = start(&mut world, &[("me", "good", on(&["me"]))]);
    assert!(world.reply(client).starts_with("error: `me` depends on itself"));
    world.wait(1000);
    assert_eq!((world.state(), world.restarts()), (before, vec![0, 0]));
}

#[test]
fn a_reload_of_what_waits_lets_it_wait_on_with_what_is_new() {
    let mut world = World::new();
    world.start_with("db", "unready", 0, json!({"wait_ready": true}));
    world.start_with("api", "good", 2, on(&["db"]));
    world.wait(120);
    let records = vec![record("api", "better", 1, on(&["db"]))];
    world.reload_by(&[1, 2], Change { records, ..Change::default() }, ReloadOptions::default());
    world.wait(120);
    assert_eq!(world.state(), "db:0 starting unready, api:1 waiting good, api:2 waiting good");
    let run = run_of(&world, 0);
    world.input(Input::Core(Event::ReadyMessage(run)));
    world.wait(120);
    assert_eq!(world.state(), "db:0 online unready, api:1 online better, api:2 online better");
}

#[test]
fn a_changed_dependency_counts_from_the_restart_that_brings_it() {
    let mut world = started(&[("db", "good", json!({})), ("api", "good", json!({}))]);
    world.stop(&[0]);
    world.wait(1000);
    let records = vec![record("api", "good", 0, on(&["db"]))];
    world.quiet();
    world.act_with(Action::Restart, &[1], Change { records, ..Change::default() });
    world.wait(1000);
    assert_eq!(happened(&world, "online"), ["db", "api"]);
    let records = vec![record("api", "good", 0, json!({}))];
    world.stop(&[0]);
    world.wait(1000);
    world.act_with(Action::Restart, &[1], Change { records, ..Change::default() });
    world.wait(1000);
    assert_eq!(world.state(), "db:0 stopped good, api:1 online good");
}

#[test]
fn what_waits_is_shown_with_what_it_waits_for() {
    let mut world = World::new();
    start(&mut world, &db_and_api());
    world.wait(120);
    let client = world.request(Request::List);
    let list: Value = serde_json::from_str(world.reply(client)).unwrap();
    let api = &list["list"]["processes"][0];
    assert_eq!(api["phase"], "waiting");
    let expected = json!([{"app": "db", "condition": "ready", "lacks": "starting"}]);
    assert_eq!(api["waits_for"], expected);
    assert_eq!(list["list"]["processes"][1].get("waits_for"), None);
}

#[test]
fn a_name_means_the_app_of_the_same_namespace_before_others() {
    let spaced = |space: &str, mut more: Value| {
        more["namespace"] = json!(space);
        more
    };
    let mut world = World::new();
    world.start_with("db", "good", 0, spaced("a", json!({})));
    world.start_with("db", "unready", 0, spaced("b", json!({"wait_ready": true})));
    world.start_with("api", "good", 0, spaced("a", on(&["db"])));
    world.start_with("api", "good", 0, spaced("b", on(&["db"])));
    world.start_with("api", "good", 0, spaced("c", on(&["db"])));
    world.wait(120);
    let state = "db:0 online good, db:1 starting unready, api:2 online good, api:3 waiting good, \
                 api:4 online good";
    assert_eq!(world.state(), state);
}

#[test]
fn an_instance_that_pauses_keeps_nobody_waiting_while_another_serves() {
    let mut world = World::new();
    world.start_with("db", "good", 2, json!({"restart_delay": 5000}));
    world.wait(900);
    let run = run_of(&world, 1);
    world.end(run, Exit::Code(1));
    world.wait(900);
    world.start_with("api", "good", 0, on(&["db"]));
    world.wait(900);
    assert_eq!(world.state(), "db:0 online good, db:1 pausing good, api:2 online good");
}

#[test]
fn an_app_that_does_not_say_that_it_is_ready_is_so_when_it_has_lived_for_min_uptime() {
    let mut world = World::new();
    start(&mut world, &[("db", "good", json!({})), ("api", "good", on(&["db"]))]);
    world.wait(99);
    assert_eq!(world.state(), "db:0 online good, api:1 waiting good");
    world.wait(2);
    assert_eq!(world.state(), "db:0 online good, api:1 online good");
    let mut world = World::new();
    let api = json!({"depends_on": {"db": "started"}});
    start(&mut world, &[("db", "good", json!({})), ("api", "good", api)]);
    world.wait(1);
    assert_eq!(world.state(), "db:0 online good, api:1 online good", "started is another thing");
    let mut world = World::new();
    world.start("db", "good", 1);
    world.start_with("api", "good", 0, on(&["db"]));
    world.wait(1);
    assert_eq!(world.state(), "db:0 online good, api:1 online good", "a worker listens");
}

#[test]
fn a_dependency_that_a_restart_brings_holds_what_did_not_run_too() {
    let db = ("db", "unready", json!({"wait_ready": true, "listen_timeout": 60_000}));
    let mut world = started(&[("api", "good", json!({})), db]);
    world.stop(&[0]);
    world.wait(100);
    assert_eq!(world.state(), "api:0 stopped good, db:1 starting unready");
    let records = vec![record("api", "good", 0, on(&["db"]))];
    world.act_with(Action::Restart, &[0], Change { records, ..Change::default() });
    world.wait(100);
    assert_eq!(world.state(), "api:0 waiting good, db:1 starting unready");
}
