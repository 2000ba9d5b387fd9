//! Room for descriptors, taken before anything is begun.

use ostler_core::{Exit, ProcId, RunId};
use ostler_wire::control::{Change, ReloadOptions, Request, ScaleTo};
use serde_json::json;

use super::super::Input;
use super::words::{record, starting};
use super::world::World;
use crate::budget::Capacity;

/// A cluster app that fills all that a limit allows; what was started before told how much that is.
fn full(limit: usize, script: &str) -> (World, u32) {
    let mut most = 1;
    let mut world = loop {
        let mut world = World::new();
        world.limit(limit);
        let client = world.start("api", script, most + 1);
        if world.heard(client).contains("out of file descriptors") {
            break world;
        }
        most += 1;
    };
    assert_eq!(world.state(), "", "nothing of a start that does not fit is begun");
    world.start("api", script, most);
    world.wait(50);
    world.quiet();
    assert_eq!(world.model.known().count_online(), most as usize);
    (world, most)
}

impl World {
    /// The run that is being verified for a slot, once it is there.
    fn candidate(&self, id: ProcId) -> Option<RunId> {
        let run = self.model.core().slot(id)?.candidate()?.0;
        self.runs.contains_key(&run).then_some(run)
    }
}

#[test]
fn a_start_that_does_not_fit_is_refused_whole_and_at_once_with_the_figures() {
    let mut world = World::new();
    world.limit(64);
    let client = world.start("api", "good", 9);
    assert_eq!(
        world.reply(client),
        "error: `start` has no room: out of file descriptors (the manager may have 64, and would \
         need 6 for each of 9 processes, 4 for each of 1 beside them in reloads, 2 for each of 2 \
         listening sockets, 42 for itself); nothing was begun\n\
         hint: raise the hard limit (`ulimit -Hn`, `LimitNOFILE=` of a service) and start the \
         manager anew"
    );
    world.model.check_empty();
}

#[test]
fn scale_and_restart_take_the_room_of_all_that_they_start_before_they_begin() {
    let (mut world, most) = full(128, "good");
    let client = world.scale("api", ScaleTo::Add(2));
    assert!(world.reply(client).contains("`scale` has no room"), "{}", world.reply(client));
    assert_eq!(world.model.known().count_online(), most as usize);
    // What is stopped has given its room back, and others may have taken it.
    world.stop(&[0, 1]);
    world.wait(50);
    let client = world.start("job", "good", 0);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
    let client = world.restart(&[0, 1]);
    assert!(world.reply(client).contains("`restart` has no room"), "{}", world.reply(client));
    assert!(world.state().starts_with("api:0 stopped good, api:1 stopped good, api:2 online"));
    // What runs needs none.
    let client = world.restart(&[2, 3]);
    world.wait(2000);
    assert!(world.heard(client).ends_with("done"), "{}", world.heard(client));
    assert!(world.refused.is_empty());
}

#[test]
fn a_reload_at_the_limit_that_fails_half_way_takes_everything_back() {
    for limit in [64, 128, 256] {
        // Old workers are busy: each that was replaced stays until its time is over.
        let (mut world, most) = full(limit, "busy");
        let all: Vec<u32> = (0..most).collect();
        let before = world.state();
        let records = vec![record("api", "better", 1, json!({"stable_for": 1000}))];
        let change = Change { records, ..Change::default() };
        let client = world.reload_by(&all, change, ReloadOptions::default());
        // The last one fails, when all others were replaced.
        let last = ProcId(most - 1);
        while world.candidate(last).is_none() {
            world.wait(500);
            assert!(world.at.now < 100_000_000, "{limit}: {}", world.state());
        }
        let last = world.candidate(last).unwrap();
        world.end(last, Exit::Code(1));
        world.wait(5_000_000);
        assert_eq!(world.state(), before, "{limit}");
        assert!(world.reply(client).contains("the old version goes on serving"));
        assert!(world.refused.is_empty(), "{limit}: {:?}", world.refused);
    }
}

