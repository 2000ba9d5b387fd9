//! What the manager keeps of the command that starts it: nothing.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use ostler_testkit::{Sandbox, Victim, procs};

use crate::start_e2e::sandbox;

/// Keeper, daemon and guard.
fn manager(sandbox: &Sandbox) -> Vec<u32> {
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    let is_guard = |pid: &u32| procs::stat(*pid).is_some_and(|stat| stat.parent == daemon);
    [keeper, daemon].into_iter().chain(sandbox.pids().into_iter().filter(is_guard)).collect()
}

/// The files that a process has open, as device and number of each.
fn open_files(pid: u32) -> Vec<(u64, u64)> {
    let names = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    names.filter_map(|name| fs::metadata(name.path()).ok()).map(|m| (m.dev(), m.ino())).collect()
}

#[test]
fn no_descriptor_of_the_caller_stays_open_in_the_manager() {
    let sandbox = sandbox();
    let idle = sandbox.victim("idle", Victim::Sleeper);
    let idle = idle.to_str().unwrap();
    let lock = sandbox.write("lock", "");
    let lock = fs::metadata(lock).map(|meta| (meta.dev(), meta.ino())).unwrap();
    for words in [&["reset", "all"][..], &["ping"], &["start", idle], &["resurrect"], &["update"]] {
        // A lock as a deploy script holds it, and a pipe as in `exec 3> >(tee log)`.
        let mut shell = sandbox.command_of("sh");
        shell.args(["-c", "exec 3>&1 9<lock; \"$@\" >/dev/null 2>&1", "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_ostler")).args(words);
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdout.take().unwrap();
        assert!(child.wait().is_ok(), "{words:?}");
        for pid in manager(&sandbox) {
            assert!(!open_files(pid).contains(&lock), "{words:?}: {}", procs::describe(pid));
        }
        // Ends only when nobody holds the other end.
        assert_eq!(pipe.read_to_end(&mut Vec::new()).unwrap(), 0);
        sandbox.ostler(["kill"]).run();
    }
}

#[test]
fn no_variable_of_the_caller_reaches_the_manager_but_those_that_it_reads() {
    let mut sandbox = sandbox();
    sandbox.set_env("SECRET", "of the caller");
    sandbox.set_env("NODE_OPTIONS", "--no-warnings");
    sandbox.set_env("PM2_WORKER_INTERVAL", "5000");
    sandbox.ostler(["ping"]).run();
    for pid in manager(&sandbox) {
        let of = |name| procs::env_of(pid, name);
        assert_eq!((of("SECRET"), of("NODE_OPTIONS"), of("HOME")), (None, None, None));
        assert_eq!(of("PM2_WORKER_INTERVAL").as_deref(), Some("5000"));
        assert_eq!(of("OSTLER_HOME").as_deref(), sandbox.home().to_str());
    }
}
