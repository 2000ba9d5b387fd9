//! Keeper and daemon are killed, and no file of the state can be read: what runs stays known.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use ostler_testkit::procs;
use ostler_testkit::{Sandbox, Victim, wait_exit};
use serde_json::Value;

use crate::keeper_death::kill_both;
use crate::start_e2e::both_kinds;
use crate::takeover::{SOON, kill_daemon};

const BAD: [&str; 3] = ["{ garbage", "{\"version\":7,\"of\":\"tomorrow\"}", ""];

/// Breaks both files of the state.
fn break_state(sandbox: &Sandbox, text: &str) {
    for file in ["ostler.state", "ostler.state.bak"] {
        fs::write(sandbox.file(file), text).unwrap();
    }
}

fn break_starts(sandbox: &Sandbox) {
    let text = fs::read_to_string(sandbox.file("ostler.starts")).unwrap();
    let (head, _) = text.split_once('\n').unwrap();
    // The head is whole, and what follows is cut or of no sense.
    let garbage = format!("{head}\n+ 1 \n= 1 {{\"na\n+ 18446744073709551615 1 1 {{}}\nx");
    fs::write(sandbox.file("ostler.starts"), garbage).unwrap();
}

/// What must be as it was: name, folder, variable and script of each, by number.
fn known(sandbox: &Sandbox) -> BTreeMap<u64, (Value, Value, Value, Value)> {
    let of = |process: &Value| {
        let env = &process["pm2_env"];
        let of = ["name", "pm_cwd", "COLOUR", "pm_exec_path"].map(|key| env[key].clone());
        (process["pm_id"].as_u64().unwrap(), of.into())
    };
    sandbox.jlist().iter().map(of).collect()
}

fn start(sandbox: &Sandbox, script: &Path, name: &str, args: &[&str]) -> u32 {
    let start = sandbox.ostler(["start"]).arg(script).args(["--name", name]).args(args);
    start.env("COLOUR", "blue").run();
    sandbox.pids_of(name)[0]
}

#[test]
fn what_the_list_of_starts_knows_is_stopped_and_started_as_if_the_state_were_there() {
    for (at, (kind, sandbox)) in both_kinds().into_iter().enumerate() {
        let idle = sandbox.victim("idle", Victim::Sleeper);
        let tree = sandbox.victim("tree", Victim::ForksTree);
        start(&sandbox, &idle, "gone", &[]);
        let old = [start(&sandbox, &idle, "one", &[]), start(&sandbox, &tree, "two", &[])];
        sandbox.ostler(["delete", "gone"]).run();
        let before = known(&sandbox);
        let all = sandbox.pids();
        kill_both(&sandbox);
        break_state(&sandbox, BAD[at]);
        let list = sandbox.ostler(["list"]).run();
        let said = "could not be read: 2 running processes were recovered";
        assert!(list.err.contains(said), "{kind}: {list:?}");
        assert!(!sandbox.ostler(["list"]).run().err.contains(said), "{kind}: it is said once");
        for name in ["one", "two"] {
            sandbox.wait_status(name, "online", 1, SOON);
        }
        assert_eq!(known(&sandbox), before, "{kind}");
        for pid in all {
            assert!(wait_exit(pid, SOON), "{kind}: {} is left", procs::describe(pid));
        }
        assert!(!old.contains(&sandbox.pids_of("one")[0]), "{kind}");
        let aside = fs::read_dir(sandbox.home()).unwrap().flatten();
        let aside = aside.filter(|of| of.file_name().to_string_lossy().contains(".bad-"));
        assert_eq!(aside.count(), 2, "{kind}: both are set aside, not deleted");
    }
}

