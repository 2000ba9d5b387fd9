//! The end of an app: asked first, then forced, and nothing of its tree is left, with control
//! groups and without.

use std::fs;
use std::time::{Duration, Instant};

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim, wait_exit};

use crate::start_e2e::{
    SOON, both_kinds, one, sandbox, sandbox_without_groups, start_sh, untimed, wait_log, wait_one,
};

/// The pids in a file, one a line.
fn pids_in(sandbox: &Sandbox, file: &str) -> Vec<u32> {
    let text = fs::read_to_string(sandbox.work().join(file)).unwrap();
    text.lines().map(|line| line.trim().parse().unwrap()).collect()
}

#[test]
fn who_ignores_the_request_is_killed_when_its_time_is_over_and_not_before() {
    for (kind, sandbox) in both_kinds() {
        let script = sandbox.victim("deaf", Victim::IgnoresSignals);
        sandbox.ostler(["start"]).arg(script).args(["--kill-timeout", "300"]).run();
        wait_log(&sandbox, "deaf-out.log", "up");
        let pid = sandbox.pids_of("deaf")[0];
        let began = Instant::now();
        sandbox.ostler(["stop", "deaf"]).shows("stopped deaf 1/1 in ").run();
        assert!(Duration::from_millis(300) <= began.elapsed(), "{kind}: killed too soon");
        assert!(!procs::alive(pid), "{kind}: it lives although the stop is over");
        let process = one(&sandbox, "deaf");
        assert_eq!(
            (&process["pm2_env"]["status"], &process["pid"]),
            (&"stopped".into(), &0.into()),
            "{kind}"
        );
        assert_eq!(process["pm2_env"]["exit_signal"], "SIGKILL", "{kind}");
    }
}

#[test]
fn who_obeys_is_not_waited_for_longer_than_it_takes() {
    let sandbox = sandbox();
    start_sh(&sandbox, "quick", "echo up\nexec sleep 1000000", &["--kill-timeout", "60000"]);
    // PM2 looks every 100 ms whether it is dead; an event is there at once. The best of several,
    // for a busy machine.
    let mut times = Vec::new();
    for _ in 0..5 {
        sandbox.wait_status("quick", "online", 1, SOON);
        let began = Instant::now();
        sandbox.ostler(["stop", "quick"]).run();
        times.push(began.elapsed());
        assert_eq!(one(&sandbox, "quick")["pm2_env"]["exit_signal"], "SIGINT");
        sandbox.ostler(["start", "quick"]).run();
    }
    let best = times.iter().min().unwrap();
    let limit = sandbox.allowed(Duration::from_millis(100), 10);
    assert!(*best < limit, "a stop takes {times:?}, {limit:?} are allowed");
}

#[test]
fn a_tree_goes_with_its_root_also_who_left_its_session() {
    for (kind, sandbox) in both_kinds() {
        let script = sandbox.victim("tree", Victim::ForksTree);
        sandbox.ostler(["start"]).arg(script).run();
        wait_log(&sandbox, "tree-out.log", "up");
        let first = pids_in(&sandbox, "tree.pids");
        sandbox.ostler(["restart", "tree"]).run();
        assert!(first.iter().all(|pid| !procs::alive(*pid)), "{kind}: the restart left {first:?}");
        sandbox.wait_file(sandbox.work().join("tree.pids"), SOON, |text| {
            (!text.contains(&first[0].to_string())).then_some(())
        });
        let second = pids_in(&sandbox, "tree.pids");
        assert!(second.iter().all(|pid| procs::alive(*pid)), "{kind}");
        sandbox.ostler(["stop", "tree"]).run();
        assert!(second.iter().all(|pid| !procs::alive(*pid)), "{kind}: the stop left {second:?}");
    }
}

#[test]
fn a_child_that_ignores_the_request_is_killed_after_its_parent_obeyed() {
    for (kind, sandbox) in both_kinds() {
        let body = "(trap '' INT TERM; echo $BASHPID > child; echo up; \
                    while :; do sleep 1000000 & wait $!; done) &\ntrap 'exit 0' INT\nwait\nwait";
        sandbox.write("parent.sh", body);
        sandbox.ostler(["start", "parent.sh", "--kill-timeout", "3000"]).run();
        wait_log(&sandbox, "parent-out.log", "up");
        let child = pids_in(&sandbox, "child")[0];
        assert!(procs::alive(child), "{kind}");
        sandbox.ostler(["stop", "parent"]).run();
        assert!(!procs::alive(child), "{kind}: the child lives on");
        assert_eq!(
            one(&sandbox, "parent")["pm2_env"]["exit_code"],
            0,
            "{kind}: the parent was not let end well"
        );
    }
}

