//! The keeper dies by SIGKILL: the daemon starts another one and hands everything over. Both die:
//! nothing is doubled.

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Load, Sandbox, Victim, wait_exit, wait_for};

use crate::takeover::{SOON, assert_ledger, kill_daemon, lives, sandbox, start_api};

/// Kills the keeper and waits until another one is there.
pub fn kill_keeper(sandbox: &Sandbox) -> u32 {
    let old = wait_for("a keeper", SOON, || sandbox.keeper_pid());
    assert!(procs::signal(old, Signal::KILL));
    assert!(wait_exit(old, SOON));
    wait_for("another keeper", SOON, || sandbox.keeper_pid().filter(|pid| *pid != old))
}

/// Kills both, so that nobody is left to replace anybody.
pub fn kill_both(sandbox: &Sandbox) {
    let (keeper, daemon) = (sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap());
    // A stopped process replaces nobody.
    procs::signal(daemon, Signal::STOP);
    procs::signal(keeper, Signal::KILL);
    assert!(wait_exit(keeper, SOON));
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(daemon, SOON));
}

#[test]
fn keeper_and_daemon_are_killed_in_turn_under_load_and_nothing_notices() {
    let sandbox = sandbox();
    let port = start_api(&sandbox);
    let talks = sandbox.victim("talks", Victim::Lines { every: 1, count: 1_000_000 });
    sandbox.ostler(["start"]).arg(&talks).arg("--time").run();
    let before = lives(&sandbox);
    let load = Load::to_port(port).connections(4).connection_per_request().start();
    for _ in 0..4 {
        load.wait_answered(20, SOON);
        kill_keeper(&sandbox);
        load.wait_answered(20, SOON);
        kill_daemon(&sandbox);
        assert_eq!(lives(&sandbox), before);
    }
    load.wait_answered(20, SOON);
    load.stop().assert_none_failed(100);
    sandbox.ostler(["stop", "talks"]).run();
    let text = std::fs::read_to_string(sandbox.file("logs/talks-out.log")).unwrap();
    assert!(100 < assert_ledger(&text, "time"));
}

#[test]
fn how_apps_of_a_dead_keeper_end_is_known() {
    let sandbox = sandbox();
    let script = sandbox.write_executable(
        "waits.sh",
        "#!/bin/sh\ntrap 'exit 9' USR1\necho up\nwhile :; do sleep 0.01; done\n",
    );
    sandbox.ostler(["start"]).arg(script).args(["--name", "waits", "--no-autorestart"]).run();
    sandbox.wait_file("logs/waits-out.log", SOON, |text| text.contains("up").then_some(()));
    let pid = sandbox.pids_of("waits")[0];
    kill_keeper(&sandbox);
    procs::signal(pid, Signal::USR1);
    let code = sandbox.wait_list("the end", SOON, |list| {
        (list[0]["pm2_env"]["status"] == "stopped").then(|| list[0]["pm2_env"]["exit_code"].clone())
    });
    assert_eq!(code, 9, "the kernel tells it through the pidfd");
}

#[test]
fn apps_of_a_dead_keeper_are_stopped_restarted_and_deleted_as_ever() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "a"]).run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "b"]).run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "c"]).run();
    let pids = [sandbox.pids_of("a")[0], sandbox.pids_of("b")[0], sandbox.pids_of("c")[0]];
    kill_keeper(&sandbox);
    sandbox.ostler(["stop", "a"]).run();
    sandbox.ostler(["restart", "b"]).run();
    sandbox.ostler(["delete", "c"]).run();
    for pid in pids {
        assert!(!procs::alive(pid));
    }
    assert_eq!(
        (sandbox.statuses_of("a"), sandbox.statuses_of("b")),
        (vec!["stopped".into()], vec!["online".into()])
    );
    assert!(sandbox.statuses_of("c").is_empty());
}

#[test]
fn a_start_that_the_dead_keeper_left_open_happens_once() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "first"]).run();
    let keeper = sandbox.keeper_pid().unwrap();
    // It takes requests and does nothing.
    procs::signal(keeper, Signal::STOP);
    let mut command = sandbox.command();
    command.args(["start"]).arg(&script).args(["--name", "second"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    sandbox.spawn_helper(command);
    sandbox.wait_list("the second app", SOON, |list| (list.len() == 2).then_some(()));
    procs::signal(keeper, Signal::KILL);
    sandbox.wait_status("second", "online", 1, SOON);
    assert_eq!(sandbox.jlist()[1]["pm2_env"]["restart_time"], 0, "it is no restart");
    // Each is a shell first, and then what it becomes.
    let running = || {
        let is_ours = |pid: &u32| {
            let args = procs::args(*pid);
            // The command itself may look for a moment what becomes of it.
            let starts = args.iter().any(|arg| arg == "start");
            !starts && args.iter().any(|arg| arg == "sleep" || arg.ends_with("idle.sh"))
        };
        sandbox.pids().into_iter().filter(is_ours).count()
    };
    assert_eq!(running(), 2);
}

#[test]
fn when_both_die_apps_are_stopped_and_started_cleanly_and_keep_their_numbers() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    let tree = sandbox.victim("tree", Victim::ForksTree);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "gone"]).run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "a"]).run();
    sandbox.ostler(["start"]).arg(tree).run();
    sandbox.ostler(["start"]).arg(&script).args(["--name", "down"]).run();
    sandbox.ostler(["stop", "down"]).run();
    sandbox.ostler(["restart", "a"]).run();
    sandbox.ostler(["delete", "gone"]).run();
    sandbox.wait_file("logs/tree-out.log", SOON, |text| text.contains("up").then_some(()));
    // Counters of restarts that nobody asked for may wait a moment before they are saved; these
    // were asked for.
    let before = lives(&sandbox);
    let old = sandbox.pids();
    let manager = [sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap()];
    kill_both(&sandbox);
    assert!(3 < sandbox.pids().len(), "apps live on alone");
    sandbox.wait_status("a", "online", 1, SOON);
    sandbox.wait_status("tree", "online", 1, SOON);
    let after = lives(&sandbox);
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    for (id, (pid, status, restarts)) in &before {
        assert_eq!((&after[id].1, &after[id].2), (status, restarts), "process {id}");
        assert!(*pid == 0 || after[id].0 != *pid, "process {id} was started afresh");
    }
    for pid in old.iter().filter(|pid| !manager.contains(pid)) {
        assert!(wait_exit(*pid, SOON), "{} is left", procs::describe(*pid));
    }
}

