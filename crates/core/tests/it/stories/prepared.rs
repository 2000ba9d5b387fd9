//! Starts that the keeper has before the end that they follow.

use ostler_core::spec::Policy;
use ostler_core::{Event, Exit, ProcId, ReloadOptions, RunId, SpecId};

use super::{check, one, told};
use crate::world::{GOOD, World};

/// One slot whose first run has crashed.
fn crashed(change: impl FnOnce(&mut Policy)) -> World {
    let mut world = one(GOOD, change);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    told(&mut world);
    world
}

type Told = (u64, u64, u64, u64, (u32, u32));

/// What the keeper was told: which run is to follow which, in which time, with which counters.
fn prepared(world: &World) -> Vec<Told> {
    let all = world.prepared.values().map(|(_, of)| of);
    all.map(|of| (of.after.0, of.run.0, of.not_before, of.not_after, (of.restarts, of.unstable)))
        .collect()
}

fn counters(world: &World) -> (u32, u32) {
    let process = world.supervisor.slot(ProcId(0)).unwrap().process();
    (process.restarts(), process.unstable())
}

#[test]
fn the_second_crash_is_followed_by_the_run_that_was_prepared() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    assert_eq!(prepared(&world), [], "it has not crashed");
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    check(&mut world, "0 ended code 1; 0 restarts in 0; spawn 0 v1; 0 online");
    let until = world.now + 9;
    assert_eq!(prepared(&world), [(2, 3, 0, until, (2, 2))]);
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    check(&mut world, "0 ended code 1; 0 restarts in 0; begun 0 v1; 0 online");
    assert_eq!((counters(&world), world.state().as_str()), ((2, 2), "0:up online v1"));
}

#[test]
fn after_the_least_uptime_it_is_prepared_as_the_end_of_a_long_run() {
    let mut world = crashed(|_| ());
    world.wait(50);
    let since = world.runs[&RunId(2)].seen.since;
    assert_eq!(prepared(&world), [(2, 3, since + 10, u64::MAX, (2, 0))]);
    assert_eq!(world.supervisor.deadline(), None, "nothing will change by time alone");
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    assert_eq!(counters(&world), (2, 0));
}

#[test]
fn a_crash_that_is_heard_late_counts_as_the_keeper_noted_it() {
    let mut world = crashed(|_| ());
    world.end(RunId(2), Exit::Code(1));
    // By now it would seem to have lived long.
    world.now += 20;
    while world.deliver() {}
    assert_eq!((counters(&world), world.state().as_str()), ((2, 2), "0:up online v1"));
}

#[test]
fn a_run_that_was_begun_in_advance_has_its_time_to_be_ready() {
    let mut world = crashed(|_| ());
    world.end(RunId(2), Exit::Code(1));
    told(&mut world);
    let now = world.now;
    assert!(world.deliver(), "its end");
    check(&mut world, "0 ended code 1; 0 restarts in 0; begun 0 v1");
    assert_eq!(world.supervisor.deadline(), Some(now + 30));
}

#[test]
fn when_a_reload_fails_what_follows_is_prepared_again_for_all_its_slots() {
    let mut world = World::new();
    let old = world.version(1, GOOD, |_| ());
    let new = world.version(2, GOOD, |policy| policy.stable_for = 100);
    world.add(2, old);
    world.wait(1);
    for run in [1, 2] {
        world.end(RunId(run), Exit::Code(1));
    }
    world.wait(20);
    assert_eq!(prepared(&world).len(), 2);
    world.reload(2, new, ReloadOptions { parallel: 2, ..ReloadOptions::default() });
    world.wait(1);
    assert_eq!(prepared(&world).len(), 0);
    let candidate = world.supervisor.slot(ProcId(0)).unwrap().candidate().unwrap().0;
    world.end(candidate, Exit::Code(1));
    assert!(world.deliver(), "its end");
    assert!(told(&mut world).contains("reload ended v1 failed"));
    assert_eq!(prepared(&world).len(), 2);
}

