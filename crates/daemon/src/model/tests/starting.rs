//! Starting apps: what a record becomes, and when the start of it is over.

use std::collections::BTreeSet;

use ostler_core::{Event, Exit, ProcId};
use ostler_wire::control::Request;
use serde_json::json;

use super::super::Input;
use super::nature::signal;
use super::words::{raw, record, starting};
use super::world::World;

#[test]
fn a_start_is_over_when_every_process_is_up() {
    let mut world = World::new();
    let client = world.start("api", "good", 2);
    assert_eq!(world.heard(client), "");
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert_eq!(world.heard(client), "started api [0, 1]\ndone");
}

#[test]
fn a_start_of_a_program_that_ends_at_once_with_0_is_no_failure() {
    let mut world = World::new();
    let client = world.start("job", "ends", 1);
    world.wait(1000);
    assert_eq!(world.state(), "job:0 errored ends");
    assert_eq!(world.heard(client), "started job [0]\ndone");
    let client = world.start("bad", "exits", 1);
    world.wait(1000);
    assert!(world.heard(client).contains("did not start: exit code 1"));
}

#[test]
fn of_two_commands_that_start_an_app_at_the_same_time_one_is_told_that_it_is_there() {
    let mut world = World::new();
    let mut start = |script: &str| {
        let apps = vec![record("api", script, 1, json!({}))];
        world.request(Request::Start {
            apps,
            only_new: true,
            each: false,
            doing: false,
            ticket: None,
        })
    };
    let [first, second, other] = [start("good"), start("good"), start("better")];
    world.wait(50);
    assert_eq!(world.heard(first), "started api [0]\ndone");
    assert!(world.heard(second).starts_with("error: `api` runs already"));
    assert_eq!(world.heard(other), "started api [1]\ndone", "another script");
}

#[test]
fn each_app_has_an_identifier_of_its_own_in_the_form_of_a_uuid_of_version_4() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.start(name, "good", 0);
    }
    // The numbers of splitmix64 from the seed 1.
    let expected = [
        "910a2dec-8902-4cc1-beeb-8da1658eec67",
        "f893a2ee-fb32-455e-b1c1-8690ee42c90b",
        "71bb54d8-d101-45b9-834d-0bff90150280",
    ];
    assert_eq!(world.each(|proc| proc.unique_id.clone()), expected);
}

#[test]
fn a_start_of_nothing_is_over_at_once() {
    let mut world = World::new();
    let client = world.request(starting(Vec::new(), None));
    assert_eq!(world.heard(client), "done");
}

#[test]
fn one_record_that_makes_no_sense_refuses_the_whole_start() {
    let mut world = World::new();
    let apps = vec![record("api", "good", 1, json!({})), raw(&json!({"name": "bad"}))];
    let client = world.request(starting(apps, None));
    assert_eq!(world.heard(client), "error: \"pm_exec_path\" is missing");
    assert_eq!(world.state(), "");
}

#[test]
fn everything_that_is_wrong_with_a_record_is_told_at_once() {
    let mut world = World::new();
    let more = json!({"exec_mode": "swarm", "autostart": "perhaps"});
    let client = world.start_with("api", "good", 1, more);
    assert_eq!(
        world.heard(client),
        "error: \"exec_mode\" must be `fork_mode` or `cluster_mode`, but is `\"swarm\"`; \
         \"autostart\" must be true or false, but is `\"perhaps\"`"
    );
}

#[test]
fn without_autostart_an_app_is_registered_only() {
    let mut world = World::new();
    let client = world.start_with("api", "good", 1, json!({"autostart": false}));
    world.wait(50);
    assert_eq!(world.state(), "api:0 stopped good");
    assert_eq!(world.heard(client), "started api [0]\ndone");
}

#[test]
fn readiness_that_does_not_come_in_time_is_taken_for_granted_and_told() {
    let mut world = World::new();
    let client = world.start_with("api", "unready", 1, json!({"wait_ready": true}));
    world.wait(299);
    assert_eq!(world.heard(client), "");
    world.wait(1);
    assert_eq!(
        world.heard(client),
        "started api [0] late\n\
         warning `api` (id 0) did not say `ready` within 300 ms (`listen_timeout`); \
         it is taken as online all the same\n\
         done"
    );
}