#[test]
fn a_process_may_have_a_name_that_is_no_text() {
    for (kind, sandbox) in both_kinds() {
        let body = "cp \"$(command -v sleep)\" \"$(printf '\\377 ) \\376')\"\n\
                    \"./$(printf '\\377 ) \\376')\" 1000000 &\n\
                    echo $! > child.new; mv child.new child; echo up\nwait";
        start_sh(&sandbox, "odd", body, &["--kill-timeout", "200"]);
        wait_log(&sandbox, "odd-out.log", "up");
        let child = pids_in(&sandbox, "child")[0];
        sandbox.wait_for("its new name", SOON, || {
            fs::read(format!("/proc/{child}/comm")).unwrap().starts_with(b"\xff").then_some(())
        });
        sandbox.ostler(["stop", "odd"]).limit(SOON).run();
        assert!(!procs::alive(child), "{kind}");
    }
}

#[test]
fn orphans_of_a_crashed_run_do_not_run_beside_the_next() {
    for (kind, sandbox) in both_kinds() {
        let body = "if [ -e left ]; then echo again; exec sleep 1000000; fi\n\
                    setsid sleep 1000000 &\necho $! > left.new; mv left.new left\nexit 1";
        start_sh(&sandbox, "crash", body, &[]);
        wait_log(&sandbox, "crash-out.log", "again");
        let left = pids_in(&sandbox, "left")[0];
        assert!(wait_exit(left, SOON), "{kind}: what the crash left still lives");
        assert!(procs::alive(sandbox.pids_of("crash")[0]), "{kind}");
    }
}

#[test]
fn what_is_made_ready_for_the_next_run_is_never_out_of_date() {
    for (kind, sandbox) in both_kinds() {
        let body = "env > env.$$; echo up $$\nexec sleep 1000000";
        start_sh(&sandbox, "app", body, &["--max-restarts", "1000"]);
        let (mut before, mut created, mut last) = (0, String::new(), 0);
        for round in 0_u32..6 {
            let pid = sandbox.wait_for("the next run", SOON, || {
                sandbox.pids_of("app").into_iter().find(|pid| *pid != 0 && *pid != before)
            });
            wait_log(&sandbox, "app-out.log", &format!("up {pid}\n"));
            let env = fs::read_to_string(sandbox.work().join(format!("env.{pid}"))).unwrap();
            let value = |name: &str| {
                let found: Vec<_> = env
                    .lines()
                    .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                    .map(str::to_owned)
                    .collect();
                assert_eq!(found.len(), 1, "{kind}: {name} in {env}");
                found[0].clone()
            };
            // The counter was zeroed before the fifth run was due.
            let counted = if round < 4 { round } else { round - 3 };
            assert_eq!(value("restart_time"), counted.to_string(), "{kind}, round {round}");
            let run: u32 = value("OSTLER_RUN").rsplit_once(':').unwrap().1.parse().unwrap();
            // A number that was given out in advance may go unused.
            assert!(last < run, "{kind}: {run} after {last}");
            last = run;
            let now = value("created_at");
            assert_eq!(
                now != created,
                round == 0 || round == 4,
                "{kind}, round {round}: created at {created}, {now}"
            );
            created = now;
            sandbox.wait_status("app", "online", 1, SOON);
            if round == 3 {
                sandbox.ostler(["reset", "app"]).run();
            }
            // Control groups that were made in advance are taken away by somebody.
            for group in groups_of(&mark_of(&sandbox)) {
                let others =
                    fs::read_dir(group).unwrap().flatten().filter(|entry| entry.path().is_dir());
                for other in
                    others.filter(|other| other.file_name() != format!("run-{run}").as_str())
                {
                    let gone = fs::remove_dir(other.path());
                    assert!(gone.is_ok() || !other.path().exists(), "{kind}: {gone:?}");
                }
            }
            before = pid;
            assert!(procs::signal(pid, Signal::KILL));
        }
    }
}

