//! The daemon dies in the middle of a command: the command is finished by the next daemon, once,
//! and tells its true end.

use std::process::{Child, Stdio};

use ostler_testkit::Sandbox;

use crate::takeover::{SOON, kill_daemon, sandbox};

/// Is ready when the file `go` is there, and ends, once it is asked to, when the file `end` is.
const APP: &str = r"const fs = require('fs');
const when = (file, act) => {
  const timer = setInterval(() => {
    if (!fs.existsSync(file)) return;
    clearInterval(timer);
    act();
  }, 10);
};
let asked = false;
process.on('SIGINT', () => {
  // The next daemon cannot know whether the one before had come so far, and asks again.
  if (asked) return;
  asked = true;
  fs.appendFileSync('asked', 'x');
  when('end', () => process.exit(0));
});
fs.appendFileSync('up', 'x');
setInterval(() => {}, 1000);
when('go', () => process.send('ready'));
";

/// The command, whose daemon is killed as soon as `file` has so many letters; what then lets it
/// come to its end is the file `then`. It must end well.
fn killed_under(sandbox: &Sandbox, args: &[&str], (file, letters): (&str, usize), then: &str) {
    let mut command = sandbox.command();
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child: Child = command.spawn().unwrap();
    let path = sandbox.work().join(file);
    ostler_testkit::wait_for("what the command begins", SOON, || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        (text.len() == letters).then_some(())
    });
    kill_daemon(sandbox);
    kill_daemon(sandbox);
    sandbox.write(then, "");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("the daemon was replaced in the middle of this"), "{args:?}: {said}");
}

fn count(sandbox: &Sandbox, file: &str) -> usize {
    std::fs::read_to_string(sandbox.work().join(file)).unwrap_or_default().len()
}

fn forget(sandbox: &Sandbox, file: &str) {
    std::fs::remove_file(sandbox.work().join(file)).unwrap();
}

#[test]
fn commands_whose_daemon_is_killed_are_finished_by_the_next_one_and_begin_nothing_twice() {
    let sandbox = sandbox();
    sandbox.write("app.js", APP);
    let limits = ["--wait-ready", "--listen-timeout", "60000", "--kill-timeout", "60000"];
    let start = [&["start", "app.js", "-i", "1"], &limits[..]].concat();
    killed_under(&sandbox, &start, ("up", 1), "go");
    assert_eq!(sandbox.statuses_of("app"), ["online"]);

    forget(&sandbox, "go");
    killed_under(&sandbox, &["scale", "app", "+1"], ("up", 2), "go");
    assert_eq!(sandbox.statuses_of("app"), ["online", "online"]);
    assert_eq!(count(&sandbox, "up"), 2, "nothing was started twice");

    killed_under(&sandbox, &["restart", "app"], ("asked", 1), "end");
    assert_eq!((count(&sandbox, "up"), count(&sandbox, "asked")), (4, 2));
    let list = sandbox.jlist();
    let restarts: Vec<_> = list.iter().map(|one| &one["pm2_env"]["restart_time"]).collect();
    assert_eq!(restarts, [1, 1]);

    forget(&sandbox, "end");
    killed_under(&sandbox, &["stop", "app"], ("asked", 4), "end");
    assert_eq!(sandbox.statuses_of("app"), ["stopped", "stopped"]);

    sandbox.ostler(["restart", "app"]).run();
    forget(&sandbox, "end");
    killed_under(&sandbox, &["delete", "app"], ("asked", 6), "end");
    assert_eq!((sandbox.jlist().len(), count(&sandbox, "up")), (0, 6));
}

#[test]
fn a_kill_whose_daemon_is_killed_is_finished_by_the_next_one() {
    let sandbox = sandbox();
    sandbox.write("app.js", APP);
    sandbox.write("go", "");
    sandbox.ostler(["start", "app.js", "--wait-ready", "--kill-timeout", "60000"]).run();
    sandbox.wait_list("the app", SOON, |_| (count(&sandbox, "up") == 1).then_some(()));
    let manager = [sandbox.keeper_pid().unwrap(), sandbox.daemon_pid().unwrap()];
    killed_under(&sandbox, &["kill"], ("asked", 1), "end");
    assert!(!manager.into_iter().any(ostler_testkit::procs::alive));
    assert!(sandbox.pids().is_empty());
}
