//! Keeper or daemon dies at each named place once, in a small story; the end is the same as if
//! nothing had happened.
//!
//! Built with the feature `failpoints` only: `cargo test -p ostler --features failpoints --test it
//! failpoints`. `OSTLER_STORY=report.spawned:4` plays the story of that place alone.

use ostler_keeper::failpoint::{DAEMON, DAEMON_UPDATE, KEEPER, KEEPER_UPDATE};
use ostler_keeper::proto::VERSION;
use ostler_testkit::{Load, Sandbox, Victim, procs, try_wait, wait_exit};
use rustix::process::Signal;
use serde_json::Value;

use crate::keeper_death::kill_keeper;
use crate::takeover::{SOON, assert_ledger, kill_daemon, lives, sandbox, start_api};
use crate::update::{ask_update, exe_of_daemon, other};

/// Places between a connection's two owners; clients must be there for them to be reached.
const IN_HAND: [&str; 5] =
    ["accept.unnoted", "accept.noted", "conn.unsent", "conn.sent", "channel.handled"];

/// The processes of that name and nothing else of it, all with this status.
fn are(list: &[Value], name: &str, status: &str, count: usize) -> bool {
    let named: Vec<&Value> = list.iter().filter(|process| process["name"] == name).collect();
    named.len() == count && named.iter().all(|process| process["pm2_env"]["status"] == status)
}

/// Asks for something once: a command whose daemon dies is finished by the next one.
fn bring_about(
    sandbox: &Sandbox,
    (args, code): (&[&str], i32),
    what: &str,
    done: impl Fn(&[Value]) -> bool,
) {
    let told = sandbox.ostler(args).any_code().run();
    assert_eq!(told.code, code, "{what} by {args:?}: {}{}", told.out, told.err);
    assert!(
        try_wait(SOON, || done(&sandbox.jlist()).then_some(())).is_some(),
        "{what} does not come about by {args:?}: {:?}",
        sandbox.jlist()
    );
}

/// The only process of that name crashes. Returns when another is there and nothing else of it.
fn crash(sandbox: &Sandbox, name: &str) {
    let pid = sandbox.pids_of(name)[0];
    assert!(procs::signal(pid, Signal::KILL));
    let followed = try_wait(SOON, || {
        let list = sandbox.jlist();
        let of_name = list.iter().find(|process| process["name"] == name)?;
        (of_name["pid"] != pid && are(&list, name, "online", 1)).then_some(())
    });
    assert!(followed.is_some(), "nothing follows: {:?}", sandbox.jlist());
}

/// What the last argument of [`Victim::Sleeper`] ends in, first as a script.
const SLEEPS: [&str; 2] = ["falls.sh", "1000000"];

/// How many processes have an argument that ends like one of these.
fn count(sandbox: &Sandbox, ends: &[&str]) -> usize {
    let is_one = |arg: &String| ends.iter().any(|end| arg.ends_with(end));
    sandbox.pids().into_iter().filter(|pid| procs::args(*pid).iter().any(is_one)).count()
}

