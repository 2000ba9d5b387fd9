//! A canary: one worker of the new version, until somebody decides.

use crate::reload_world::{SOON, World};

#[test]
fn a_canary_waits_for_its_promotion() {
    let world = World::start(3, "");
    let before = world.pids();
    world.file(3, "", "VERSION: 'two'");
    let load = world.load();
    world.sandbox.ostler(["reload", "ecosystem.config.js", "--canary"]).run();
    let during = world.pids();
    assert_eq!(during.iter().filter(|pid| before.contains(pid)).count(), 2);
    let list = world.sandbox.jlist();
    assert_eq!(list.iter().filter(|process| process["pm2_env"]["rollout"] == "canary").count(), 1);
    // Another reload meanwhile is refused with the way out.
    let output = world.reload(&["web"], 1);
    assert!(output.err.contains("app `web` has a canary"), "{}", output.err);
    assert!(output.err.contains("ostler promote web"), "{}", output.err);
    world.sandbox.ostler(["promote", "web"]).run();
    assert!(world.pids().iter().all(|pid| !before.contains(pid)));
    assert!(world.ask().ends_with(" two"));
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(100);
}

#[test]
fn a_canary_can_be_taken_back() {
    let world = World::start(2, "");
    world.file(2, "", "VERSION: 'two'");
    world.sandbox.ostler(["reload", "ecosystem.config.js", "--canary"]).run();
    world.sandbox.ostler(["rollback", "web"]).run();
    for _ in 0..4 {
        assert!(!world.ask().ends_with(" two"));
    }
    let error = world.sandbox.ostler(["rollback", "web"]).code(1).run().err;
    assert!(error.contains("app `web` has no canary"), "{error}");
}
