//! Slots that are held: what they depend on is not there.

use ostler_core::{Event, Exit, ProcId, RunId};

use super::{check, one, told};
use crate::world::{GOOD, World};

const ID: ProcId = ProcId(0);

fn hold(world: &mut World, held: bool) {
    world.event(Event::Hold { proc: ID, held });
}

#[test]
fn what_is_held_begins_when_it_is_released_and_no_sooner() {
    let mut world = one(GOOD, |_| ());
    world.event(Event::Stop(ID));
    world.wait(100);
    hold(&mut world, true);
    told(&mut world);
    world.event(Event::Start(ID));
    world.wait(100_000);
    hold(&mut world, true);
    check(&mut world, "0 held");
    assert_eq!(world.state(), "0:up held v1");
    hold(&mut world, false);
    world.wait(1);
    check(&mut world, "spawn 0 v1; 0 online");
}

#[test]
fn what_runs_goes_on_when_it_is_held_and_its_next_run_waits() {
    let mut world = one(GOOD, |_| ());
    world.wait(100);
    told(&mut world);
    hold(&mut world, true);
    world.wait(100_000);
    check(&mut world, "");
    world.end(RunId(1), Exit::Code(1));
    world.wait(100_000);
    check(&mut world, "0 ended code 1; 0 restarts in 0; 0 held");
    hold(&mut world, false);
    world.wait(1);
    check(&mut world, "spawn 0 v1; 0 online");
    assert_eq!(world.supervisor.slot(ID).unwrap().process().restarts(), 1);
}

#[test]
fn nothing_is_prepared_for_the_end_of_what_is_held() {
    let mut world = one(GOOD, |_| ());
    world.wait(100);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    assert_eq!(world.prepared.len(), 1, "its next run is prepared");
    hold(&mut world, true);
    assert_eq!(world.prepared.len(), 0);
    hold(&mut world, false);
    assert_eq!(world.prepared.len(), 1);
}

#[test]
fn a_stop_ends_the_waiting() {
    let mut world = one(GOOD, |_| ());
    world.wait(100);
    hold(&mut world, true);
    world.event(Event::Restart { proc: ID, change: None });
    world.wait(100);
    assert_eq!(world.state(), "0:up held v1");
    told(&mut world);
    world.event(Event::Stop(ID));
    check(&mut world, "0 stopped");
    hold(&mut world, false);
    world.wait(100);
    assert_eq!(world.state(), "0:down stopped v1");
}

#[test]
fn what_waits_waits_on_after_the_memory_is_lost() {
    let mut world = one(GOOD, |_| ());
    world.wait(100);
    hold(&mut world, true);
    world.end(RunId(1), Exit::Code(1));
    world.wait(100);
    world.forget();
    world.wait(100_000);
    assert_eq!(world.state(), "0:up held v1");
    hold(&mut world, false);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn a_job_that_ends_with_success_is_not_started_again_and_one_that_fails_is() {
    for (code, state) in [(0, "0:down stopped v1"), (7, "0:down stopped v1"), (1, "0:up online v1")]
    {
        let mut world = one(GOOD, |policy| {
            (policy.oneshot, policy.success_exit_codes) = (true, vec![7]);
        });
        world.wait(100);
        world.end(RunId(1), Exit::Code(code));
        world.wait(1);
        assert_eq!(world.state(), state, "after {code}");
    }
}

#[test]
fn what_is_prepared_for_a_job_is_not_begun_after_success() {
    let mut world = one(GOOD, |policy| policy.oneshot = true);
    world.wait(100);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    let (_, prepared) = world.prepared.values().next().expect("the job is tried again");
    assert_eq!(prepared.except_codes, [0]);
}