/// Leaves a zombie in its own session, whose parent is beyond everything that can be found
/// without control groups.
const ZOMBIE: &str = r#"
import os, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        zombie = os.fork()
        if zombie == 0:
            os._exit(0)
        os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
        os.setsid()
        with open('new', 'w') as file:
            print(os.getpid(), zombie, sep='\n', file=file)
        os.rename('new', 'pids')
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (1, 2, 3):
            os.dup2(null, fd)
        os.execve('/bin/sleep', ['sleep', '1000004'], {})
    os._exit(0)
os.wait()
time.sleep(1e6)
"#;

#[test]
fn a_zombie_that_nobody_reaps_counts_as_dead() {
    let sandbox = sandbox_without_groups();
    sandbox.write("app.py", ZOMBIE);
    sandbox.ostler(["start", "app.py", "--kill-timeout", "60000"]).run();
    let pids = sandbox.wait_file(sandbox.work().join("pids"), SOON, |text| {
        let pids: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
        (procs::args(pids[0]).first().map(String::as_str) == Some("sleep")).then_some(pids)
    });
    let (parent, zombie) = (pids[0], pids[1]);
    assert_eq!(procs::stat(zombie).unwrap().parent, parent, "there is no zombie to be counted");
    assert!(!procs::alive(zombie));
    let began = Instant::now();
    sandbox.ostler(["stop", "app"]).run();
    assert!(began.elapsed() < SOON, "the stop waited for a zombie");
    wait_one(&sandbox, "app", "stopped");
    assert!(procs::stat(zombie).is_some(), "the zombie went too soon to show anything");
    assert!(procs::signal(parent, Signal::KILL));
}

#[test]
fn with_no_treekill_only_the_process_itself_is_stopped() {
    for (kind, sandbox) in both_kinds() {
        let script = sandbox.victim("tree", Victim::ForksTree);
        sandbox.ostler(["start"]).arg(script).arg("--no-treekill").run();
        wait_log(&sandbox, "tree-out.log", "up");
        let (own, below) = (sandbox.pids_of("tree")[0], pids_in(&sandbox, "tree.pids"));
        sandbox.ostler(["stop", "tree"]).run();
        assert!(!procs::alive(own), "{kind}");
        assert!(below.iter().all(|pid| procs::alive(*pid)), "{kind}: descendants were stopped too");
        sandbox.ostler(["delete", "tree"]).run();
        for pid in below {
            assert!(procs::signal(pid, Signal::KILL), "{kind}");
        }
    }
}

#[test]
fn a_message_may_take_the_place_of_the_signal() {
    let sandbox = sandbox();
    let text = "process.on('SIGINT', () => { console.log('signal'); process.exit(1); });\n\
        process.on('message', (m) => { \
        console.log('message', JSON.stringify(m)); process.exit(0); });\nconsole.log('up');";
    sandbox.write("app.js", text);
    for options in [&["--name", "fork"][..], &["--name", "cluster", "-i", "1"]] {
        sandbox
            .ostler(["start", "app.js", "--shutdown-with-message", "--kill-timeout", "60000"])
            .args(options)
            .run();
        let log = if options[1] == "fork" { "fork-out.log" } else { "cluster-out-1.log" };
        wait_log(&sandbox, log, "up");
        sandbox.ostler(["stop", options[1]]).run();
        assert_eq!(wait_log(&sandbox, log, "message"), "up\nmessage \"shutdown\"\n");
        assert_eq!(one(&sandbox, options[1])["pm2_env"]["exit_code"], 0);
    }
}

#[test]
fn another_signal_may_ask() {
    let sandbox = sandbox();
    sandbox.write(
        "app.sh",
        "trap 'echo got term; exit 0' TERM\necho up\nwhile :; do sleep 1000000 & wait $!; done",
    );
    sandbox
        .ostler(["start", "app.sh", "--kill-signal", "SIGTERM", "--kill-timeout", "60000"])
        .run();
    wait_log(&sandbox, "app-out.log", "up");
    sandbox.ostler(["stop", "app"]).run();
    wait_log(&sandbox, "app-out.log", "got term");
}

