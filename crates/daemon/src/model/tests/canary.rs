//! Canaries: one worker is replaced, and the user decides about the others.

use ostler_core::{AppId, Exit, ProcId, RunId};
use ostler_wire::control::{Change, ReloadOptions, Request};
use serde_json::json;

use super::words::record;
use super::world::World;

pub const CANARY: ReloadOptions = ReloadOptions {
    parallel: None,
    surge: None,
    canary: true,
    no_rollback: false,
    port_change: false,
    wait: false,
};

/// Three workers, one of which is of the new version.
fn canary() -> (World, usize) {
    let mut world = World::with("api", "good", 3);
    let client = world.reload_with(&[0, 1, 2], "api", "better", CANARY);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online better, api:1 online good, api:2 online good");
    (world, client)
}

fn rollouts(world: &World) -> Vec<Option<&str>> {
    world.counters().into_iter().map(|(.., rollout)| rollout).collect()
}

#[test]
fn a_canary_is_done_when_one_worker_is_replaced() {
    let (world, client) = canary();
    assert_eq!(world.reply(client), "done");
    let told = "step api:0 the canary serves; `ostler promote api` or `ostler rollback api`\ndone";
    assert!(world.heard(client).ends_with(told), "{}", world.heard(client));
}

/// It was restarted, said to be a canary, and could not be promoted.
#[test]
fn an_app_in_fork_mode_has_no_canary() {
    let mut world = World::with("job", "good", 0);
    let client = world.reload_with(&[0], "job", "better", CANARY);
    assert_eq!(
        world.reply(client),
        "error: app `job` runs in fork mode; a canary needs cluster mode\n\
         hint: `ostler reload job` restarts it"
    );
    assert_eq!(world.state(), "job:0 online good");
}

/// The hint was to wait for it, which never ends.
#[test]
fn a_reload_beside_a_canary_says_who_is_to_decide() {
    let (mut world, _) = canary();
    let other = world.reload(&[0, 1, 2], "api", "good");
    let reply = world.reply(other);
    assert_eq!(
        reply,
        "error: app `api` has a canary, which somebody is to decide on first\n\
         hint: `ostler promote api` rolls it out, `ostler rollback api` ends it"
    );
}

#[test]
fn the_canary_is_shown_until_it_is_decided() {
    let (mut world, _) = canary();
    assert_eq!(rollouts(&world), [Some("canary"), None, None]);
    world.promote("api", true);
    world.wait(50);
    assert_eq!(rollouts(&world), [None, None, None]);
}

#[test]
fn a_worker_that_is_verified_is_shown_as_reloading() {
    let mut world = World::with("api", "good", 2);
    world.reload(&[0, 1], "api", "mute");
    assert_eq!(rollouts(&world), [Some("reloading"), None]);
    world.wait(1000);
    assert_eq!(rollouts(&world), [None, None]);
}

#[test]
fn what_is_shown_of_a_reload_outlives_the_daemon() {
    let (mut world, _) = canary();
    world.forget();
    world.wait(50);
    assert_eq!(rollouts(&world), [Some("canary"), None, None]);
    let mut world = World::with("api", "good", 2);
    world.reload(&[0, 1], "api", "mute");
    world.wait(50);
    world.forget();
    assert_eq!(rollouts(&world), [Some("reloading"), None]);
}

#[test]
fn a_promoted_canary_is_rolled_out() {
    let (mut world, _) = canary();
    let client = world.promote("api", true);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online better, api:1 online better, api:2 online better");
    assert_eq!(world.reply(client), "done");
    assert!(world.heard(client).contains("step api:2 new worker 2"), "{}", world.heard(client));
}

#[test]
fn a_canary_that_is_rolled_back_is_replaced_by_the_old_version() {
    let (mut world, _) = canary();
    let client = world.promote("api", false);
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good, api:2 online good");
    assert_eq!(world.reply(client), "done");
}

#[test]
fn a_promoted_canary_that_fails_elsewhere_is_taken_back_with_its_reason() {
    let mut world = World::with("api", "good", 2);
    let records = vec![record("api", "better", 1, json!({"stable_for": 50}))];
    world.reload_by(&[0, 1], Change { records, ..Change::default() }, CANARY);
    world.wait(100);
    let client = world.promote("api", true);
    world.wait(20);
    world.end(RunId(4), Exit::Code(3));
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert!(world.reply(client).contains("worker 1 ended with exit code 3"));
}