#[test]
fn an_end_that_may_be_one_too_many_is_not_prepared() {
    let mut world = crashed(|policy| policy.max_unstable = 2);
    let since = world.runs[&RunId(2)].seen.since;
    assert_eq!(prepared(&world), [(2, 3, since + 10, u64::MAX, (2, 0))]);
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    assert_eq!(world.state(), "0:down errored v1");
}

#[test]
fn an_exit_code_that_stops_it_is_followed_by_nothing() {
    let mut world = crashed(|policy| policy.stop_exit_codes = vec![7]);
    world.end(RunId(2), Exit::Code(7));
    world.wait(1);
    check(&mut world, "0 ended code 7; 0 stopped");
}

#[test]
fn what_is_not_sure_is_not_prepared() {
    let changes: [fn(&mut Policy); 2] = [
        |policy: &mut Policy| policy.restart_delay = 1,
        |policy: &mut Policy| policy.backoff = Some(1),
    ];
    for change in changes {
        let mut world = crashed(change);
        world.wait(20);
        assert_eq!((world.state().as_str(), prepared(&world)), ("0:up online v1", vec![]));
    }
}

#[test]
fn whatever_the_user_does_revokes_it() {
    let all: [fn(&mut World); 6] = [
        |world: &mut World| world.event(Event::Stop(ProcId(0))),
        |world: &mut World| world.event(Event::Restart { proc: ProcId(0), change: None }),
        |world: &mut World| world.event(Event::Delete(ProcId(0))),
        |world: &mut World| world.event(Event::Retire(ProcId(0))),
        |world: &mut World| world.event(Event::Reset(ProcId(0))),
        |world: &mut World| {
            world.version(2, GOOD, |_| ());
            world.reload(1, SpecId(2), ReloadOptions::default());
        },
    ];
    for what in all {
        let mut world = crashed(|_| ());
        assert_eq!(prepared(&world).len(), 1);
        what(&mut world);
        assert_eq!(prepared(&world), []);
        world.wait(100);
        assert!(!world.said.iter().any(|word| word.starts_with("begun")), "{:?}", world.said);
    }
}

#[test]
fn a_run_that_began_although_it_was_revoked_is_stopped_too() {
    let mut world = crashed(|_| ());
    world.end(RunId(2), Exit::Code(1));
    world.event(Event::Stop(ProcId(0)));
    world.wait(1);
    assert!(told(&mut world).contains("begun 0 v1; ask 3"));
    world.wait(100);
    assert_eq!(world.state(), "0:down stopped v1");
    assert!(world.runs.values().all(|sim| !sim.alive()));
}

#[test]
fn a_run_that_began_although_it_was_replaced_leaves() {
    let mut world = crashed(|_| ());
    world.version(2, GOOD, |_| ());
    world.end(RunId(2), Exit::Code(1));
    world.reload(1, SpecId(2), ReloadOptions::default());
    world.wait(1000);
    assert_eq!(world.state(), "0:up online v2");
    assert_eq!(world.runs.values().filter(|sim| sim.alive()).count(), 1);
}

#[test]
fn a_run_that_began_while_nobody_listened_is_taken_up() {
    let mut world = crashed(|_| ());
    world.end(RunId(2), Exit::Code(1));
    told(&mut world);
    world.forget();
    world.wait(1);
    assert_eq!((counters(&world), world.state().as_str()), ((2, 2), "0:up online v1"));
    check(&mut world, "0 ended code 1; 0 online");
    let run = world.supervisor.slot(ProcId(0)).unwrap().process().run();
    assert_eq!(run, Some(RunId(3)));
    assert_eq!(world.runs.len(), 1, "{:?}", world.runs);
}

#[test]
fn a_change_that_was_wanted_before_is_made_to_a_run_that_began_by_itself() {
    let mut world = crashed(|_| ());
    let spec = world.version(2, GOOD, |_| ());
    let policy = world.versions[&spec].0.clone();
    world.end(RunId(2), Exit::Code(1));
    world.event(Event::Restart { proc: ProcId(0), change: Some((spec, policy)) });
    world.forget();
    world.wait(100);
    assert_eq!(world.state(), "0:up online v2");
}
