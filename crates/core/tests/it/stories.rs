//! One story per rule: what is told to the supervisor, and what it does, in order.

use ostler_core::spec::{Policy, Readiness};
use ostler_core::{Event, Exit, Goal, Phase, ProcId, ReloadOptions, RunId};

use crate::world::{GOOD, Nature, World};

const SILENT: Nature = Nature { listens: false, ..GOOD };

/// One slot of this nature, started.
fn one(nature: Nature, change: impl FnOnce(&mut Policy)) -> World {
    let mut world = World::new();
    let spec = world.version(1, nature, change);
    world.add(1, spec);
    world.wait(1);
    world
}

fn told(world: &mut World) -> String {
    std::mem::take(&mut world.said).join("; ")
}

#[track_caller]
fn check(world: &mut World, expected: &str) {
    assert_eq!(told(world), expected);
}

#[test]
fn a_start_spawns_and_the_runtime_makes_it_online() {
    check(&mut one(GOOD, |_| ()), "spawn 0 v1; 0 online");
}

#[test]
fn wait_ready_waits_for_the_word_and_takes_it_as_online_when_time_runs_out() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    check(&mut one(Nature { says_ready: true, ..GOOD }, wait), "spawn 0 v1; 0 online");
    let mut never = one(GOOD, wait);
    check(&mut never, "spawn 0 v1");
    never.wait(30);
    check(&mut never, "0 online late");
}

#[test]
fn a_stop_asks_and_rests() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped");
    assert_eq!(world.state(), "0:down stopped v1");
}