#[test]
fn an_app_that_calls_the_manager_after_both_died_is_restarted_and_the_manager_stays() {
    for (kind, sandbox) in crate::start_e2e::both_kinds() {
        let program = env!("CARGO_BIN_EXE_ostler");
        let caller = format!(
            "#!/bin/sh\necho up\nwhile [ ! -e go ]; do sleep 0.05; done\n\
             {program} list >/dev/null 2>&1\nexec sleep 1000000\n"
        );
        let caller = sandbox.write_executable("caller.sh", caller);
        let idle = sandbox.victim("idle", Victim::Sleeper);
        sandbox.ostler(["start"]).arg(caller).run();
        sandbox.ostler(["start"]).arg(idle).run();
        let before = lives(&sandbox);
        kill_both(&sandbox);
        sandbox.write("go", "");
        let daemon = wait_for("a daemon that the app started", SOON, || sandbox.daemon_pid());
        sandbox.wait_status("idle", "online", 1, SOON);
        sandbox.wait_status("caller", "online", 1, SOON);
        for (id, (pid, ..)) in &before {
            assert!(wait_exit(u32::try_from(*pid).unwrap(), SOON), "{kind}: process {id} is left");
        }
        let manager = [sandbox.keeper_pid().unwrap(), daemon];
        for pid in manager {
            assert_eq!(procs::env_of(pid, "OSTLER_RUN"), None, "{kind}");
            assert_eq!(procs::env_of(pid, "PM2_HOME"), None, "{kind}: it is said to apps");
            let group = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            assert!(!group.contains("/run-"), "{kind}: {group}");
        }
        sandbox.ostler(["delete", "caller"]).run();
        assert_eq!(
            [sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap()],
            manager,
            "{kind}"
        );
        assert_eq!(sandbox.statuses_of("idle"), ["online"], "{kind}");
    }
}

/// A program that writes over its environment, as `$0 = …` in Perl, nginx and PostgreSQL do, and a
/// child of it. Each writes its number into `NAME.pids` first.
fn renamed(sandbox: &Sandbox, name: &str) -> std::path::PathBuf {
    let text = format!(
        "#!/usr/bin/env perl\n$| = 1;\nfork();\n$0 = 'renamed' . ' ' x 100000;\n\
         open(my $f, '>>', '{name}.pids'); syswrite($f, \"$$\\n\"); close($f);\n\
         print \"up\\n\";\nsleep 1000 while 1;\n"
    );
    sandbox.write_executable(format!("{name}.pl"), text)
}

/// The first process and its child, once both have written over their environment.
fn both_of(sandbox: &Sandbox, name: &str) -> [u32; 2] {
    let path = sandbox.work().join(format!("{name}.pids"));
    let first = sandbox.pids_of(name)[0];
    wait_for("two numbers", SOON, || {
        let text = std::fs::read_to_string(&path).ok()?;
        let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let child = pids.iter().copied().find(|pid| {
            procs::stat(*pid).is_some_and(|stat| stat.session == first && *pid != first)
        })?;
        pids.contains(&first).then_some([first, child])
    })
}

#[test]
fn apps_that_overwrite_their_environment_are_not_doubled_when_both_die() {
    for (kind, sandbox) in crate::start_e2e::both_kinds() {
        // Of one the first process is killed as well.
        for name in ["whole", "headless"] {
            let script = renamed(&sandbox, name);
            sandbox.ostler(["start"]).arg(script).run();
        }
        let old = ["whole", "headless"].map(|name| both_of(&sandbox, name));
        let all = old.as_flattened();
        assert!(all.iter().all(|pid| procs::env_of(*pid, "OSTLER_RUN").is_none()), "{kind}");
        kill_both(&sandbox);
        procs::signal(old[1][0], Signal::KILL);
        assert!(wait_exit(old[1][0], SOON));
        assert!(procs::alive(old[1][1]), "{kind}: its child lives on");
        sandbox.wait_status("whole", "online", 1, SOON);
        sandbox.wait_status("headless", "online", 1, SOON);
        for pid in all {
            assert!(wait_exit(*pid, SOON), "{kind}: {} is left", procs::describe(*pid));
        }
    }
}
