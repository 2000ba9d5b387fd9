//! What is shown of processes: the list, one process, its environment.

use ostler_core::{Exit, RunId};
use ostler_wire::control::{Action, Change, Reply, Request};
use serde_json::{Value, json};

use super::super::{Input, Usage};
use super::nature::signal;
use super::words::record;
use super::world::World;

fn list(world: &mut World) -> Vec<Value> {
    let client = world.request(Request::List);
    // What is written by a type that borrows is read as the type that clients have.
    let reply: Reply = serde_json::from_str(world.reply(client)).unwrap();
    let Reply::List { processes } = reply else { panic!("{reply:?}") };
    processes.iter().map(|process| serde_json::to_value(process).unwrap()).collect()
}

fn describe(world: &mut World, id: u32) -> Value {
    let client = world.request(Request::Describe { id });
    let mut reply: Value = serde_json::from_str(world.reply(client)).unwrap();
    reply["describe"].take()
}

pub(super) fn jlist(world: &mut World) -> Vec<Value> {
    let client = world.request(Request::Jlist);
    serde_json::from_str(world.reply(client)).unwrap()
}

fn find(world: &mut World, word: &str) -> String {
    let client = world.request(Request::Find { word: word.to_owned() });
    world.reply(client).to_owned()
}

pub(super) fn check(shown: &Value, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key} of {shown}");
    }
}

#[test]
fn a_running_process_is_listed_with_its_run() {
    let mut world = World::with_more("api", "good", 2, json!({"username": "deploy"}));
    let run = RunId(2);
    world.input(Input::Usage(vec![(run, Usage { cpu: 12.5, memory: 4096 })]));
    check(
        &list(&mut world)[1],
        &json!({
            "id": 1, "name": "api", "namespace": "default", "version": null, "cluster": true,
            "pid": 102, "since": 1_000_000, "restarts": 0, "phase": "online", "cpu": 12.5,
            "memory": 4096, "user": "deploy", "not_yet": [], "rollout": null,
            "script": "/srv/good.js", "logs": [null, null, null],
        }),
    );
}

#[test]
fn a_process_without_a_run_is_listed_without_one() {
    let mut world = World::with("api", "good", 1);
    world.stop(&[0]);
    world.wait(50);
    let expected = json!({"pid": 0, "since": 0, "phase": "stopped", "cpu": 0.0, "memory": 0});
    check(&list(&mut world)[0], &expected);
}

#[test]
fn how_and_when_a_run_ended_is_listed_and_whether_it_was_asked_to() {
    let mut world = World::with("api", "good", 1);
    assert_eq!(list(&mut world)[0]["ended"], Value::Null);
    world.input(Input::OutOfMemory(RunId(1)));
    world.crash(0, signal(9));
    world.wait(50);
    let ended = |world: &mut World| list(world)[0]["ended"].clone();
    let how = json!({"signal": {"name": "SIGKILL", "core": false}});
    let first = ended(&mut world);
    check(&first, &json!({"asked": false, "oom": true, "how": how}));
    world.stop(&[0]);
    world.wait(50);
    let second = ended(&mut world);
    check(&second, &json!({"asked": true, "oom": false}));
    assert!(first["at"].as_u64() < second["at"].as_u64(), "{first} {second}");
}

#[test]
fn a_worker_that_is_verified_is_listed_beside_the_one_that_serves() {
    let mut world = World::with("api", "good", 1);
    assert_eq!(list(&mut world)[0]["candidate"], Value::Null);
    world.reload(&[0], "api", "mute");
    world.wait(50);
    check(&list(&mut world)[0], &json!({"pid": 101, "candidate": 102, "listens": ["*:3000"]}));
}

#[test]
fn what_a_run_used_is_not_shown_of_the_next_one() {
    let mut world = World::with("api", "good", 1);
    world.input(Input::Usage(vec![(RunId(1), Usage { cpu: 12.5, memory: 4096 })]));
    world.restart(&[0]);
    world.wait(50);
    world.input(Input::Usage(vec![(RunId(1), Usage { cpu: 12.5, memory: 4096 })]));
    check(&list(&mut world)[0], &json!({"cpu": 0.0, "memory": 0}));
}