#[test]
fn a_stop_that_is_ignored_is_forced_again_and_again() {
    let mut world = one(Nature { stubborn: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(15);
    check(&mut world, "ask 1");
    world.wait(2);
    check(&mut world, "kill 1; 0 ended signal 9; 0 stopped");
}

#[test]
fn a_stop_is_over_only_when_descendants_are_gone() {
    let mut world = one(Nature { litters: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(2);
    check(&mut world, "ask 1; 0 ended signal 2");
    world.wait(16);
    check(&mut world, "kill 1; 0 stopped");
}

#[test]
fn a_start_during_a_stop_runs_again_after_the_end() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Stop(ProcId(0)));
    world.event(Event::Start(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; spawn 0 v1; 0 online");
}

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
fn a_long_run_forgives_the_short_ones() {
    let world = &mut one(GOOD, |policy| policy.max_unstable = 2);
    for run in 1..6 {
        world.wait(if run % 2 == 0 { 50 } else { 1 });
        world.end(RunId(run), Exit::Code(1));
        world.wait(1);
    }
    assert_eq!(world.state(), "0:up online v1");
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
        let sentence = world.said.iter().rev().find(|word| word.contains("restarts in")).unwrap();
        delays.push(sentence.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    }
    assert_eq!(delays[..10], [100, 150, 225, 337, 505, 757, 1135, 1702, 2553, 3829]);
    assert_eq!(delays[18], 15_000);
    world.wait(30_001);
    world.end(RunId(20), Exit::Code(1));
    world.wait(1);
    assert!(world.said.last().unwrap().ends_with("in 100"));
}

#[test]
fn no_autorestart_and_stop_codes_rest_stopped_whatever_the_delay() {
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
    // Who was stopped meanwhile is not reloaded, and a reload that fails is not begun again.
    world.wait(5);
    world.end(RunId(6), Exit::Code(1));
    world.wait(50);
    check(
        &mut world,
        "0 replaced; disconnect 1; reload ended v1; spawn 1 v1; 1 verifying; ask 1; 0 left; \
         1 failed Exited(Code(1)); ask 6; back []; reload ended v1 failed; 1 left",
    );
    assert_eq!(world.state(), "0:up online v1, 1:up online v1, 2:down stopped v1, 3:up online v1");
}

#[test]
fn a_deleted_slot_is_gone_after_its_run() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Delete(ProcId(0)));
    assert_eq!(world.state(), "0:down stopping v1");
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped; 0 removed");
    assert_eq!(world.state(), "");
}

#[test]
fn a_retired_worker_drains_first() {
    let mut world = one(GOOD, |_| ());
    told(&mut world);
    world.event(Event::Retire(ProcId(0)));
    world.wait(1);
    check(&mut world, "disconnect 1; ask 1; 0 ended code 0; 0 stopped; 0 removed");
}

#[test]
fn a_leaving_worker_drains_is_asked_and_is_killed() {
    let mut world = one(Nature { drains: false, stubborn: true, ..GOOD }, |_| ());
    told(&mut world);
    world.event(Event::Retire(ProcId(0)));
    world.wait(49);
    check(&mut world, "disconnect 1");
    world.wait(1);
    check(&mut world, "ask 1");
    world.wait(16);
    check(&mut world, "kill 1; 0 ended signal 9; 0 stopped; 0 removed");
}

// ----------------------------------------------------------------------------------------------
// reload

fn rolling(
    count: u32,
    old: Nature,
    new: Nature,
    options: ReloadOptions,
    change: impl FnOnce(&mut Policy),
) -> World {
    let mut world = World::new();
    let old = world.version(1, old, |_| ());
    let new = world.version(2, new, change);
    world.add(count, old);
    world.wait(20);
    told(&mut world);
    world.reload(count, new, options);
    world
}

#[test]
fn a_reload_replaces_one_after_the_other_and_the_old_leaves_after_the_proof() {
    let mut world = rolling(2, GOOD, GOOD, ReloadOptions::default(), |_| ());
    world.wait(5);
    check(
        &mut world,
        "spawn 0 v2; 0 verifying; 0 replaced; disconnect 1; spawn 1 v2; 1 verifying; ask 1; 0 left; 1 replaced; \
         disconnect 2; reload ended v2; ask 2; 1 left",
    );
    assert_eq!(world.state(), "0:up online v2, 1:up online v2");
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
        "spawn 0 v2; 0 verifying; 0 failed Exited(Code(1)); ask 3; back []; reload ended v1 failed; 0 left",
    );
    assert_eq!(world.state(), "0:up online v1, 1:up online v1");
    assert!(world.runs.contains_key(&RunId(1)) && world.runs.contains_key(&RunId(2)));
}

#[test]
fn a_new_version_that_never_listens_fails_when_the_old_one_listens() {
    let mut world = rolling(1, GOOD, SILENT, ReloadOptions::default(), |_| ());
    world.wait(299);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(2);
    check(&mut world, "0 failed NotListening; ask 2; back []; reload ended v1 failed; 0 left");
}

#[test]
fn where_the_old_never_listened_being_alive_for_the_readiness_time_is_proof() {
    let mut world = rolling(1, SILENT, SILENT, ReloadOptions::default(), |_| ());
    world.wait(29);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.wait(1);
    check(&mut world, "0 replaced; disconnect 1; reload ended v2; ask 1; 0 left");
}

#[test]
fn with_wait_ready_listening_alone_is_no_proof() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), wait);
    world.wait(301);
    assert!(told(&mut world).contains("0 failed NotReady"));
    let mut world =
        rolling(1, GOOD, Nature { says_ready: true, ..GOOD }, ReloadOptions::default(), wait);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
    // Nothing to listen on: its word is enough.
    let mut world =
        rolling(1, SILENT, Nature { says_ready: true, ..SILENT }, ReloadOptions::default(), wait);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn an_unhealthy_candidate_goes_and_a_healthy_one_stays() {
    let health = |policy: &mut Policy| policy.health_budget = Some(100);
    let mut world =
        rolling(1, GOOD, Nature { healthy: false, ..GOOD }, ReloadOptions::default(), health);
    world.wait(1);
    assert!(told(&mut world).contains("0 failed Unhealthy"));
    assert_eq!(world.state(), "0:up online v1");
    let mut world = rolling(1, GOOD, GOOD, ReloadOptions::default(), health);
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_candidate_must_live_on_for_stable_for() {
    let mut world =
        rolling(1, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 500);
    world.wait(499);
    check(&mut world, "spawn 0 v2; 0 verifying");
    world.end(RunId(2), Exit::Code(1));
    world.wait(1);
    assert!(told(&mut world).starts_with("0 failed Exited(Code(1))"));
    assert_eq!(world.state(), "0:up online v1");
}

#[test]
fn a_failure_in_the_middle_takes_back_what_was_replaced() {
    let mut world =
        rolling(3, GOOD, GOOD, ReloadOptions::default(), |policy| policy.stable_for = 10);
    world.wait(15); // the first is replaced, the second is settling
    assert_eq!(world.state(), "0:up online v2, 1:up online v1+, 2:up online v1");
    told(&mut world);
    let candidate = world.supervisor.slot(ProcId(1)).unwrap().candidate().unwrap().0;
    world.end(candidate, Exit::Code(1));
    world.wait(50);
    check(
        &mut world,
        "1 failed Exited(Code(1)); ask 5; back [0]; spawn 0 v1; 0 verifying; 1 left; 0 replaced; disconnect 4; \
         reload ended v1 failed; ask 4; 0 left",
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
fn a_canary_waits_for_the_word_and_goes_either_way() {
    for (keep, end) in
        [(true, "0:up online v2, 1:up online v2"), (false, "0:up online v1, 1:up online v1")]
    {
        let canary = ReloadOptions { canary: true, parallel: 2, ..ReloadOptions::default() };
        let mut world = rolling(2, GOOD, GOOD, canary, |_| ());
        world.wait(1000);
        assert!(told(&mut world).contains("0 canary"));
        assert_eq!(world.state(), "0:up online v2, 1:up online v1");
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
fn a_crash_of_the_old_one_during_the_proof_is_an_ordinary_restart() {
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
fn ready_without_a_listener_is_no_proof_where_the_old_one_listens() {
    let wait = |policy: &mut Policy| policy.readiness = Readiness::Message;
    let mut world =
        rolling(1, GOOD, Nature { says_ready: true, ..SILENT }, ReloadOptions::default(), wait);
    world.wait(299);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed NotListening"));
}

#[test]
fn a_listener_that_does_not_cover_the_old_ones_is_no_proof() {
    let mut world =
        rolling(1, GOOD, Nature { partial: true, ..GOOD }, ReloadOptions::default(), |_| ());
    world.wait(299);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed NotListening"));
    // Where there is nothing to cover, any listener is proof at once.
    let mut world =
        rolling(1, SILENT, Nature { partial: true, ..GOOD }, ReloadOptions::default(), |_| ());
    world.wait(1);
    assert_eq!(world.state(), "0:up online v2");
}

#[test]
fn a_health_check_without_an_end_is_given_up_after_its_budget() {
    let health = |policy: &mut Policy| policy.health_budget = Some(100);
    let mut world =
        rolling(1, GOOD, Nature { mute: true, ..GOOD }, ReloadOptions::default(), health);
    world.wait(99);
    assert_eq!(world.state(), "0:up online v1+");
    world.wait(2);
    assert!(told(&mut world).contains("0 failed Unhealthy"));
}

#[test]
fn what_hangs_is_killed_again_but_not_in_a_busy_loop() {
    let world =
        &mut one(Nature { stubborn: true, hangs: true, ..GOOD }, |policy| policy.stop_grace = 0);
    told(world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(250);
    check(world, "ask 1; kill 1; kill 1; kill 1");
    let world =
        &mut one(Nature { stubborn: true, hangs: true, ..GOOD }, |policy| policy.stop_grace = 400);
    told(world);
    world.event(Event::Stop(ProcId(0)));
    world.wait(1300);
    check(world, "ask 1; kill 1; kill 1; kill 1");
}

#[test]
fn a_plain_process_is_asked_at_once_when_it_is_retired() {
    let mut world = World::new();
    let spec = world.version(1, GOOD, |_| ());
    world.add_plain(spec);
    world.wait(1);
    check(&mut world, "spawn 0 v1; 0 online");
    assert!(!world.supervisor.slot(ProcId(0)).unwrap().process().is_cluster());
    world.event(Event::Retire(ProcId(0)));
    world.wait(1);
    check(&mut world, "ask 1; 0 ended signal 2; 0 stopped; 0 removed");
}

#[test]
fn the_last_pause_is_shown_until_the_user_forgives_it() {
    let world = &mut one(Nature { exits: Some(1), ..GOOD }, |policy| policy.backoff = Some(100));
    let backoff = |world: &World| world.supervisor.slot(ProcId(0)).unwrap().process().backoff();
    assert_eq!(backoff(world), 100);
    world.wait(100);
    assert_eq!(backoff(world), 150);
    world.event(Event::Reset(ProcId(0)));
    assert_eq!(backoff(world), 0);
}

#[test]
fn a_run_that_begins_the_moment_a_candidate_is_proven_is_ended_too() {
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
