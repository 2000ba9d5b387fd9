//! Restarts after an exit that nobody asked for, and users who intervene.

use ostler_core::spec::Policy;
use ostler_core::{Event, Exit, Phase, ProcId, ReloadOptions, RunId};

use super::{check, one, rolling, told};
use crate::world::{GOOD, Nature, World};

#[test]
fn a_crash_restarts_at_once_and_counts() {
    let mut world = one(GOOD, |_| ());
    world.wait(100);
    told(&mut world);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    check(&mut world, "0 ended code 1; 0 restarts in 0; spawn 0 v1; 0 online");
    let process = world.supervisor.slot(ProcId(0)).unwrap().process().clone();
    assert_eq!((process.restarts(), process.unstable()), (1, 0));
}

#[test]
fn a_start_for_which_there_is_no_room_is_refused_once_and_counts_nothing() {
    let policies: [fn(&mut Policy); 4] = [
        |_| (),
        |policy| policy.backoff = Some(5),
        |policy| policy.restart_delay = 5,
        |policy| policy.autorestart = false,
    ];
    for change in policies {
        let mut world = one(Nature { has_no_room: true, ..GOOD }, change);
        world.wait(100_000);
        check(&mut world, "spawn 0 v1; 0 ended for want of room; 0 refused");
        assert_eq!(world.state(), "0:down errored v1");
        let process = world.supervisor.slot(ProcId(0)).unwrap().process();
        assert_eq!((process.restarts(), process.unstable(), process.backoff()), (0, 0, 0));
    }
}

#[test]
fn a_candidate_without_room_never_takes_over() {
    let carry_on = ReloadOptions { no_rollback: true, ..ReloadOptions::default() };
    for options in [ReloadOptions::default(), carry_on] {
        let new = Nature { has_no_room: true, ..GOOD };
        let mut world = rolling(2, GOOD, new, options, |_| ());
        world.wait(1000);
        assert_eq!(world.state(), "0:up online v1, 1:up online v1");
        assert_eq!(told(&mut world).matches("spawn").count(), 1);
    }
}

#[test]
fn a_run_is_short_when_it_is_shorter_than_min_uptime() {
    for (uptime, unstable) in [(9, 1), (10, 0)] {
        let mut world = one(GOOD, |_| ());
        world.wait(uptime - 1);
        world.end(RunId(1), Exit::Code(1));
        world.wait(1);
        let process = world.supervisor.slot(ProcId(0)).unwrap().process();
        assert_eq!(process.unstable(), unstable, "after {uptime} ms");
    }
}

#[test]
fn with_a_limit_of_none_the_first_short_run_is_the_last_but_long_ones_are_restarted() {
    let mut world = one(GOOD, |policy| policy.max_unstable = 0);
    world.wait(20);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    assert_eq!(world.state(), "0:up online v1");
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    assert_eq!(world.state(), "0:down errored v1");
}

#[test]
fn a_restart_and_a_new_version_begin_the_counters_anew() {
    let mut world = one(Nature { exits: Some(1), ..GOOD }, |policy| policy.backoff = Some(100));
    let counters = |world: &World| {
        let process = world.supervisor.slot(ProcId(0)).unwrap().process();
        (process.restarts(), process.unstable(), process.backoff())
    };
    assert_eq!(counters(&world), (0, 1, 100));
    world.wait(100);
    assert_eq!(counters(&world), (1, 2, 150));
    let spec = world.version(2, GOOD, |_| ());
    world.event(Event::Restart { proc: ProcId(0), change: None });
    assert_eq!(counters(&world), (1, 0, 0));
    world.wait(1);
    world.reload(1, spec, ReloadOptions::default());
    world.wait(1);
    assert_eq!((world.state().as_str(), counters(&world)), ("0:up online v2", (2, 0, 0)));
}

#[test]
fn it_gives_up_after_too_many_short_runs() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |_| ());
    world.wait(100);
    let runs = world.said.iter().filter(|word| word.starts_with("spawn")).count();
    assert_eq!((runs, world.state().as_str()), (3, "0:down errored v1"));
    assert_eq!(world.said.last().unwrap(), "0 gave up after 3");
    // PM2 shows max_restarts - 1 restarts then (runtime behaviour §3).
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().process().restarts(), 2);
}

#[test]
fn restart_delay_does_not_switch_the_limit_off() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |policy| policy.restart_delay = 5000);
    world.wait(100_000);
    assert_eq!(world.state(), "0:down errored v1");
}