#[test]
fn a_reload_for_which_all_room_is_taken_waits_for_the_one_that_has_it() {
    // The second comes as soon as the first has begun, or when its old worker is leaving.
    for leaves in [false, true] {
        let mut world = World::with("api", "busy", 1);
        world.start("web", "busy", 1);
        world.wait(50);
        world.limit(60);
        let first = world.reload(&[0], "api", "better");
        if leaves {
            world.wait(50);
        }
        assert_eq!(world.model.core().saved_reloads().is_empty(), leaves, "{}", world.heard(first));
        let second = world.reload(&[1], "web", "better");
        assert_eq!(world.heard(second), "");
        world.wait(1_000_000);
        for client in [first, second] {
            assert!(world.reply(client).ends_with("done"), "{}", world.heard(client));
        }
        assert!(world.refused.is_empty());
    }
}

#[test]
fn a_reload_for_which_nothing_is_left_is_refused_with_the_figures() {
    let (mut world, _) = full(64, "good");
    let before = world.state();
    world.limit(56);
    let client = world.reload(&[0], "api", "better");
    let said = world.reply(client).to_owned();
    assert!(said.contains("a reload of app `api` has no room: out of file descriptors"), "{said}");
    assert_eq!(world.state(), before);
}

#[test]
fn a_start_that_is_refused_for_descriptors_is_refused_once_and_says_why() {
    let mut world = World::with("api", "good", 2);
    // The part that holds them has fewer than the model knows of.
    world.limit = Some(56);
    let client = world.start("job", "good", 0);
    world.wait(0);
    assert_eq!(world.refused.len(), 1);
    let said = world.heard(client);
    assert!(said.contains("app `job` did not start: out of file descriptors"), "{said}");
    world.wait(100_000);
    assert_eq!(world.refused.len(), 1, "it is tried once");
    assert_eq!(world.state(), "api:0 online good, api:1 online good, job:2 errored good");
    assert_eq!(world.counters()[2], (0, 0, 0, None));
    // It can be started when there is room.
    world.limit = None;
    world.restart(&[2]);
    world.wait(50);
    assert!(world.state().ends_with("job:2 online good"), "{}", world.state());
}

#[test]
fn what_is_restored_is_started_as_far_as_there_is_room() {
    let mut world = World::with("api", "good", 2);
    world.start("job", "good", 0);
    world.start("old", "good", 0);
    world.stop(&[3]);
    world.wait(50);
    world.request(Request::Save { force: false });
    world.delete(&[0, 1, 2, 3]);
    world.wait(100);
    world.limit(64);
    let client = world.request(Request::Resurrect);
    world.wait(10_000);
    assert_eq!(
        world.state(),
        "api:0 online good, api:1 online good, job:2 errored good, old:3 stopped good"
    );
    let said = world.heard(client);
    assert!(said.contains("out of file descriptors (the manager may have 64"), "{said}");
    // One socket for the two workers, and one for itself.
    assert!(said.contains("2 for each of 2 listening sockets"), "{said}");
    assert!(world.refused.is_empty());
}

#[test]
fn the_socket_of_an_app_that_is_restored_needs_room_too() {
    let mut world = World::with("api", "good", 1);
    world.request(Request::Save { force: false });
    world.delete(&[0]);
    world.wait(100);
    // All but the socket fits.
    world.limit(42 + 6 + 4 + 2);
    world.request(Request::Resurrect);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 errored good");
    world.limit(42 + 6 + 4 + 2 + 2);
    world.restart(&[0]);
    world.wait(1000);
    assert_eq!(world.state(), "api:0 online good");
}

#[test]
fn what_the_daemon_has_no_room_to_look_after_is_told_at_once() {
    let mut world = World::new();
    let apps = vec![record("job", "good", 0, json!({}))];
    let client = world.request(starting(apps, None));
    world.reports.clear();
    world.input(Input::Unfetched(RunId(1)));
    let said = world.reply(client).to_owned();
    assert!(said.contains("the manager has no file descriptors left to look after it"), "{said}");
    world.input(Input::Spawned { run: RunId(1), pid: 101 });
    world.wait(1);
    assert_eq!(world.state(), "job:0 online good");
}

