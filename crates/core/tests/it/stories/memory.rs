//! Runs that use more memory than they may.

use ostler_core::{Event, Exit, ProcId, RunId};

use super::{check, one, told};
use crate::world::{GOOD, World};

fn measured(world: &mut World, run: u64, memory: u64) {
    world.event(Event::Measured { run: RunId(run), memory });
}

#[test]
fn a_plain_process_over_its_limit_is_restarted_once() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |policy| policy.max_memory = Some(5));
    world.add_plain(spec);
    measured(&mut world, 1, 9);
    check(&mut world, "spawn 0 v1"); // It is not online yet.
    world.wait(1);
    measured(&mut world, 1, 5);
    check(&mut world, "0 online");
    measured(&mut world, 1, 6);
    measured(&mut world, 1, 6);
    world.wait(1);
    check(&mut world, "0 over memory 6 > 5; ask 1; 0 ended signal 2; spawn 0 v1; 0 online");
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().process().restarts(), 1);
}

#[test]
fn a_run_without_a_limit_may_use_any_memory() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    measured(&mut world, 1, u64::MAX);
    check(&mut world, "");
}

#[test]
fn a_worker_over_its_limit_is_reloaded() {
    let mut world = one(GOOD, |policy| policy.max_memory = Some(5));
    told(&mut world);
    measured(&mut world, 1, 6);
    measured(&mut world, 1, 6);
    world.wait(5);
    check(
        &mut world,
        "0 over memory 6 > 5; spawn 0 v1; 0 verifying; 0 replaced; disconnect 1; reload ended v1; \
         ask 1; 0 left",
    );
}

#[test]
fn a_worker_over_its_limit_during_a_reload_waits_for_its_end() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |policy| {
        policy.max_memory = Some(5);
        policy.stable_for = 10;
    });
    world.add(4, spec);
    world.wait(1);
    told(&mut world);
    for run in [1, 2, 3, 2] {
        measured(&mut world, run, 6);
    }
    world.event(Event::Stop(ProcId(2)));
    world.wait(9);
    check(
        &mut world,
        "0 over memory 6 > 5; spawn 0 v1; 0 verifying; 1 over memory 6 > 5; 2 over memory 6 > 5; \
         ask 3; 2 ended signal 2; 2 stopped",
    );
    // A worker that was stopped meanwhile is not reloaded. A reload that fails is not begun again.
    world.wait(5);
    world.end(RunId(6), Exit::Code(1));
    world.wait(50);
    check(
        &mut world,
        "0 replaced; disconnect 1; reload ended v1; ask 1; 0 left; spawn 1 v1; 1 verifying; \
         1 failed Exited(Code(1)); ask 6; back []; reload ended v1 failed; 1 left",
    );
    assert_eq!(world.state(), "0:up online v1, 1:up online v1, 2:down stopped v1, 3:up online v1");
}
