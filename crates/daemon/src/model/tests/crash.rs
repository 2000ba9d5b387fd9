//! The daemon dies before every single save and effect of a story; the end must be the same.

use ostler_core::{Role, RunId};
use ostler_wire::control::{Action, Change, ReloadOptions, Request, ScaleTo};
use serde_json::{Value, json};

use super::super::Input;
use super::canary::CANARY;
use super::sim::SimRun;
use super::told::crash_of;
use super::words::record;
use super::world::World;

/// Plays the story once whole, and once for each step at which the daemon may die: with a turn for
/// each report, and with one for all that are there.
#[track_caller]
pub fn same_end(story: impl Fn(&mut World)) {
    for together in [false, true] {
        same_end_of(|| World { together, ..World::new() }, &story);
    }
}

#[track_caller]
fn same_end_of(new: impl Fn() -> World, story: &impl Fn(&mut World)) {
    let mut whole = new();
    story(&mut whole);
    assert!(5 < whole.steps, "the story has no effects to lose");
    for at in 0..whole.steps {
        let mut broken = new();
        broken.crash_at = Some(at);
        story(&mut broken);
        assert_eq!(broken.deaths, 1, "the daemon did not die at step {at}");
        let end = |world: &World| (world.state(), world.restarts(), world.alive());
        assert_eq!(end(&broken), end(&whole), "daemon lost at step {at}");
        assert_eq!(broken.counters(), whole.counters(), "daemon lost at step {at}");
        assert_eq!(replies(&broken), replies(&whole), "daemon lost at step {at}");
        assert_eq!(broken.model.is_over(), whole.model.is_over(), "daemon lost at step {at}");
        let saved = |world: &mut World| {
            let state = world.model.snapshot();
            (state.apps.len(), state.reloads.len(), state.ending)
        };
        assert_eq!(saved(&mut broken), saved(&mut whole), "daemon lost at step {at}");
        broken.untold.check_empty();
    }
}

/// What clients with a ticket were told at the end; the last lines on standard error apart, which
/// may be lost with the daemon that read them.
fn replies(world: &World) -> Vec<Option<&str>> {
    let asks_again = world.talks.values().filter(|talk| talk.again.is_some());
    let replies = asks_again.map(|talk| talk.heard.last().filter(|_| talk.over));
    replies.map(|reply| reply.and_then(|reply| reply.lines().next())).collect()
}

fn reload(world: &mut World, ids: &[u32], script: &str, more: Value, options: ReloadOptions) {
    let records = vec![record("api", script, 1, more)];
    world.reload_by(ids, Change { records, ..Change::default() }, options);
}

fn to(script: &'static str, more: Value) -> impl Fn(&mut World) {
    move |world| {
        world.start("api", "good", 2);
        world.wait(50);
        reload(world, &[0, 1], script, more.clone(), ReloadOptions::default());
        world.wait(2000);
    }
}

#[test]
fn the_daemon_may_die_at_every_effect() {
    same_end(to("better", json!({})));
    same_end(to("better", json!({"stable_for": 30})));
}

#[test]
fn the_daemon_may_die_in_a_start_that_fails() {
    same_end(|world| {
        world.start("api", "missing", 1);
        world.start("web", "good", 2);
        world.start_with("job", "ends", 0, json!({"autorestart": false}));
        world.start_with("idle", "good", 1, json!({"autostart": false}));
        world.wait(5000);
    });
}

