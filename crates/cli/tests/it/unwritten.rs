//! Files of an app that cannot be written.

use crate::start_e2e::{sandbox, wait_one};

/// Only the manager's log told of it.
#[test]
fn a_command_that_starts_an_app_says_which_of_its_files_cannot_be_written() {
    let s = sandbox();
    s.write("file", "");
    let script = s.write("app.sh", "exec sleep 1000000\n");
    let paths = ["-o", "file/out.log", "-e", "/", "--pid", "file/app.pid"];
    let warned = |said: &str, what: &str, error: &str| {
        let line = said.lines().find(|line| line.contains(what)).unwrap_or_default();
        let whole = line.contains(" of app cannot be written: ") && line.contains(error);
        assert!(whole, "no {what} in {said}");
        assert_eq!(said.matches(what).count(), 1, "{said}");
    };
    let start = s.ostler(["start"]).arg(&script).args(paths).run();
    let restart = s.ostler(["restart", "app"]).run();
    let reload = s.ostler(["reload", "app"]).run();
    for said in [start, restart, reload].map(|ran| ran.err) {
        warned(&said, "the log file `[ROOT]/w/file/out.log`", "Not a directory");
        warned(&said, "the log file `/`", "Is a directory");
        warned(&said, "the pid file `[ROOT]/w/file/app-0.pid`", "File exists");
        assert!(said.contains("hint: make it writable, or start app anew"), "{said}");
    }
    s.ostler(["save"]).run();
    s.ostler(["delete", "app"]).run();
    let resurrect = s.ostler(["resurrect"]).run().err;
    warned(&resurrect, "the log file `[ROOT]/w/file/out.log`", "Not a directory");
    wait_one(&s, "app", "online");
    let shown = s.ostler(["describe", "app"]).run().out;
    let line = shown.lines().find(|line| line.starts_with("cannot be written: ")).unwrap();
    assert!(line.contains("w/file/out.log (Not a directory (os error 20))"), "{line}");
    // It is mended, and nothing is said any more.
    std::fs::remove_file(s.work().join("file")).unwrap();
    s.ostler(["restart", "app"]).run();
    let shown = s.ostler(["describe", "app"]).run().out;
    let line = shown.lines().find(|line| line.starts_with("cannot be written: ")).unwrap();
    assert!(!line.contains("w/file"), "{line}");
    s.ostler(["stop", "app"]).stderr("").run();
}