/// A daemon that takes over writes the list a moment later, and may begin to start apps before.
#[test]
fn what_is_started_in_the_first_moment_after_a_takeover_is_in_the_list_of_starts() {
    for (at, (kind, sandbox)) in both_kinds().into_iter().enumerate() {
        let idle = sandbox.victim("idle", Victim::Sleeper);
        let one = start(&sandbox, &idle, "one", &[]);
        kill_daemon(&sandbox);
        let mut command = sandbox.command();
        command.args(["start", "--name", "two"]).arg(&idle).stdin(Stdio::null());
        let mut command = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sandbox.wait_file("ostler.starts", SOON, |text| {
            (1 < text.matches("\n+ ").count()).then_some(())
        });
        let all = sandbox.pids();
        kill_both(&sandbox);
        // It says that it does not know how it went on.
        command.wait().unwrap();
        break_state(&sandbox, BAD[at]);
        let list = sandbox.ostler(["list"]).run();
        let said = "could not be read: 2 running processes were recovered";
        assert!(list.err.contains(said), "{kind}: {list:?}");
        for name in ["one", "two"] {
            sandbox.wait_status(name, "online", 1, SOON);
        }
        assert_ne!(sandbox.pids_of("one"), [one], "{kind}");
        for pid in all {
            assert!(wait_exit(pid, SOON), "{kind}: {} is left", procs::describe(pid));
        }
    }
}

#[test]
fn the_saved_list_knows_what_no_list_of_starts_does() {
    for (kind, sandbox) in both_kinds() {
        let idle = sandbox.victim("idle", Victim::Sleeper);
        let old = start(&sandbox, &idle, "one", &["--max-restarts", "7"]);
        sandbox.ostler(["save"]).run();
        let before = known(&sandbox);
        kill_both(&sandbox);
        break_state(&sandbox, BAD[0]);
        break_starts(&sandbox);
        sandbox.wait_status("one", "online", 1, SOON);
        assert_eq!(known(&sandbox), before, "{kind}");
        assert!(wait_exit(old, SOON), "{kind}: it is doubled");
        assert_eq!(sandbox.jlist()[0]["pm2_env"]["max_restarts"], 7, "{kind}");
    }
}

#[test]
fn what_was_stopped_and_saved_is_still_in_the_list() {
    for (kind, sandbox) in both_kinds() {
        let idle = sandbox.victim("idle", Victim::Sleeper);
        for name in ["one", "two"] {
            start(&sandbox, &idle, name, &[]);
        }
        sandbox.ostler(["stop", "two"]).run();
        sandbox.ostler(["save"]).run();
        let before = known(&sandbox);
        kill_both(&sandbox);
        break_state(&sandbox, BAD[0]);
        let list = sandbox.ostler(["list"]).run();
        let said = "1 running process was recovered, 1 process of the saved list does not run";
        assert!(list.err.contains(said), "{kind}: {list:?}");
        sandbox.wait_status("one", "online", 1, SOON);
        assert_eq!(known(&sandbox), before, "{kind}");
        assert_eq!(sandbox.statuses_of("two"), ["stopped"], "{kind}");
        sandbox.ostler(["restart", "two"]).run();
        sandbox.wait_status("two", "online", 1, SOON);
    }
}

#[test]
fn what_only_its_own_process_tells_of_goes_on_and_can_be_restarted() {
    for (kind, sandbox) in both_kinds() {
        let waits = sandbox.write_executable("waits.sh", "#!/bin/sh\nsleep 1000000\nexit\n");
        let old = start(&sandbox, &waits, "one", &["--", "an", "argument"]);
        let before = known(&sandbox);
        kill_both(&sandbox);
        break_state(&sandbox, BAD[1]);
        break_starts(&sandbox);
        assert_eq!(known(&sandbox), before, "{kind}");
        assert_eq!(sandbox.statuses_of("one"), ["online"], "{kind}");
        assert_eq!(sandbox.pids_of("one"), [old], "{kind}: it was not touched");
        assert_eq!(sandbox.jlist()[0]["pm2_env"]["args"], serde_json::json!(["an", "argument"]));
        sandbox.ostler(["restart", "one"]).run();
        assert!(wait_exit(old, SOON), "{kind}");
        assert_eq!(known(&sandbox), before, "{kind}");
    }
}
