//! A manager with few file descriptors: what it accepts it can keep, whoever is killed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use ostler_testkit::{Load, Sandbox, Victim, wait_for};
use serde_json::Value;

use crate::keeper_death::kill_keeper;
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::{kill_daemon, lives};

/// Runs the first command, and so the manager that it starts, under a hard limit.
pub(crate) fn start_limited(sandbox: &Sandbox, limit: u64, words: &[&str]) -> (bool, String) {
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
    // What does not fit as a whole is not begun, and that is said at once.
    let count = (fit + 1).to_string();
    let (ok, err) = start_limited(sandbox, limit, &["start", script, "-i", &count]);
    assert!(!ok, "{limit}: one has no room");
    let said = format!("out of file descriptors (the manager may have {limit}, and would need 6");
    assert!(err.contains(&said) && err.contains("`ulimit -Hn`"), "{err}");
    assert_eq!(sandbox.jlist().len(), 0, "{limit}: nothing was begun");
    sandbox.ostler(["start", script, "-i", &fit.to_string()]).run();
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
    // A process that is stopped makes room for another.
    sandbox.ostler(["stop", "0"]).run();
    sandbox.ostler(["start", script, "--name", "another"]).run();
    let said = sandbox.ostler(["restart", "0"]).code(1).run();
    assert!(said.err.contains("out of file descriptors"), "{}", said.err);
    assert_eq!(sandbox.statuses_of("another"), ["online"]);
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

/// A server of a cluster; one of the version `bad` ends when it is not among the first two.
const SERVER: &str = r"
if (process.env.VERSION === 'bad' && 1 < Number(process.env.NODE_APP_INSTANCE)) process.exit(3);
require('http').createServer((q, r) => r.end('hello from ' + process.pid))
  .listen(Number(process.env.PORT), '127.0.0.1', () => process.send('ready'));
";

/// As many workers as fit are reloaded under load, to a version that fails half way and to a good
/// one; nobody fails or is left out.
fn check_reloads(limit: u64, fit: usize) {
    let mut sandbox = sandbox();
    let port = sandbox.port();
    sandbox.set_env("PORT", port.to_string());
    let script = sandbox.write("app.js", SERVER);
    let script = script.to_str().unwrap();
    let start = |count: usize| {
        let count = count.to_string();
        start_limited(&sandbox, limit, &["start", script, "-i", &count, "--wait-ready"])
    };
    let (ok, err) = start(fit + 1);
    assert!(!ok && err.contains("listening sockets"), "{err}");
    let (ok, err) = start(fit);
    assert!(ok, "{err}");
    let load = Load::to_port(port).connections(4).think(Duration::from_millis(5)).start();
    load.wait_answered(20, SOON);
    let before = sandbox.pids_of("app");
    let bad = ["reload", "app", "--update-env"];
    let said = sandbox.ostler(bad).env("VERSION", "bad").code(1).run();
    assert!(said.err.contains("the old version goes on serving"), "{}", said.err);
    assert_eq!(online(&sandbox), fit, "{limit}");
    let version = |app: &Value| app["pm2_env"]["VERSION"].as_str().map(str::to_owned);
    assert!(sandbox.jlist().iter().all(|app| version(app).is_none()), "{limit}: mixed");
    let after = sandbox.pids_of("app");
    assert_eq!(after.len(), before.len());
    kill_daemon(&sandbox);
    sandbox.ostler(["reload", "app"]).run();
    let fresh = sandbox.pids_of("app");
    assert!(fresh.iter().all(|pid| !after.contains(pid)), "{after:?} {fresh:?}");
    assert_eq!(online(&sandbox), fit, "{limit}");
    load.wait_answered(20, SOON);
    load.stop().assert_none_failed(40);
}

#[test]
fn a_reload_that_fails_with_64_descriptors_leaves_every_old_worker_serving() {
    // One fewer than plain processes: a socket listens. A version that is bad from the third on
    // is not bad here.
    check_reloads(76, 4);
}

#[test]
fn a_reload_that_fails_with_128_descriptors_leaves_every_old_worker_serving() {
    check_reloads(128, 13);
}

#[test]
fn a_reload_that_fails_with_256_descriptors_leaves_every_old_worker_serving() {
    check_reloads(256, 34);
}

#[test]
fn a_listening_socket_beyond_the_limit_is_refused_and_the_manager_answers() {
    let sandbox = sandbox();
    let text = "const net = require('net');
        const open = (left) => left && net.createServer()
          .on('error', (e) => { console.log('error ' + e.code); })
          .listen('\\0' + process.pid + '.' + left, () => { console.log('open'); open(left - 1); });
        open(40); setInterval(() => {}, 1e9);";
    let script = sandbox.write("app.js", text);
    let (ok, err) = start_limited(&sandbox, 64, &["start", script.to_str().unwrap(), "-i", "1"]);
    assert!(ok, "{err}");
    crate::cluster::wait_output(&sandbox, "error EMFILE", 1);
    sandbox.wait_file("pm2.log", SOON, |log| {
        log.contains("cannot listen on").then_some(())?;
        log.contains("out of file descriptors (the manager may have 64").then_some(())
    });
    let before = lives(&sandbox);
    kill_daemon(&sandbox);
    assert_eq!(lives(&sandbox), before);
    kill_keeper(&sandbox);
    assert_eq!(lives(&sandbox), before);
}

#[test]
fn a_start_that_the_daemon_has_no_room_for_says_so_at_once_and_once() {
    let sandbox = sandbox();
    let script = talker(&sandbox);
    sandbox.ostler(["start", &script]).run();
    // The limit falls after the start: what is free already is all that there is.
    limit(sandbox.daemon_pid().unwrap(), 56);
    let said = sandbox.ostler(["start", &script, "--name", "more", "-f", "-i", "9"]).code(1).run();
    assert!(said.err.contains("out of file descriptors (the manager may have 56"), "{}", said.err);
    assert_eq!(sandbox.jlist().len(), 1);
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
