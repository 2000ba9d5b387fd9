//! Asking what a process listens on.

use ostler_core::Exit;
use ostler_wire::control::{Action, Change, Request};
use serde_json::json;

use super::words::record;
use super::world::World;

fn listens(world: &mut World, id: u32) -> usize {
    world.request(Request::Listens { id, within: 1000 })
}

#[test]
fn what_is_listened_on_is_told_at_once() {
    let mut world = World::with("api", "good", 1);
    let client = listens(&mut world, 0);
    assert_eq!(world.heard(client), "listens [\"*:3000\"]");
}

#[test]
fn what_is_listened_on_later_is_waited_for() {
    let mut world = World::new();
    world.start("api", "good", 1);
    let client = listens(&mut world, 0);
    assert_eq!(world.heard(client), "");
    world.wait(50);
    assert_eq!(world.heard(client), "listens [\"*:3000\"]");
}

#[test]
fn who_does_not_listen_in_time_listens_on_nothing() {
    let mut world = World::with("api", "mute", 1);
    let client = listens(&mut world, 0);
    world.wait(999);
    assert_eq!(world.heard(client), "");
    world.wait(1);
    assert_eq!(world.heard(client), "listens []");
}

#[test]
fn who_ends_listens_on_nothing() {
    let mut world = World::with_more("api", "mute", 1, json!({"autorestart": false}));
    let client = listens(&mut world, 0);
    world.crash(0, Exit::Code(0));
    world.wait(50);
    assert_eq!(world.heard(client), "listens []");
}

#[test]
fn who_is_not_there_listens_on_nothing() {
    let mut world = World::new();
    let client = listens(&mut world, 7);
    assert_eq!(world.heard(client), "listens []");
}

#[test]
fn a_client_that_does_not_wait_is_not_waited_for() {
    let mut world = World::with("api", "mute", 1);
    let client = listens(&mut world, 0);
    world.leave(client);
    // Nothing is due but a look at what it does not listen on.
    world.wait(31_000);
    assert_eq!(world.model.deadline(), None);
}

/// How long after a worker listens on another port the one before is closed.
fn given_up_after(change: impl FnOnce(&mut World)) -> u64 {
    let mut world = World::with_more("api", "good", 2, json!({"listen_timeout": 3000}));
    world.wait(100);
    world.quiet();
    change(&mut world);
    while !world.state().matches("elsewhere").count().eq(&2)
        || world.model.known().count_online() < 2
    {
        world.wait(1);
    }
    let listens = world.at.now;
    while !world.parts.contains(&"close unused of app 0".to_owned()) {
        world.wait(1);
        assert!(world.at.now < listens + 60_000, "{:?}", world.parts);
    }
    world.at.now - listens
}

#[test]
fn a_port_that_another_version_does_not_ask_for_is_given_up_at_once() {
    let restart = |world: &mut World| {
        let records = vec![record("api", "elsewhere", 2, json!({"listen_timeout": 3000}))];
        let change = Change { records, ..Change::default() };
        world.act_with(Action::Restart, &[0, 1], change);
    };
    assert!(given_up_after(restart) <= 210, "{}", given_up_after(restart));
}
