//! The end of the manager itself.

use std::fs;
use std::time::Duration;

use ostler_testkit::procs;

use crate::start_e2e::{SOON, sandbox, start_sh};

/// `kill` was over with its connection, which its processes and their hold on the home outlived.
#[test]
fn kill_returns_when_keeper_daemon_and_guard_are_gone() {
    let sandbox = sandbox();
    for _ in 0..3 {
        start_sh(&sandbox, "app", "exec sleep 1000000", &[]);
        let daemon = sandbox.daemon_pid().unwrap();
        let guard = sandbox.wait_for("the guard", SOON, || {
            let is_guard = |pid: &u32| {
                fs::read_to_string(format!("/proc/{pid}/comm"))
                    .is_ok_and(|name| name.trim() == "ostler-guard")
            };
            sandbox.pids().into_iter().find(is_guard)
        });
        let all = [sandbox.keeper_pid().unwrap(), daemon, guard];
        sandbox.ostler(["kill"]).run();
        for pid in all {
            assert!(!procs::alive(pid), "{}", procs::describe(pid));
        }
    }
}

/// So much was said to the keeper that its socket was full, and the word to go was left unsaid:
/// another daemon began.
#[test]
fn kill_of_very_many_apps_is_the_end_of_the_keeper_too() {
    let sandbox = sandbox();
    let app = |n: u32| {
        let name = format!("a{n}");
        let script = "/bin/sleep";
        serde_json::json!({"name": name, "script": script, "args": "1000", "interpreter": "none"})
    };
    let apps: Vec<serde_json::Value> = (0..800).map(app).collect();
    let file = sandbox.write("many.json", serde_json::json!({ "apps": apps }).to_string());
    sandbox.ostler(["start"]).arg(file).limit(Duration::from_secs(60)).run();
    let keeper = sandbox.keeper_pid().unwrap();
    sandbox.ostler(["kill"]).limit(Duration::from_secs(60)).run();
    assert!(!procs::alive(keeper), "the keeper goes on");
    assert_eq!(sandbox.pids(), Default::default());
}
