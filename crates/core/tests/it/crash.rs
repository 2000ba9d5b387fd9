//! The daemon's memory is lost before every single action of a story; each time, the end state
//! must be the same.

use std::sync::Arc;

use ostler_core::spec::{Policy, Readiness};
use ostler_core::{Event, Exit, ProcId, ReloadOptions, RunId, SpecId};

use crate::world::{GOOD, Nature, World};

fn counters(world: &World) -> Vec<(u32, u32, u64)> {
    let of = |process: &ostler_core::process::Process| {
        (process.restarts(), process.unstable(), process.backoff())
    };
    world.supervisor.slots().map(|(_, slot)| of(slot.process())).collect()
}

#[track_caller]
fn same_end(story: impl Fn(&mut World)) {
    same_end_of(counters, story);
}

/// Compares also what `of` says of the two worlds.
#[track_caller]
fn same_end_of<T: PartialEq + std::fmt::Debug>(
    of: impl Fn(&World) -> T,
    story: impl Fn(&mut World),
) {
    let mut whole = World::new();
    story(&mut whole);
    assert!(5 < whole.steps, "the story has no actions to lose");
    for at in 0..whole.steps {
        let mut broken = World::new();
        broken.crash_at = Some(at);
        story(&mut broken);
        assert_eq!(broken.state(), whole.state(), "memory lost at action {at}");
        assert_eq!(of(&broken), of(&whole), "after memory lost at action {at}");
        let alive = |world: &World| world.runs.values().filter(|sim| sim.alive()).count();
        assert_eq!(alive(&broken), alive(&whole), "runs alive after memory lost at action {at}");
    }
}

#[test]
fn memory_may_be_lost_at_every_action() {
    same_end(|world| {
        let spec = world.version(1, GOOD, |_| ());
        world.add(3, spec);
        world.wait(50);
        world.event(Event::Restart { proc: ProcId(0), change: None });
        world.event(Event::Stop(ProcId(1)));
        world.wait(50);
        world.event(Event::Delete(ProcId(2)));
        world.wait(50);
        world.event(Event::Start(ProcId(1)));
        world.wait(1000);
    });
}

#[test]
fn memory_may_be_lost_before_a_changed_specification_is_in_force() {
    same_end(|world| {
        let old = world.version(1, Nature { stubborn: true, ..GOOD }, |_| ());
        let new = world.version(2, GOOD, |_| ());
        let change = Some((new, Arc::clone(&world.versions[&new].0)));
        world.add(2, old);
        world.wait(50);
        world.event(Event::Restart { proc: ProcId(0), change });
        world.wait(1000);
    });
}

#[test]
fn a_restart_is_not_lost_with_the_memory() {
    let restarted = |crash_at| {
        let mut world = World::new();
        let spec = world.version(1, GOOD, |_| ());
        world.add(1, spec);
        world.wait(50);
        let (first, before) = (*world.runs.keys().next().unwrap(), world.steps);
        world.crash_at = crash_at;
        world.event(Event::Restart { proc: ProcId(0), change: None });
        world.wait(1000);
        assert_eq!(world.state(), "0:up online v1", "memory lost at {crash_at:?}");
        assert!(!world.runs.contains_key(&first), "memory lost at {crash_at:?}");
        (before, world.steps)
    };
    let (before, end) = restarted(None);
    for at in before..end {
        restarted(Some(at));
    }
}

#[test]
fn a_run_that_had_no_listener_has_none_for_the_next_daemon() {
    let silent = Nature { listens: false, ..GOOD };
    let mut world = World::new();
    let old = world.version(1, silent, |_| ());
    let new = world.version(2, silent, |_| ());
    world.add(1, old);
    world.wait(50);
    world.forget();
    world.wait(1);
    world.reload(1, new, ReloadOptions::default());
    world.wait(31);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn no_run_number_is_used_again_when_the_keeper_holds_no_run() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add(1, spec);
    world.wait(1);
    world.event(Event::Restart { proc: ProcId(0), change: None });
    world.wait(1);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1);
    assert!(world.runs.is_empty());
    world.forget();
    world.event(Event::Start(ProcId(0)));
    assert_eq!(world.runs.keys().collect::<Vec<_>>(), [&RunId(3)]);
}

#[test]
fn memory_may_be_lost_in_a_reload() {
    for (nature, parallel) in [
        (GOOD, 1),
        (GOOD, 2),
        (Nature { exits: Some(1), ..GOOD }, 1),
        (Nature { listens: false, ..GOOD }, 1),
    ] {
        same_end(|world| {
            let old = world.version(1, GOOD, |_| ());
            world.version(2, nature, |policy| policy.stable_for = 5);
            world.add(3, old);
            world.wait(50);
            world.reload(3, SpecId(2), ReloadOptions { parallel, ..ReloadOptions::default() });
            world.wait(5000);
        });
    }
}

#[test]
fn memory_may_be_lost_with_stubborn_workers_and_their_descendants() {
    same_end(|world| {
        let old = world.version(
            1,
            Nature { stubborn: true, drains: false, litters: true, ..GOOD },
            |_| (),
        );
        world.version(2, GOOD, |_| ());
        world.add(2, old);
        world.wait(50);
        world.reload(2, SpecId(2), ReloadOptions::default());
        world.wait(1000);
        world.event(Event::Retire(ProcId(0)));
        world.wait(1000);
    });
}

#[test]
fn memory_may_be_lost_while_a_run_is_replaced_because_of_its_memory_use() {
    for plain in [true, false] {
        same_end(|world| {
            let spec = world.version(1, GOOD, |policy| policy.max_memory = Some(5));
            if plain {
                world.add_plain(spec);
            } else {
                world.add(1, spec);
            }
            world.wait(50);
            let run = world.supervisor.slot(ProcId(0)).unwrap().process().run().unwrap();
            world.event(Event::Measured { run, memory: 6 });
            world.wait(1000);
        });
    }
}

