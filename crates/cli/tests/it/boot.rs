//! `boot`, as a service of systemd would run it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_exit};

use super::start_e2e::{SOON, sandbox};

/// `ostler boot` as systemd would run it, and what it says.
struct Booted {
    pid: u32,
    socket: UnixDatagram,
}

impl Booted {
    fn new(sandbox: &Sandbox, watchdog: Option<u32>) -> Self {
        let path = sandbox.root().join("notify");
        // One after the other may listen there.
        let _ = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let mut command = sandbox.command();
        command.arg("boot").env("NOTIFY_SOCKET", &path).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(millis) = watchdog {
            command.env("WATCHDOG_USEC", (u64::from(millis) * 1000).to_string());
        }
        Self { pid: sandbox.spawn_helper(command), socket }
    }

    #[track_caller]
    fn hears(&self, wanted: &str) {
        let mut buffer = [0; 1000];
        loop {
            let length = self
                .socket
                .recv(&mut buffer)
                .unwrap_or_else(|error| panic!("no `{wanted}`: {error}"));
            if String::from_utf8_lossy(&buffer[..length]).lines().any(|line| line == wanted) {
                return;
            }
        }
    }
}

const APP: &str = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done\n";

/// A sandbox with two saved apps and no daemon.
fn saved() -> Sandbox {
    let sandbox = sandbox();
    let script = sandbox.write("app.sh", APP);
    for name in ["one", "two"] {
        let script = script.to_str().unwrap();
        let args = [
            "start",
            script,
            "--interpreter",
            "sh",
            "--name",
            name,
            "--force",
            "--kill-timeout",
            "100",
        ];
        sandbox.run(&args).success();
    }
    sandbox.run(&["save"]).success();
    sandbox.run(&["kill"]).success();
    sandbox
}

fn pids(sandbox: &Sandbox) -> Vec<u32> {
    ["one", "two"].iter().flat_map(|name| sandbox.pids_of(name)).collect()
}

#[test]
fn boot_is_ready_when_the_saved_apps_are_and_ends_in_peace_with_the_daemon() {
    let sandbox = saved();
    let boot = Booted::new(&sandbox, None);
    boot.hears("READY=1");
    let apps = pids(&sandbox);
    assert_eq!(apps.len(), 2);
    for pid in apps.iter().copied().chain(sandbox.daemon_pid()) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(
            !String::from_utf8_lossy(&environment).contains("NOTIFY_SOCKET"),
            "process {pid} could speak for us"
        );
    }
    sandbox.run(&["kill"]).success();
    assert!(wait_exit(boot.pid, SOON));
}

#[test]
fn boot_that_is_told_to_go_stops_everything_first() {
    let sandbox = saved();
    let boot = Booted::new(&sandbox, None);
    boot.hears("READY=1");
    let apps = pids(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    procs::signal(boot.pid, Signal::TERM);
    boot.hears("STOPPING=1");
    assert!(wait_exit(boot.pid, SOON));
    for pid in apps {
        assert!(!procs::alive(pid), "process {pid} is left");
    }
    // Its last word was the end of the connection.
    assert!(wait_exit(daemon, SOON));
}

#[test]
fn boot_may_be_killed_and_the_next_finds_everything_running() {
    let sandbox = saved();
    let first = Booted::new(&sandbox, None);
    first.hears("READY=1");
    let (apps, daemon) = (pids(&sandbox), sandbox.daemon_pid());
    procs::signal(first.pid, Signal::KILL);
    assert!(wait_exit(first.pid, SOON));
    let second = Booted::new(&sandbox, None);
    second.hears("READY=1");
    assert_eq!((pids(&sandbox), sandbox.daemon_pid()), (apps, daemon));
}

#[test]
fn boot_ends_when_keeper_and_daemon_are_both_killed() {
    let sandbox = saved();
    let first = Booted::new(&sandbox, None);
    first.hears("READY=1");
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    // The daemon must not see its keeper's end.
    procs::signal(daemon, Signal::STOP);
    procs::signal(keeper, Signal::KILL);
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(first.pid, SOON));
    let second = Booted::new(&sandbox, None);
    second.hears("READY=1");
    sandbox.wait_status("one", "online", 1, SOON);
    sandbox.wait_status("two", "online", 1, SOON);
}

#[test]
fn a_daemon_that_hangs_is_replaced_before_the_watchdog_bites() {
    let sandbox = saved();
    let boot = Booted::new(&sandbox, Some(1500));
    boot.hears("READY=1");
    boot.hears("WATCHDOG=1");
    let (apps, daemon) = (pids(&sandbox), sandbox.daemon_pid().unwrap());
    procs::signal(daemon, Signal::STOP);
    assert!(wait_exit(daemon, SOON));
    boot.hears("WATCHDOG=1");
    assert_eq!(pids(&sandbox), apps);
    assert!(procs::alive(boot.pid));
}
