//! Reloads that fail: what is told of it, and that the old version goes on serving.

use ostler_core::reload::Direction;
use ostler_core::{Event, Exit, RunId};
use ostler_wire::control::{Change, ReloadOptions, Request};
use serde_json::{Value, json};

use super::super::Input;
use super::words::record;
use super::world::World;

fn reload(world: &mut World, ids: &[u32], script: &str, more: Value) -> usize {
    let records = vec![record("api", script, 1, more)];
    world.reload_by(ids, Change { records, ..Change::default() }, ReloadOptions::default())
}

/// Why a worker of this script was not accepted, as its client was told.
fn why(script: &str, more: Value) -> String {
    let mut world = World::with("api", "good", 1);
    let client = reload(&mut world, &[0], script, more);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good");
    let reply = world.reply(client).to_owned();
    let (before, after) = (
        "error: the new version of app `api` failed: worker 0 ",
        "\nthe old version goes on serving\n\
         hint: see `ostler logs api`; fix it and reload again",
    );
    let reply = reply.strip_prefix(before).expect(&reply);
    reply.strip_suffix(after).expect(reply).to_owned()
}

const TAIL: &str = "\nits last lines on stderr:\n  it is broken";

#[test]
fn a_worker_that_exits_is_told_by_its_exit_code() {
    assert_eq!(why("exits", json!({})), format!("ended with exit code 1{TAIL}"));
}

#[test]
fn a_worker_that_crashes_is_told_by_the_signal() {
    assert_eq!(why("crashes", json!({})), format!("ended with signal SIGSEGV{TAIL}"));
}

#[test]
fn a_worker_that_cannot_be_started_is_told_by_the_reason() {
    assert_eq!(why("missing", json!({})), "could not execute `missing`");
}

#[test]
fn a_worker_that_does_not_listen_is_told_with_the_time_it_had() {
    let expected = "did not listen within 300 ms on what the old version listens on";
    assert_eq!(why("mute", json!({})), format!("{expected}{TAIL}"));
    assert_eq!(why("elsewhere", json!({})), format!("{expected}{TAIL}"));
}

#[test]
fn a_worker_that_is_not_ready_is_told_with_the_time_it_had() {
    let more = json!({"wait_ready": true, "listen_timeout": 200});
    assert_eq!(why("unready", more), format!("did not say `ready` within 200 ms{TAIL}"));
}

#[test]
fn a_worker_that_fails_its_health_check_is_told_by_the_answer() {
    let more = json!({"health": {"http": "http://127.0.0.1:3000/"}});
    assert_eq!(why("sick", more), format!("its health check failed: answered 500{TAIL}"));
}

#[test]
fn a_worker_whose_health_check_does_not_end_is_given_up() {
    let more = json!({"health": {"http": "http://127.0.0.1:3000/"}, "health_budget": 400});
    assert_eq!(why("stuck", more), format!("did not pass its health check within 400 ms{TAIL}"));
}

#[test]
fn a_worker_that_ends_before_it_has_lived_long_enough_is_told() {
    let mut world = World::with("api", "good", 1);
    let client = reload(&mut world, &[0], "better", json!({"stable_for": 100}));
    world.wait(50);
    world.end(RunId(2), Exit::Code(3));
    world.wait(50);
    assert!(world.reply(client).contains("worker 0 ended with exit code 3"));
    assert_eq!(world.state(), "api:0 online good");
}

/// `the old version goes on serving` was said of an app that had been given up.
#[test]
fn a_reload_that_fails_where_nothing_runs_says_so() {
    let mut world = World::new();
    let more = json!({"max_restarts": 0});
    world.start_with("api", "exits", 1, more.clone());
    world.wait(1000);
    assert_eq!(world.state(), "api:0 errored exits");
    let client = reload(&mut world, &[0], "exits", more);
    world.wait(1000);
    let reply = world.reply(client);
    assert!(reply.contains("\nnone of its processes is online\nhint: "), "{reply}");
}

#[test]
fn the_steps_of_a_failure_say_what_happens() {
    let mut world = World::with("api", "good", 1);
    let client = world.reload(&[0], "api", "mute");
    world.wait(1000);
    let heard = world.heard(client);
    let steps: Vec<&str> = heard.lines().filter(|line| line.starts_with("step")).collect();
    assert_eq!(
        steps,
        [
            "step api:0 starting a new worker for 0",
            "step api:0 new worker 0 failed: did not listen within 300 ms on what the old \
             version listens on",
        ]
    );
}

