//! Which apps can sleep until somebody comes.

use ostler_config::{Options, load};
use ostler_core::spec::ExecMode;

use crate::world::World;

fn world() -> World {
    let world = World::new(&["node", "bun", "python3"]);
    world.file("a.js", "");
    world.file("a.py", "");
    world
}

/// What is said of an app with these keys, without the place.
fn said(keys: &str) -> String {
    let world = world();
    world.file("eco.json", format!("{{ name: 'a', idle_stop: '10m', {keys} }}"));
    let (_, report) = load("eco.json", &Options::default(), &world.ctx);
    let lines = report.iter().filter(|one| one.is_error());
    lines.map(|one| format!("{}: {}", one.code, one.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_to_sleep_is_a_cluster_unless_another_mode_is_asked_for() {
    let app = world().app("{script: 'a.js', idle_stop: '10m'}");
    assert_eq!((app.exec_mode, app.instances), (ExecMode::Cluster, 1));
    assert_eq!(app.idle_stop, Some(600_000));
    let app = world().app("{script: 'a.js', idle_stop: 0}");
    assert_eq!((app.exec_mode, app.idle_stop), (ExecMode::Fork, None));
}

#[test]
fn an_app_that_nobody_could_wake_is_refused() {
    let refused = |keys: &str, why: &str| {
        let said = said(keys);
        assert!(said.starts_with("no-idle-stop: ") && said.contains(why), "{keys}: {said}");
    };
    refused("script: 'a.js', exec_mode: 'fork'", "needs cluster mode");
    refused("script: 'a.py'", "needs cluster mode");
    refused("script: 'a.js', interpreter: 'bun'", "not for bun");
    refused("script: 'a.js', balance: 'shared'", "`balance: \"shared\"`");
    let health = "health: { tcp: 3000, restart_after: 3 }";
    refused(&format!("script: 'a.js', {health}"), "keeps it awake");
    // A check before a reload only, and one that goes past the port, keep nobody awake.
    assert_eq!(said("script: 'a.js', health: { tcp: 3000 }"), "");
    let http = "health: { http: 'http://localhost:3000/', restart_after: 3 }";
    assert_eq!(said(&format!("script: 'a.js', {http}")), "");
}
