//! The sandbox with a program that plays ostler's part.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_connect, wait_exit, wait_for, wait_in};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(120);

/// `start` leaves a process with its pid in `h/app.pid`, `kill` ends that one, `leak` leaves one
/// that `kill` forgets.
const FAKE: &str = r#"#!/bin/sh
case "$1" in
  start) sleep 1000000 >/dev/null 2>&1 & echo $! > "$OSTLER_HOME/pm2.pid"
    echo "started in $OSTLER_HOME";;
  leak) setsid sleep 1000001 >/dev/null 2>&1 & ;;
  kill) [ ! -f "$OSTLER_HOME/pm2.pid" ] || kill -9 "$(cat "$OSTLER_HOME/pm2.pid")";;
  jlist) echo "ready"; printf '[{"name":"a","pid":%s,"pm2_env":{"status":"online"}},' $$
    printf '{"name":"b","pid":0,"pm2_env":{"status":"stopped"}}]';;
  hold) sleep 1000002 & ;;
  hang) exec sleep 1000003;;
  cat) cat; echo bad >&2; exit 3;;
  die) kill -TERM $$;;
esac
"#;

fn fake() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("fake-ostler");
    // Written by a child: a file that this process held open for writing could not be executed
    // while another thread forks (ETXTBSY).
    let mut write = std::process::Command::new("sh");
    write.args(["-c", "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", FAKE]).arg(&program);
    assert!(write.status().unwrap().success());
    (dir, program)
}

fn panic_text(result: std::thread::Result<()>) -> String {
    let payload = result.expect_err("it should have failed");
    payload.downcast::<String>().map_or_else(|_| "?".to_owned(), |s| *s)
}

#[test]
fn output_and_code_are_compared_exactly_with_the_folder_masked() {
    let (_dir, program) = fake();
    let s = Sandbox::new(&program);
    s.ostler(["cat"]).stdin("in\n").code(3).stdout("in\n").stderr("bad\n").shows("ba").run();
    s.ostler(["start"]).stdout("started in [ROOT]/h\n").stderr("").run();
    for wrong in [
        s.ostler(["cat"]),
        s.ostler(["cat"]).code(3).stdout("x"),
        s.ostler(["cat"]).code(3).shows("x"),
    ] {
        panic_text(catch_unwind(AssertUnwindSafe(|| drop(wrong.run()))));
    }
    assert_eq!(s.run(&["die"]).code, -15);
}

#[test]
fn the_list_and_its_pids_are_read() {
    let (_dir, program) = fake();
    let s = Sandbox::new(&program);
    assert_eq!(s.jlist().len(), 2);
    assert_eq!((s.pids_of("a").len(), s.pids_of("b").len(), s.pids_of("c").len()), (1, 0, 0));
    s.wait_status("b", "stopped", 1, LIMIT);
    assert_eq!(s.daemon_pid(), None);
    s.run(&["start"]).success();
    assert!(s.pids().contains(&s.daemon_pid().unwrap()));
}

#[test]
fn a_command_that_hangs_or_holds_its_output_fails_the_test() {
    let (_dir, program) = fake();
    let s = Sandbox::new(&program);
    let began = Instant::now();
    let hang = s.ostler(["hang"]).limit(Duration::from_millis(200));
    assert!(
        panic_text(catch_unwind(AssertUnwindSafe(|| drop(hang.run())))).contains("took longer")
    );
    assert!(began.elapsed() < LIMIT);
    let hold = s.ostler(["hold"]);
    assert!(
        panic_text(catch_unwind(AssertUnwindSafe(|| drop(hold.run()))))
            .contains("kept the output open")
    );
    s.allow_left_behind();
}

#[test]
fn what_is_left_behind_is_killed_and_fails_the_test() {
    let (_dir, program) = fake();
    let s = Sandbox::new(&program);
    s.run(&["start"]).success();
    s.run(&["leak"]);
    let leaked = wait_for("the leak", LIMIT, || {
        s.pids().into_iter().find(|p| procs::args(*p).contains(&"1000001".into()))
    });
    let text = panic_text(catch_unwind(AssertUnwindSafe(|| drop(s))));
    assert!(
        text.contains("left behind") && text.contains("sleep 1000001") && !text.contains("1000000"),
        "{text}"
    );
    assert!(!procs::alive(leaked));
}

#[test]
fn an_orderly_end_leaves_no_process_and_no_file() {
    let (_dir, program) = fake();
    let s = Sandbox::new(&program);
    let mut helper = s.command_of("sleep");
    helper.arg("1000004");
    let helper = s.spawn_helper(helper);
    s.run(&["start"]).success();
    let (daemon, root) = (s.daemon_pid().unwrap(), s.root().to_owned());
    drop(s);
    assert!(!procs::alive(daemon) && !procs::alive(helper) && !root.exists());
}

#[test]
fn two_sandboxes_share_neither_home_nor_port_nor_processes() {
    let (a, b) = (Sandbox::without_program(), Sandbox::without_program());
    assert_ne!(a.root(), b.root());
    assert!(a.root().as_os_str().len() < 20, "the paths of sockets must fit");
    let ports = [a.port(), a.port(), b.port(), b.port()];
    assert_eq!(std::collections::BTreeSet::from(ports).len(), 4);
    let mut sleep = a.command_of("sleep");
    sleep.arg("1000005");
    let pid = a.spawn_helper(sleep);
    wait_for("the helper's own environment", LIMIT, || a.pids().contains(&pid).then_some(()));
    assert!(b.pids().is_empty());
    assert_eq!(procs::env_of(pid, "OSTLER_HOME").unwrap(), a.home().display().to_string());
    assert_eq!(procs::env_of(pid, "CARGO_MANIFEST_DIR"), None);
}

#[test]
fn waits_end_with_the_event_and_not_without_it() {
    let s = Sandbox::without_program();
    let path = s.work().join("late");
    let (dir, late) = (s.work(), path.clone());
    let writer = std::thread::spawn(move || {
        // Only when the file of the waiting side is there: it is waiting by then.
        wait_in(&dir, "the other side", LIMIT, || dir.join("asked").exists().then_some(()));
        std::fs::write(late, "x").unwrap();
    });
    wait_in(s.work(), "the late file", LIMIT, || {
        std::fs::write(s.work().join("asked"), "").unwrap();
        path.exists().then_some(())
    });
    writer.join().unwrap();
    let vain = catch_unwind(|| wait_for("godot", Duration::from_millis(30), || None::<()>));
    assert!(panic_text(vain).contains("in vain for godot"));
    s.write("../h/logs/a.log", "line 1\n");
    s.wait_file("logs/a.log", LIMIT, |text| text.contains("line 1").then_some(()));
}

#[test]
fn the_end_of_a_process_is_seen() {
    let s = Sandbox::without_program();
    let mut sleep = s.command_of("sleep");
    sleep.arg("1000006");
    let pid = s.spawn_helper(sleep);
    assert!(!wait_exit(pid, Duration::from_millis(20)));
    assert!(procs::signal(pid, Signal::KILL));
    assert!(wait_exit(pid, LIMIT));
    assert!(!procs::alive(pid), "a zombie is not alive");
}

#[test]
fn a_listener_is_waited_for() {
    let s = Sandbox::without_program();
    let addr = std::net::SocketAddr::from(([127, 0, 0, 1], s.port()));
    let server =
        std::thread::spawn(move || std::net::TcpListener::bind(addr).unwrap().accept().unwrap());
    wait_connect(addr, LIMIT);
    server.join().unwrap();
}