/// A reload of two workers whose second fails when the first has been replaced.
fn second_fails() -> (World, usize) {
    let mut world = World::with("api", "good", 2);
    let client = reload(&mut world, &[0, 1], "better", json!({"stable_for": 50}));
    world.wait(110);
    assert_eq!(world.state(), "api:0 online better, api:1 online good+");
    world.end(RunId(4), Exit::Code(3));
    (world, client)
}

#[test]
fn workers_that_were_replaced_before_a_failure_are_taken_back() {
    let (mut world, client) = second_fails();
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    let heard = world.heard(client);
    let back = "step api:0 rolling back to the old version: 0\n\
                step api:0 starting a worker of the old version for 0";
    assert!(heard.contains(back), "{heard}");
    let replaced = "worker of the old version for 0 (pid 105) passed its checks and listens on \
                    *:3000; the one of the new version finishes its connections";
    assert!(heard.contains(replaced), "{heard}");
}

/// A reload goes back, and the worker of the old version ends before it says anything.
fn way_back_begins() -> (World, usize) {
    let (mut world, client) = second_fails();
    while !world.heard(client).contains("of the old version for 0") {
        assert!(world.deliver());
    }
    // It ends before it says anything.
    let is_end =
        |report: &Input| matches!(report, Input::Exited { .. } | Input::Core(Event::TreeGone(_)));
    world.reports.retain(is_end);
    (world, client)
}

#[test]
fn a_way_back_that_fails_too_is_told_and_not_that_the_old_version_serves() {
    let (mut world, client) = way_back_begins();
    world.end(RunId(5), Exit::Code(9));
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online better, api:1 online good");
    assert_eq!(
        world.reply(client),
        "error: the new version of app `api` failed: worker 1 ended with exit code 3\n\
         its last lines on stderr:\n  it is broken\n\
         the old version of app `api` did not come back: worker 0 ended with exit code 9\n\
         process 0 stays with the new version\n\
         hint: see `ostler logs api`; fix it and reload again"
    );
    assert!(world.heard(client).contains("worker of the old version for 0 failed"));
}

#[test]
fn without_rollback_the_others_are_replaced_all_the_same() {
    let mut world = World::with("api", "good", 2);
    let options = ReloadOptions { no_rollback: true, ..ReloadOptions::default() };
    let client = world.reload_with(&[0, 1], "api", "mute", options);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online mute, api:1 online mute");
    let reply = world.reply(client);
    assert!(reply.contains("failed: worker 0 did not listen"), "{reply}");
}

#[test]
fn the_reply_waits_for_the_last_lines_on_stderr() {
    let mut world = World::with("api", "good", 1);
    world.slow = true;
    let client = world.reload(&[0], "api", "mute");
    world.late(1000);
    while world.model.core().reload(ostler_core::AppId(0)).is_some() {
        assert!(world.deliver());
        world.late(300);
    }
    assert!(!world.heard(client).contains("error"), "{}", world.heard(client));
    world.wait(50);
    assert!(world.reply(client).contains(TAIL));
}

/// A reload that has failed, and whose last lines on standard error are still being read.
fn tail_is_awaited() -> (World, usize) {
    let mut world = World::with("api", "good", 1);
    world.slow = true;
    let client = world.reload(&[0], "api", "mute");
    while world.deliver() {}
    world.late(300);
    assert!(world.model.core().reload(ostler_core::AppId(0)).is_none());
    assert!(world.waiting().contains(&client));
    (world, client)
}

#[test]
fn a_reload_is_under_way_until_its_end_is_told() {
    let (mut world, _) = tail_is_awaited();
    let client = world.reload(&[0], "api", "better");
    assert!(world.reply(client).starts_with("error: a reload of app `api` is under way"));
}

#[test]
fn a_reload_that_may_wait_waits_for_the_last_lines_of_the_one_before() {
    let (mut world, first) = tail_is_awaited();
    let options = ReloadOptions { wait: true, ..ReloadOptions::default() };
    let second = world.reload_with(&[0], "api", "better", options);
    assert_eq!(world.heard(second), "");
    world.wait(50);
    assert!(world.reply(first).contains(TAIL));
    assert_eq!(world.reply(second), "done");
}

#[test]
fn the_name_of_an_app_that_is_deleted_meanwhile_is_told_all_the_same() {
    let (mut world, client) = tail_is_awaited();
    let tail = world.reports.pop_front().unwrap();
    assert!(matches!(tail, Input::StderrTail { .. }));
    world.delete(&[0]);
    world.wait(50);
    world.input(tail);
    let reply = world.reply(client);
    assert!(reply.starts_with("error: the new version of app `api` failed"), "{reply}");
    world.model.check_empty();
}

