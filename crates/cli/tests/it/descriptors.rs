//! A manager with few file descriptors: what it accepts it can keep, whoever is killed.

use std::fs;
use std::process::Command;

use ostler_testkit::{Sandbox, Victim, wait_for};

use crate::keeper_death::kill_keeper;
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::{kill_daemon, lives};

/// Runs the first command, and so the manager that it starts, under a hard limit.
fn start_limited(sandbox: &Sandbox, limit: u64, words: &[&str]) -> (bool, String) {
    let mut command = sandbox.command_of("prlimit");
    command.arg(format!("--nofile={limit}:{limit}")).arg(env!("CARGO_BIN_EXE_ostler")).args(words);
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Changes the limit of a process that runs.
fn limit(pid: u32, limit: u64) {
    let mut command = Command::new("prlimit");
    command.args(["--pid", &pid.to_string(), &format!("--nofile={limit}:{limit}")]);
    assert!(command.status().unwrap().success());
}

/// A script whose output keeps its log files open.
fn talker(sandbox: &Sandbox) -> String {
    let text = "#!/bin/sh\necho up\necho up >&2\nwhile sleep 1; do echo on; echo on >&2; done\n";
    sandbox.write_executable("app.sh", text).to_str().unwrap().to_owned()
}

/// How many processes are online.
fn online(sandbox: &Sandbox) -> usize {
    sandbox.statuses_of("app").iter().filter(|status| *status == "online").count()
}

/// As many apps as fit, all of them serving, and one refused; then every part is killed.
fn check(limit: u64, fit: usize, script: &str, sandbox: &Sandbox) {
    let count = (fit + 1).to_string();
    let (ok, err) = start_limited(sandbox, limit, &["start", script, "-i", &count]);
    assert!(!ok, "{limit}: one has no room");
    let said = format!("out of file descriptors (the manager may have {limit}, and needs 6 for");
    assert!(err.contains(&said) && err.contains("`ulimit -Hn`"), "{err}");
    assert_eq!(online(sandbox), fit, "{limit}");
    let before = lives(sandbox);
    for round in 0..2 {
        kill_daemon(sandbox);
        assert_eq!(lives(sandbox), before, "{limit}: daemon killed, round {round}");
        kill_keeper(sandbox);
        assert_eq!(lives(sandbox), before, "{limit}: keeper killed, round {round}");
    }
    // Also the keeper that a daemon has started starts daemons.
    kill_daemon(sandbox);
    assert_eq!(lives(sandbox), before, "{limit}");
    // A process that is stopped makes room for one that was refused.
    sandbox.ostler(["stop", "0"]).run();
    sandbox.ostler(["restart", &fit.to_string()]).run();
    assert_eq!(online(sandbox), fit, "{limit}");
    sandbox.ostler(["kill"]).run();
    assert_eq!(sandbox.pids(), Default::default(), "{limit}");
}

#[test]
fn whatever_64_descriptors_are_accepted_for_survives_every_kill() {
    let sandbox = sandbox();
    check(64, 3, &talker(&sandbox), &sandbox);
}

#[test]
fn whatever_256_descriptors_are_accepted_for_survives_every_kill() {
    let sandbox = sandbox();
    check(256, 35, &talker(&sandbox), &sandbox);
}

#[test]
fn whatever_1024_descriptors_are_accepted_for_survives_every_kill() {
    let sandbox = sandbox();
    let idle = sandbox.victim("app", Victim::Sleeper);
    check(1024, 163, idle.to_str().unwrap(), &sandbox);
}

#[test]
fn a_reload_succeeds_where_every_descriptor_is_given_away() {
    let mut sandbox = sandbox();
    sandbox.set_env("PORT", sandbox.port().to_string());
    let script = sandbox.victim("app", Victim::Http);
    // One listening socket, and so one process less.
    let script = script.to_str().unwrap();
    let words = ["start", script, "-i", "2", "--wait-ready"];
    let (ok, err) = start_limited(&sandbox, 66, &words);
    assert!(ok, "{err}");
    let said = sandbox.ostler(["scale", "app", "9"]).code(1).run();
    assert!(said.err.contains("out of file descriptors"), "{}", said.err);
    let before = sandbox.pids_of("app");
    assert_eq!(before.len(), 3);
    sandbox.ostler(["scale", "app", "3"]).any_code().run();
    sandbox.ostler(["reload", "app"]).run();
    let after = sandbox.pids_of("app");
    assert!(after.iter().all(|pid| !before.contains(pid)), "{before:?} {after:?}");
}

#[test]
fn a_daemon_that_has_less_room_than_the_one_before_answers() {
    for (limit_to, count) in [(64, 30), (256, 120)] {
        let sandbox = sandbox();
        let script = sandbox.victim("app", Victim::Sleeper);
        let count: usize = count;
        sandbox.ostler(["start"]).arg(script).args(["-i", &count.to_string()]).run();
        let before = lives(&sandbox);
        // As after a start by an earlier version, which refused nothing.
        let keeper = sandbox.keeper_pid().unwrap();
        let daemon = sandbox.daemon_pid().unwrap();
        let open = fs::read_dir(format!("/proc/{keeper}/fd")).unwrap().count() as u64;
        limit(keeper, limit_to);
        limit(daemon, limit_to);
        assert!(limit_to < open);
        kill_daemon(&sandbox);
        for _ in 0..3 {
            assert_eq!(sandbox.jlist().len(), count, "{limit_to}: it answers");
        }
        assert!(before.values().all(|(pid, ..)| ostler_testkit::procs::alive(*pid as u32)));
        kill_keeper(&sandbox);
        wait_for("an answer", SOON, || (sandbox.run(&["jlist"]).code == 0).then_some(()));
        sandbox.ostler(["kill"]).run();
        assert_eq!(sandbox.pids(), Default::default(), "{limit_to}");
    }
}
