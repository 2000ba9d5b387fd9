//! A client that asks the same again: nothing is begun twice, and every end is told.

use ostler_wire::control::{Action, Change, ReloadOptions, Request, ScaleTo, Watch};
use serde_json::json;

use super::super::{ClientId, Input};
use super::words::{record, starting};
use super::world::World;

fn reload(ids: &[u32], script: &str, wait: bool) -> Request {
    let records = ["api", "job"].map(|name| record(name, script, 1, json!({}))).into();
    Request::Reload {
        ids: ids.to_vec(),
        change: Change { records, ..Change::default() },
        options: ReloadOptions { wait, ..ReloadOptions::default() },
        ticket: Some("ticket".to_owned()),
    }
}

fn promote(keep: bool) -> Request {
    Request::Promote { name: "api".to_owned(), keep, ticket: Some("of promote".to_owned()) }
}

#[test]
fn a_reload_that_is_asked_for_again_is_waited_for() {
    let mut world = World::with("api", "good", 2);
    let first = world.request(reload(&[0, 1], "better", false));
    world.leave(first);
    let again = world.request(reload(&[0, 1], "better", false));
    assert_eq!(world.heard(again), "");
    world.wait(50);
    assert_eq!((world.reply(again), world.restarts()), ("done", vec![1, 1]));
}

#[test]
fn both_are_told_when_the_first_still_waits() {
    let mut world = World::with("api", "good", 2);
    let clients = [(); 2].map(|()| world.request(reload(&[0, 1], "mute", false)));
    world.wait(1000);
    let replies = clients.map(|client| world.reply(client).to_owned());
    assert!(replies[0].contains("did not listen"), "{replies:?}");
    assert_eq!(replies[0], replies[1]);
}

#[test]
fn an_end_that_came_meanwhile_is_told() {
    let mut world = World::with("api", "good", 1);
    let first = world.request(reload(&[0], "better", false));
    world.leave(first);
    world.wait(50);
    let again = world.request(reload(&[0], "better", false));
    assert_eq!((world.heard(again).as_str(), world.restarts()), ("done", vec![1]));
}

#[test]
fn a_failure_that_came_meanwhile_is_told_with_its_last_lines() {
    let mut world = World::with("api", "good", 1);
    let first = world.request(reload(&[0], "mute", false));
    world.leave(first);
    world.wait(1000);
    let again = world.request(reload(&[0], "mute", false));
    let reply = world.reply(again);
    assert!(reply.contains("did not listen") && reply.contains("\n  it is broken\n"), "{reply}");
}

#[test]
fn an_end_is_told_also_by_the_daemon_after() {
    let mut world = World::with("api", "good", 1);
    let first = world.request(reload(&[0], "mute", false));
    world.leave(first);
    world.wait(1000);
    world.forget();
    world.wait(50);
    let again = world.request(reload(&[0], "mute", false));
    assert!(world.reply(again).contains("\n  it is broken\n"), "{}", world.reply(again));
}

#[test]
fn a_reload_goes_on_with_the_daemon_after_and_is_waited_for() {
    let mut world = World::with("api", "good", 2);
    let client = world.request(reload(&[0, 1], "mute", false));
    world.wait(50);
    world.forget();
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert!(world.reply(client).contains("did not listen"), "{}", world.reply(client));
}

#[test]
fn a_process_that_was_told_to_restart_is_not_restarted_again() {
    let mut world = World::with("job", "good", 0);
    let first = world.request(reload(&[0], "better", false));
    world.leave(first);
    let again = world.request(reload(&[0], "better", false));
    world.wait(50);
    assert_eq!(world.heard(again), "acted job:0\ndone");
    assert_eq!(world.restarts(), [1]);
}

#[test]
fn a_process_whose_turn_had_not_come_is_restarted_by_the_daemon_after() {
    let more = json!({"instances": 3, "wait_ready": true});
    let mut world = World::with_more("job", "unready", 0, more);
    world.wait(1000);
    let client = world.request(reload(&[0, 1, 2], "better", false));
    world.forget();
    world.wait(1000);
    assert_eq!(world.reply(client), "done");
    assert_eq!(world.restarts(), [1, 1, 1]);
}

