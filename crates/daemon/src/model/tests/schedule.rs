//! Restarts by the clock. The world begins 40 s after a full minute.

use ostler_core::Exit;
use ostler_wire::control::{Action, Change, Request};
use serde_json::{Value, json};

use super::super::{Effect, Input};
use super::words::raw;
use super::world::World;

const MINUTE: u64 = 60_000;

/// An app that is restarted with each full minute, the first time in 20 s.
fn each_minute(name: &str, script: &str, instances: u32, more: Value) -> World {
    let mut more = more;
    more["cron_restart"] = json!("* * * * *");
    World::with_more(name, script, instances, more)
}

#[test]
fn a_process_is_restarted_at_its_times() {
    let mut world = each_minute("job", "good", 0, json!({}));
    assert_eq!(world.model.scheduled_for(), Some(1_020_000));
    world.wait(19_000);
    assert_eq!(world.restarts(), [0]);
    world.wait(1000);
    assert_eq!((world.restarts(), world.pids()), (vec![1], vec![102]));
    assert_eq!(world.log[0], "App [job:0] is restarted by its `cron_restart`");
    assert_eq!(world.lifecycle, ["job:0 exit", "job:0 online", "job:0 restart"]);
    world.wait(3 * MINUTE);
    assert_eq!(world.restarts(), [4]);
}

#[test]
fn workers_are_replaced_at_their_times_without_a_gap() {
    let mut world = each_minute("api", "good", 2, json!({}));
    world.wait(19_900);
    world.late(50);
    while world.deliver() {
        assert_eq!(world.model.known().count_online(), 2);
    }
    world.wait(1000);
    assert_eq!((world.restarts(), world.pids()), (vec![1, 1], vec![103, 104]));
}

#[test]
fn what_was_stopped_is_not_started_by_the_clock() {
    let mut world = each_minute("job", "good", 0, json!({}));
    world.stop(&[0]);
    world.wait(2 * MINUTE);
    assert_eq!(world.state(), "job:0 stopped good");
    assert_eq!(world.model.deadline(), None);
    world.forget();
    world.wait(2 * MINUTE);
    assert_eq!(world.state(), "job:0 stopped good");
    world.restart(&[0]);
    world.wait(MINUTE);
    assert_eq!((world.state(), world.restarts()), ("job:0 online good".to_owned(), vec![1]));
}

#[test]
fn a_job_runs_at_its_times_and_rests_between_them() {
    let mut world = each_minute("job", "good", 0, json!({"autorestart": false}));
    for run in 101..104 {
        assert_eq!(world.pids(), [run]);
        world.crash(0, Exit::Code(0));
        world.wait(10);
        assert_eq!(world.state(), "job:0 stopped good");
        world.wait(MINUTE);
    }
}

#[test]
fn a_job_that_is_registered_only_waits_for_its_first_time() {
    let mut world = each_minute("job", "good", 0, json!({"autostart": false}));
    assert_eq!((world.alive(), world.state()), (0, "job:0 stopped good".to_owned()));
    world.wait(20_000);
    assert_eq!(world.state(), "job:0 online good");
}

#[test]
fn a_job_that_still_runs_is_ended_before_it_begins_again() {
    let mut world = each_minute("job", "stubborn", 0, json!({"autorestart": false}));
    world.wait(19_950);
    world.late(1);
    assert_eq!((world.alive(), world.state()), (1, "job:0 stopping stubborn".to_owned()));
    world.wait(1000);
    assert_eq!((world.alive(), world.restarts()), (1, vec![1]));
}

#[test]
fn a_time_that_passes_while_no_daemon_runs_counts_once_when_there_is_one() {
    let mut world = each_minute("job", "good", 0, json!({}));
    world.at.now += 5 * MINUTE;
    world.at.wall += 5 * MINUTE;
    world.forget();
    world.wait(10);
    assert_eq!(world.restarts(), [1]);
    world.wait(MINUTE);
    assert_eq!(world.restarts(), [2]);
}

