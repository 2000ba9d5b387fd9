//! Each victim does what its name says, without any manager.

use std::fs::{File, read_to_string};
use std::path::Path;
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Load, Sandbox, Victim, nodes, wait_connect, wait_exit, wait_in};

const LIMIT: Duration = Duration::from_secs(120);

/// Starts it with its output in `out`; gives its pid.
fn start(s: &Sandbox, path: &Path, env: &[(&str, &str)]) -> u32 {
    let mut command = s.command_of(path);
    command.envs(env.iter().copied()).stdout(File::create(s.work().join("out")).unwrap());
    s.spawn_helper(command)
}

fn wait_out(s: &Sandbox, text: &str) {
    let out = s.work().join("out");
    wait_in(s.work(), format_args!("`{text}`"), LIMIT, || {
        read_to_string(&out).unwrap().contains(text).then_some(())
    });
}

#[test]
fn only_kill_ends_the_one_that_ignores_signals() {
    let s = Sandbox::without_program();
    let pid = start(&s, &s.victim("deaf", Victim::IgnoresSignals), &[]);
    wait_out(&s, &format!("up {pid}"));
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        procs::signal(pid, signal);
    }
    assert!(!wait_exit(pid, Duration::from_millis(100)));
    procs::signal(pid, Signal::KILL);
    assert!(wait_exit(pid, LIMIT));
}

#[test]
fn the_tree_has_a_grandchild_that_left_the_session() {
    let s = Sandbox::without_program();
    let path = s.victim("tree", Victim::ForksTree);
    let pid = start(&s, &path, &[]);
    wait_out(&s, "up ");
    let pids: Vec<u32> = read_to_string(path.with_extension("pids"))
        .unwrap()
        .lines()
        .map(|l| l.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 2);
    assert_eq!(procs::stat(pids[0]).unwrap().parent, pid);
    let far = procs::stat(pids[1]).unwrap();
    assert_ne!((far.parent, far.session), (pid, procs::stat(pid).unwrap().session));
    assert!(s.pids().is_superset(&[pid, pids[0], pids[1]].into()), "found also without a parent");
    s.allow_left_behind();
}

#[test]
fn the_short_lived_end_as_they_say() {
    let s = Sandbox::without_program();
    let code = |victim, name: &str| s.command_of(s.victim(name, victim)).status().unwrap();
    assert_eq!(code(Victim::Exits { code: 7 }, "seven").code(), Some(7));
    let killed = code(Victim::KillsItself { signal: "USR1" }, "usr1");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed), Some(10));
}

#[test]
fn numbered_lines_are_all_there_and_the_ledger_agrees() {
    let s = Sandbox::without_program();
    let path = s.victim("lines", Victim::Lines { every: 0, count: 20_000 });
    let pid = start(&s, &path, &[]);
    wait_out(&s, "done\n");
    let expected: String = (1..=20_000).map(|n| format!("line {n} {pid}\n")).collect();
    assert!(read_to_string(s.work().join("out")).unwrap() == expected + "done\n");
    assert_eq!(
        read_to_string(s.work().join(format!("lines.{pid}.count"))).unwrap(),
        "000000020000\n"
    );
}

#[test]
fn every_node_serves_and_ends_gracefully_without_a_failed_request() {
    for node in nodes() {
        let mut s = Sandbox::without_program();
        s.use_runtime(&node);
        let port = s.port();
        let env = [("PORT", &*port.to_string()), ("GRACEFUL", "1"), ("DELAY", "5")];
        let pid = start(&s, &s.victim("web", Victim::Http), &env);
        wait_out(&s, "up ");
        wait_connect(([127, 0, 0, 1], port).into(), LIMIT);
        let report = Load::to_port(port).connections(4).requests(40);
        report.assert_none_failed(40);
        assert_eq!(report.by_pid(), [(pid, 40)].into(), "{}", node.name);
        assert_eq!(procs::exe(pid).unwrap(), node.path);
        procs::signal(pid, Signal::INT);
        assert!(wait_exit(pid, LIMIT), "{} did not end", node.name);
    }
}

#[test]
fn a_bad_release_is_told_from_a_good_one() {
    let s = Sandbox::without_program();
    let path = s.victim("site", Victim::HttpMayFail);
    s.write("site.bad", "");
    let status =
        s.command_of(&path).env("PORT", "1").stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