#[test]
fn output_that_cannot_be_written_does_not_keep_kill_from_its_end() {
    let sandbox = sandbox();
    sandbox.write("app.sh", "echo up\nexec sleep 1000000");
    sandbox.ostler(["start", "app.sh", "-o", "/dev/null/out.log"]).run();
    sandbox.ostler(["kill"]).run();
    assert_eq!(sandbox.pids(), Default::default());
}

#[test]
fn who_is_born_while_a_tree_ends_is_asked_to_end_too() {
    for (_, sandbox) in both_kinds() {
        // Its last child is born after everybody was asked, and would live for a minute.
        sandbox.write(
            "app.sh",
            "trap 'sleep 1000000 & exit 0' TERM\necho up\n\
                while :; do sleep 1000000 & wait $!; done",
        );
        sandbox
            .ostler(["start", "app.sh", "--kill-signal", "SIGTERM", "--kill-timeout", "60000"])
            .run();
        wait_log(&sandbox, "app-out.log", "up");
        sandbox.ostler(["stop", "app"]).run();
    }
}

#[test]
fn kill_leaves_no_process_no_control_group_and_no_file_but_the_logs() {
    for (kind, sandbox) in both_kinds() {
        for (name, victim) in [
            ("tree", Victim::ForksTree),
            ("deaf", Victim::IgnoresSignals),
            ("crash", Victim::Exits { code: 1 }),
        ] {
            let script = sandbox.victim(name, victim);
            sandbox
                .ostler(["start"])
                .arg(script)
                .args(["--kill-timeout", "200", "--restart-delay", "100000"])
                .run();
        }
        wait_log(&sandbox, "tree-out.log", "up");
        wait_log(&sandbox, "deaf-out.log", "up");
        sandbox.ostler(["save"]).run();
        let (home, mark) = (sandbox.home(), mark_of(&sandbox));
        let keeper = sandbox.keeper_pid().unwrap();
        let daemon = sandbox.daemon_pid().unwrap();
        let said = untimed(&sandbox.ostler(["kill"]).run().out);
        assert!(said.ends_with(" and the daemon in TIME\n"), "{said}");
        assert!(!procs::alive(keeper) && !procs::alive(daemon), "{kind}");
        assert_eq!(sandbox.pids(), Default::default(), "{kind}");
        let mut files: Vec<String> = fs::read_dir(&home)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        // Of the logs it is known when they were written.
        assert_eq!(files, ["dump.pm2", "logs", "ostler.times", "pids", "pm2.log"], "{kind}");
        assert_eq!(fs::read_dir(home.join("pids")).unwrap().count(), 0, "{kind}");
        let groups = groups_of(&mark);
        assert_eq!(groups, Vec::<String>::new(), "{kind}");
        // A second one has nothing to do, and starts nothing.
        sandbox.ostler(["kill"]).run();
        assert_eq!(sandbox.pids(), Default::default(), "{kind}");
    }
}

/// The mark of a home, whose manager runs.
fn mark_of(sandbox: &Sandbox) -> String {
    let text = fs::read_to_string(sandbox.file("ostler.mark")).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

/// Control groups of this mark.
fn groups_of(mark: &str) -> Vec<String> {
    let name = format!("ostler-{mark}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = mounts
        .lines()
        .filter(|line| line.contains(" - cgroup2 "))
        .filter_map(|line| line.split(' ').nth(4));
    mounts.map(|mount| format!("{mount}/{name}")).filter(|path| fs::exists(path).unwrap()).collect()
}

#[test]
fn control_groups_are_made_where_they_may_be_and_not_where_they_are_forbidden() {
    let [(_, with), (_, without)] = both_kinds();
    for (sandbox, off) in [(&with, false), (&without, true)] {
        start_sh(sandbox, "app", "echo up\nexec sleep 1000000", &[]);
        let mark = mark_of(sandbox);
        if off {
            assert_eq!(groups_of(&mark), Vec::<String>::new());
        } else if groups_of(&mark).is_empty() {
            // The other tests of this file then show the same thing twice.
            eprintln!(
                "WARNING: no control groups can be made here: only the way without them is tested"
            );
        }
    }
}
