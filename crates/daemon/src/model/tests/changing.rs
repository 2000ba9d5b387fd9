//! Changes to apps that are there: variables, options, whole new records, other names.

use ostler_core::spec::AppSpec;
use ostler_core::{Exit, ProcId};
use ostler_wire::control::{Action, Change};
use serde_json::{Value, json};

use super::words::{raw, record};
use super::world::World;

fn env(name: &str, value: &str) -> Change {
    Change { env: Some([(name.to_owned(), value.to_owned())].into()), ..Change::default() }
}

fn patch(patch: &Value) -> Change {
    Change { patch: Some(raw(patch)), ..Change::default() }
}

fn records(name: &str, script: &str, instances: u32, more: Value) -> Change {
    Change { records: vec![record(name, script, instances, more)], ..Change::default() }
}

/// The specification that a slot runs with.
fn spec(world: &World, id: u32) -> &AppSpec {
    let slot = world.model.core().slot(ProcId(id)).unwrap();
    &world.model.registry().version(slot.process().spec()).unwrap().spec
}

fn restart(world: &mut World, ids: &[u32], change: Change) -> usize {
    let client = world.act_with(Action::Restart, ids, change);
    world.wait(50);
    client
}

#[test]
fn variables_are_added_to_the_environment_and_never_taken_from_it() {
    let mut world = World::with_more("api", "good", 1, json!({"env": {"A": "1", "B": "2"}}));
    restart(&mut world, &[0], env("B", "3"));
    let expected = [("A", "1"), ("B", "3")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(spec(&world, 0).env, expected.into());
}

#[test]
fn a_change_that_changes_nothing_makes_no_version() {
    let mut world = World::with_more("api", "good", 1, json!({"env": {"A": "1"}}));
    let before = world.versions();
    restart(&mut world, &[0], env("A", "1"));
    assert_eq!(world.versions(), before);
}

#[test]
fn slots_that_are_changed_alike_share_a_version() {
    let mut world = World::with("api", "good", 3);
    restart(&mut world, &[0, 1, 2], env("A", "1"));
    assert_eq!(world.versions(), (vec![1, 1, 1], 1));
}

#[test]
fn slots_that_are_changed_differently_have_versions_of_their_own() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "better", 1);
    world.wait(50);
    restart(&mut world, &[0, 1], env("A", "1"));
    assert_eq!(world.versions(), (vec![2, 3], 2));
}

#[test]
fn an_option_changes_its_key_alone() {
    let mut world = World::with_more("api", "good", 1, json!({"env": {"A": "1"}}));
    let mut wanted = spec(&world, 0).clone();
    wanted.args = vec!["--fast".to_owned()];
    restart(&mut world, &[0], patch(&json!({"args": ["--fast"]})));
    assert_eq!(spec(&world, 0), &wanted);
}

#[test]
fn a_change_holds_from_the_next_run_on() {
    let mut world = World::with_more("api", "unready", 2, json!({"wait_ready": true}));
    world.wait(1000);
    world.act_with(Action::Restart, &[0, 1], env("A", "1"));
    world.wait(50);
    // The first is on its way; the second still runs with what it was started with.
    assert_eq!(world.versions().0, [1, 0]);
    world.crash(1, Exit::Code(1));
    world.wait(1000);
    assert_eq!(world.versions().0, [1, 1]);
}

#[test]
fn a_change_that_makes_no_sense_changes_and_restarts_nothing() {
    let mut world = World::with("api", "good", 1);
    let (before, pids) = (world.versions(), world.pids());
    let client = restart(&mut world, &[0], patch(&json!({"autorestart": "perhaps"})));
    assert_eq!(
        world.heard(client),
        "error: \"autorestart\" must be true or false, but is `\"perhaps\"`"
    );
    assert_eq!((world.versions(), world.pids()), (before, pids));
}

#[test]
fn a_new_record_replaces_all_but_old_variables_instances_and_mode() {
    let mut world = World::with_more("api", "good", 2, json!({"env": {"A": 1, "B": "2"}}));
    let more = json!({"env": {"B": "3"}, "args": ["--fast"]});
    restart(&mut world, &[0, 1], records("api", "better", 0, more));
    let new = spec(&world, 1);
    assert!(new.env_typed.contains("A"), "it is a number still: {:?}", new.env_typed);
    assert_eq!((new.instances, new.args.len(), new.env.get("A")), (2, 1, Some("1")));
    assert_eq!(world.state(), "api:0 online better, api:1 online better");
    assert!(world.model.core().slot(ProcId(0)).unwrap().process().is_cluster());
}