/// It was waited for as long as its runs came one after the other, up to 25 s.
#[test]
fn a_start_is_answered_when_the_run_ends_before_it_is_ready() {
    let mut world = World::new();
    let more = json!({"wait_ready": true, "listen_timeout": 60000});
    let client = world.start_with("api", "unready", 1, more);
    world.wait(1200);
    assert_eq!(world.heard(client), "");
    world.crash(0, Exit::Code(1));
    world.wait(10);
    assert_eq!(world.heard(client), "started api [0]\ndone");
}

#[test]
fn one_late_process_of_an_app_makes_its_start_late() {
    let mut world = World::new();
    // Its end after 200 ms is that of a short run, which is begun again.
    let more = json!({"wait_ready": true, "min_uptime": 1000});
    let client = world.start_with("api", "unready", 2, more);
    world.wait(200);
    // The second is begun again, and is the last to be up, in time.
    world.crash(1, Exit::Code(1));
    world.wait(150);
    let second = world.model.core().slot(ProcId(1)).unwrap().process().run().unwrap();
    world.input(Input::Core(Event::ReadyMessage(second)));
    let heard = world.heard(client);
    assert!(heard.ends_with("\nstarted api [0, 1] late\ndone"), "{heard}");
}

#[test]
fn an_app_that_always_exits_is_told_as_failed_with_its_exit_code() {
    let mut world = World::new();
    let client = world.start("job", "exits", 1);
    world.wait(1000);
    assert_eq!(world.state(), "job:0 errored exits");
    assert_eq!(
        world.heard(client),
        "failed job: app `job` did not start: exit code 1\n\
         error: app `job` did not start: exit code 1\n\
         hint: see `ostler logs job`"
    );
}

/// It was answered when the app was given up, after 16 runs.
#[test]
fn a_client_that_looks_itself_is_answered_when_the_first_run_has_ended() {
    for more in [json!({}), json!({"max_restarts": 0})] {
        let mut world = World::new();
        let apps = vec![record("job", "exits", 1, more)];
        let (only_new, each, doing, ticket) = (true, false, true, None);
        let client = world.request(Request::Start { apps, only_new, each, doing, ticket });
        world.wait(1000);
        assert_eq!(world.reply(client), "done");
    }
}

#[test]
fn a_program_that_is_not_there_is_told_by_what_the_keeper_said() {
    let mut world = World::new();
    let client = world.start("job", "missing", 0);
    world.wait(1000);
    let reply = world.reply(client);
    assert!(reply.starts_with("error: app `job` did not start: could not execute `missing`"));
}

#[test]
fn an_app_that_ends_well_and_is_not_restarted_has_started() {
    let mut world = World::new();
    let client = world.start_with("job", "ends", 0, json!({"autorestart": false}));
    world.wait(1000);
    assert_eq!(world.state(), "job:0 stopped ends");
    assert_eq!(world.heard(client), "started job [0]\ndone");
}

#[test]
fn an_app_that_cannot_be_executed_and_is_not_restarted_has_failed() {
    let mut world = World::new();
    let client = world.start_with("job", "missing", 0, json!({"autorestart": false}));
    world.wait(1000);
    assert_eq!(world.reply(client), "error: could not execute `missing`");
}

#[test]
fn a_start_is_over_when_the_next_run_waits_for_its_time() {
    let mut world = World::new();
    let more = json!({"exp_backoff_restart_delay": 500, "autorestart": true});
    let client = world.start_with("job", "exits", 1, more);
    world.wait(50);
    assert_eq!(world.state(), "job:0 pausing exits");
    assert_eq!(world.reply(client), "done");
}

#[test]
fn each_app_of_a_start_is_told_for_itself_and_the_first_failure_is_the_reply() {
    let mut world = World::new();
    let apps = ["good", "exits", "better"];
    let apps = apps.map(|script| record(script, script, 1, json!({}))).into();
    let client = world.request(starting(apps, None));
    world.wait(1000);
    assert_eq!(
        world.heard(client),
        "started good [0]\n\
         started better [2]\n\
         failed exits: app `exits` did not start: exit code 1\n\
         error: app `exits` did not start: exit code 1\n\
         hint: see `ostler logs exits`"
    );
}

#[test]
fn a_process_that_is_deleted_while_it_starts_has_not_started() {
    let mut world = World::new();
    let client = world.start_with("api", "unready", 1, json!({"wait_ready": true}));
    world.wait(50);
    world.delete(&[0]);
    world.wait(50);
    assert_eq!(world.reply(client), "error: process 0 was deleted meanwhile");
}