#[test]
fn a_canary_that_cannot_be_taken_back_is_told() {
    let (mut world, _) = canary();
    let client = world.promote("api", false);
    let (run, _) = world.model.core().slot(ProcId(0)).unwrap().candidate().unwrap();
    world.reports.clear();
    world.end(run, Exit::Code(3));
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online better, api:1 online good, api:2 online good");
    assert_eq!(
        world.reply(client),
        "error: the old version of app `api` did not come back: worker 0 ended with exit code 3\n\
         process 0 stays with the new version\n\
         hint: see `ostler logs api`"
    );
}

#[test]
fn a_canary_of_one_worker_is_a_reload() {
    let mut world = World::with("api", "good", 1);
    let client = world.reload_with(&[0], "api", "better", CANARY);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
    assert!(world.model.core().reload(AppId(0)).is_none());
}

#[test]
fn a_canary_that_fails_is_a_reload_that_fails() {
    let mut world = World::with("api", "good", 2);
    let client = world.reload_with(&[0, 1], "api", "exits", CANARY);
    world.wait(50);
    assert!(world.reply(client).starts_with("error: the new version of app `api` failed"));
    assert!(world.model.core().reload(AppId(0)).is_none());
}

#[test]
fn nothing_is_promoted_where_there_is_no_canary() {
    let mut world = World::with("api", "good", 2);
    let none = "error: app `api` has no canary\n\
                hint: `ostler reload --canary api` begins one";
    let client = world.promote("api", true);
    assert_eq!(world.heard(client), none);
    world.reload(&[0, 1], "api", "mute");
    let client = world.promote("api", true);
    assert_eq!(world.heard(client), none);
}

#[test]
fn a_canary_is_promoted_once() {
    let (mut world, _) = canary();
    world.promote("api", true);
    let client = world.promote("api", false);
    assert!(world.reply(client).starts_with("error: app `api` has no canary"));
}

#[test]
fn of_several_apps_of_a_name_the_one_with_the_canary_is_promoted() {
    let (mut world, _) = canary();
    world.start_with("api", "good", 1, json!({"namespace": "a"}));
    world.wait(50);
    let client = world.promote("api", true);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn of_several_canaries_of_a_name_one_is_promoted_by_its_namespace() {
    let (mut world, _) = canary();
    world.start_with("api", "good", 2, json!({"namespace": "prod"}));
    world.wait(50);
    let records = vec![record("api", "better", 1, json!({"namespace": "prod"}))];
    world.reload_by(&[3, 4], Change { records, ..Change::default() }, CANARY);
    world.wait(50);
    let client = world.promote("api", true);
    assert!(
        world.reply(client).starts_with("error: several apps are named `api`, in the namespaces"),
        "{}",
        world.reply(client)
    );
    let client = world.promote("prod/api", true);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
    assert!(world.state().ends_with("api:3 online better, api:4 online better"));
}

#[test]
fn a_reload_that_may_wait_waits_for_the_decision() {
    let (mut world, _) = canary();
    let options = ReloadOptions { wait: true, ..ReloadOptions::default() };
    let client = world.reload_with(&[0, 1, 2], "api", "newest", options);
    world.wait(60_000);
    assert_eq!(world.heard(client), "");
    world.promote("api", false);
    world.wait(250);
    assert_eq!(world.reply(client), "done");
    assert!(world.state().starts_with("api:0 online newest"), "{}", world.state());
}

#[test]
fn a_canary_whose_workers_are_all_deleted_is_over() {
    let (mut world, _) = canary();
    world.delete(&[0, 1, 2]);
    world.wait(50);
    world.model.check_empty();
}

#[test]
fn a_canary_that_is_stopped_stays_stopped_when_it_is_rolled_back() {
    let (mut world, _) = canary();
    world.stop(&[0]);
    world.wait(50);
    let client = world.request(Request::Promote { name: "api".into(), keep: false, ticket: None });
    world.wait(50);
    assert_eq!(world.state(), "api:0 stopped better, api:1 online good, api:2 online good");
    assert!(!world.waiting().contains(&client));
}
