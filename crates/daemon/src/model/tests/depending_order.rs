//! The order in which apps that depend on others begin and end, also when the daemon dies.

use ostler_core::{Exit, ProcId};
use ostler_wire::control::{Action, Change, Request};
use serde_json::json;

use super::super::Input;
use super::crash::same_end;
use super::depending::{happened, on, start, started};
use super::words::{record, starting};
use super::world::World;

#[test]
fn several_are_stopped_and_deleted_in_the_reverse_order_and_one_alone_at_once() {
    let apps = [
        ("db", "stubborn", json!({})),
        ("api", "stubborn", on(&["db"])),
        ("web", "stubborn", on(&["api"])),
        ("other", "stubborn", json!({})),
    ];
    let mut world = started(&apps);
    world.stop(&[0, 1, 2, 3]);
    world.wait(1000);
    assert_eq!(happened(&world, "exit"), ["web", "other", "api", "db"]);
    let mut world = started(&apps);
    world.delete(&[0, 1, 2, 3]);
    world.wait(1000);
    assert_eq!(happened(&world, "delete"), ["web", "other", "api", "db"]);
    let mut world = started(&apps);
    world.stop(&[0]);
    world.wait(1000);
    assert_eq!(happened(&world, "exit"), ["db"]);
}

#[test]
fn everything_ends_in_the_reverse_order_and_what_cannot_be_ended_keeps_nothing() {
    let apps = |api: &'static str| {
        [("db", "stubborn", json!({})), ("api", api, on(&["db"])), ("web", "good", on(&["api"]))]
    };
    for input in [Input::Shutdown, Input::Abandoned] {
        let mut world = started(&apps("stubborn"));
        world.input(input);
        world.wait(5000);
        assert_eq!(happened(&world, "delete"), ["web", "api", "db"]);
        assert!(world.model.is_over());
    }
    let mut world = started(&apps("foreign"));
    let client = world.request(Request::Kill);
    world.wait(200_000);
    assert_eq!(happened(&world, "delete"), ["web", "db"]);
    assert!(world.talks[&client].over && world.model.is_over());
    let mut world = started(&apps("hangs"));
    let client = world.request(Request::Kill);
    world.wait(200_000);
    assert_eq!(happened(&world, "delete"), ["web", "db"]);
    assert!(world.talks[&client].over, "{:?}", world.talks[&client].heard);
}

#[test]
fn a_restart_of_all_goes_from_what_is_depended_on_to_what_depends() {
    let mut world = started(&[
        ("web", "good", on(&["api"])),
        ("api", "good", on(&["db"])),
        ("db", "good", json!({})),
    ]);
    let client = world.act_with(
        Action::Restart,
        &[0, 1, 2],
        Change { parallel: Some(9), ..Change::default() },
    );
    world.wait(1000);
    assert_eq!(happened(&world, "exit"), ["db", "api", "web"], "each when the other is up again");
    assert_eq!(happened(&world, "online"), ["db", "api", "web"]);
    assert_eq!(world.restarts(), [1, 1, 1]);
    assert!(world.heard(client).ends_with("done"));
}

#[test]
fn a_list_that_is_brought_back_begins_in_order_and_does_jobs_again() {
    let mut world = started(&[
        ("api", "good", json!({"depends_on": {"job": "completed", "db": "ready"}})),
        ("job", "ends", json!({"oneshot": true, "depends_on": ["db"]})),
        ("db", "good", json!({})),
    ]);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, job:1 stopped ends, db:2 online good");
    world.request(Request::Save { force: false });
    world.delete(&[0, 1, 2]);
    world.wait(1000);
    world.quiet();
    let client = world.request(Request::Resurrect);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, job:1 stopped ends, db:2 online good");
    assert_eq!(happened(&world, "online"), ["db", "job", "api"]);
    assert!(world.heard(client).ends_with("done"), "{}", world.heard(client));
}

#[test]
fn starting_an_app_starts_what_it_depends_on_at_any_distance() {
    let mut world = started(&[
        ("db", "good", json!({})),
        ("mq", "good", json!({})),
        ("api", "good", on(&["db"])),
        ("web", "good", on(&["api"])),
    ]);
    world.stop(&[0, 1, 2, 3]);
    world.wait(1000);
    world.quiet();
    let client = world.restart(&[3]);
    world.wait(900);
    let state = "db:0 online good, mq:1 stopped good, api:2 online good, web:3 online good";
    assert_eq!(world.state(), state);
    assert_eq!(happened(&world, "online"), ["db", "api", "web"]);
    assert!(world.heard(client).ends_with("done"), "{}", world.heard(client));
    assert_eq!(world.each(|proc| proc.halted), [false, true, false, false]);
}

#[test]
fn a_new_app_starts_what_it_depends_on_and_tells_it() {
    let mut world = started(&[("db", "good", json!({}))]);
    world.stop(&[0]);
    world.wait(1000);
    let client = start(&mut world, &[("api", "good", on(&["db"]))]);
    world.wait(900);
    assert_eq!(world.state(), "db:0 online good, api:1 online good");
    assert_eq!(world.heard(client), "started db [0]\nstarted api [1]\ndone");
    assert_eq!(happened(&world, "start").iter().filter(|name| *name == "db").count(), 1);
}

#[test]
fn the_daemon_may_die_at_every_effect_while_apps_wait() {
    let records = |db: &str| {
        let with = json!({"db": {"condition": "healthy", "restart": true}, "job": "completed"});
        vec![
            record("web", "good", 0, json!({"depends_on": ["api"]})),
            record("api", "good", 2, json!({"depends_on": with})),
            record("job", "ends", 0, json!({"oneshot": true, "depends_on": ["db"]})),
            record("db", db, 0, json!({"health": {"tcp": "127.0.0.1:1"}})),
        ]
    };
    let start = |world: &mut World, db: &str| {
        let ticket = world.ticket();
        world.request(starting(records(db), ticket));
        world.wait(5000);
    };
    same_end(|world| start(world, "good"));
    same_end(|world| start(world, "exits"));
    same_end(|world| {
        start(world, "good");
        world.stop(&[0, 1, 2, 3, 4]);
        world.wait(1000);
        world.restart(&[0]);
        world.wait(5000);
    });
    same_end(|world| {
        start(world, "good");
        let run = world.model.core().slot(ProcId(4)).and_then(|slot| slot.process().run());
        run.into_iter().for_each(|run| world.end(run, Exit::Code(1)));
        world.wait(20_000);
    });
    same_end(|world| {
        start(world, "good");
        world.act_with(Action::Restart, &[0, 1, 2, 3, 4], Change::default());
        world.wait(20_000);
        world.request(Request::Kill);
        world.wait(20_000);
    });
}
