//! When an ended app is started again, when not, and how it looks meanwhile.

use std::fs;
use std::time::Duration;

use ostler_testkit::{Load, Sandbox};

use crate::start_e2e::{SOON, one, sandbox, start_sh, wait_log, wait_one};

/// Appends the time of each start, in ms, to a file; then goes on with `rest`.
fn noting(rest: &str) -> String {
    format!("echo $(($(date +%s%N) / 1000000)) >> starts\n{rest}")
}

/// The times noted so far.
fn starts(sandbox: &Sandbox) -> Vec<u64> {
    let text = fs::read_to_string(sandbox.work().join("starts")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until so many starts were noted, and gives the pauses between them.
#[track_caller]
fn pauses(sandbox: &Sandbox, count: usize) -> Vec<u64> {
    let enough = |text: &str| (count <= text.matches('\n').count()).then_some(());
    sandbox.wait_file(sandbox.work().join("starts"), SOON, enough);
    starts(sandbox).windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn who_crashes_at_once_again_and_again_is_given_up() {
    let sandbox = sandbox();
    start_sh(&sandbox, "crash", &noting("echo oh no >&2\nexit 3"), &[]);
    let process = wait_one(&sandbox, "crash", "errored");
    assert_eq!(starts(&sandbox).len(), 16, "PM2's limit");
    assert_eq!((&process["pid"], &process["pm2_env"]["exit_code"]), (&0.into(), &3.into()));
    assert_eq!(process["pm2_env"]["restart_time"], 15);
    let described = sandbox.ostler(["describe", "crash"]).run().out;
    assert!(described.contains("given up") && described.contains("exit code 3"), "{described}");
    // Asked for, it gets another try, as often as before.
    sandbox.ostler(["restart", "crash"]).any_code().run();
    pauses(&sandbox, 32);
    wait_one(&sandbox, "crash", "errored");
    assert_eq!(starts(&sandbox).len(), 32);
}

#[test]
fn an_app_that_ends_well_at_once_is_no_less_a_loop() {
    let sandbox = sandbox();
    start_sh(&sandbox, "done", &noting("exit 0"), &["--max-restarts", "4"]);
    let process = wait_one(&sandbox, "done", "errored");
    assert_eq!((starts(&sandbox).len(), &process["pm2_env"]["exit_code"]), (4, &0.into()));
}

#[test]
fn what_counts_as_at_once_can_be_said() {
    let sandbox = sandbox();
    // 250 ms are long enough for 100, and too short for a minute.
    start_sh(
        &sandbox,
        "long",
        &noting("sleep 0.25\nexit 1"),
        &["--min-uptime", "100", "--max-restarts", "2"],
    );
    pauses(&sandbox, 5);
    assert_ne!(one(&sandbox, "long")["pm2_env"]["status"], "errored");
    sandbox.ostler(["delete", "long"]).run();
    start_sh(
        &sandbox,
        "short",
        "sleep 0.25\nexit 1",
        &["--min-uptime", "1m", "--max-restarts", "2"],
    );
    wait_one(&sandbox, "short", "errored");
}

#[test]
fn a_restart_can_be_delayed_and_a_stop_cancels_it() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", &noting("exit 1"), &["--restart-delay", "400"]);
    let process = wait_one(&sandbox, "app", "waiting restart");
    assert_eq!(process["pid"], 0);
    let pauses = pauses(&sandbox, 3);
    let more = sandbox.allowed(Duration::from_millis(1600), 20).as_millis();
    assert!(
        pauses.iter().all(|pause| (400..400 + more).contains(&u128::from(*pause))),
        "{pauses:?}"
    );
    sandbox.wait_status("app", "waiting restart", 1, SOON);
    sandbox.ostler(["stop", "app"]).run();
    let before = starts(&sandbox).len();
    assert_eq!(one(&sandbox, "app")["pm2_env"]["status"], "stopped");
    // Another app's three restarts take longer than the one that was cancelled.
    start_sh(&sandbox, "clock", "echo tick\nexit 1", &["--restart-delay", "300"]);
    sandbox.wait_file("logs/clock-out.log", SOON, |text| {
        (3 <= text.matches("tick").count()).then_some(())
    });
    assert_eq!(starts(&sandbox).len(), before, "started although it was stopped");
}

#[test]
fn a_restart_in_the_pause_comes_at_once() {
    let sandbox = sandbox();
    start_sh(
        &sandbox,
        "app",
        "if [ -e go ]; then echo up; exec sleep 1000000; fi\nexit 1",
        &["--restart-delay", "1000000"],
    );
    wait_one(&sandbox, "app", "waiting restart");
    sandbox.write("go", "");
    sandbox.ostler(["restart", "app"]).run();
    wait_log(&sandbox, "app-out.log", "up");
    wait_one(&sandbox, "app", "online");
}

#[test]
fn pauses_may_grow_with_each_crash() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", &noting("exit 1"), &["--exp-backoff-restart-delay", "100"]);
    // 100, 150, 225, 337: each is at least what is due and grows by half.
    let pauses = pauses(&sandbox, 5);
    for (pause, due) in pauses.iter().zip([100, 150, 225, 337]) {
        assert!((due..due + 1500).contains(pause), "{pauses:?}");
    }
}

#[test]
fn some_exit_codes_are_final_and_so_is_every_end_without_autorestart() {
    let sandbox = sandbox();
    start_sh(&sandbox, "two", &noting("exit 2"), &["--stop-exit-codes", "1", "2"]);
    let process = wait_one(&sandbox, "two", "stopped");
    assert_eq!((&process["pm2_env"]["exit_code"], starts(&sandbox).len()), (&2.into(), 1));
    start_sh(&sandbox, "once", &noting("exit 7"), &["--no-autorestart", "--restart-delay", "200"]);
    let process = wait_one(&sandbox, "once", "stopped");
    assert_eq!((&process["pm2_env"]["exit_code"], starts(&sandbox).len()), (&7.into(), 2));
    start_sh(
        &sandbox,
        "other",
        &noting("exit 3"),
        &["--stop-exit-codes", "2", "--max-restarts", "2"],
    );
    wait_one(&sandbox, "other", "errored");
    assert_eq!(starts(&sandbox).len(), 4);
}

#[test]
fn a_registered_app_is_started_when_it_is_asked_for() {
    let sandbox = sandbox();
    start_sh(&sandbox, "later", "echo up\nexec sleep 1000000", &["--no-autostart"]);
    wait_one(&sandbox, "later", "stopped");
    sandbox.ostler(["start", "later"]).run();
    wait_log(&sandbox, "later-out.log", "up");
    wait_one(&sandbox, "later", "online");
}

#[test]
fn who_takes_too_much_memory_is_started_again() {
    let mut sandbox = sandbox();
    sandbox.set_env("PM2_WORKER_INTERVAL", "100");
    sandbox.write(
        "hog.py",
        "import os, time\nlean = os.path.exists('lean')\n\
        x = None if lean else b'x' * (80 << 20)\n\
        print('pid', os.getpid(), 'lean' if lean else 'fat')\ntime.sleep(1e6)",
    );
    sandbox.ostler(["start", "hog.py", "--max-memory-restart", "50M"]).run();
    let restarts = |least: u64| {
        sandbox.wait_list(format!("{least} restarts"), SOON, |list| {
            (least <= list[0]["pm2_env"]["restart_time"].as_u64()?).then_some(())
        });
    };
    restarts(2);
    sandbox.write("lean", "");
    // Lean from the next run on at the latest: it stays.
    sandbox.wait_list("a lean one", SOON, |list| {
        let pid = list[0]["pid"].as_u64()?;
        let small = list[0]["monit"]["memory"].as_u64()? < 50 << 20;
        let said = fs::read_to_string(sandbox.file("logs/hog-out.log")).unwrap();
        (small && said.contains(&format!("pid {pid} lean"))).then_some(())
    });
    let text = fs::read_to_string(sandbox.file("pm2.log")).unwrap();
    assert!(text.contains("exceeds --max-memory-restart"), "{text}");
    sandbox.ostler(["list", "--json", "end"]).shows("over memory").run();
    sandbox.ostler(["describe", "hog"]).shows(", since it was restarted for its memory: ").run();
}

#[test]
fn a_memory_limit_is_noticed_by_itself_in_both_modes_and_a_worker_is_replaced_without_a_gap() {
    let sandbox = sandbox();
    // The first run that finds the file takes it, and grows.
    let grows = |name: &str| {
        format!(
            "const fs = require('fs');\nlet grown;\nsetInterval(() => {{\n\
             try {{ fs.unlinkSync('grow-{name}'); }} catch {{ return; }}\n\
             grown = Buffer.alloc(300 << 20, 1);\n}}, 20);\n"
        )
    };
    let serves =
        "require('http').createServer((_, res) => res.end('ok')).listen(process.env.PORT);";
    sandbox.write("job.js", grows("job"));
    sandbox.write("web.js", format!("{}{serves}", grows("web")));
    let port = sandbox.port();
    sandbox.ostler(["start", "job.js", "--max-memory-restart", "250M"]).run();
    let web = ["start", "web.js", "-i", "1", "--max-memory-restart", "250M"];
    sandbox.ostler(web).env("PORT", port.to_string()).run();
    let load = Load::to_port(port).start();
    load.wait_answered(20, SOON);
    for (at, name) in ["job", "web"].into_iter().enumerate() {
        sandbox.write(format!("grow-{name}"), "");
        sandbox.wait_list("a restart for its memory", SOON, |list| {
            (1 <= list[at]["pm2_env"]["restart_time"].as_u64()?).then_some(())
        });
    }
    load.wait_answered(20, SOON);
    load.stop().assert_none_failed(40);
    for name in ["job", "web"] {
        let described = sandbox.ostler(["describe", name]).run().out;
        assert!(described.contains("restarted for its memory"), "{described}");
    }
}

/// The first process may be npm or a shell, and a control group may not be had.
#[test]
fn a_memory_limit_is_for_all_processes_of_an_app_together() {
    for groups in ["on", "off"] {
        let mut sandbox = sandbox();
        sandbox.set_env("OSTLER_CGROUP", groups);
        sandbox.write(
            "hog.py",
            "import os, time\nx = b'x' * (80 << 20) if os.path.exists('fat') else None\n\
             print('up')\ntime.sleep(1e6)",
        );
        sandbox.write("fat", "");
        start_sh(&sandbox, "app", "python3 hog.py & wait", &["--max-memory-restart", "50M"]);
        sandbox.wait_list("a restart for its memory", SOON, |list| {
            (1 <= list[0]["pm2_env"]["restart_time"].as_u64()?).then_some(())
        });
        let log = fs::read_to_string(sandbox.file("pm2.log")).unwrap();
        assert!(log.contains("exceeds --max-memory-restart"), "{groups}: {log}");
    }
}

#[test]
fn memory_that_processes_of_an_app_share_is_counted_once() {
    let sandbox = sandbox();
    sandbox.write(
        "forks.py",
        "import os, time\nx = b'x' * (60 << 20)\n\
         for _ in range(5):\n    if os.fork() == 0:\n        print('forked', flush=True)\n        \
         time.sleep(1e6)\ntime.sleep(1e6)",
    );
    // It is looked at together with the other, and has more than its limit if added up.
    sandbox.ostler(["start", "forks.py", "--max-memory-restart", "200M"]).run();
    sandbox.wait_file("logs/forks-out.log", SOON, |text| {
        (text.matches("forked").count() == 5).then_some(())
    });
    sandbox.write("hog.py", "import time\nx = b'x' * (80 << 20)\ntime.sleep(1e6)");
    sandbox.ostler(["start", "hog.py", "--max-memory-restart", "50M"]).run();
    let restarts = sandbox.wait_list("a restart of the other", SOON, |list| {
        let of = |at: usize| list[at]["pm2_env"]["restart_time"].as_u64();
        (1 <= of(1)?).then_some(of(0)?)
    });
    assert_eq!(restarts, 0);
}

#[test]
fn a_crash_is_restarted_without_delay() {
    let sandbox = sandbox();
    start_sh(&sandbox, "app", "echo up $$\nexec sleep 1000000", &[]);
    let first = sandbox.pids_of("app")[0];
    assert!(ostler_testkit::procs::signal(first, ostler_testkit::procs::Signal::KILL));
    sandbox.wait_file("logs/app-out.log", SOON, |text| {
        (2 == text.matches("up").count()).then_some(())
    });
    let process = wait_one(&sandbox, "app", "online");
    assert_eq!(process["pm2_env"]["exit_signal"], "SIGKILL");
    assert_eq!(process["pm2_env"]["restart_time"], 1);
    assert_ne!(process["pid"], first);
    sandbox.ostler(["reset", "app"]).shows("reset the counters of app 1/1").run();
    assert_eq!(one(&sandbox, "app")["pm2_env"]["restart_time"], 0);
}
