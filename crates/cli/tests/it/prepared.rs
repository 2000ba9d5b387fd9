//! Starts that the keeper is given before the end that they follow.

use std::fs;

use ostler_testkit::{Sandbox, Victim, procs, wait_exit};
use rustix::process::Signal;
use serde_json::Value;

use crate::takeover::{SOON, kill_daemon, sandbox};

/// The process of an app whose run is not `before`, once it is online.
fn wait_next(sandbox: &Sandbox, before: u32) -> Value {
    sandbox.wait_list("the next run", SOON, |list| {
        let process = list.first()?;
        let online = process["pm2_env"]["status"] == "online" && process["pid"] != before;
        online.then(|| process.clone())
    })
}

fn pid_of(process: &Value) -> u32 {
    process["pid"].as_u64().and_then(|pid| pid.try_into().ok()).unwrap()
}

/// An app whose first run has crashed: what follows the second is prepared. Returns that.
fn crashed_once(sandbox: &Sandbox, args: &[&str]) -> u32 {
    let script = sandbox.victim("falls", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(script).args(args).run();
    let first = pid_of(&wait_next(sandbox, 0));
    assert!(procs::signal(first, Signal::KILL));
    pid_of(&wait_next(sandbox, first))
}

/// How many runs the app has had.
fn starts(sandbox: &Sandbox) -> usize {
    let log = sandbox.home().join("logs/falls-out.log");
    fs::read_to_string(log).unwrap().lines().filter(|line| line.starts_with("up ")).count()
}

#[test]
fn a_run_that_the_keeper_began_alone_is_taken_up_and_counted_once() {
    let sandbox = sandbox();
    let second = crashed_once(&sandbox, &[]);
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    // The keeper is stopped, so that no daemon can come before the run has ended.
    procs::signal(keeper, Signal::STOP);
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(daemon, SOON));
    procs::signal(second, Signal::KILL);
    assert!(wait_exit(second, SOON));
    procs::signal(keeper, Signal::CONT);
    let third = wait_next(&sandbox, second);
    let pid = pid_of(&third);
    sandbox.wait_file("logs/falls-out.log", SOON, |text| {
        text.contains(&format!("up {pid}")).then_some(())
    });
    assert_eq!((starts(&sandbox), &third["pm2_env"]["restart_time"]), (3, &2.into()));
    let file = fs::read_to_string(sandbox.home().join("pids/falls-0.pid")).unwrap();
    assert_eq!(file, pid.to_string());
    // Nor does it begin anew with the next daemon, or is forgotten.
    kill_daemon(&sandbox);
    let again = sandbox.jlist().remove(0);
    assert_eq!((pid_of(&again), &again["pm2_env"]["restart_time"]), (pid, &2.into()));
    assert_eq!(starts(&sandbox), 3);
    // It is followed as any other.
    assert!(procs::signal(pid, Signal::KILL));
    assert_eq!(wait_next(&sandbox, pid)["pm2_env"]["restart_time"], 3);
}

#[test]
fn a_crash_is_followed_although_the_daemon_does_nothing() {
    let sandbox = sandbox();
    let second = crashed_once(&sandbox, &[]);
    let daemon = sandbox.daemon_pid().unwrap();
    procs::signal(daemon, Signal::STOP);
    procs::signal(second, Signal::KILL);
    let begun = sandbox.wait_for("the next run", SOON, || {
        let is_one = |pid: &u32| procs::args(*pid).iter().any(|arg| arg == "1000000");
        sandbox.pids().into_iter().find(|pid| *pid != second && is_one(pid))
    });
    procs::signal(daemon, Signal::CONT);
    let third = wait_next(&sandbox, second);
    assert_eq!((pid_of(&third), &third["pm2_env"]["restart_time"]), (begun, &2.into()));
}

#[test]
fn a_stop_is_followed_by_nothing() {
    let sandbox = sandbox();
    let second = crashed_once(&sandbox, &[]);
    sandbox.ostler(["stop", "falls"]).run();
    assert!(!procs::alive(second));
    // What was prepared would have begun by now: the keeper obeys in order.
    sandbox.ostler(["start", "falls"]).run();
    let next = wait_next(&sandbox, second);
    let pid = pid_of(&next);
    sandbox.wait_file("logs/falls-out.log", SOON, |text| {
        text.contains(&format!("up {pid}")).then_some(())
    });
    assert_eq!(starts(&sandbox), 3);
}

#[test]
fn a_program_that_was_moved_meanwhile_is_looked_up_again() {
    let mut sandbox = sandbox();
    let [old, new] = ["old", "new"].map(|folder| {
        let program = format!("{folder}/runner");
        sandbox.write_executable(program, "#!/bin/sh\nexec /bin/sh \"$@\"\n")
    });
    let folders = [&old, &new].map(|path| path.parent().unwrap().display().to_string());
    sandbox.set_env("PATH", format!("{}:/usr/bin:/bin", folders.join(":")));
    let second = crashed_once(&sandbox, &["--interpreter", "runner"]);
    fs::remove_file(old).unwrap();
    assert!(procs::signal(second, Signal::KILL));
    assert_eq!(wait_next(&sandbox, second)["pm2_env"]["restart_time"], 2);
}
