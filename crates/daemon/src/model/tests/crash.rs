//! The daemon dies before every single effect of a story; the end must be the same.

use super::world::World;

#[track_caller]
fn same_end(story: impl Fn(&mut World)) {
    let mut whole = World::new();
    story(&mut whole);
    assert!(5 < whole.steps, "the story has no effects to lose");
    for at in 0..whole.steps {
        let mut broken = World::new();
        broken.crash_at = Some(at);
        story(&mut broken);
        assert_eq!(broken.state(), whole.state(), "daemon lost at effect {at}");
        assert_eq!(broken.waiting(), whole.waiting(), "daemon lost at effect {at}");
        let alive = |world: &World| world.runs.values().filter(|sim| sim.alive).count();
        assert_eq!(alive(&broken), alive(&whole), "runs alive after effect {at}");
    }
}

#[test]
fn the_daemon_may_die_at_every_effect() {
    same_end(|world| {
        world.start("api", "good", 2);
        world.wait(50);
        world.reload(&[0, 1], "api", "better");
        world.wait(1000);
    });
}