#[test]
fn a_time_counts_once_though_the_daemon_dies() {
    for step in 0.. {
        let mut world = each_minute("job", "good", 0, json!({}));
        world.crash_at = Some(world.steps + step);
        world.wait(21_000);
        assert_eq!(world.restarts(), [1], "dead at step {step}");
        if world.deaths == 0 {
            assert!(2 < step);
            return;
        }
    }
}

#[test]
fn a_clock_that_is_set_forward_counts_a_time_once_and_one_set_back_repeats_none() {
    let mut world = each_minute("job", "good", 0, json!({}));
    world.at.wall += 60 * MINUTE;
    world.input(Input::ClockSet);
    world.wait(10);
    assert_eq!(world.restarts(), [1]);
    world.at.wall -= 60 * MINUTE;
    world.input(Input::ClockSet);
    world.wait(10);
    assert_eq!(world.restarts(), [1]);
    world.wait(MINUTE);
    assert_eq!(world.restarts(), [2]);
}

#[test]
fn what_is_saved_waits_for_its_time_again_unless_the_user_stopped_it() {
    for stopped in [true, false] {
        let mut world = each_minute("job", "good", 0, json!({"autorestart": false}));
        if stopped {
            world.stop(&[0]);
        } else {
            world.crash(0, Exit::Code(0));
        }
        world.wait(10);
        let saved = world.model.known.dump_text();
        let mut world = World::new();
        world.dump = Some(saved);
        world.request(Request::Resurrect);
        world.wait(10);
        assert_eq!(world.state(), "job:0 stopped good");
        world.wait(MINUTE);
        let expected = if stopped { "job:0 stopped good" } else { "job:0 online good" };
        assert_eq!(world.state(), expected);
    }
}

#[test]
fn a_pattern_goes_and_another_one_comes_with_a_restart() {
    let mut world = each_minute("job", "good", 0, json!({}));
    let mut change = |pattern: &str, wait: u64| {
        let patch = Some(raw(&json!({ "cron_restart": pattern })));
        world.act_with(Action::Restart, &[0], Change { patch, ..Change::default() });
        world.wait(wait);
        world.restarts()
    };
    assert_eq!(change("0", 10 * MINUTE), [1]);
    assert_eq!(change("*/10 * * * * *", 10_000), [3]);
}

#[test]
fn a_pattern_that_takes_the_place_of_another_has_its_own_first_time() {
    let mut world = each_minute("job", "good", 0, json!({}));
    let patch = Some(raw(&json!({ "cron_restart": "*/10 * * * * *" })));
    world.act_with(Action::Restart, &[0], Change { patch, ..Change::default() });
    world.wait(10_000);
    assert_eq!(world.restarts(), [2]);
}

#[test]
fn what_is_on_its_way_out_is_not_restarted_by_the_clock() {
    let leave: [fn(&mut World); 2] =
        [|world| _ = world.delete(&[0]), |world| world.input(Input::Shutdown)];
    for leave in leave {
        let mut world = each_minute("job", "stubborn", 0, json!({"kill_timeout": 5000}));
        world.wait(19_900);
        leave(&mut world);
        world.wait(1000);
        assert_eq!(world.state(), "job:0 stopping stubborn");
        assert!(!world.log.iter().any(|line| line.contains("cron_restart")), "{:?}", world.log);
    }
}

#[test]
fn a_time_that_comes_in_the_turn_in_which_everything_ends_does_not_count() {
    let mut world = each_minute("job", "stubborn", 0, json!({}));
    world.at.wall += MINUTE;
    let mut out = Vec::new();
    for input in [Input::Shutdown, Input::ClockSet] {
        world.model.handle(world.at, input, &mut out);
    }
    let is_restarted =
        |effect: &Effect| matches!(effect, Effect::Log(line) if line.contains("cron_restart"));
    assert!(!out.iter().any(is_restarted), "{out:?}");
}
