//! Reloads: the order of things, failures, canaries, and users who intervene.

use std::sync::Arc;

use ostler_core::{Event, Exit, Goal, Phase, ProcId, ReloadOptions, RunId, SpecId};

use super::{SILENT, check, rolling, told};
use crate::world::{GOOD, Nature, World};

#[test]
fn a_reload_replaces_one_after_the_other_and_the_old_leaves_when_the_new_one_passed() {
    let mut world = rolling(2, GOOD, GOOD, ReloadOptions::default(), |_| ());
    world.wait(5);
    // It has its processor for itself with its first clients.
    check(&mut world, "spawn 0 v2; 0 verifying; 0 replaced; disconnect 1; ask 1; 0 left");
    assert_eq!(world.state(), "0:up online v2, 1:up online v1");
    assert!(world.supervisor.is_replacing());
    world.wait(50);
    check(
        &mut world,
        "spawn 1 v2; 1 verifying; 1 replaced; disconnect 2; reload ended v2; ask 2; 1 left",
    );
    assert_eq!(world.state(), "0:up online v2, 1:up online v2");
    assert!(!world.supervisor.is_replacing());
}

#[test]
fn what_serves_nobody_or_goes_at_once_needs_no_time_to_warm_up() {
    let parallel = ReloadOptions { parallel: 2, ..ReloadOptions::default() };
    let silent = Nature { listens: false, ..GOOD };
    let one_by_one = ReloadOptions::default();
    // One that does not listen is taken for good after 300 ms.
    for (nature, options, time) in [(GOOD, parallel, 10), (silent, one_by_one, 910)] {
        let mut world = rolling(3, nature, nature, options, |_| ());
        world.wait(time);
        assert_eq!(world.state(), "0:up online v2, 1:up online v2, 2:up online v2");
    }
}

#[test]
fn a_stop_asks_also_the_old_run_that_still_drains() {
    let mut world =
        rolling(1, Nature { drains: false, ..GOOD }, GOOD, ReloadOptions::default(), |_| ());
    world.wait(5);
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    check(&mut world, "ask 1; ask 2");
}

#[test]
fn a_new_version_that_exits_leaves_the_old_one_serving() {
    let mut world =
        rolling(2, GOOD, Nature { exits: Some(1), ..GOOD }, ReloadOptions::default(), |_| ());
    world.wait(5);
    check(
        &mut world,
        "spawn 0 v2; 0 verifying; 0 failed Exited(Code(1)); ask 3; back []; \
         reload ended v1 failed; 0 left",
    );
    assert_eq!(world.state(), "0:up online v1, 1:up online v1");
    assert!(world.runs.contains_key(&RunId(1)) && world.runs.contains_key(&RunId(2)));
}

#[test]
fn a_failure_in_the_middle_takes_back_what_was_replaced() {
    let mut world =
        rolling(3, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 10);
    world.wait(65); // the first is replaced, the second has to live on
    assert_eq!(world.state(), "0:up online v2, 1:up online v1+, 2:up online v1");
    told(&mut world);
    let candidate = world.supervisor.slot(ProcId(1)).unwrap().candidate().unwrap().0;
    world.end(candidate, Exit::Code(1));
    world.wait(50);
    check(
        &mut world,
        "1 failed Exited(Code(1)); ask 5; back [0]; spawn 0 v1; 0 verifying; 1 left; 0 replaced; \
         disconnect 4; reload ended v1 failed; ask 4; 0 left",
    );
    assert_eq!(world.state(), "0:up online v1, 1:up online v1, 2:up online v1");
}

#[test]
fn without_rollback_it_carries_on_as_pm2_does() {
    let options = ReloadOptions { no_rollback: true, ..ReloadOptions::default() };
    let mut world = rolling(2, GOOD, Nature { exits: Some(1), ..GOOD }, options, |_| ());
    world.wait(200);
    assert_eq!(world.state(), "0:down errored v2, 1:down errored v2");
    assert!(told(&mut world).contains("reload ended v2 failed"));
}

#[test]
fn parallel_replaces_several_at_a_time_and_surge_bounds_the_extra_runs() {
    let parallel = ReloadOptions { parallel: 3, ..ReloadOptions::default() };
    let mut world = rolling(4, GOOD, GOOD, parallel, |policy| policy.stable_for = 10);
    world.wait(1);
    assert_eq!(world.supervisor.slots().filter(|(_, slot)| slot.candidate().is_some()).count(), 3);
    let surge = ReloadOptions { parallel: 3, surge: Some(1), ..ReloadOptions::default() };
    let mut world =
        rolling(2, Nature { drains: false, stubborn: true, ..GOOD }, GOOD, surge, |_| ());
    world.wait(10);
    // The first old one is still leaving: nothing more may be begun.
    assert_eq!(world.state(), "0:up online v2+, 1:up online v1");
    world.wait(200);
    assert_eq!(world.state(), "0:up online v2, 1:up online v2");
}

#[test]
fn a_worker_that_cannot_be_ended_does_not_keep_a_reload_from_its_end() {
    let surge = ReloadOptions { surge: Some(1), ..ReloadOptions::default() };
    let hangs = Nature { drains: false, stubborn: true, hangs: true, ..GOOD };
    let mut world = rolling(3, hangs, GOOD, surge, |_| ());
    world.wait(2000);
    assert!(told(&mut world).contains("reload ended v2"));
    assert_eq!(world.state(), "0:up online v2+, 1:up online v2+, 2:up online v2+");
}

