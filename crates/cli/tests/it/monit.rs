//! `monit` in a terminal: the companion beside the program, over a daemon that really runs.

use std::os::unix::fs::symlink;

use ostler_testkit::procs::Signal;
use ostler_testkit::run::LIMIT;
use ostler_testkit::{Sandbox, Window, built_companion, procs, wait_exit};

use crate::start_e2e::{sandbox, wait_log};

/// An app of two instances that writes what it reads.
fn talker(sandbox: &Sandbox) {
    let body = "process.stdin.on('data', text => console.log('heard ' + text)); \
                console.log('\\x1b[32mup\\x1b[0m \\x1b]0;title\\x07'); setInterval(() => {}, 1e9)";
    sandbox.write("talker.js", body);
    sandbox.ostler(["start", "talker.js", "--name", "talker", "-i", "2"]).run();
    wait_log(sandbox, "talker-out-0.log", "up");
    wait_log(sandbox, "talker-out-1.log", "up");
}

fn open(sandbox: &Sandbox, columns: u16, rows: u16) -> Window {
    built_companion();
    let mut command = sandbox.command();
    command.arg("monit").env("TERM", "xterm-256color");
    Window::open(command, columns, rows)
}

#[test]
fn monit_goes_on_over_the_death_of_the_daemon_and_gives_the_terminal_back() {
    let sandbox = sandbox();
    talker(&sandbox);
    let mut window = open(&sandbox, 80, 24);
    window.wait_shown("talker", LIMIT);
    let shown = window.wait_shown("talker:1 up \\x1b]0;title\\x07", LIMIT);
    assert!(shown.contains("1 app, 2 processes"), "{shown}");
    let daemon = sandbox.daemon_pid().unwrap();
    procs::signal(daemon, Signal::KILL);
    assert!(wait_exit(daemon, LIMIT));
    window.wait_shown("the daemon answers again", LIMIT);
    sandbox.ostler(["send", "0", "again"]).run();
    window.wait_shown("heard again", LIMIT);
    window.press("+");
    window.wait_shown("1 app, 3 processes", LIMIT);
    window.resize(150, 40);
    window.wait_shown("online since", LIMIT);
    window.press("D");
    window.wait_shown("delete talker (3 processes)? y = yes", LIMIT);
    window.press("y");
    window.wait_shown("no apps; `ostler start app.js` starts one", LIMIT);
    window.press("q");
    assert_eq!(window.wait_end(LIMIT), 0);
    assert!(window.is_given_back(), "{:?}", window.written());
    assert!(!window.written().contains("\x1b]0;"), "an app set the title");
}

#[test]
fn whatever_ends_monit_gives_the_terminal_back() {
    let sandbox = sandbox();
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
        let mut window = open(&sandbox, 80, 24);
        window.wait_shown("no apps", LIMIT);
        assert!(!window.is_given_back());
        window.signal(signal);
        assert_eq!(window.wait_end(LIMIT), code);
        assert!(window.is_given_back(), "{:?}", window.written());
    }
    let mut window = open(&sandbox, 80, 24);
    window.wait_shown("no apps", LIMIT);
    window.press("\x03");
    assert_eq!(window.wait_end(LIMIT), 0);
    assert!(window.is_given_back(), "{:?}", window.written());
}

#[test]
fn under_the_name_of_pm2_esc_ends_it() {
    let sandbox = sandbox();
    built_companion();
    let pm2 = sandbox.work().join("pm2");
    symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let mut command = sandbox.command_of(&pm2);
    command.arg("monit").env("TERM", "xterm-256color");
    let mut window = Window::open(command, 80, 24);
    window.wait_shown("no apps", LIMIT);
    window.press("\x1b");
    assert_eq!(window.wait_end(LIMIT), 0);
}

#[test]
fn without_a_terminal_nothing_is_started_and_it_is_said_what_does_instead() {
    let sandbox = sandbox();
    built_companion();
    let said = sandbox.ostler(["dash"]).code(1).run();
    assert_eq!(said.out, "");
    assert_eq!(
        said.err,
        "error: `monit` needs a terminal, and its input is none\n\
         hint: in a pipe, `ostler list --watch` and `ostler logs` show the same\n"
    );
    assert!(sandbox.pids().is_empty(), "it started a daemon");
}

#[test]
fn monit_refuses_a_terminal_on_which_nothing_can_be_drawn() {
    let sandbox = sandbox();
    built_companion();
    let mut command = sandbox.command();
    command.arg("monit").env("TERM", "dumb");
    let mut window = Window::open(command, 80, 24);
    window.wait_shown("error: `TERM` is `dumb`: nothing can be drawn", LIMIT);
    assert_eq!(sandbox.daemon_pid(), None, "no daemon is started for that");
}