#[test]
fn a_record_of_another_name_is_not_meant() {
    let mut world = World::with("api", "good", 1);
    restart(&mut world, &[0], records("web", "better", 1, json!({})));
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn options_are_put_over_a_new_record() {
    let mut world = World::with("api", "good", 1);
    let of_file = records("api", "better", 1, json!({"args": ["--slow"]}));
    let change = Change { records: of_file.records, ..patch(&json!({"args": ["--fast"]})) };
    restart(&mut world, &[0], change);
    assert_eq!(spec(&world, 0).args, ["--fast"]);
}

#[test]
fn the_mode_of_an_app_never_changes() {
    let mut world = World::with("job", "good", 0);
    restart(&mut world, &[0], patch(&json!({"exec_mode": "cluster_mode", "args": "-x"})));
    assert!(!world.model.registry().versions().next().unwrap().1.is_cluster());
}

#[test]
fn a_whole_app_that_is_renamed_stays_one_app() {
    let mut world = World::with("api", "good", 2);
    let client = restart(&mut world, &[0, 1], patch(&json!({"name": "web"})));
    assert_eq!(world.state(), "web:0 online good, web:1 online good");
    assert_eq!(world.model.registry().app_name(ostler_core::AppId(0)), "web");
    assert_eq!(world.heard(client), "acted web:0\nacted web:1\ndone");
}

#[test]
fn a_plain_process_that_is_renamed_leaves_its_app() {
    let mut world = World::with_more("job", "good", 0, json!({"instances": 2}));
    restart(&mut world, &[1], patch(&json!({"name": "other"})));
    assert_eq!(world.state(), "job:0 online good, other:1 online good");
    assert_eq!(world.model.registry().apps().count(), 2);
}

#[test]
fn plain_processes_that_are_renamed_join_the_app_of_that_name() {
    let mut world = World::with("job", "good", 0);
    world.start("other", "better", 0);
    world.wait(50);
    restart(&mut world, &[0], patch(&json!({"name": "other"})));
    let apps: Vec<_> = world.model.registry().apps().map(|(_, app)| app.name.clone()).collect();
    assert_eq!(apps, ["other"]);
    world.forget();
    world.delete(&[0, 1]);
    world.wait(50);
    world.model.check_empty();
}

#[test]
fn one_worker_of_a_cluster_cannot_be_renamed() {
    let mut world = World::with("api", "good", 2);
    let client = restart(&mut world, &[1], patch(&json!({"name": "web"})));
    assert_eq!(
        world.heard(client),
        "error: app `api` is a cluster: its workers cannot be renamed to `web` one by one, nor \
         join another app\n\
         hint: rename the whole app, to a name that no other app has"
    );
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
}

#[test]
fn a_cluster_cannot_join_another_app() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "good", 1);
    world.wait(50);
    let client = restart(&mut world, &[0], patch(&json!({"name": "web"})));
    assert!(world.heard(client).starts_with("error: app `api` is a cluster"));
}

#[test]
fn two_clusters_cannot_be_renamed_to_one_name() {
    let mut world = World::with("api", "good", 1);
    world.start("web", "good", 1);
    world.wait(50);
    let client = restart(&mut world, &[0, 1], patch(&json!({"name": "both"})));
    assert!(world.heard(client).starts_with("error: app `web` is a cluster"));
    assert_eq!(world.state(), "api:0 online good, web:1 online good");
}

#[test]
fn plain_processes_of_two_apps_that_are_renamed_alike_become_one_app() {
    let mut world = World::with("job", "good", 0);
    world.start("other", "better", 0);
    world.wait(50);
    restart(&mut world, &[0, 1], patch(&json!({"name": "both"})));
    assert_eq!(world.state(), "both:0 online good, both:1 online better");
    assert_eq!(world.model.registry().apps().count(), 1);
}

#[test]
fn a_change_is_refused_whole_before_anything_has_changed() {
    let mut world = World::with("job", "good", 0);
    world.start("api", "good", 2);
    world.wait(50);
    let (before, pids) = (world.versions(), world.pids());
    let client = restart(&mut world, &[0, 1], patch(&json!({"name": "web"})));
    assert!(world.heard(client).starts_with("error: app `api` is a cluster"));
    assert_eq!(world.state(), "job:0 online good, api:1 online good, api:2 online good");
    assert_eq!((world.versions(), world.pids()), (before, pids));
}

#[test]
fn a_rename_outlives_the_daemon() {
    let mut world = World::with("api", "good", 1);
    restart(&mut world, &[0], patch(&json!({"name": "web", "namespace": "prod"})));
    world.forget();
    world.wait(50);
    let app = world.model.registry().apps().next().unwrap().1;
    assert_eq!((app.namespace.as_str(), app.name.as_str()), ("prod", "web"));
    assert_eq!(world.state(), "web:0 online good");
}

#[test]
fn a_version_is_forgotten_when_nothing_needs_it() {
    let mut world = World::with("api", "good", 1);
    restart(&mut world, &[0], env("A", "1"));
    restart(&mut world, &[0], env("A", "2"));
    assert_eq!(world.versions(), (vec![2], 1));
}

#[test]
fn versions_are_kept_for_what_a_restart_has_still_to_begin() {
    let mut world = World::with_more("api", "unready", 3, json!({"wait_ready": true}));
    world.wait(1000);
    world.act_with(Action::Restart, &[0, 1, 2], env("A", "1"));
    world.delete(&[0, 1]);
    world.wait(1000);
    assert_eq!(spec(&world, 2).env.get("A"), Some("1"));
}
