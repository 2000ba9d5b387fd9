//! Restarts because files have changed, with real files and processes.

use std::time::UNIX_EPOCH;

use ostler_testkit::Sandbox;
use ostler_testkit::procs::{self, Signal};
use serde_json::Value;

use crate::takeover::{SOON, kill_daemon, sandbox};

fn record(sandbox: &Sandbox) -> Value {
    sandbox.jlist()[0]["pm2_env"].clone()
}

fn restarts(sandbox: &Sandbox) -> u64 {
    record(sandbox)["restart_time"].as_u64().unwrap()
}

/// Writes a file again and again until the app is restarted: how long it takes until files are
/// watched is not told.
fn wait_restart(sandbox: &Sandbox, file: &str) {
    let before = restarts(sandbox);
    sandbox.wait_for("a restart by a change", SOON, || {
        sandbox.write(file, "changed");
        (before < restarts(sandbox)).then_some(())
    });
}

#[test]
fn a_change_restarts_the_app_until_it_is_stopped_also_by_the_daemon_after() {
    let sandbox = sandbox();
    sandbox.write("app/idle.sh", "exec sleep 1000000");
    sandbox.write("app/.gitignore", "/data\n");
    let app = sandbox.work().join("app");
    sandbox.ostler(["start", "idle.sh", "--watch"]).cwd(&app).run();
    wait_restart(&sandbox, "app/src/a.js");
    let described = sandbox.ostler(["describe", "idle"]).run().out;
    assert!(described.contains("files: watched: all of "), "{described}");

    // What changes while no daemon looks is seen by the next one. The clock of files is not as fine
    // as that of runs, and the last change may just be followed by another restart.
    let wait_rest = || {
        sandbox.wait_for("a run that is a while old", SOON, || {
            let now = UNIX_EPOCH.elapsed().unwrap().as_millis();
            let began = record(&sandbox)["pm_uptime"].as_u64().unwrap();
            (u128::from(began) + 500 < now).then_some(())
        });
    };
    wait_rest();
    let before = restarts(&sandbox);
    let daemon = sandbox.daemon_pid().unwrap();
    assert!(procs::signal(daemon, Signal::STOP));
    sandbox.write("app/src/a.js", "changed");
    assert!(procs::signal(daemon, Signal::KILL));
    sandbox.wait_for("a restart by the next daemon", SOON, || {
        (before < restarts(&sandbox)).then_some(())
    });
    wait_restart(&sandbox, "app/src/b.js");

    wait_rest();
    let before = restarts(&sandbox);
    for ignored in ["app/data/x", "app/.cache/x", "app/node_modules/x/y.js"] {
        sandbox.write(ignored, "changed");
    }
    kill_daemon(&sandbox);
    assert_eq!(restarts(&sandbox), before, "of ignored files");
    wait_restart(&sandbox, "app/src/b.js");

    sandbox.ostler(["stop", "idle"]).run();
    assert_eq!(record(&sandbox)["watch"], false);
    sandbox.write("app/src/b.js", "changed");
    sandbox.ostler(["start", "idle"]).run();
    assert_eq!(record(&sandbox)["watch"], true);
    wait_restart(&sandbox, "app/src/b.js");
}

#[test]
fn watch_is_turned_round_by_a_restart_and_ended_by_a_stop_as_in_pm2() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.ostler(["start", "idle.sh"]).run();
    let watch_after = |args: &[&str]| {
        sandbox.ostler(args).run();
        record(&sandbox)["watch"].clone()
    };
    assert_eq!(watch_after(&["restart", "idle", "--watch"]), true);
    wait_restart(&sandbox, "a.js");
    assert_eq!(watch_after(&["restart", "idle", "--watch"]), false);
    assert_eq!(watch_after(&["restart", "idle", "--watch", "src"]), serde_json::json!(["src"]));
    wait_restart(&sandbox, "src/a.js");
    assert_eq!(watch_after(&["stop", "idle", "--watch"]), false);
    assert_eq!(watch_after(&["start", "idle"]), false);
    assert_eq!(watch_after(&["restart", "idle", "--watch"]), serde_json::json!(["src"]));
}

#[test]
fn watch_options_that_are_no_good_are_told() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let file = "{ script: 'idle.sh', watch: ['lib'], watch_delay: 20,\n\
                watch_options: { usePolling: true, followSymlink: true, depth: 2 } }";
    sandbox.write("eco.json", file);
    let said = sandbox.ostler(["start", "eco.json"]).run().err;
    assert!(said.contains("`watch_options.usePolling` has no effect"), "{said}");
    assert!(said.contains("did you mean `followSymlinks`?"), "{said}");
    wait_restart(&sandbox, "lib/a.js");
    sandbox.write("eco.json", "{ script: 'idle.sh', watch_options: { depth: 'x' } }");
    let said = sandbox.ostler(["start", "eco.json"]).code(1).run().err;
    assert!(said.contains("`watch_options.depth` must be a number"), "{said}");
}
