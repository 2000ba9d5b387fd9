//! Scaling: instances more or fewer.

use ostler_wire::control::{Action, Change, ReloadOptions, Request, ScaleTo};
use serde_json::json;

use super::words::record;
use super::world::World;

fn scale(world: &mut World, name: &str, target: ScaleTo) -> usize {
    world.scale(name, target)
}

#[test]
fn instances_are_added_and_told_when_they_are_up() {
    let mut world = World::with("api", "good", 1);
    let client = scale(&mut world, "api", ScaleTo::Exactly(3));
    assert_eq!(world.heard(client), "");
    world.wait(50);
    assert_eq!(world.heard(client), "acted api:1 added Nowhere\nacted api:2 added Nowhere\ndone");
    for told in ["api:1 start", "api:2 start"] {
        assert!(world.lifecycle.contains(&told.to_owned()), "{:?}", world.lifecycle);
    }
}

#[test]
fn the_newest_instances_go_first() {
    let mut world = World::with("api", "good", 4);
    let client = scale(&mut world, "api", ScaleTo::Exactly(2));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert_eq!(world.heard(client), "acted api:3 Dropped(0)\nacted api:2 Dropped(0)\ndone");
}

#[test]
fn the_lowest_numbers_go_first_where_that_is_asked_for() {
    let mut world = World::with("api", "good", 4);
    let (name, target) = ("api".to_owned(), ScaleTo::Exactly(2));
    let client = world.request(Request::Scale {
        name,
        target,
        lowest_first: true,
        doing: false,
        ticket: None,
    });
    world.wait(50);
    assert_eq!(world.state(), "api:2 online good, api:3 online good");
    assert_eq!(world.heard(client), "acted api:0\nacted api:1\ndone");
    scale(&mut world, "api", ScaleTo::Exactly(4));
    world.wait(50);
    assert_eq!(world.each(|proc| proc.instance), [2, 3, 0, 1]);
}

#[test]
fn a_number_to_add_or_remove_is_counted_from_what_is_there() {
    let mut world = World::with("api", "good", 2);
    scale(&mut world, "api", ScaleTo::Add(2));
    world.wait(50);
    assert_eq!(world.model.known().count_online(), 4);
    scale(&mut world, "api", ScaleTo::Remove(3));
    world.wait(50);
    assert_eq!(world.model.known().count_online(), 1);
}

#[test]
fn more_instances_than_an_app_may_have_are_refused_with_the_bound() {
    let mut world = World::with("api", "good", 2);
    for target in [ScaleTo::Add(100_000), ScaleTo::Add(u32::MAX), ScaleTo::Exactly(4097)] {
        let client = scale(&mut world, "api", target);
        let heard = world.heard(client);
        assert!(heard.contains("an app may have 4096"), "{heard}");
    }
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
}

#[test]
fn an_app_is_not_scaled_to_nothing_by_which_it_would_be_forgotten() {
    let mut world = World::with("api", "good", 2);
    for target in [ScaleTo::Remove(2), ScaleTo::Remove(9), ScaleTo::Exactly(0)] {
        let client = scale(&mut world, "api", target);
        assert_eq!(
            world.heard(client),
            "error: `api` has 2 processes, and `scale` leaves at least one\n\
             hint: `ostler stop api` stops all of them, `ostler delete api` forgets the app"
        );
    }
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    // PM2's way.
    let zero = |target| Request::Scale {
        name: "api".to_owned(),
        target,
        lowest_first: true,
        doing: false,
        ticket: None,
    };
    let client = world.request(zero(ScaleTo::Remove(9)));
    assert!(world.heard(client).starts_with("error: "));
    let client = world.request(zero(ScaleTo::Exactly(0)));
    world.wait(50);
    assert_eq!(world.reply(client), "done");
    world.model.check_empty();
}

#[test]
fn there_is_nothing_to_do_when_the_number_is_right() {
    let mut world = World::with("api", "good", 2);
    let client = scale(&mut world, "api", ScaleTo::Exactly(2));
    assert_eq!(world.heard(client), "error: `api` has 2 processes already");
}

#[test]
fn an_app_that_is_not_there_is_told() {
    let mut world = World::with("api", "good", 2);
    let client = scale(&mut world, "web", ScaleTo::Exactly(2));
    assert_eq!(
        world.heard(client),
        "error: no app has the name `web`\nhint: see `ostler list` for the names"
    );
}

#[test]
fn a_name_in_several_namespaces_is_asked_back() {
    let mut world = World::with("api", "good", 1);
    world.start_with("api", "good", 1, json!({"namespace": "prod"}));
    let client = scale(&mut world, "api", ScaleTo::Exactly(2));
    assert_eq!(
        world.heard(client),
        "error: several apps are named `api`, in the namespaces `default`, `prod`\n\
         hint: name one of them, such as `default/api`"
    );
}

#[test]
fn a_namespace_before_the_name_says_which_app_is_meant() {
    let mut world = World::with("api", "good", 1);
    world.start_with("api", "better", 1, json!({"namespace": "prod"}));
    scale(&mut world, "prod/api", ScaleTo::Exactly(2));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online better, api:2 online better");
}

/// The namespace was taken to end at the first `/`.
#[test]
fn a_namespace_with_a_slash_before_the_name_says_which_app_is_meant() {
    let mut world = World::with("api", "good", 1);
    world.start_with("api", "better", 1, json!({"namespace": "shop/eu"}));
    scale(&mut world, "shop/eu/api", ScaleTo::Exactly(2));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online better, api:2 online better");
}

