//! Lines that wait before they are written (`log_buffer`), for disks that wear out.

use std::fs;
use std::path::PathBuf;

use ostler_testkit::Sandbox;

use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

/// An app that writes what it is told, and then says so in a file.
fn talker(s: &Sandbox) -> (PathBuf, PathBuf) {
    let done = s.file("done");
    let said = format!("echo $line >'{}'", done.display());
    let text = format!("echo one; while read line; do echo $line; {said}; done");
    (s.write("app.sh", text), done)
}

#[test]
fn lines_that_wait_are_there_for_whoever_looks_and_after_the_daemons_death() {
    let s = sandbox();
    let (app, done) = talker(&s);
    let log = s.file("a.log");
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "--name", "a", "--log-buffer", "1h", "--time", "-o"])
        .arg(&log)
        .run();
    let in_file = || fs::read_to_string(&log).unwrap_or_default();
    let shown = || s.ostler(["logs", "a", "--nostream", "--raw"]).run().out;
    // It is there as soon as the app has written it, which nobody tells.
    s.wait_for("the line", SOON, || shown().ends_with(": one\n").then_some(()));
    assert_eq!(in_file(), shown());
    let send = |line: &str, then: &str| {
        s.ostler(["send", "a", line]).run();
        let is_done = || fs::read_to_string(&done).is_ok_and(|text| text.trim_end() == line);
        s.wait_for("the app to go on", SOON, || is_done().then_some(()));
        assert!(!in_file().contains(line), "{then}");
    };
    send("two", "it waits");
    kill_daemon(&s);
    s.wait_for("the line in the file", SOON, || in_file().ends_with(": two\n").then_some(()));
    send("three", "the next daemon has it wait, too");
    s.ostler(["reloadLogs"]).run();
    s.wait_for("the line in the file", SOON, || in_file().ends_with(": three\n").then_some(()));
    send("four", "it waits again");
    s.ostler(["stop", "a"]).run();
    assert!(in_file().ends_with(": four\n"));
    assert_eq!(in_file().lines().count(), 4);
    s.ostler(["describe", "a"]).shows("log_buffer 3600000").run();
}

#[test]
fn a_time_for_all_apps_is_a_setting_and_an_app_may_say_another_one() {
    let s = sandbox();
    s.ostler(["set", "ostler.log_buffer", "1h"]).run();
    let (app, done) = talker(&s);
    let start = |name: &str, more: &[&str]| {
        let command = s.ostler(["start"]).arg(&app);
        command.args(["--interpreter", "sh", "--name", name]).args(more).run();
    };
    start("waits", &[]);
    start("writes", &["--log-buffer", "0s"]);
    s.ostler(["send", "waits", "two"]).run();
    s.wait_for("the app to go on", SOON, || done.metadata().ok());
    s.ostler(["send", "writes", "two"]).run();
    s.wait_file("logs/writes-out.log", SOON, |text| text.ends_with("two\n").then_some(()));
    let in_file = fs::read_to_string(s.home().join("logs/waits-out.log")).unwrap_or_default();
    assert!(!in_file.contains("two"), "{in_file}");
    assert_eq!(s.ostler(["logs", "waits", "--nostream", "--raw"]).run().out, "one\ntwo\n");
    let refused = s.ostler(["set", "ostler.log_buffer", "soon"]).code(2).run();
    assert!(refused.err.contains("cannot be `soon`"), "{}", refused.err);
}