#[test]
fn instance_numbers_fill_the_gaps() {
    let mut world = World::with("api", "good", 3);
    world.delete(&[1]);
    world.wait(50);
    world.start("api", "good", 2);
    assert_eq!(world.each(|proc| proc.instance), [0, 2, 1, 3]);
}

#[test]
fn instance_numbers_are_counted_for_each_name() {
    let mut world = World::with("api", "good", 2);
    world.start("web", "good", 2);
    assert_eq!(world.each(|proc| proc.instance), [0, 1, 0, 1]);
}

#[test]
fn a_start_under_a_name_that_is_there_adds_to_that_app() {
    let mut world = World::with("api", "good", 1);
    world.start("api", "good", 1);
    assert_eq!(world.model.registry().apps().count(), 1);
}

#[test]
fn the_same_name_in_another_namespace_is_another_app() {
    let mut world = World::with("api", "good", 1);
    world.start_with("api", "good", 1, json!({"namespace": "other"}));
    assert_eq!(world.model.registry().apps().count(), 2);
}

#[test]
fn the_incremented_variable_goes_up_from_its_value_in_the_environment() {
    let more = json!({"increment_var": "PORT", "env": {"PORT": "3000"}});
    let mut world = World::with_more("api", "good", 2, more.clone());
    world.start_with("api", "good", 1, more);
    assert_eq!(world.each(|proc| proc.increment), [Some(3000), Some(3001), Some(3002)]);
}

#[test]
fn the_incremented_variable_begins_at_0_without_a_value() {
    let world = World::with_more("api", "good", 2, json!({"increment_var": "PORT"}));
    assert_eq!(world.each(|proc| proc.increment), [Some(0), Some(1)]);
}

#[test]
fn the_processes_of_one_start_share_a_unique_id() {
    let mut world = World::with("api", "good", 2);
    world.start("api", "good", 2);
    let ids = world.each(|proc| proc.unique_id.clone());
    assert_eq!((&ids[0], &ids[2]), (&ids[1], &ids[3]));
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 2, "{ids:?}");
}

#[test]
fn a_unique_id_has_the_form_of_a_uuid_of_version_4() {
    let world = World::with("api", "good", 1);
    let id = world.each(|proc| proc.unique_id.clone()).remove(0);
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
}

#[test]
fn an_id_is_not_used_again_while_any_process_is_there() {
    let mut world = World::with("api", "good", 2);
    world.delete(&[1]);
    world.wait(50);
    world.start("web", "good", 1);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, web:2 online good");
}

#[test]
fn ids_begin_at_0_again_when_the_list_is_empty() {
    let mut world = World::with("api", "good", 2);
    world.delete(&[0, 1]);
    world.wait(50);
    world.start("web", "good", 1);
    world.wait(50);
    assert_eq!(world.state(), "web:0 online good");
}

#[test]
fn an_app_that_crashes_is_started_again_at_once() {
    let mut world = World::with("api", "good", 1);
    let before = world.pids();
    world.wait(1000);
    world.crash(0, signal(11));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good");
    assert_ne!(world.pids(), before);
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn an_exit_code_that_stops_leaves_the_app_stopped() {
    let mut world = World::with_more("job", "good", 0, json!({"stop_exit_codes": [7]}));
    world.crash(0, Exit::Code(7));
    world.wait(50);
    assert_eq!(world.state(), "job:0 stopped good");
}

#[test]
fn a_start_whose_run_is_not_spawned_is_given_up_with_words_and_spawned_later() {
    let mut world = World::new();
    let client = world.start("api", "good", 1);
    world.late(60_000);
    let heard = world.heard(client);
    assert!(heard.contains("process 0 is not spawned yet"), "{heard}");
    assert_eq!(world.state(), "api:0 starting good");
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn who_wants_to_know_hears_of_each_process_that_it_starts_and_that_it_is_up() {
    let mut world = World::new();
    let apps = vec![record("api", "good", 2, json!({}))];
    let client = world.request(Request::Start {
        apps,
        only_new: false,
        each: true,
        doing: false,
        ticket: None,
    });
    assert_eq!(world.heard(client), "starting api:0\nstarting api:1");
    world.wait(50);
    assert!(world.heard(client).ends_with("started api [0, 1]\ndone"), "{}", world.heard(client));
}
