//! Ports that apps are given of a range.

use std::collections::BTreeSet;

use ostler_core::ProcId;
use ostler_wire::control::{Action, Change, Request, ScaleTo};
use serde_json::{Value, json};

use super::words::record;
use super::world::{TAKEN, World};

fn range() -> Value {
    json!({ "port": "3000-3002" })
}

fn taken(ports: &[u16]) {
    TAKEN.set(ports.iter().copied().collect::<BTreeSet<u16>>());
}

/// The variable of a slot.
fn port(world: &World, id: u32) -> String {
    let slot = world.model.core().slot(ProcId(id)).unwrap();
    let version = world.model.registry().version(slot.process().next_spec()).unwrap();
    version.spec.env.get("PORT").unwrap_or("none").to_owned()
}

fn restart(world: &mut World, id: u32, name: &str, more: Value) {
    let records = vec![record(name, "good", 0, more)];
    world.act_with(Action::Restart, &[id], Change { records, ..Change::default() });
    world.wait(50);
}

#[test]
fn each_app_gets_the_first_port_that_nobody_has_and_no_app_is_given() {
    taken(&[3001]);
    let mut world = World::with_more("a", "good", 0, range());
    world.start_with("b", "good", 0, range());
    world.wait(50);
    assert_eq!((port(&world, 0), port(&world, 1)), ("3000".into(), "3002".into()));
    // One that is stopped keeps its port, and one that is written counts.
    world.stop(&[0]);
    world.wait(50);
    let client = world.start_with("c", "good", 0, range());
    assert!(world.heard(client).contains("no port from 3000 to 3002 is free for `c`"));
    taken(&[]);
    world.start_with("fixed", "good", 0, json!({ "env": { "PORT": "3001" } }));
    world.wait(50);
    let client = world.start_with("c", "good", 0, range());
    assert!(world.heard(client).contains("no port from 3000 to 3002 is free for `c`"));
}

#[test]
fn an_app_keeps_its_port_over_restarts_although_it_listens_there_itself() {
    taken(&[]);
    let mut world = World::with_more("a", "good", 0, range());
    world.start_with("b", "good", 0, range());
    world.wait(50);
    taken(&[3000, 3001]);
    world.delete(&[0]);
    world.wait(50);
    taken(&[3001]);
    world.restart(&[1]);
    world.wait(50);
    assert_eq!(port(&world, 1), "3001");
    restart(&mut world, 1, "b", range());
    assert_eq!(port(&world, 1), "3001");
    // One that does not run and whose port somebody else has gets another.
    world.stop(&[1]);
    world.wait(50);
    world.restart(&[1]);
    world.wait(50);
    assert_eq!(port(&world, 1), "3000");
    // Another range, a number, and none.
    restart(&mut world, 1, "b", json!({ "port": "4000-4001" }));
    assert_eq!(port(&world, 1), "4000");
    restart(&mut world, 1, "b", json!({ "port": 80, "env": { "PORT": "80" } }));
    assert_eq!(port(&world, 1), "80");
    restart(&mut world, 1, "b", range());
    assert_eq!(port(&world, 1), "3000");
    restart(&mut world, 1, "b", json!({}));
    assert_eq!(port(&world, 1), "none");
}

#[test]
fn workers_of_a_cluster_share_it_and_a_second_process_in_fork_mode_is_refused() {
    taken(&[]);
    let mut world = World::with_more("web", "good", 2, range());
    assert_eq!((port(&world, 0), port(&world, 1)), ("3000".into(), "3000".into()));
    taken(&[3000]);
    world.restart(&[0, 1]);
    world.wait(400);
    assert_eq!((port(&world, 0), port(&world, 1)), ("3000".into(), "3000".into()));
    world.start_with("job", "good", 0, range());
    world.wait(50);
    assert_eq!(port(&world, 2), "3001");
    let client = world.scale("job", ScaleTo::Exactly(2));
    assert!(world.heard(client).contains("each process in fork mode needs one of its own"));
}

#[test]
fn a_saved_app_gets_its_port_back_if_nobody_has_it() {
    taken(&[3000]);
    let mut world = World::with_more("a", "good", 0, range());
    world.wait(50);
    assert_eq!(port(&world, 0), "3001");
    world.request(Request::Save { force: false });
    let saved = world.dump.clone();
    for (busy, expected) in [(vec![], "3001"), (vec![3001], "3000")] {
        taken(&busy);
        let mut after = World::new();
        after.dump = saved.clone();
        after.request(Request::Resurrect);
        after.wait(50);
        assert_eq!(port(&after, 0), expected);
    }
}
