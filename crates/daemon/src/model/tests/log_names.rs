//! Log files that the user named none of belong to one app each.

use ostler_core::ProcId;
use ostler_wire::control::{Action, Change, Request};
use serde_json::{Value, json};

use super::words::record;
use super::world::World;

const OWN: &str = "/home/logs/a-b-81871d18-out.log";
const USUAL: &str = "/home/logs/a-b-out.log";

/// What the command puts into a record of which the user named no file.
fn usual() -> Value {
    json!({ "pm_out_log_path": USUAL, "pm_err_log_path": "/home/logs/a-b-error.log" })
}

/// The file of a slot's standard output.
fn out_of(world: &World, id: u32) -> String {
    let slot = world.model.core().slot(ProcId(id)).unwrap();
    let version = world.model.registry().version(slot.process().next_spec()).unwrap();
    version.spec.logs.out.as_ref().unwrap().display().to_string()
}

fn two() -> World {
    let mut world = World::with_more("a-b", "good", 0, usual());
    world.start_with("a/b", "good", 0, usual());
    world.wait(50);
    world
}

#[test]
fn two_apps_whose_names_look_alike_to_pm2_have_files_of_their_own() {
    let world = two();
    assert_eq!((out_of(&world, 0), out_of(&world, 1)), (USUAL.to_owned(), OWN.to_owned()));
    let web = json!({ "pm_out_log_path": "/home/logs/web-out.log" });
    let mut world = World::with_more("web", "good", 0, web.clone());
    let mut other = web;
    other["namespace"] = json!("back");
    world.start_with("web", "good", 0, other);
    world.wait(50);
    assert_eq!(out_of(&world, 0), "/home/logs/web-out.log");
    assert_ne!(out_of(&world, 1), out_of(&world, 0));
}

#[test]
fn an_app_keeps_its_file_through_a_restart_with_its_process_file_and_a_reboot() {
    let mut world = two();
    for id in [0, 1] {
        let name = if id == 0 { "a-b" } else { "a/b" };
        let records = vec![record(name, "better", 0, usual())];
        world.act_with(Action::Restart, &[id], Change { records, ..Change::default() });
        world.wait(50);
    }
    assert_eq!((out_of(&world, 0), out_of(&world, 1)), (USUAL.to_owned(), OWN.to_owned()));
    world.request(Request::Save { force: false });
    let mut after = World { dump: world.dump, ..World::new() };
    after.request(Request::Resurrect);
    after.wait(1000);
    assert_eq!((out_of(&after, 0), out_of(&after, 1)), (USUAL.to_owned(), OWN.to_owned()));
}

#[test]
fn a_list_of_pm2_in_which_two_apps_share_a_file_gives_the_second_its_own() {
    let mut world = two();
    world.request(Request::Save { force: false });
    let text = String::from_utf8(world.dump.unwrap()).unwrap().replace("-81871d18-", "-");
    let mut after = World { dump: Some(text.into_bytes()), ..World::new() };
    after.request(Request::Resurrect);
    after.wait(1000);
    assert_eq!((out_of(&after, 0), out_of(&after, 1)), (USUAL.to_owned(), OWN.to_owned()));
}

#[test]
fn a_file_that_the_user_named_is_shared() {
    let both = json!({ "pm_out_log_path": "/var/log/both.log" });
    let mut world = World::with_more("a-b", "good", 0, both.clone());
    world.start_with("a/b", "good", 0, both);
    world.wait(50);
    assert_eq!(out_of(&world, 0), out_of(&world, 1));
}

#[test]
fn a_file_that_the_user_names_or_names_no_more_is_taken_from_the_next_restart_on() {
    let mut named = usual();
    named["pm_out_log_path"] = json!("/var/log/mine.log");
    let mut world = World::with_more("a-b", "good", 0, usual());
    for (more, expected) in [(named, "/var/log/mine.log"), (usual(), USUAL)] {
        let records = vec![record("a-b", "good", 0, more)];
        world.act_with(Action::Restart, &[0], Change { records, ..Change::default() });
        world.wait(50);
        assert_eq!(out_of(&world, 0), expected);
    }
}

#[test]
fn an_app_keeps_its_file_also_when_the_other_one_is_gone() {
    let mut world = two();
    world.delete(&[0]);
    world.wait(50);
    let records = vec![record("a/b", "better", 0, usual())];
    world.act_with(Action::Restart, &[1], Change { records, ..Change::default() });
    world.wait(50);
    assert_eq!(out_of(&world, 1), OWN);
}
