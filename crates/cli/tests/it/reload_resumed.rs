//! The daemon dies in the middle of a reload: whoever asked for it waits for the successor, and is
//! told how it really ended.

use std::process::{Child, Output, Stdio};

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_exit, wait_for};

use crate::takeover::{SOON, kill_daemon, sandbox};

/// Does what the file `mode` says as soon as the file `go` is there: `ready`, or an end with words.
const APP: &str = r"const fs = require('fs');
require('http').createServer((q, s) => s.end()).listen(Number(process.env.PORT), '127.0.0.1');
const timer = setInterval(() => {
  if (!fs.existsSync('go')) return;
  clearInterval(timer);
  if (fs.readFileSync('mode', 'utf8') === 'ready') return process.send('ready');
  console.error('no database today');
  process.exit(3);
}, 10);
";

struct World {
    sandbox: Sandbox,
    before: Vec<u32>,
}

impl World {
    /// Two workers run; what comes next waits for the file `go`.
    fn start() -> Self {
        let mut sandbox = sandbox();
        sandbox.set_env("PORT", sandbox.port().to_string());
        sandbox.write("app.js", APP);
        sandbox.write("mode", "ready");
        sandbox.write("go", "");
        sandbox
            .ostler(["start", "app.js", "-i", "2", "--wait-ready", "--listen-timeout", "60000"])
            .run();
        std::fs::remove_file(sandbox.work().join("go")).unwrap();
        let before = sandbox.pids_of("app");
        Self { sandbox, before }
    }

    /// A command that reloads, once its first new worker is there.
    fn reload(&self, args: &[&str]) -> Child {
        let mut command = self.sandbox.command();
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        wait_for("a new worker", SOON, || {
            let workers = self.sandbox.pids().into_iter();
            let mut new =
                workers.filter(|pid| procs::args(*pid).iter().any(|arg| arg.ends_with("app.js")));
            new.any(|pid| !self.before.contains(&pid)).then_some(())
        });
        child
    }

    fn go(&self, mode: &str) {
        self.sandbox.write("mode", mode);
        self.sandbox.write("go", "");
    }

    fn reload_is_over(&self) {
        self.sandbox.wait_file("pm2.log", SOON, |log| {
            let steps = || log.lines().filter(|line| line.contains("reload of app [app]: "));
            let both = steps().filter(|line| line.contains("passed its checks")).count() == 2;
            (both
                || steps()
                    .any(|line| line.contains("of the new version") && line.contains("has left")))
            .then_some(())
        });
    }

    fn check_replaced(&self, replaced: bool) {
        let now = self.sandbox.pids_of("app");
        assert_eq!(now.len(), 2);
        assert!(
            now.iter().all(|pid| self.before.contains(pid) != replaced),
            "{now:?} after {:?}",
            self.before
        );
    }
}

/// Code, standard output, standard error.
fn end(child: Child) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

const WORD: &str =
    "the daemon was replaced in the middle of this; waiting for its successor to finish";

#[test]
fn a_reload_that_the_next_daemon_finishes_is_told_as_done() {
    let world = World::start();
    let child = world.reload(&["reload", "app"]);
    kill_daemon(&world.sandbox);
    kill_daemon(&world.sandbox);
    world.go("ready");
    let (code, out, err) = end(child);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("reloaded app 2/2 in ") && err.contains(WORD), "{out}{err}");
    // The steps under the successor are told too.
    assert!(err.contains("app: new worker 1 (pid "), "{err}");
    world.check_replaced(true);
}

#[test]
fn a_reload_that_fails_under_the_next_daemon_is_told_with_its_reason() {
    let world = World::start();
    let child = world.reload(&["reload", "app"]);
    kill_daemon(&world.sandbox);
    world.go("exits");
    let (code, out, err) = end(child);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(
        err.contains("worker 0 ended with exit code 3") && err.contains("  no database today"),
        "{err}"
    );
    world.check_replaced(false);
}