#[test]
fn the_words_for_what_a_process_does_are_pm2s() {
    let mut world = World::with("online", "good", 1);
    world.start("errored", "exits", 1);
    world.start_with("waiting", "exits", 1, json!({"restart_delay": 900_000}));
    world.start_with("stopped", "good", 1, json!({"autostart": false}));
    world.start("stopping", "hangs", 1);
    world.wait(1000);
    world.start_with("launching", "unready", 1, json!({"wait_ready": true}));
    world.stop(&[4]);
    let phases: Vec<Value> = list(&mut world).iter().map(|of| of["phase"].clone()).collect();
    let backoff = json!({"backoff": {"due_in": 899_000}});
    let expected = [
        json!("online"),
        json!("errored"),
        backoff,
        json!("stopped"),
        json!("stopping"),
        json!("starting"),
    ];
    assert_eq!(phases, expected);
}

#[test]
fn what_is_asked_for_and_not_done_yet_is_listed() {
    let check_not_yet = |asked: Value, expected: &[&str]| {
        let mut world = World::with_more("api", "good", 1, asked);
        check(&list(&mut world)[0], &json!({"not_yet": expected}));
    };
    check_not_yet(json!({"watch": true, "trace": false}), &[]);
    check_not_yet(json!({"trace": true, "v8": false}), &["trace"]);
}

#[test]
fn promises_that_nobody_handled_are_counted_run_by_run() {
    let mut world = World::with("api", "good", 1);
    let count = |world: &mut World| describe(world, 0)["rejections"].clone();
    for (run, told) in [(RunId(1), 3), (RunId(1), 2), (RunId(9), 5)] {
        world.input(Input::Rejections { run, count: told });
    }
    assert_eq!(count(&mut world), 3);
    world.restart(&[0]);
    world.wait(50);
    assert_eq!(count(&mut world), 0);
}

#[test]
fn a_word_finds_names_and_one_id() {
    let mut world = World::with("api", "good", 2);
    world.start("1", "good", 1);
    assert_eq!(find(&mut world, "api"), "found [0, 1]");
    assert_eq!(find(&mut world, "1"), "found [1, 2]");
    assert_eq!(find(&mut world, "01"), "found []");
    assert_eq!(find(&mut world, "ap"), "found []");
}

#[test]
fn a_process_is_described_with_what_it_listens_on_and_its_variables() {
    let mut world = World::with_more("api", "good", 1, json!({"env": {"NODE_ENV": "test"}}));
    let shown = describe(&mut world, 0);
    check(
        &shown,
        &json!({
            "pid_file": "/srv/api-0.pid", "interpreter": "node", "cwd": "/srv", "unstable": 0,
            "created_at": 1_000_000, "last": null,
            "max_memory": null, "node_env": "test", "env": {"NODE_ENV": "test"},
        }),
    );
    assert_eq!(shown["listeners"][0]["address"], "*:3000");
    check(&shown["view"], &json!({"id": 0, "pid": 101}));
}

#[test]
fn a_process_is_described_with_how_it_ended() {
    for (exit, shown) in [
        (Exit::Code(7), json!({"code": 7})),
        (signal(9), json!({"signal": {"name": "SIGKILL", "core": false}})),
        (
            Exit::Signal { number: 11, core: true },
            json!({"signal": {"name": "SIGSEGV", "core": true}}),
        ),
        (signal(40), json!({"signal": {"name": "number 40", "core": false}})),
        (Exit::Unknown, json!("unknown")),
    ] {
        let mut world = World::with("api", "good", 1);
        world.crash(0, exit);
        world.wait(50);
        check(&describe(&mut world, 0), &json!({"last": shown}));
    }
}

#[test]
fn a_process_that_waits_is_described_with_when_its_next_run_is_due() {
    let mut world = World::with_more("api", "good", 1, json!({"restart_delay": 500}));
    world.wait(200);
    world.crash(0, Exit::Code(3));
    world.wait(50);
    let shown = |world: &mut World| {
        let shown = describe(world, 0);
        (shown["view"]["phase"].clone(), shown["last"].clone())
    };
    let last = json!({"code": 3});
    assert_eq!(shown(&mut world), (json!({"backoff": {"due_in": 450}}), last.clone()));
    world.stop(&[0]);
    assert_eq!(shown(&mut world), (json!("stopped"), last));
}