#[test]
fn a_long_run_resets_the_count_of_short_ones() {
    let world = &mut one(GOOD, |policy| policy.max_unstable = 2);
    for run in 1..6 {
        world.wait(if run % 2 == 0 { 50 } else { 1 });
        world.end(RunId(run), Exit::Code(1));
        world.wait(1);
    }
    assert_eq!(world.state(), "0:up online v1");
}

/// The pause that was told last, ms.
fn last_delay(world: &World) -> u64 {
    let told = world.said.iter().rev().find(|sentence| sentence.contains("restarts in")).unwrap();
    told.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn back_off_grows_by_half_to_its_cap_and_a_long_run_resets_it() {
    let world = &mut one(GOOD, |policy| {
        policy.backoff = Some(100);
        policy.max_unstable = 100;
    });
    let mut delays = Vec::new();
    for run in 1..20 {
        world.end(RunId(run), Exit::Code(1));
        world.wait(20_000);
        delays.push(last_delay(world));
    }
    assert_eq!(delays[..10], [100, 150, 225, 337, 505, 757, 1135, 1702, 2553, 3829]);
    assert_eq!(delays[18], 15_000);
    let began = match world.supervisor.slot(ProcId(0)).unwrap().process().phase() {
        Phase::Online { since, .. } => since,
        other => panic!("{other:?}"),
    };
    world.wait(began + 30_000 - world.now);
    world.end(RunId(20), Exit::Code(1));
    world.wait(15_000);
    assert_eq!(last_delay(world), 15_000, "30 s are not enough");
    world.wait(30_001);
    world.end(RunId(21), Exit::Code(1));
    world.wait(1);
    assert!(world.said.last().unwrap().ends_with("in 100"));
}

#[test]
fn no_autorestart_and_stop_codes_end_stopped_whatever_the_delay() {
    let world = &mut one(Nature { exits: Some(0), ..GOOD }, |policy| {
        policy.autorestart = false;
        policy.restart_delay = 10;
    });
    assert_eq!(world.state(), "0:down stopped v1");
    let world =
        &mut one(Nature { exits: Some(7), ..GOOD }, |policy| policy.stop_exit_codes = vec![7]);
    assert_eq!(world.state(), "0:down stopped v1");
    let world =
        &mut one(Nature { exits: Some(8), ..GOOD }, |policy| policy.stop_exit_codes = vec![7]);
    world.wait(1);
    assert_eq!(world.state(), "0:down errored v1");
}

#[test]
fn a_stop_during_the_pause_cancels_the_restart() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |policy| policy.restart_delay = 100);
    world.wait(5);
    assert_eq!(world.state(), "0:up pausing v1");
    world.event(Event::Stop(ProcId(0)));
    world.wait(1000);
    assert_eq!(world.state(), "0:down stopped v1");
}

#[test]
fn a_restart_during_the_pause_starts_at_once() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |policy| policy.restart_delay = 100);
    world.wait(5);
    told(world);
    world.event(Event::Restart { proc: ProcId(0), change: None });
    assert!(told(world).starts_with("spawn 0 v1"));
}

#[test]
fn a_restart_of_a_running_process_counts_and_of_a_stopped_one_does_not() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Restart { proc: ProcId(0), change: None });
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; spawn 0 v1; 0 online");
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().process().restarts(), 1);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1);
    world.event(Event::Restart { proc: ProcId(0), change: None });
    world.wait(1);
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().process().restarts(), 1);
    world.event(Event::Reset(ProcId(0)));
    assert_eq!(world.supervisor.slot(ProcId(0)).unwrap().process().restarts(), 0);
}

#[test]
fn the_last_pause_is_shown_until_the_user_resets_it() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |policy| policy.backoff = Some(100));
    let backoff = |world: &World| world.supervisor.slot(ProcId(0)).unwrap().process().backoff();
    assert_eq!(backoff(world), 100);
    world.wait(100);
    assert_eq!(backoff(world), 150);
    world.event(Event::Reset(ProcId(0)));
    assert_eq!(backoff(world), 0);
}

#[test]
fn a_changed_specification_is_in_force_from_the_next_run() {
    let mut world = one(GOOD, |_| ());
    let spec = world.version(2, GOOD, |_| ());
    let policy = world.versions[&spec].0.clone();
    told(&mut world);
    world.event(Event::Restart { proc: ProcId(0), change: Some((spec, policy)) });
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; spawn 0 v2; 0 online");
}

#[test]
fn descendants_of_a_crashed_run_are_swept_before_the_next() {
    let world = &mut one(Nature { litters: true, ..GOOD }, |_| ());
    world.wait(50);
    world.end(RunId(1), Exit::Code(1));
    world.wait(1);
    assert!(!world.runs.contains_key(&RunId(1)), "a descendant of the first run lives");
    assert_eq!(world.state(), "0:up online v1");
}