#[test]
fn a_slot_that_is_added_meanwhile_gets_the_new_version_too() {
    for (new, end) in [(GOOD, "v2"), (SILENT, "v1")] {
        let mut world = rolling(2, GOOD, new, ReloadOptions::default(), |_| ());
        let policy = Arc::clone(&world.versions[&SpecId(1)].0);
        let (proc, app) = (ProcId(2), crate::world::APP);
        world.event(Event::Add { proc, app, spec: SpecId(1), policy, cluster: true });
        world.event(Event::Start(proc));
        assert!(world.supervisor.reload(app).unwrap().is_open(proc));
        world.wait(1000);
        let all = (0..3).map(|id| format!("{id}:up online {end}")).collect::<Vec<_>>();
        assert_eq!(world.state(), all.join(", "));
    }
}

#[test]
fn a_slot_that_is_added_with_the_new_version_is_not_replaced() {
    let mut world = rolling(2, GOOD, GOOD, ReloadOptions::default(), |_| ());
    let policy = Arc::clone(&world.versions[&SpecId(2)].0);
    let (proc, app) = (ProcId(2), crate::world::APP);
    world.event(Event::Add { proc, app, spec: SpecId(2), policy, cluster: true });
    world.event(Event::Start(proc));
    assert!(!world.supervisor.reload(app).unwrap().is_open(proc));
}

#[test]
fn a_candidate_that_takes_over_after_the_slot_was_given_up_is_found_again() {
    let mut world =
        rolling(1, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 50);
    world.wait(1);
    for run in [1, 3, 4, 5] {
        world.end(RunId(run), Exit::Code(1));
        world.wait(1);
    }
    assert_eq!(world.state(), "0:down errored v1+");
    world.wait(100);
    assert_eq!(world.state(), "0:up online v2");
    world.forget();
    world.wait(100);
    let process = world.supervisor.slot(ProcId(0)).unwrap().process();
    assert_eq!(process.run(), Some(RunId(2)));
}

#[test]
fn a_slot_that_is_deleted_and_added_again_meanwhile_is_replaced_once() {
    for id in [1, 2] {
        // The first slot is being verified all the time.
        let mut world = rolling(2, GOOD, SILENT, ReloadOptions::default(), |policy| {
            policy.verify_timeout = 100_000;
        });
        let policy = Arc::clone(&world.versions[&SpecId(1)].0);
        let (proc, app) = (ProcId(id), crate::world::APP);
        let add = || Event::Add {
            proc,
            app,
            spec: SpecId(1),
            policy: Arc::clone(&policy),
            cluster: true,
        };
        world.event(add());
        world.event(Event::Start(proc));
        world.event(Event::Delete(proc));
        world.wait(50);
        assert!(world.supervisor.slot(proc).is_none());
        world.event(add());
        world.event(Event::Start(proc));
        assert!(world.supervisor.reload(app).unwrap().is_open(proc), "{id}");
    }
}

#[test]
fn a_canary_waits_for_the_user_and_goes_either_way() {
    for (keep, end) in
        [(true, "0:up online v2, 1:up online v2"), (false, "0:up online v1, 1:up online v1")]
    {
        let canary = ReloadOptions { canary: true, parallel: 2, ..ReloadOptions::default() };
        let mut world = rolling(2, GOOD, GOOD, canary, |_| ());
        world.wait(1000);
        assert!(told(&mut world).contains("0 canary"));
        assert_eq!(world.state(), "0:up online v2, 1:up online v1");
        let reload = world.supervisor.reload(crate::world::APP).unwrap();
        assert!(!world.supervisor.is_replacing(), "it is for the user to decide");
        assert!(reload.is_canary() && !reload.is_open(ProcId(0)) && reload.is_open(ProcId(1)));
        world.event(Event::Promote { app: crate::world::APP, keep });
        world.wait(10);
        assert_eq!(world.state(), end);
    }
}

#[test]
fn what_the_user_does_to_a_slot_takes_it_out_of_the_reload() {
    let mut world =
        rolling(2, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 10);
    world.wait(1);
    world.event(Event::Stop(ProcId(0)));
    world.wait(100);
    assert_eq!(world.state(), "0:down stopped v1, 1:up online v2");
    let process = world.supervisor.slot(ProcId(0)).unwrap().process();
    assert_eq!((process.goal(), process.phase()), (Goal::Down, Phase::Stopped));
}

#[test]
fn a_crash_of_the_old_one_while_the_new_one_is_verified_is_an_ordinary_restart() {
    let mut world =
        rolling(1, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 50);
    world.wait(1);
    world.end(RunId(1), Exit::Code(1));
    world.wait(5);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(100);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_stopped_or_errored_slot_comes_up_by_a_reload() {
    let mut world = World::new();
    let old = world.version(1, Nature { exits: Some(1), ..GOOD }, |_| ());
    let new = world.version(2, GOOD, |_| ());
    world.add(1, old);
    world.wait(100);
    assert_eq!(world.state(), "0:down errored v1");
    world.reload(1, new, ReloadOptions::default());
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_run_that_begins_the_moment_a_candidate_passes_is_ended_too() {
    let mut world = World::new();
    let old =
        world.version(1, Nature { exits: Some(1), ..SILENT }, |policy| policy.restart_delay = 20);
    let new = world.version(2, SILENT, |_| ());
    world.add(1, old);
    world.wait(1);
    world.reload(1, new, ReloadOptions::default());
    // The candidate is proven by the readiness time, in the same moment in which the pause of the
    // old one is over.
    world.now += 100;
    world.event(Event::Deadline);
    world.wait(200);
    assert_eq!(world.state(), "0:up online v2");
    assert_eq!(world.runs.values().filter(|run| run.alive()).count(), 1);
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().leaving().count(), 0);
}
