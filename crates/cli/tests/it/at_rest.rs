//! Commands about apps of which nothing runs.

use ostler_testkit::Victim;
use serde_json::Value;

use crate::start_e2e::{sandbox, start_sh, untimed, wait_one};

/// What was to be started again or had been given up was called `exited`, and `stop all` of what
/// did not run counted it as stopped.
#[test]
fn what_a_user_stops_is_stopped_and_nothing_is_stopped_twice() {
    let sandbox = sandbox();
    start_sh(&sandbox, "waits", "exit 3", &["--restart-delay", "1000000"]);
    start_sh(&sandbox, "gone", "exit 3", &["--max-restarts", "1"]);
    start_sh(&sandbox, "runs", "exec sleep 1000000", &[]);
    wait_one(&sandbox, "waits", "waiting restart");
    wait_one(&sandbox, "gone", "errored");
    let said = sandbox.ostler(["stop", "all"]).run();
    let end = "stopped waits 1/1, gone 1/1, runs 1/1 in TIME\n";
    assert_eq!((untimed(&said.out).as_str(), said.err.as_str()), (end, ""));
    let listed = sandbox.ostler(["list", "--format", "{status}"]).run().out;
    assert_eq!(listed, "stopped\nstopped\nstopped\n");
    let why = sandbox.ostler(["describe", "gone"]);
    why.shows("it was stopped by a command").run();
    let again = |word: &str, note: &str| {
        let said = sandbox.ostler(["stop", word]).run();
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", note), "{word}");
    };
    again("all", "note: no app runs: there is nothing to stop\n");
    again("runs", "note: `runs` does not run: there is nothing to stop\n");
    sandbox.write("apps.json", r#"{"apps":[{"name":"runs","script":"runs.sh"}]}"#);
    again("apps.json", "note: no app of `apps.json` runs: there is nothing to stop\n");
    sandbox.ostler(["start", "runs"]).run();
    let said = sandbox.ostler(["stop", "runs", "gone"]).run();
    assert_eq!(untimed(&said.out), "stopped runs 1/1 in TIME\n");
    assert_eq!(said.err, "note: `gone` does not run: there is nothing to stop\n");
}

/// `reload` took one name, and started what was stopped without a word.
#[test]
fn a_reload_of_several_apps_says_which_it_restarts_and_which_it_starts() {
    let sandbox = sandbox();
    start_sh(&sandbox, "runs", "exec sleep 1000000", &[]);
    start_sh(&sandbox, "rests", "exec sleep 1000000", &[]);
    sandbox.ostler(["stop", "rests"]).run();
    let said = sandbox.ostler(["reload", "runs", "rests"]).run();
    assert_eq!(untimed(&said.out), "restarted runs 1/1, started rests 1/1 in TIME\n");
    let warning = "warning: runs runs in fork mode: this reload is a restart\nhint: ";
    assert!(said.err.starts_with(warning), "{}", said.err);
    assert!(
        said.err.contains("note: rests does not run: this reload is a start\n"),
        "{}",
        said.err
    );
    sandbox.ostler(["stop", "rests"]).run();
    let said = sandbox.ostler(["reload", "rests", "runs", "--progress", "json"]).run().out;
    let objects = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of = |kind: &str| {
        let found = objects.clone().find(|of| of["event"] == kind);
        found.and_then(|of| of["message"].as_str().map(str::to_owned))
    };
    let warning = of("warning");
    assert_eq!(warning.as_deref(), Some("runs runs in fork mode: this reload is a restart"));
    assert_eq!(of("note").as_deref(), Some("rests does not run: this reload is a start"));
    // Neither is a fault.
    let listed = sandbox.ostler(["list", "--format", "{name} {restarts}"]).run().out;
    assert_eq!(listed, "rests 0\nruns 0\n");
    let jlist = sandbox.jlist();
    let runs = jlist.iter().find(|of| of["name"] == "runs").unwrap();
    assert_eq!(runs["pm2_env"]["restart_time"], 2, "as PM2 counts");
}

/// The worker had passed `by living on, since it listens on nothing`.
#[test]
fn a_reload_of_a_stopped_cluster_app_says_what_it_listens_on_as_soon_as_it_does() {
    let sandbox = sandbox();
    let (app, port) = (sandbox.victim("web", Victim::Http), sandbox.port().to_string());
    // A worker that was waited for by the clock would be waited for all day.
    let start = ["start", "-i", "1", "--listen-timeout", "86400000"];
    sandbox.ostler(start).arg(&app).env("PORT", &port).run();
    sandbox.ostler(["stop", "web"]).run();
    let said = sandbox.ostler(["reload", "web"]).run();
    let listens = format!("passed its checks and listens on 127.0.0.1:{port}");
    assert!(said.err.contains(&listens), "{}", said.err);
    assert_eq!(untimed(&said.out), format!("started web 1/1 in TIME, http://127.0.0.1:{port}\n"));
}

/// Node says that a server listens after the server's own callback has run.
#[test]
fn a_worker_that_says_ready_when_it_listens_is_told_of_with_what_it_listens_on() {
    let sandbox = sandbox();
    let text = "require('http').createServer((q, r) => r.end())
        .listen(process.env.PORT, '127.0.0.1', () => process.send('ready'))";
    let (script, port) = (sandbox.write("web.js", text), sandbox.port().to_string());
    for wait_ready in [None, Some("--wait-ready")] {
        let start = sandbox.ostler(["start", "-i", "1", "--wait", "--force"]).arg(&script);
        start.args(wait_ready).env("PORT", &port).run();
        let said = sandbox.ostler(["reload", "web"]).run();
        let listens = format!("passed its checks and listens on 127.0.0.1:{port}");
        assert!(said.err.contains(&listens), "{wait_ready:?} {}", said.err);
        sandbox.ostler(["delete", "web"]).run();
    }
}

/// It took a second for each worker, and did not say where the app is reached.
#[test]
fn a_reload_of_a_cluster_that_is_stopped_ends_as_its_start_does() {
    let sandbox = sandbox();
    let app = sandbox.victim("api", Victim::Http);
    let port = sandbox.port().to_string();
    let start = sandbox.ostler(["start", "-i", "3", "--name", "api"]).arg(&app).env("PORT", &port);
    let end = format!("started api 3/3 in TIME, http://127.0.0.1:{port}\n");
    assert!(untimed(&start.run().out).ends_with(&end));
    sandbox.ostler(["stop", "api"]).run();
    let said = sandbox.ostler(["reload", "api"]).run();
    assert!(untimed(&said.out).ends_with(&end), "{}", said.out);
    assert!(said.err.contains("note: api does not run: this reload is a start\n"), "{}", said.err);
}
