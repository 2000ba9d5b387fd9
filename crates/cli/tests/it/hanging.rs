//! A part of the manager hangs, as one does that is stopped: the other notices and replaces it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, Victim, wait_exit};

use crate::takeover::{SOON, lives, sandbox};

/// The parts ask each other every five seconds, and wait ten for an answer.
const NOTICED: Duration = Duration::from_secs(60);

#[test]
fn a_daemon_that_hangs_is_replaced_and_apps_go_on() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    let before = lives(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    procs::signal(daemon, Signal::STOP);
    assert!(wait_exit(daemon, NOTICED), "nobody noticed");
    assert_eq!(lives(&sandbox), before);
}

#[test]
fn a_start_whose_keeper_hangs_is_done_by_another_keeper() {
    let sandbox = sandbox();
    let script = sandbox.victim("idle", Victim::Sleeper);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "first"]).run();
    let before = lives(&sandbox);
    let keeper = sandbox.keeper_pid().unwrap();
    procs::signal(keeper, Signal::STOP);
    sandbox.ostler(["start"]).arg(&script).args(["--name", "second"]).limit(NOTICED).run();
    assert!(wait_exit(keeper, SOON), "what hangs is ended");
    let after = lives(&sandbox);
    assert_eq!((after.len(), &after[&0]), (2, &before[&0]));
}

/// A command under this name of the program, whose output is read.
fn begin(sandbox: &Sandbox, name: &str, words: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.arg0(name).args(words).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Each of these was silent for 12 seconds.
#[test]
fn who_waits_for_a_daemon_that_hangs_is_told_for_whom_and_how_long() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    let (daemon, keeper) = (sandbox.daemon_pid().unwrap(), sandbox.keeper_pid().unwrap());
    // The keeper would replace it.
    for pid in [keeper, daemon] {
        procs::signal(pid, Signal::STOP);
    }
    let silent = [
        begin(&sandbox, "pm2", &["jlist"]),
        begin(&sandbox, "ostler", &["list", "--json"]),
        begin(&sandbox, "ostler", &["list", "--silent"]),
    ];
    let lines: [&[&str]; 4] = [&["list"], &["stop", "idle"], &["logs", "idle"], &["wait", "idle"]];
    let mut told = lines.map(|words| begin(&sandbox, "ostler", words));
    let home = sandbox.home();
    let expected = format!(
        "warning: the daemon of `{}` (pid {daemon}) does not answer yet (a signal has stopped it \
         and its keeper); waiting for it up to 30 s\n",
        home.display()
    );
    for (child, words) in told.iter_mut().zip(lines) {
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, expected, "{words:?}");
    }
    for pid in [daemon, keeper] {
        procs::signal(pid, Signal::CONT);
    }
    for mut child in silent {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((said.as_str(), child.wait().unwrap().success()), ("", true));
    }
    for mut child in told {
        // The stream of logs has no end.
        _ = child.kill();
        child.wait().unwrap();
    }
}

#[test]
fn what_is_stopped_is_named_at_the_end_and_the_hint_lets_it_go_on() {
    let sandbox = sandbox();
    sandbox.ostler(["start"]).arg(sandbox.victim("idle", Victim::Sleeper)).run();
    let before = lives(&sandbox);
    let (daemon, keeper) = (sandbox.daemon_pid().unwrap(), sandbox.keeper_pid().unwrap());
    for pid in [keeper, daemon] {
        procs::signal(pid, Signal::STOP);
    }
    // The second waits for apps, and the third asks first who is there.
    let ends = [&["list"][..], &["reset", "idle"], &["kill"]];
    let ends = ends.map(|words| begin(&sandbox, "ostler", words));
    let mut hints = Vec::new();
    for child in ends {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let error = said.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(
            error.ends_with(
                ") did not answer within 30 s (a signal has stopped it and its \
             keeper)"
            ),
            "{said}"
        );
        assert_eq!(output.status.code(), Some(1));
        hints.push(said.lines().last().unwrap_or_default().to_owned());
    }
    let line = hints[0].split('`').nth(1).unwrap();
    assert!(line.starts_with("kill -CONT ") && hints.iter().all(|hint| *hint == hints[0]));
    let mut shell = sandbox.command_of("sh");
    assert!(shell.args(["-c", line]).status().unwrap().success(), "{line}");
    // The daemon may be replaced now, since the keeper has heard nothing of it.
    sandbox.ostler(["list"]).limit(NOTICED).run();
    assert_eq!(lives(&sandbox), before);
}