#[test]
fn a_name_with_a_slash_is_a_name_first() {
    let mut world = World::with("prod/api", "good", 1);
    world.start_with("api", "better", 1, json!({"namespace": "prod"}));
    scale(&mut world, "prod/api", ScaleTo::Exactly(2));
    world.wait(50);
    assert_eq!(world.state().matches("prod/api:").count(), 2);
}

#[test]
fn an_instance_that_goes_may_finish_its_connections() {
    let mut world = World::with("api", "busy", 2);
    let client = scale(&mut world, "api", ScaleTo::Exactly(1));
    world.wait(7999);
    assert_eq!(world.state(), "api:0 online busy, api:1 stopping busy");
    world.wait(1);
    assert_eq!(world.heard(client), "acted api:1 Nowhere\ndone");
}

#[test]
fn instances_that_are_on_their_way_out_are_not_counted() {
    let mut world = World::with("api", "busy", 3);
    scale(&mut world, "api", ScaleTo::Exactly(1));
    scale(&mut world, "api", ScaleTo::Exactly(2));
    world.wait(10_000);
    assert_eq!(world.state(), "api:0 online busy, api:3 online busy");
}

#[test]
fn an_added_instance_that_fails_is_told() {
    let mut world = World::new();
    world.start_with("api", "exits", 1, json!({"autostart": false}));
    let client = scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(1000);
    let failure = "app `api` did not start: exit code 1";
    assert_eq!(
        world.heard(client),
        format!("acted api:1 added: {failure}\nerror: {failure}\nhint: see `ostler logs api`")
    );
}

#[test]
fn added_instances_have_the_version_that_a_reload_brought() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "better");
    world.wait(50);
    scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online better, api:1 online better");
}

#[test]
fn added_instances_have_the_old_version_after_a_reload_that_failed() {
    let mut world = World::with("api", "good", 1);
    world.reload(&[0], "api", "exits");
    world.wait(50);
    scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
}

#[test]
fn added_instances_share_the_unique_id_of_the_app() {
    let mut world = World::with("api", "good", 1);
    scale(&mut world, "api", ScaleTo::Add(1));
    let ids = world.each(|proc| proc.unique_id.clone());
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn plain_processes_are_scaled_as_workers_are() {
    let mut world = World::with("job", "good", 0);
    scale(&mut world, "job", ScaleTo::Add(1));
    world.wait(50);
    assert_eq!(world.state(), "job:0 online good, job:1 online good");
    scale(&mut world, "job", ScaleTo::Remove(1));
    world.wait(50);
    assert_eq!(world.state(), "job:0 online good");
}

#[test]
fn a_reload_that_a_scale_cuts_short_is_told() {
    let mut world = World::with("api", "good", 2);
    let client = world.reload(&[0, 1], "api", "better");
    scale(&mut world, "api", ScaleTo::Exactly(1));
    world.wait(1000);
    assert_eq!(
        world.reply(client),
        "error: the reload of app `api` was cut short: a `scale` took process 1 out of it\n\
         hint: see `ostler list`; `ostler reload api` again for the new version"
    );
    assert_eq!(world.state(), "api:0 online better");
}

#[test]
fn added_instances_have_the_version_that_a_restart_brought() {
    let mut world = World::with("api", "good", 1);
    let change =
        Change { records: vec![record("api", "better", 1, json!({}))], ..Change::default() };
    world.act_with(Action::Restart, &[0], change);
    world.wait(50);
    scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(50);
    assert_eq!(world.state(), "api:0 online better, api:1 online better");
}

#[test]
fn an_instance_that_is_added_during_a_reload_gets_the_new_version() {
    let mut world = World::with("api", "good", 2);
    let more = json!({"stable_for": 50});
    let change = Change { records: vec![record("api", "better", 1, more)], ..Change::default() };
    let reload = world.reload_by(&[0, 1], change, ReloadOptions::default());
    world.wait(10);
    let client = scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online better, api:1 online better, api:2 online better");
    assert_eq!((world.reply(reload), world.reply(client)), ("done", "done"));
}

#[test]
fn an_instance_that_is_added_while_a_reload_waits_gets_its_version() {
    let mut world = World::with("api", "good", 2);
    let wait = ReloadOptions { wait: true, ..ReloadOptions::default() };
    world.reload(&[0, 1], "api", "better");
    let last = world.reload_with(&[0, 1], "api", "newest", wait);
    scale(&mut world, "api", ScaleTo::Add(1));
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online newest, api:1 online newest, api:2 online newest");
    assert_eq!(world.reply(last), "done");
}

#[test]
fn as_many_instances_as_an_app_may_have_are_only_a_matter_of_room() {
    let mut world = World::with("api", "good", 1);
    world.limit(64);
    let client = scale(&mut world, "api", ScaleTo::Exactly(4096));
    assert!(world.reply(client).contains("`scale` has no room"), "{}", world.reply(client));
}

#[test]
fn an_app_of_which_all_is_on_its_way_out_has_nothing_left_to_remove() {
    let mut world = World::with("api", "hangs", 1);
    world.delete(&[0]);
    let client = scale(&mut world, "api", ScaleTo::Exactly(0));
    assert_eq!(world.reply(client), "error: `api` has 0 processes already");
}