fn story(point: &str, nth: u32) -> bool {
    let mut sandbox = sandbox();
    let once = sandbox.work().join("died");
    sandbox.set_env("OSTLER_FAILPOINT", format!("{point}:{nth}"));
    sandbox.set_env("OSTLER_FAILPOINT_ONCE", &once);
    let port = sandbox.port().to_string();
    sandbox.set_env("PORT", &port);
    let talks = sandbox.victim("talks", Victim::Lines { every: 3, count: 1_000_000 });
    let api = sandbox.victim("api", Victim::Http);
    let fails = sandbox.victim("fails", Victim::Exits { code: 4 });
    let falls = sandbox.victim("falls", Victim::Sleeper);
    let path = |path: &std::path::Path| path.display().to_string();

    // Who starts a daemon that dies before it can answer is told so.
    sandbox.ostler(["ping"]).any_code().run();
    bring_about(&sandbox, (&["start", &path(&talks), "--time"], 0), "a start", |list| {
        are(list, "talks", "online", 1)
    });
    bring_about(
        &sandbox,
        (&["start", &path(&fails), "--max-restarts", "3"], 0),
        "an end",
        |list| are(list, "fails", "errored", 1),
    );
    bring_about(
        &sandbox,
        (&["start", &path(&api), "-i", "2", "--wait-ready"], 0),
        "a cluster",
        |list| are(list, "api", "online", 2),
    );
    bring_about(&sandbox, (&["start", &path(&falls)], 0), "a start", |list| {
        are(list, "falls", "online", 1)
    });
    // The second and later ones are followed by what the keeper was told before.
    (0..4).for_each(|_| crash(&sandbox, "falls"));
    let restarts = sandbox.jlist().into_iter().find(|process| process["name"] == "falls");
    assert_eq!(restarts.unwrap()["pm2_env"]["restart_time"], 4, "{point}:{nth}");
    assert_eq!(count(&sandbox, &SLEEPS), 1, "{point}:{nth}: it is doubled or lost");
    let talker = sandbox.pids_of("talks");
    if point.starts_with("takeover.") {
        kill_daemon(&sandbox);
    }
    let old = sandbox.pids_of("api");
    // Who asks for a reload is told how it ended, whoever dies under it; and then it is so.
    let told = sandbox.ostler(["reload", "api"]).any_code().run();
    assert_eq!(told.code, 0, "{point}:{nth}: {}{}", told.out, told.err);
    let list = sandbox.jlist();
    let new = |process: &Value| !old.iter().any(|pid| process["pid"] == *pid);
    assert!(are(&list, "api", "online", 2), "{point}:{nth}: {list:?}");
    assert!(
        list.iter().filter(|process| process["name"] == "api").all(new),
        "{point}:{nth}: {list:?}"
    );
    for pid in old {
        assert!(wait_exit(pid, SOON), "{point}: an old worker is left");
    }
    bring_about(&sandbox, (&["scale", "api", "1"], 0), "a smaller cluster", |list| {
        are(list, "api", "online", 1)
    });
    bring_about(&sandbox, (&["delete", "fails"], 0), "a deletion", |list| {
        are(list, "fails", "", 0)
    });
    assert_eq!(
        sandbox.pids_of("talks"),
        talker,
        "{point}: an app that nobody touched was restarted"
    );
    for name in ["talks", "falls"] {
        bring_about(&sandbox, (&["stop", name], 0), "a stop", |list| are(list, name, "stopped", 1));
    }
    let text = sandbox.wait_file("logs/talks-out.log", SOON, |text| Some(text.to_owned()));
    assert!(5 < assert_ledger(&text, point));
    assert_eq!(count(&sandbox, &["api.js"]), 1, "{point}: a worker is doubled or lost");
    assert_eq!(count(&sandbox, &SLEEPS), 0, "{point}: what was stopped runs");
    once.exists()
}

/// Plays the story for each place that is visited for the `nth` time.
fn stories(nth: u32) {
    let mut never = Vec::new();
    for point in DAEMON.into_iter().chain(KEEPER).filter(|point| !IN_HAND.contains(point)) {
        println!("{point}:{nth}");
        if !story(point, nth) && nth == 1 {
            never.push(point);
        }
    }
    assert!(never.is_empty(), "the story never comes to {never:?}");
}

#[test]
fn a_death_at_any_named_place_changes_nothing_in_the_end() {
    if let Ok(place) = std::env::var("OSTLER_STORY") {
        let (point, nth) = place.split_once(':').unwrap();
        assert!(story(point, nth.parse().unwrap()), "the story never comes to {place}");
        return;
    }
    stories(1);
}

#[test]
fn a_death_at_the_fourth_visit_of_any_place_changes_nothing_in_the_end() {
    stories(4);
}