#[test]
fn memory_may_be_lost_while_a_run_is_replaced_for_want_of_health() {
    for plain in [true, false] {
        same_end(|world| {
            let spec = world.version(1, GOOD, |policy| policy.min_uptime = 1);
            if plain {
                world.add_plain(spec);
            } else {
                world.add(1, spec);
            }
            world.wait(50);
            let run = world.supervisor.slot(ProcId(0)).unwrap().process().run().unwrap();
            world.event(Event::Unhealthy(run));
            world.wait(1000);
        });
    }
}

#[test]
fn a_candidate_that_said_ready_need_not_say_it_to_the_next_daemon() {
    for says_ready in [true, false] {
        let mut world = World::new();
        let old = world.version(1, GOOD, |_| ());
        let new = world.version(2, Nature { says_ready, ..GOOD }, |policy| {
            policy.readiness = Readiness::Message;
            policy.stable_for = 50;
        });
        world.add(1, old);
        world.wait(20);
        world.reload(1, new, ReloadOptions::default());
        world.wait(5);
        world.said.clear();
        world.forget();
        assert_eq!(world.said, [""; 0], "the candidate goes on");
        world.wait(49);
        assert_eq!(world.state(), "0:up online v1+");
        world.wait(1);
        let expected = if says_ready { "0:up online v2" } else { "0:up online v1+" };
        assert_eq!(world.state(), expected);
    }
}

#[test]
fn a_retired_worker_goes_on_finishing_its_connections_after_the_loss_of_memory() {
    let mut world = World::new();
    let spec = world.version(1, Nature { drains: false, ..GOOD }, |_| ());
    world.add(1, spec);
    world.wait(20);
    world.said.clear();
    world.event(Event::Retire(ProcId(0)));
    world.forget();
    world.wait(49);
    assert_eq!(world.said, ["disconnect 1", "disconnect 1"]);
    world.wait(1);
    assert_eq!(world.said[2..], ["ask 1", "0 ended signal 2", "0 stopped", "0 removed"]);
}

#[test]
fn no_end_is_counted_twice_or_forgotten() {
    for change in [
        |policy: &mut Policy| policy.backoff = Some(20),
        |policy: &mut Policy| policy.restart_delay = 5,
    ] {
        for litters in [false, true] {
            same_end(|world| {
                let nature = Nature { exits: Some(1), litters, ..GOOD };
                let spec = world.version(1, nature, |policy| {
                    policy.max_unstable = 5;
                    change(policy);
                });
                world.add(2, spec);
                world.wait(45);
            });
        }
    }
}

/// Crashes of a slot's current run, some time after it was started.
fn crash(world: &mut World, times: u32, after: u64) {
    for _ in 0..times {
        world.wait(after);
        let run = world.supervisor.slot(ProcId(0)).unwrap().process().run().unwrap();
        world.end(run, Exit::Code(1));
    }
}

#[test]
fn memory_may_be_lost_where_runs_follow_each_other_without_us() {
    for litters in [false, true] {
        same_end(|world| {
            let nature = Nature { litters, ..GOOD };
            let spec = world.version(1, nature, |policy| policy.max_unstable = 5);
            world.add(2, spec);
            crash(world, 4, 3);
            crash(world, 1, 50);
            world.wait(50);
            assert!(world.said.iter().any(|word| word.starts_with("begun")), "{:?}", world.said);
        });
    }
}

#[test]
fn a_changed_specification_that_is_in_force_is_not_put_in_force_again() {
    same_end(|world| {
        let spec = world.version(1, GOOD, |_| ());
        let new = world.version(2, GOOD, |policy| policy.max_unstable = 5);
        let change = Some((new, Arc::clone(&world.versions[&new].0)));
        world.add(2, spec);
        world.wait(50);
        world.event(Event::Restart { proc: ProcId(0), change });
        crash(world, 3, 3);
        world.wait(50);
    });
}

#[test]
fn memory_may_be_lost_where_a_run_follows_that_nobody_wants() {
    // Whether a run that came too late is counted depends on whether anybody heard of it.
    let no_counters = |_: &World| ();
    for what in [Event::Stop(ProcId(0)), Event::Delete(ProcId(0))] {
        same_end_of(no_counters, |world| {
            let nature = Nature { litters: true, ..GOOD };
            let spec = world.version(1, nature, |_| ());
            world.add(2, spec);
            crash(world, 2, 3);
            world.event(what.clone());
            world.wait(200);
        });
    }
}

#[test]
fn memory_may_be_lost_while_a_slot_falls_asleep_sleeps_and_wakes() {
    for nature in [GOOD, Nature { stubborn: true, drains: false, litters: true, ..GOOD }] {
        same_end(|world| {
            let spec = world.version(1, nature, |_| ());
            world.add(2, spec);
            world.wait(50);
            world.event(Event::Sleep(ProcId(0)));
            world.event(Event::Sleep(ProcId(1)));
            world.wait(5000);
            world.event(Event::Wake(ProcId(0)));
            world.wait(50);
            world.event(Event::Sleep(ProcId(0)));
            world.event(Event::Wake(ProcId(0)));
            world.wait(5000);
        });
    }
}

#[test]
fn memory_may_be_lost_where_a_run_follows_one_that_leaves_to_sleep() {
    same_end(|world| {
        let spec = world.version(1, GOOD, |_| ());
        world.add(1, spec);
        crash(world, 2, 3);
        world.wait(50);
        world.event(Event::Sleep(ProcId(0)));
        world.wait(200);
        world.event(Event::Wake(ProcId(0)));
        world.wait(200);
    });
}
