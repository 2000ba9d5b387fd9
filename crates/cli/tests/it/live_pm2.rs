//! A home in which a PM2 of its own runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ostler_testkit::Sandbox;
use ostler_testkit::runtimes::pm2;

use crate::start_e2e::{SOON, sandbox};

/// Has PM2's own command do something; it starts a daemon of its own where none runs.
#[track_caller]
fn by_pm2(s: &Sandbox, command: &PathBuf, args: &[&str]) {
    let mut command = s.command_of(command);
    let ran = command.args(args).env("PM2_HOME", s.home()).output().unwrap();
    assert!(ran.status.success(), "{args:?}: {ran:?}");
}

/// The files of the home with what is in them; of a socket and of a log that grows, the name.
fn files(s: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let names = ["dump.pm2", "pm2.pid", "module_conf.json"];
    let of = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        let content = if names.contains(&name.as_str()) {
            fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        (name, content)
    };
    fs::read_dir(s.home()).unwrap().map(|entry| of(entry.unwrap())).collect()
}

#[test]
fn nothing_is_written_where_a_pm2_runs_and_the_message_says_what_to_do() {
    let Some(command) = pm2() else { return };
    let s = sandbox();
    let app = s.write("app.js", "setInterval(() => {}, 1000)");
    by_pm2(&s, &command, &["start", app.to_str().unwrap(), "--name", "app"]);
    by_pm2(&s, &command, &["save"]);
    let before = files(&s);
    for args in [
        &["list"][..],
        &["start", app.to_str().unwrap()],
        &["save"],
        &["resurrect"],
        &["cleardump"],
        &["flush"],
        &["boot"],
        &["kill"],
    ] {
        let ran = s.run(args);
        assert_eq!(ran.code, 1, "{args:?}: {ran:?}");
        assert!(ran.err.contains("PM2 runs in "), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("`pm2 save` and `pm2 kill`"), "{args:?}: {}", ran.err);
        assert_eq!(files(&s), before, "{args:?}");
    }
    by_pm2(&s, &command, &["kill"]);
    s.ostler(["resurrect"]).limit(Duration::from_secs(30)).run();
    s.wait_status("app", "online", 1, SOON);
}