/// Between the kernel's queue and the worker's answer a connection is in the daemon's hands only.
#[test]
fn a_connection_in_the_daemons_hands_outlives_it() {
    for point in IN_HAND {
        for nth in [1, 7, 40] {
            let mut sandbox = sandbox();
            let once = sandbox.work().join("died");
            sandbox.set_env("OSTLER_FAILPOINT", format!("{point}:{nth}"));
            sandbox.set_env("OSTLER_FAILPOINT_ONCE", &once);
            let port = sandbox.port();
            let script = sandbox.victim("api", Victim::Http);
            let start = sandbox.ostler(["start"]).arg(script).args(["-i", "2", "--wait-ready"]);
            // The daemon may die before it answers; the app is started all the same.
            start.env("PORT", port.to_string()).any_code().run();
            assert!(
                try_wait(SOON, || are(&sandbox.jlist(), "api", "online", 2).then_some(()))
                    .is_some(),
                "{point}"
            );
            let load = Load::to_port(port).connections(3).connection_per_request().start();
            assert!(
                try_wait(SOON, || once.exists().then_some(())).is_some(),
                "nobody died at {point}:{nth}"
            );
            load.wait_answered(20, SOON);
            load.stop().assert_none_failed(20);
        }
    }
}

/// Old or new daemon or the keeper dies at each place of an update. Two processes hold everything
/// at each instant, so apps notice nothing, and the command says how it ended.
#[test]
fn a_death_at_any_place_of_an_update_restarts_no_app() {
    let own = DAEMON_UPDATE.into_iter().chain(KEEPER_UPDATE).map(|point| format!("{point}:1"));
    let of_keeper = DAEMON_UPDATE.into_iter().map(|point| format!("{point}:1:parent"));
    for place in own.chain(of_keeper) {
        println!("{place}");
        let mut sandbox = sandbox();
        let once = sandbox.work().join("died");
        sandbox.set_env("OSTLER_FAILPOINT", &place);
        sandbox.set_env("OSTLER_FAILPOINT_ONCE", &once);
        sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
        let port = start_api(&sandbox);
        let before = lives(&sandbox);
        let load = Load::to_port(port).connections(2).connection_per_request().start();
        load.wait_answered(10, SOON);
        let new = other(&sandbox, "next");
        let output = sandbox.command_of(&new).arg("update").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(once.exists(), "{place}: nobody died; {said}");
        assert_eq!(lives(&sandbox), before, "{place}: {said}");
        let is_new = exe_of_daemon(&sandbox).as_ref() == Some(&new);
        assert_eq!(output.status.success(), is_new, "{place}: {said}");
        load.wait_answered(10, SOON);
        load.stop().assert_none_failed(20);
        // Whatever happened, the next one succeeds.
        assert!(sandbox.command_of(&new).arg("update").output().unwrap().status.success());
        assert_eq!(lives(&sandbox), before, "{place}");
    }
}

/// A program that speaks a newer protocol, with fields that ours does not know.
#[test]
fn the_next_version_takes_over_and_gives_back() {
    let sandbox = sandbox();
    let port = start_api(&sandbox);
    let before = lives(&sandbox);
    let load = Load::to_port(port).connections(2).connection_per_request().start();
    let ours = env!("CARGO_BIN_EXE_ostler");
    let speaks = |number: u8| format!("OSTLER_TEST_PROTOCOL={number} exec {ours} \"$@\"");
    let next = sandbox.write_executable("next", format!("#!/bin/sh\n{}\n", speaks(VERSION + 1)));
    let back = sandbox.write_executable("back", format!("#!/bin/sh\n{}\n", speaks(VERSION)));
    // Between its two halves a change of program has one of each: the old daemon with the new
    // keeper, and, when the new daemon is killed, the next one.
    for program in [&next, &back, &next, &back] {
        load.wait_answered(10, SOON);
        ask_update(&sandbox, program).unwrap();
        assert_eq!(lives(&sandbox), before);
        kill_daemon(&sandbox);
        assert_eq!(lives(&sandbox), before);
    }
    kill_keeper(&sandbox);
    assert_eq!(lives(&sandbox), before);
    // A reload, not a restart: that ends workers in the middle of their requests.
    sandbox.ostler(["reload", "api"]).run();
    load.wait_answered(10, SOON);
    sandbox.ostler(["scale", "api", "3"]).run();
    load.stop().assert_none_failed(40);
}