#[test]
fn what_serves_already_needs_no_other_listening_socket() {
    let mut world = World::with("api", "good", 2);
    world.limit(64);
    let plain = json!({"instances": 9, "exec_mode": "fork_mode"});
    // In this world there is one socket, whatever listens.
    for (client, sockets) in [
        (world.scale("api", ScaleTo::Add(9)), 1),
        (world.start("api", "good", 9), 1),
        (world.start_with("job", "good", 0, plain), 1),
        (world.start("web", "good", 9), 2),
    ] {
        let figures = format!("2 for each of {sockets} listening sockets");
        assert!(world.reply(client).contains(&figures), "{}", world.reply(client));
    }
}

#[test]
fn what_a_reload_may_take_is_promised_to_it_to_its_end() {
    let mut world = World::with("api", "good", 4);
    world.limit(128);
    let options = ReloadOptions { surge: Some(3), parallel: Some(1), ..ReloadOptions::default() };
    world.reload_with(&[0, 1, 2, 3], "api", "mute", options);
    let client = world.start("job", "good", 99);
    let promised = "4 for each of 3 beside them in reloads";
    assert!(world.reply(client).contains(promised), "{}", world.reply(client));
}

#[test]
fn a_reload_without_a_bound_is_promised_three_runs_for_each_process() {
    for (workers, runs) in [(1, 3), (3, 9)] {
        let mut world = World::with("api", "good", workers);
        world.limit(256);
        world.reload(&(0..workers).collect::<Vec<_>>(), "api", "mute");
        let client = world.start("job", "good", 99);
        let promised = format!("4 for each of {runs} beside them in reloads");
        assert!(world.reply(client).contains(&promised), "{}", world.reply(client));
    }
}

#[test]
fn a_reload_does_not_wait_for_the_room_of_a_canary_that_somebody_is_to_decide_on() {
    let mut world = World::with("api", "good", 4);
    world.start("web", "good", 1);
    world.wait(50);
    let options = ReloadOptions { canary: true, surge: Some(2), ..ReloadOptions::default() };
    world.reload_with(&[0, 1, 2, 3], "api", "better", options);
    world.wait(1000);
    let before = world.state();
    world.limit(82);
    let client = world.reload(&[4], "web", "better");
    let said = world.reply(client);
    assert!(said.contains("4 for each of 3 beside them in reloads"), "{said}");
    assert_eq!(world.state(), before);
}

#[test]
fn a_reload_to_another_port_needs_room_for_the_new_sockets() {
    for (port_change, refused) in [(true, true), (false, false)] {
        let mut world = World::with("api", "good", 1);
        world.limit(55);
        let options = ReloadOptions { port_change, ..ReloadOptions::default() };
        let client = world.reload_with(&[0], "api", "better", options);
        let said = world.heard(client);
        assert_eq!(said.contains("2 for each of 2 listening sockets"), refused, "{said}");
    }
}

#[test]
fn what_runs_is_restarted_also_where_there_is_less_room_than_before() {
    let mut world = World::with("job", "good", 0);
    world.input(Input::Capacity(Capacity { limit: 10, listeners: 1 }));
    let client = world.restart(&[0]);
    world.wait(50);
    assert_eq!(world.reply(client), "done");
}

#[test]
fn an_app_that_is_stopped_needs_its_listening_socket_again() {
    let mut world = World::with("api", "good", 2);
    world.stop(&[0, 1]);
    world.start("web", "good", 1);
    world.wait(50);
    world.limit(64);
    for client in [world.scale("api", ScaleTo::Add(9)), world.start("api", "good", 9)] {
        let figures = "2 for each of 2 listening sockets";
        assert!(world.reply(client).contains(figures), "{}", world.reply(client));
    }
}

#[test]
fn what_still_ends_and_what_is_about_to_start_have_their_room() {
    let mut world = World::with("ending", "hangs", 0);
    world.start_with("pausing", "exits", 0, json!({"restart_delay": 900_000}));
    world.stop(&[0]);
    world.wait(500);
    assert_eq!(world.state(), "ending:0 stopping hangs, pausing:1 pausing exits");
    world.limit(64);
    let plain = json!({"instances": 9, "exec_mode": "fork_mode"});
    let client = world.start_with("job", "good", 0, plain);
    assert!(world.reply(client).contains("6 for each of 11 processes"), "{}", world.reply(client));
}
