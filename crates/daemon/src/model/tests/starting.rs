//! Starting apps.

use super::world::World;

#[test]
fn a_start_is_over_when_every_process_is_up() {
    let mut world = World::new();
    let client = world.start("api", "good", 2);
    assert_eq!(world.heard(client), "");
    world.wait(50);
    assert_eq!(world.state(), "api:0 online good, api:1 online good");
    assert_eq!(world.heard(client), "started api [0, 1]\ndone");
}

#[test]
fn a_reload_to_a_version_that_never_listens_is_told_with_its_last_lines() {
    let mut world = World::new();
    world.start("api", "good", 1);
    world.wait(50);
    let client = world.reload(&[0], "api", "mute");
    world.wait(60_000);
    assert_eq!(world.state(), "api:0 online good");
    let reply = world.reply(client);
    assert!(reply.starts_with("error: the new version of app `api` failed: worker 0"), "{reply}");
    assert!(reply.contains("its last lines on stderr:\n  it is broken\n"), "{reply}");
}