#[test]
fn a_reload_that_waited_is_begun_by_the_daemon_after() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    let client = world.request(reload(&[0], "newest", true));
    world.forget();
    world.wait(50);
    assert_eq!((world.state().as_str(), world.reply(client)), ("api:0 online newest", "done"));
}

#[test]
fn an_end_that_nobody_knows_is_told_as_unknown() {
    let mut world = World::with("api", "good", 1);
    world.request(reload(&[0], "mute", false));
    let mut state = world.read_disk();
    state.reloads.clear();
    world.disk = Some(state);
    world.forget();
    let again = world.request(reload(&[0], "mute", false));
    assert_eq!(
        world.heard(again),
        "error: how the reload of app `api` ended is not known\n\
         hint: see `ostler list` and pm2.log in the home directory"
    );
}

#[test]
fn what_cut_a_reload_short_is_told_also_to_who_asks_again() {
    let mut world = World::with("api", "good", 1);
    let first = world.request(reload(&[0], "mute", false));
    world.leave(first);
    world.stop(&[0]);
    world.wait(50);
    let again = world.request(reload(&[0], "mute", false));
    assert!(world.reply(again).contains("a `stop` took process 0 out of it"));
}

#[test]
fn the_end_of_a_canary_that_is_asked_for_again_is_told_and_nothing_is_begun() {
    let mut world = World::with("api", "good", 2);
    let canary = ReloadOptions { canary: true, ..ReloadOptions::default() };
    world.reload_with(&[0, 1], "api", "better", canary);
    world.wait(50);
    let first = world.request(promote(true));
    world.leave(first);
    let again = world.request(promote(true));
    assert_eq!(world.heard(again), "");
    world.wait(50);
    assert_eq!(world.reply(again), "done");
    let late = world.request(promote(true));
    assert_eq!(world.heard(late), "done");
}

#[test]
fn the_tickets_of_reloads_that_are_over_are_kept_for_a_while_only() {
    let mut world = World::with("api", "good", 1);
    for _ in 0..40 {
        world.reload(&[0], "api", "better");
        world.wait(50);
    }
    assert_eq!(world.read_disk().tickets.len(), 16);
}

#[test]
fn a_start_that_came_about_is_told_as_one_whatever_became_of_the_app() {
    let start = || {
        starting(
            vec![record("api", "good", 1, json!({"max_restarts": 1, "min_uptime": 60_000}))],
            Some("of start".to_owned()),
        )
    };
    let mut world = World::new();
    let first = world.request(start());
    world.leave(first);
    world.wait(50);
    world.crash(0, ostler_core::Exit::Code(4));
    world.wait(50);
    assert!(world.state().contains("errored"), "{}", world.state());
    world.forget();
    world.wait(50);
    let again = world.request(start());
    assert_eq!(world.heard(again), "started api [0]\ndone", "{}", world.state());
}

#[test]
fn a_client_that_leaves_is_not_told_what_goes_on() {
    let mut world = World::with("api", "good", 2);
    let clients =
        [world.reload(&[0, 1], "api", "better"), world.stop(&[0]), world.start("web", "exits", 1)];
    for client in clients {
        world.leave(client);
        world.input(Input::ClientGone(ClientId(client)));
    }
    // The world panics where somebody is told who left.
    world.wait(1000);
    assert_eq!(world.state(), "api:0 stopped good, api:1 online better, web:2 errored exits");
}

#[test]
fn a_plain_process_that_a_reload_has_restarted_is_not_restarted_again() {
    for after in [0, 50] {
        let mut world = World::with("job", "good", 0);
        let ask = |world: &mut World| {
            world.request(Request::Reload {
                ids: vec![0],
                change: Change::default(),
                options: ReloadOptions::default(),
                ticket: Some("ticket".to_owned()),
            })
        };
        let first = ask(&mut world);
        world.leave(first);
        world.wait(after);
        let again = ask(&mut world);
        world.wait(900);
        assert_eq!((world.reply(again), world.restarts()), ("done", vec![1]), "{after}");
    }
}