#[test]
fn an_end_that_came_while_the_client_was_away_is_told_also_by_the_daemon_after() {
    for (mode, code) in [("ready", 0), ("exits", 1)] {
        let world = World::start();
        let child = world.reload(&["reload", "app"]);
        procs::signal(child.id(), Signal::STOP);
        // The worker is there before the daemon has written that it started it.
        world.sandbox.wait_file("pm2.log", SOON, |log| {
            log.contains("starting a new worker for 0").then_some(())
        });
        kill_daemon(&world.sandbox);
        world.go(mode);
        world.reload_is_over();
        kill_daemon(&world.sandbox);
        procs::signal(child.id(), Signal::CONT);
        let ended = end(child);
        assert_eq!(ended.0, Some(code), "{ended:?}");
        assert_eq!(ended.2.contains("  no database today"), code == 1, "{ended:?}");
        // Nothing was begun twice.
        let log = std::fs::read_to_string(world.sandbox.home().join("pm2.log")).unwrap();
        let begun = log.lines().filter(|line| line.contains("starting a new worker for 0")).count();
        assert_eq!(begun, 1, "{log}");
        world.check_replaced(code == 0);
    }
}

#[test]
fn a_canary_is_promoted_by_the_next_daemon() {
    let world = World::start();
    let child = world.reload(&["reload", "app", "--canary"]);
    kill_daemon(&world.sandbox);
    world.go("ready");
    let (code, out, err) = end(child);
    assert!(code == Some(0) && err.contains("hint: `ostler promote app`"), "{out}{err}");
    std::fs::remove_file(world.sandbox.work().join("go")).unwrap();
    let canary = world.sandbox.pids_of("app");
    assert_eq!(canary.iter().filter(|pid| world.before.contains(pid)).count(), 1);
    let mut command = world.sandbox.command();
    command
        .args(["promote", "app"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    world.sandbox.wait_file("pm2.log", SOON, |log| {
        log.contains("starting a new worker for 1").then_some(())
    });
    kill_daemon(&world.sandbox);
    world.go("ready");
    let (code, out, err) = end(child);
    assert_eq!(code, Some(0), "{out}{err}");
    world.check_replaced(true);
}

#[test]
fn an_end_that_nobody_knows_is_said_to_be_unknown() {
    let world = World::start();
    let child = world.reload(&["reload", "app"]);
    let (daemon, keeper) =
        (world.sandbox.daemon_pid().unwrap(), world.sandbox.keeper_pid().unwrap());
    procs::signal(child.id(), Signal::STOP);
    procs::signal(keeper, Signal::STOP);
    for pid in [daemon, keeper] {
        assert!(procs::signal(pid, Signal::KILL));
    }
    assert!(wait_exit(daemon, SOON) && wait_exit(keeper, SOON));
    procs::signal(child.id(), Signal::CONT);
    let (code, out, err) = end(child);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(
        err.contains(
            "the daemon and its keeper ended in the middle of this; how it went on is not known"
        ),
        "{err}"
    );
    // The next command finds what is left, and all is well again.
    world.go("ready");
    world.sandbox.ostler(["list"]).run();
    world.sandbox.wait_status("app", "online", 2, SOON);
}

#[test]
fn an_app_in_fork_mode_is_restarted_once() {
    let mut sandbox = sandbox();
    sandbox.set_env("PORT", sandbox.port().to_string());
    sandbox.write("app.js", APP);
    sandbox.write("mode", "ready");
    sandbox.write("go", "");
    sandbox.ostler(["start", "app.js", "--wait-ready", "--listen-timeout", "60000"]).run();
    std::fs::remove_file(sandbox.work().join("go")).unwrap();
    let before = sandbox.pids_of("app");
    let world = World { sandbox, before };
    let child = world.reload(&["reload", "app"]);
    kill_daemon(&world.sandbox);
    kill_daemon(&world.sandbox);
    world.go("ready");
    let (code, out, err) = end(child);
    assert!(code == Some(0) && out.starts_with("restarted app 1/1 in "), "{out}{err}");
    let process = world.sandbox.jlist().remove(0);
    assert_eq!(
        (&process["pm2_env"]["status"], &process["pm2_env"]["restart_time"]),
        (&"online".into(), &1.into())
    );
}