#[test]
fn the_daemon_may_die_in_commands() {
    same_end(|world| {
        world.start("api", "good", 3);
        world.start("job", "stubborn", 0);
        world.wait(50);
        let all = Change { parallel: Some(9), ..Change::default() };
        world.act_with(Action::Restart, &[0, 1, 3], all);
        world.wait(1000);
        world.stop(&[0, 3]);
        world.wait(1000);
        world.delete(&[1]);
        world.wait(1000);
        world.restart(&[3]);
        world.wait(1000);
        world.act(Action::Reset, &[2]);
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_in_a_restart_with_changes() {
    same_end(|world| {
        world.start("api", "litters", 2);
        world.wait(50);
        let records = vec![record("api", "better", 1, json!({}))];
        let patch = Some(super::words::raw(&json!({"name": "web"})));
        let change = Change { records, patch, parallel: Some(2), ..Change::default() };
        world.act_with(Action::Restart, &[0, 1], change);
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_when_an_app_is_scaled() {
    same_end(|world| {
        world.start("api", "busy", 2);
        world.wait(50);
        world.scale("api", ScaleTo::Add(2));
        world.wait(50);
        world.scale("api", ScaleTo::Exactly(1));
        world.wait(20_000);
    });
}

#[test]
fn the_daemon_may_die_in_a_reload_that_fails() {
    for script in ["exits", "missing", "mute", "elsewhere", "crashes"] {
        same_end(to(script, json!({})));
    }
    same_end(to("unready", json!({"wait_ready": true})));
    let health = json!({"health": {"tcp": "127.0.0.1:3000"}, "health_budget": 400});
    same_end(to("sick", health.clone()));
    same_end(to("stuck", health));
}

#[test]
fn the_daemon_may_die_in_a_reload_without_rollback() {
    for script in ["mute", "exits"] {
        same_end(|world| {
            world.start("api", "good", 2);
            world.wait(50);
            let options = ReloadOptions { no_rollback: true, ..ReloadOptions::default() };
            reload(world, &[0, 1], script, json!({}), options);
            world.wait(5000);
        });
    }
}

#[test]
fn the_daemon_may_die_in_a_reload_of_stubborn_workers() {
    same_end(|world| {
        world.start("api", "stubborn", 2);
        world.wait(50);
        reload(world, &[0, 1], "litters", json!({}), ReloadOptions::default());
        world.wait(20_000);
        reload(world, &[0, 1], "good", json!({}), ReloadOptions::default());
        world.wait(20_000);
    });
}

#[test]
fn the_daemon_may_die_in_a_canary() {
    for keep in [true, false] {
        same_end(|world| {
            world.start("api", "good", 3);
            world.wait(50);
            reload(world, &[0, 1, 2], "better", json!({}), CANARY);
            world.wait(1000);
            world.promote("api", keep);
            world.wait(1000);
        });
    }
}

#[test]
fn the_daemon_may_die_while_a_canary_waits() {
    same_end(|world| {
        world.start("api", "good", 2);
        world.wait(50);
        reload(world, &[0, 1], "better", json!({}), CANARY);
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_while_reloads_wait() {
    same_end(|world| {
        world.start("api", "good", 1);
        world.wait(50);
        reload(world, &[0], "better", json!({"stable_for": 30}), ReloadOptions::default());
        let wait = ReloadOptions { wait: true, ..ReloadOptions::default() };
        reload(world, &[0], "newest", json!({"stable_for": 30}), wait);
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_when_a_reload_restarts_plain_processes() {
    same_end(|world| {
        world.start_with("api", "good", 0, json!({"instances": 3}));
        world.wait(50);
        reload(world, &[0, 1, 2], "better", json!({}), ReloadOptions::default());
        world.wait(2000);
    });
}

#[test]
fn the_daemon_may_die_when_a_command_cuts_a_reload_short() {
    for action in [Action::Stop, Action::Restart, Action::Delete] {
        same_end(|world| {
            world.start("api", "good", 2);
            world.wait(50);
            reload(world, &[0, 1], "better", json!({"stable_for": 30}), ReloadOptions::default());
            world.wait(10);
            world.act(action, &[1]);
            world.wait(1000);
        });
    }
}

#[test]
fn the_daemon_may_die_when_a_limit_is_passed() {
    for instances in [0, 2] {
        same_end(|world| {
            world.start_with("api", "good", instances, json!({"max_memory_restart": 100}));
            world.wait(50);
            world.use_memory(0, 101);
            // As long as a daemon takes that begins to count anew.
            world.wait(70_000);
        });
    }
}

#[test]
fn no_restart_is_counted_twice_or_forgotten() {
    for more in [
        json!({"exp_backoff_restart_delay": 20}),
        json!({"restart_delay": 5}),
        json!({"max_restarts": 9}),
    ] {
        same_end(|world| {
            world.start_with("api", "exits", 2, more.clone());
            world.wait(45);
        });
    }
}

#[test]
fn no_crash_of_an_app_that_ran_is_counted_twice_or_forgotten() {
    same_end(|world| {
        world.start_with("api", "good", 1, json!({"max_restarts": 9}));
        world.wait(50);
        for _ in 0..3 {
            world.crash(0, ostler_core::Exit::Code(1));
            world.wait(50);
        }
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_where_runs_follow_each_other_without_it() {
    for script in ["good", "litters"] {
        same_end(|world| {
            world.start_with("api", script, 1, json!({"max_restarts": 9}));
            world.wait(50);
            for pause in [3, 3, 3, 2000, 3] {
                world.crash(0, ostler_core::Exit::Code(1));
                world.wait(pause);
            }
            assert!(0 < world.begun, "none was begun by the keeper alone");
            world.wait(1000);
        });
    }
}

/// The run that a slot shows, and those that the keeper begins by its end, crash before the daemon
/// hears of the first of them.
fn crash_unheard(world: &mut World, times: usize) {
    for _ in 0..times {
        let shown = |(run, sim): (&RunId, &SimRun)| {
            (sim.alive && sim.seen.role == Role::Current).then_some(*run)
        };
        let newest = world.runs.iter().rev().find_map(shown).unwrap();
        world.end(newest, crash_of(newest));
    }
}

#[test]
fn each_end_is_told_of_runs_that_ended_while_the_daemon_stood_still() {
    for (instances, pause) in [(0, 3), (0, 2000), (1, 3), (1, 2000)] {
        same_end(|world| {
            world.start_with("api", "good", instances, json!({"max_restarts": 9}));
            world.wait(50);
            crash_unheard(world, 1);
            world.wait(pause);
            crash_unheard(world, 2);
            world.wait(1000);
            assert_eq!(world.begun, 1, "one was begun by the keeper alone");
        });
    }
}

/// The candidate has a lower number than the runs that followed the crashes.
#[test]
fn the_daemon_may_die_in_a_reload_of_what_crashes() {
    same_end(|world| {
        world.start_with("api", "good", 1, json!({"max_restarts": 9}));
        world.wait(50);
        reload(world, &[0], "better", json!({"stable_for": 100}), ReloadOptions::default());
        world.wait(10);
        for _ in 0..3 {
            crash_unheard(world, 1);
            world.wait(10);
        }
        world.wait(1000);
    });
}

#[test]
fn the_daemon_may_die_in_a_command_to_what_crashes() {
    for action in [Action::Stop, Action::Restart, Action::Delete, Action::Reset] {
        same_end(|world| {
            world.start_with("api", "good", 2, json!({"max_restarts": 9}));
            world.wait(50);
            for _ in 0..3 {
                world.crash(0, ostler_core::Exit::Code(1));
                world.wait(3);
            }
            world.act(action, &[0]);
            world.wait(1000);
        });
    }
}

#[test]
fn the_daemon_may_die_when_the_saved_list_comes_back() {
    let mut before = World::with("api", "good", 2);
    before.start_with("job", "good", 0, json!({"autostart": false}));
    before.request(Request::Save { force: false });
    same_end(|world| {
        world.dump.clone_from(&before.dump);
        // Nothing was begun where the daemon died over the file.
        while world.state().is_empty() {
            world.request(Request::Resurrect);
            world.wait(1000);
        }
    });
}

#[test]
fn the_daemon_may_die_when_everything_ends() {
    let end = |end: fn(&mut World)| {
        same_end(|world| {
            world.start("api", "stubborn", 2);
            world.start("job", "litters", 0);
            world.wait(50);
            end(world);
            world.wait(1000);
            assert!(world.model.is_over(), "{}", world.state());
        });
    };
    end(|world| _ = world.request(Request::Kill));
    end(|world| {
        while !world.model.known().is_closing() {
            world.input(Input::Shutdown);
        }
    });
}