#[test]
fn a_reload_that_waited_for_another_is_begun_by_the_daemon_after() {
    let mut world = World::with("api", "good", 1);
    world.start("job", "good", 0);
    world.wait(50);
    let other = world.reload(&[0], "api", "better");
    let asked = world.request(Request::Reload {
        ids: vec![0, 1],
        change: Change::default(),
        options: ReloadOptions { wait: true, ..ReloadOptions::default() },
        ticket: Some("ticket".to_owned()),
    });
    world.forget();
    world.wait(5000);
    assert_eq!((world.reply(asked), world.restarts()), ("done", vec![2, 1]));
    assert_eq!(world.reply(other), "done");
}

#[test]
fn what_a_reload_switches_is_switched_once_though_it_is_asked_for_again() {
    for after in [0, 50] {
        let mut world = World::with("job", "good", 0);
        let ask = |world: &mut World| {
            world.request(Request::Reload {
                ids: vec![0],
                change: Change { watch: Some(Watch::Toggle), ..Change::default() },
                options: ReloadOptions::default(),
                ticket: Some("ticket".to_owned()),
            })
        };
        let first = ask(&mut world);
        world.leave(first);
        world.wait(after);
        ask(&mut world);
        world.wait(50);
        assert_eq!(world.watched.len(), 1, "{after}");
    }
}

#[test]
fn a_process_whose_turn_comes_in_both_requests_is_restarted_once() {
    let more = json!({"instances": 3, "wait_ready": true});
    let mut world = World::with_more("job", "unready", 0, more.clone());
    // It is begun in the very turn in which it is asked for.
    world.stop(&[2]);
    world.wait(1000);
    let restart = |world: &mut World| {
        world.request(Request::Act {
            action: Action::Restart,
            ids: vec![0, 1, 2],
            change: Change {
                records: vec![record("job", "unready", 0, more.clone())],
                ..Change::default()
            },
            ticket: Some("ticket".to_owned()),
        })
    };
    let first = restart(&mut world);
    world.leave(first);
    while world.restarts()[..2] != [1, 1] {
        assert!(world.deliver());
    }
    let again = restart(&mut world);
    world.wait(20_000);
    assert_eq!((world.reply(again), world.pids()), ("done", vec![104, 105, 106]));
}

#[test]
fn what_a_scale_adds_is_told_as_added_also_by_the_daemon_after() {
    let mut world = World::with("api", "good", 1);
    let client = world.scale("api", ScaleTo::Exactly(2));
    world.forget();
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:1 added\ndone");
    let client = world.scale("api", ScaleTo::Exactly(1));
    world.forget();
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:1\ndone");
}

#[test]
fn what_was_deleted_meanwhile_is_told_with_its_name() {
    let mut world = World::with("job", "good", 0);
    let delete = || Request::Act {
        action: Action::Delete,
        ids: vec![0],
        change: Change::default(),
        ticket: Some("of delete".to_owned()),
    };
    let first = world.request(delete());
    world.leave(first);
    world.wait(50);
    let again = world.request(delete());
    assert_eq!(world.heard(again), "acted job:0\ndone");
}

#[test]
fn a_run_that_is_due_now_is_waited_for() {
    let start = || {
        starting(
            vec![record("job", "good", 0, json!({"restart_delay": 500}))],
            Some("of start".to_owned()),
        )
    };
    let mut world = World::new();
    let first = world.request(start());
    world.leave(first);
    world.wait(50);
    world.crash(0, ostler_core::Exit::Code(4));
    while world.deliver() {}
    world.at.now += 500;
    let again = world.request(start());
    assert_eq!(world.heard(again), "");
    world.wait(50);
    assert_eq!(world.reply(again), "done");
}
