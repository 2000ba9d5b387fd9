//! What happened without a command is told also by the daemon after.

use ostler_core::{ProcId, SpecId};
use ostler_wire::control::Details;
use serde_json::json;

use super::super::Input;
use super::world::World;

fn told(world: &World) -> (Option<String>, Option<String>) {
    let Details { restarted, failed_reload, .. } = world.model.details(ProcId(0)).unwrap();
    (restarted.map(|of| of.what), failed_reload.map(|of| of.what))
}

#[test]
fn a_restart_that_nobody_asked_for_is_told_with_its_reason_also_by_the_daemon_after() {
    let mut world = World::with_more("api", "good", 1, json!({"watch": true}));
    world.wait(50);
    assert_eq!(told(&world), (None, None));
    let spec = world.watched.first().map_or(SpecId(0), |of| of.spec);
    world.input(Input::Changed { spec, path: "/srv/a.js".into() });
    world.wait(5000);
    let changed = Some("`/srv/a.js` changed".to_owned());
    assert_eq!(told(&world), (changed.clone(), None));
    world.forget();
    assert_eq!(told(&world), (changed, None));
}

#[test]
fn a_reload_that_failed_is_told_until_a_new_version_is_accepted_also_by_the_daemon_after() {
    let mut world = World::with("api", "good", 2);
    world.reload(&[0], "api", "exits");
    world.wait(5000);
    let (restarted, failed) = told(&world);
    let failed = failed.unwrap_or_else(|| panic!("{:?}", world.log));
    assert!(failed.starts_with("new worker 0 failed: "), "{failed}");
    world.forget();
    assert_eq!(told(&world), (restarted, Some(failed)));
    // Accepted is also a new run of what it is.
    let mut same = World { disk: world.disk.clone(), runs: world.runs.clone(), ..World::new() };
    same.forget();
    same.wait(50);
    for (world, script) in [(&mut world, "better"), (&mut same, "good")] {
        world.reload(&[0], "api", script);
        world.wait(5000);
        assert_eq!(told(world), (None, None), "{:?}", world.log);
    }
}
