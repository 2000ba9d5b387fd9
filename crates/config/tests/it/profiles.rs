//! Which apps of a file are meant, by their profiles.

use ostler_config::{Options, load, of_profiles};

use crate::world::{World, node};

const FILE: &str = "apps:
  - { name: web, script: a.js }
  - { name: inspector, script: a.js, profiles: [debug] }
  - { name: load, script: a.js, profiles: [load, test] }
  - { name: fake, extends: load, profiles: test }
";

fn world() -> World {
    let mut world = World::new(&["node"]);
    world.file("a.js", "");
    world.file("eco.yaml", FILE);
    world.ctx.node = Some(node());
    world
}

fn options(only: &[&str], profiles: &[&str]) -> Options {
    let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
    Options { only: owned(only), profiles: owned(profiles), ..Options::default() }
}

/// The names of the apps that are meant.
fn chosen(world: &World, only: &[&str], profiles: &[&str]) -> Vec<String> {
    let (specs, report) = load("eco.yaml", &options(only, profiles), &world.ctx);
    assert!(report.is_empty(), "{}", world.render(&report));
    specs.into_iter().map(|spec| spec.name).collect()
}

#[test]
fn an_app_with_profiles_is_meant_where_one_of_them_or_the_app_is_named() {
    let world = world();
    let check = |only: &[&str], profiles: &[&str], expected: &[&str]| {
        assert_eq!(chosen(&world, only, profiles), expected, "{only:?} {profiles:?}");
    };
    check(&[], &[], &["web"]);
    check(&[], &["debug"], &["web", "inspector"]);
    check(&[], &["test"], &["web", "load", "fake"]);
    check(&[], &["debug", "load"], &["web", "inspector", "load"]);
    check(&[], &["debug,load"], &["web", "inspector", "load"]);
    check(&[], &["*"], &["web", "inspector", "load", "fake"]);
    check(&["inspector"], &[], &["inspector"]);
    check(&["web"], &["debug"], &["web"]);
}

#[test]
fn pm2_knows_no_profiles_and_means_every_app() {
    let mut world = world();
    world.ctx.as_pm2 = true;
    assert_eq!(chosen(&world, &[], &[]), ["web", "inspector", "load", "fake"]);
}

#[test]
fn profiles_of_a_base_are_those_of_the_apps_that_extend_it_and_may_be_taken_away() {
    let world = world();
    world.file(
        "over.json",
        r#"{ "extends": "eco.yaml", "apps": [{ "name": "load", "profiles": null }] }"#,
    );
    let (specs, report) = load("over.json", &Options::default(), &world.ctx);
    assert!(report.is_empty(), "{}", world.render(&report));
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["web", "load"]);
}

#[test]
fn what_is_wrong_with_an_app_that_is_left_out_is_said_all_the_same() {
    let world = world();
    world.file("bad.json", r#"[{ "script": "a.js" }, { "profiles": "x", "instances": "no" }]"#);
    let (specs, report) = load("bad.json", &Options::default(), &world.ctx);
    assert!(specs.is_empty() && report[0].code == "wrong-form", "{}", world.render(&report));
}

#[test]
fn what_an_app_needs_of_another_profile_must_be_in_the_list() {
    let mut world = world();
    world.file(
        "needs.json",
        r#"[{ "name": "api", "script": "a.js", "depends_on": "db" },
            { "name": "db", "script": "a.js", "profiles": "data" }]"#,
    );
    let mut said = |listed: &[&str], options: &Options| {
        world.ctx.listed = Some(listed.iter().map(|name| (*name).to_owned()).collect());
        load("needs.json", options, &world.ctx).1.first().map(|one| one.message.clone())
    };
    assert_eq!(said(&["db"], &Options::default()), None);
    assert_eq!(said(&[], &options(&[], &["data"])), None);
    let by_profile = "no profile that is chosen has `db`, which is not in the list and `api` needs";
    assert_eq!(said(&[], &Options::default()).unwrap(), by_profile);
    let by_name = "`--only` leaves out `db`, which is not in the list and `api` needs";
    assert_eq!(said(&[], &options(&["api"], &[])).unwrap(), by_name);
}

#[test]
fn all_apps_with_profiles_are_known_whichever_are_chosen() {
    let world = world();
    let known = of_profiles("eco.yaml", &options(&[], &["debug"]), &world.ctx);
    let known: Vec<_> = known.into_iter().map(|of| (of.name, of.profiles.join("+"))).collect();
    let expected = [("inspector", "debug"), ("load", "load+test"), ("fake", "test")];
    assert_eq!(known, expected.map(|(name, of)| (name.to_owned(), of.to_owned())));
    assert!(of_profiles("none.yaml", &Options::default(), &world.ctx).is_empty());
}
