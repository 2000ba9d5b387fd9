//! Limits that the kernel holds a process to.

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Victim, wait_for};

use crate::takeover::{SOON, kill_daemon, sandbox};

/// The limit of open files, nice value and score for the out-of-memory killer of a process.
fn limits_of(pid: u32) -> (String, String, String) {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let files = read("limits");
    let files = files.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let stat = read("stat");
    let nice = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap();
    let files: Vec<&str> = files.split_whitespace().skip(3).take(2).collect();
    (files.join(" "), nice.to_owned(), read("oom_score_adj").trim().to_owned())
}

#[test]
fn each_process_has_the_limits_of_its_app_whoever_started_it() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let given = "apps: [{ script: app.sh, nofile: 1234, nice: 7, oomScoreAdj: 321 }]";
    sandbox.write("eco.yaml", given);
    sandbox.ostler(["start", "eco.yaml"]).run();
    let has = |before: u32| {
        let pid = sandbox.wait_for("another run", SOON, || {
            sandbox.pids_of("app").into_iter().find(|pid| *pid != before)
        });
        (pid, limits_of(pid))
    };
    let expected = ("1234 1234".to_owned(), "7".to_owned(), "321".to_owned());
    let (first, limits) = has(0);
    assert_eq!(limits, expected);
    // A run that the keeper begins by itself, while there is no daemon perhaps.
    procs::signal(first, Signal::KILL);
    let (second, limits) = has(first);
    assert_eq!(limits, expected);
    kill_daemon(&sandbox);
    sandbox.ostler(["restart", "app"]).run();
    let (third, limits) = has(second);
    assert_eq!(limits, expected);
    let shown = sandbox.ostler(["describe", "app", "--json", "settings"]).run().out;
    assert!(shown.contains("\"nofile\": 1234") || shown.contains("\"nofile\":1234"), "{shown}");

    // What the file has no more is as it was for the command.
    sandbox.write("eco.yaml", "apps: [{ script: app.sh }]");
    sandbox.ostler(["restart", "eco.yaml"]).run();
    let (_, limits) = has(third);
    assert_ne!(limits.0, expected.0);
    assert_eq!((limits.1, limits.2), (limits_of(std::process::id()).1, own_score()));
}

fn own_score() -> String {
    limits_of(std::process::id()).2
}

#[test]
fn a_limit_that_cannot_be_had_is_a_failed_start_that_says_why_and_is_not_tried_again() {
    let mut sandbox = sandbox();
    sandbox.set_env("OSTLER_CGROUP", "off");
    let app = sandbox.victim("app", Victim::Sleeper);
    let start = |name: &str, option: &str, value: &str, why: &str| {
        let path = app.to_str().unwrap();
        let said = sandbox.ostler(["start", path, "--name", name, option, value]).code(1).run();
        assert!(said.err.contains(why), "{}", said.err);
        let shown = sandbox.jlist().into_iter().find(|of| of["name"] == name).unwrap();
        assert_eq!(shown["pm2_env"]["status"], "errored");
        assert_eq!(shown["pm2_env"]["restart_time"], 0);
    };
    // Above what even root may give.
    start("files", "--nofile", "999999999999", "could not be given `nofile` 999999999999");
    start("cpu", "--max-cpu", "50%", "could not be held to `max_cpu` 50 %: no control groups");
    let said = sandbox.ostler(["start", "app.sh", "--nice", "20"]).any_code().run();
    assert!(said.err.contains("`--nice` must be at most 19"), "{}", said.err);
    wait_for("the reason", SOON, || {
        let why = sandbox.ostler(["describe", "files"]).run().out;
        why.contains("above the hard limit").then_some(())
    });
}

#[test]
fn a_memory_limit_needs_a_control_group() {
    let mut sandbox = sandbox();
    sandbox.set_env("OSTLER_CGROUP", "off");
    sandbox.victim("app", Victim::Sleeper);
    let said = sandbox.ostler(["start", "app.sh", "--max-memory", "64M"]).code(1).run().err;
    let why = "could not be held to `max_memory` 67108864 bytes: no control groups of version 2 \
               can be made here for its manager; `max_memory_restart` needs no control group";
    assert!(said.contains(why), "{said}");
    assert_eq!(sandbox.statuses_of("app"), ["errored"]);
}