#[test]
fn a_process_that_cannot_be_spawned_is_described_with_the_reason() {
    let mut world = World::new();
    world.start("api", "missing", 0);
    world.wait(1000);
    let why = "could not execute `missing`";
    check(&describe(&mut world, 0), &json!({"last": {"not_spawned": {"why": why}}}));
}

#[test]
fn an_unknown_process_is_told_wherever_it_is_asked_for() {
    let mut world = World::new();
    for request in [Request::Describe { id: 7 }, Request::Env { id: 7 }] {
        let client = world.request(request);
        assert_eq!(
            world.heard(client),
            "error: process 7 not found\nhint: see `ostler list` for the ids"
        );
    }
}

#[test]
fn the_environment_is_shown_with_what_ostler_adds() {
    let mut world = World::with_more("api", "good", 2, json!({"env": {"A": "1"}}));
    let client = world.request(Request::Env { id: 1 });
    let reply: Value = serde_json::from_str(world.reply(client)).unwrap();
    let vars: Vec<(String, String)> = serde_json::from_value(reply["env"]["vars"].clone()).unwrap();
    let var = |name: &str| vars.iter().find(|(of, _)| of == name).unwrap().1.clone();
    let shown = ["A", "pm_id", "NODE_APP_INSTANCE", "status", "name", "PM2_HOME"].map(var);
    assert_eq!(shown, ["1", "1", "1", "online", "api", "/home"]);
    assert!(vars.is_sorted_by(|one, other| one.0 > other.0), "{vars:?}");
}

/// Both names of the program reach the manager that runs the app, whatever was saved with it.
#[test]
fn the_homes_in_an_apps_environment_are_its_managers() {
    let more = json!({"env": {"OSTLER_HOME": "/of/the/shell", "PM2_HOME": "/of/pm2"}});
    let mut world = World::with_more("api", "good", 1, more);
    let client = world.request(Request::Env { id: 0 });
    let reply: Value = serde_json::from_str(world.reply(client)).unwrap();
    let vars: Vec<(String, String)> = serde_json::from_value(reply["env"]["vars"].clone()).unwrap();
    let homes = vars.iter().filter(|(name, _)| name.ends_with("_HOME"));
    let homes: Vec<&str> = homes.map(|(_, home)| home.as_str()).collect();
    assert_eq!(homes, ["/home", "/home"]);
}

#[test]
fn apps_share_the_variables_that_they_have_alike_and_forget_those_that_nobody_has_any_more() {
    let mut world = World::new();
    for name in ["one", "two"] {
        let env = json!({"env": {"HOME": "/root", "PATH": "/bin", "NAME": name}});
        world.start_with(name, "good", 1, env);
    }
    world.wait(50);
    let count = |world: &World| world.model.registry().count_texts();
    let with_two = count(&world);
    world.delete(&[1]);
    // The texts go in the very turn in which the version does.
    while world.model.registry().versions().count() == 2 {
        assert!(world.deliver());
    }
    assert_eq!(count(&world), with_two - 1);
    assert_eq!(with_two, 4, "HOME, PATH and two names");
}

#[test]
fn what_is_announced_is_told_once_to_whoever_asks_for_the_list() {
    let mut world = World::with("api", "good", 1);
    world.model.announce("the state was lost".to_owned());
    let told = |world: &mut World, request| {
        let client = world.request(request);
        world.heard(client).contains("the state was lost")
    };
    assert!(!told(&mut world, Request::Jlist), "a program that reads it is not disturbed");
    assert!(told(&mut world, Request::List));
    assert!(!told(&mut world, Request::List));
}

#[test]
fn the_version_of_node_is_shown_and_outlives_the_daemon() {
    let mut world = World::with("api", "good", 1);
    for version in ["22.1.0", "24.0.0", "24.0.0"] {
        world.input(Input::NodeVersion { run: RunId(1), version: version.to_owned() });
        assert_eq!(describe(&mut world, 0)["node_version"], version);
    }
    world.forget();
    assert_eq!(describe(&mut world, 0)["node_version"], "24.0.0");
}