#[test]
fn a_worker_that_wrote_nothing_is_told_without_lines() {
    let (mut world, client) = tail_is_awaited();
    world.reports.clear();
    world.input(Input::StderrTail { run: RunId(2), lines: Vec::new() });
    assert!(!world.reply(client).contains("stderr:"), "{}", world.reply(client));
}

#[test]
fn a_worker_that_ended_while_there_was_no_daemon_is_tried_again() {
    let mut world = World::with("api", "good", 1);
    let client = reload(&mut world, &[0], "better", json!({"stable_for": 100}));
    world.wait(50);
    world.end(RunId(2), Exit::Code(3));
    world.forget();
    world.wait(1000);
    assert_eq!((world.state().as_str(), world.reply(client)), ("api:0 online better", "done"));
}

#[test]
fn why_a_check_failed_is_shown_of_the_process() {
    let mut world = World::with("api", "good", 1);
    reload(&mut world, &[0], "sick", json!({"health": {"http": "http://127.0.0.1:3000/"}}));
    world.wait(1000);
    let last = world.each(|proc| proc.last.as_ref().map(|last| last.fact().to_string()));
    assert_eq!(last, [Some("its health check failed: answered 500".to_owned())]);
}

#[test]
fn the_last_lines_of_one_app_hold_up_no_reload_of_another() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "good", 1);
    world.wait(50);
    world.slow = true;
    let failing = world.reload(&[0], "api", "mute");
    while world.deliver() {}
    world.late(300);
    assert!(world.waiting().contains(&failing));
    let client = world.reload(&[1], "web", "better");
    world.wait(50);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn a_way_back_that_fails_changes_nothing_of_what_another_app_is_told() {
    let (mut world, client) = way_back_begins();
    world.start("web", "good", 1);
    while world.deliver() {}
    world.slow = true;
    let health = json!({"health": {"http": "http://127.0.0.1:3000/"}});
    let records = vec![record("web", "sick", 1, health)];
    let change = Change { records, ..Change::default() };
    let other = world.reload_by(&[2], change, ReloadOptions::default());
    while world.model.core().reload(ostler_core::AppId(1)).is_some() {
        assert!(world.deliver());
    }
    let tail = world.reports.pop_front().unwrap();
    assert!(matches!(tail, Input::StderrTail { .. }));
    world.end(RunId(5), Exit::Code(9));
    world.wait(50);
    world.input(tail);
    assert!(world.reply(client).contains("did not come back"), "{}", world.reply(client));
    let reply = world.reply(other);
    assert!(reply.contains("the old version goes on serving"), "{reply}");
    assert!(reply.contains(TAIL), "{reply}");
}

#[test]
fn an_app_listens_elsewhere_when_its_file_says_so_by_the_port_or_by_arguments() {
    let moved = |more: Value| {
        let env = json!({"env": {"PORT": "3000"}, "args": ["--verbose"]});
        let mut world = World::with_more("api", "good", 1, env);
        let client = reload(&mut world, &[0], "elsewhere", more);
        world.wait(1000);
        world.reply(client) == "done"
    };
    assert!(moved(json!({"env": {"PORT": "4000"}, "args": ["--verbose"]})));
    assert!(moved(json!({"env": {"PORT": "3000"}, "args": ["--port", "4000"]})));
    assert!(!moved(json!({"env": {"PORT": "3000", "A": "1"}, "args": ["--verbose"]})));
}

#[test]
fn a_way_back_goes_on_with_the_daemon_after() {
    let (mut world, client) = way_back_begins();
    world.forget();
    let reloads = world.model.core().saved_reloads();
    assert_eq!(reloads.iter().map(|of| of.direction).collect::<Vec<_>>(), [Direction::Back]);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert!(world.reply(client).contains("the old version goes on serving"));
}

#[test]
fn the_last_lines_that_are_known_before_the_end_of_a_reload_without_a_ticket_are_told() {
    let mut world = World::with("api", "good", 2);
    world.slow = true;
    let records = vec![record("api", "better", 1, json!({}))];
    let client = world.request(Request::Reload {
        ids: vec![0, 1],
        change: Change { records, ..Change::default() },
        options: ReloadOptions::default(),
        ticket: None,
    });
    // The second worker says nothing any more.
    while world.state() != "api:0 online better, api:1 online good+" {
        if !world.deliver() {
            world.late(1);
        }
    }
    world.reports.retain(|report| matches!(report, Input::Spawned { .. }));
    while world.deliver() {}
    world.late(300);
    while !world.reports.is_empty() {
        world.deliver();
    }
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert!(world.reply(client).contains(TAIL), "{}", world.reply(client));
}
