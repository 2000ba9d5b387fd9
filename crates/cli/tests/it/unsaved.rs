//! The state cannot be saved, or the files of it are of no use: the command says so, and whoever
//! takes over knows what runs from the keeper.

use std::fs;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim, wait_exit};

use crate::keeper_death::kill_keeper;
use crate::takeover::{SOON, kill_daemon, lives, sandbox};

const FILES: [&str; 2] = ["ostler.state", "ostler.state.bak"];

fn start(sandbox: &Sandbox, name: &str) {
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(script).args(["--name", name]).run();
}

fn log(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.file("pm2.log")).unwrap()
}

#[test]
fn what_could_not_be_saved_is_said_and_taken_over_all_the_same() {
    let sandbox = sandbox();
    start(&sandbox, "first");
    // Root writes everywhere, but not into a folder as if it were a file.
    fs::create_dir(sandbox.file("ostler.state.new")).unwrap();
    let script = sandbox.victim("idle", Victim::Sleeper);
    let start_second = sandbox.ostler(["start"]).arg(script).args(["--name", "second"]);
    let said = start_second.code(1).run();
    assert!(said.err.contains("it is done, but could not save the state to "), "{}", said.err);
    assert!(said.err.contains("hint: is the disk full or the home not writable?"), "{}", said.err);
    let before = lives(&sandbox);
    assert_eq!(before.len(), 2);
    kill_daemon(&sandbox);
    assert_eq!(lives(&sandbox), before);
    // Also by way of a new keeper, which gets it from the daemon.
    kill_keeper(&sandbox);
    // A daemon that answers has given it.
    assert_eq!(lives(&sandbox), before);
    kill_daemon(&sandbox);
    assert_eq!(lives(&sandbox), before);
    fs::remove_dir(sandbox.file("ostler.state.new")).unwrap();
    sandbox.ostler(["restart", "second"]).run();
}

#[test]
fn apps_go_on_when_no_file_of_the_state_can_be_read() {
    let sandbox = sandbox();
    start(&sandbox, "first");
    start(&sandbox, "second");
    let before = lives(&sandbox);
    for bad in ["", "{ garbage", "{\"version\":7,\"of\":\"tomorrow\"}"] {
        for file in FILES {
            fs::write(sandbox.file(file), bad).unwrap();
        }
        kill_daemon(&sandbox);
        assert_eq!(lives(&sandbox), before, "{bad}");
    }
    assert!(log(&sandbox).contains("is missing or old: taken from what the keeper holds"));
    // The next run has a number of its own.
    sandbox.ostler(["restart", "all"]).run();
}

#[test]
fn a_state_whose_runs_have_impossible_numbers_is_refused() {
    let sandbox = sandbox();
    start(&sandbox, "app");
    let before = lives(&sandbox);
    let text = fs::read_to_string(sandbox.file("ostler.state")).unwrap();
    let (head, tail) = text.split_once("\"last_run\":").unwrap();
    let tail = tail.trim_start_matches(|of: char| of.is_ascii_digit());
    fs::write(sandbox.file("ostler.state"), format!("{head}\"last_run\":{}{tail}", u64::MAX))
        .unwrap();
    kill_daemon(&sandbox);
    assert_eq!(lives(&sandbox), before);
    let why = "its last run cannot have the number 18446744073709551615";
    assert!(log(&sandbox).contains(why), "{}", log(&sandbox));
    sandbox.ostler(["restart", "app"]).run();
}

/// An older program took the file of a newer one for garbage, and killed what it did not know.
#[test]
fn a_state_of_a_newer_version_is_read_as_far_as_it_is_understood() {
    let sandbox = sandbox();
    start(&sandbox, "app");
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    procs::signal(daemon, Signal::STOP);
    for pid in [keeper, daemon] {
        procs::signal(pid, Signal::KILL);
        assert!(wait_exit(pid, SOON));
    }
    let text = fs::read_to_string(sandbox.file("ostler.state")).unwrap();
    let newer = text.replacen("{\"version\":1,", "{\"version\":2,\"of_tomorrow\":[7],", 1);
    assert_ne!(newer, text);
    fs::write(sandbox.file("ostler.state"), newer).unwrap();
    sandbox.wait_status("app", "online", 1, SOON);
    assert!(log(&sandbox).contains("is of a newer version (2)"), "{}", log(&sandbox));
}