#[test]
fn a_text_that_was_forgotten_is_made_again() {
    let mut world = World::with("api", "good", 1);
    let before = jlist(&mut world);
    let version = |world: &World| {
        let (_, version) = world.model.registry().versions().next().unwrap();
        version.has_shared_text()
    };
    assert!(version(&world));
    world.model.forget_caches();
    assert!(!version(&world));
    assert_eq!(jlist(&mut world), before);
}

#[test]
fn how_a_run_ended_is_shown_also_after_one_that_could_not_be_started() {
    let ends = || record("api", "exits", 1, json!({"autorestart": false}));
    let mut world = World::with("api", "missing", 1);
    let not_spawned = describe(&mut world, 0)["last"].take();
    let change = Change { records: vec![ends()], ..Change::default() };
    world.act_with(Action::Restart, &[0], change);
    world.wait(50);
    let mut other = World::with_more("api", "exits", 1, json!({"autorestart": false}));
    let ended = describe(&mut other, 0)["last"].take();
    assert_ne!(ended, not_spawned);
    assert_eq!(describe(&mut world, 0)["last"], ended);
}

#[test]
fn when_an_app_is_restarted_by_the_clock_is_shown_as_it_was_written() {
    let mut world = World::with_more("api", "good", 1, json!({"cron_restart": "0 3 * * *"}));
    let shown = |world: &mut World| {
        let of = describe(world, 0);
        (of["cron_restart"].clone(), of["next_restart"].clone())
    };
    assert_eq!(shown(&mut world), (json!("0 3 * * *"), json!(3 * 3_600_000)));
    world.stop(&[0]);
    assert_eq!(shown(&mut world), (json!("0 3 * * *"), Value::Null));
}

#[test]
fn a_row_of_the_list_has_what_there_is_and_nothing_of_what_is_not() {
    let of_both = ["module", "watching", "asked_restarts", "completed", "listens", "ended"];
    let row = |world: &mut World| {
        let client = world.request(Request::List);
        let reply: Value = serde_json::from_str(world.reply(client)).unwrap();
        let row = reply["list"]["processes"][0].clone();
        assert_eq!(row["id"], 0, "{reply}");
        of_both.map(|key| row.get(key).cloned())
    };
    let mut world = World::with("job", "good", 0);
    assert_eq!(row(&mut world), [const { None }; 6]);
    let more = json!({"pmx_module": true, "watch": true});
    let mut world = World::with_more("api", "good", 1, more);
    world.restart(&[0]);
    world.wait(50);
    let [module, watching, restarts, completed, listens, ended] = row(&mut world);
    assert_eq!((module, watching), (Some(json!(true)), Some(json!(true))));
    assert_eq!((restarts, completed), (Some(json!(1)), None));
    assert!(listens == Some(json!(["*:3000"])) && ended.is_some());
}

#[test]
fn only_an_app_that_is_to_run_once_is_shown_as_completed() {
    for (once, script, completed) in
        [(true, "ends", true), (true, "good", false), (false, "ends", false)]
    {
        let more = json!({"oneshot": once, "autorestart": false});
        let mut world = World::with_more("job", script, 0, more);
        assert_eq!(list(&mut world)[0]["completed"], completed, "{once} {script}");
    }
}

#[test]
fn what_decides_that_a_process_is_up_and_healthy_is_described() {
    for (health, shown) in [
        (json!({"tcp": "127.0.0.1:3000"}), "connect to 127.0.0.1:3000"),
        (json!({"http": "http://127.0.0.1:3000/"}), "GET http://127.0.0.1:3000/"),
        (json!({"exec": "test -f up"}), "sh -c 'test -f up'"),
    ] {
        for wait_ready in [true, false] {
            let more = json!({"health": health, "wait_ready": wait_ready});
            let mut world = World::with_more("api", "good", 1, more);
            let of = describe(&mut world, 0);
            check(&of, &json!({"health": shown}));
            check(&of["readiness"], &json!({"by_message": wait_ready}));
        }
    }
}
