//! `start --wait` and `wait`: a command that returns when an app is ready, has ended, or has
//! written a line, or says why that will not come.

use std::process::{Child, Stdio};

use ostler_testkit::{Sandbox, Victim, procs, pty, wait_for};
use rustix::process::Signal;

use crate::start_e2e::{SOON, sandbox, start_sh, untimed, wait_log};

/// A command that goes on while the test does something.
pub(crate) fn begin(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Its end: exit code, output, errors.
#[track_caller]
pub(crate) fn end(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The command reads the stream of news.
#[track_caller]
pub fn wait_until_it_waits(child: &Child) {
    let tasks = format!("/proc/{}/task", child.id());
    let is_news = |task: std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name == "news\n")
    };
    wait_for("the thread that reads news", SOON, || {
        std::fs::read_dir(&tasks).ok()?.flatten().any(is_news).then_some(())
    });
}

/// An app that is asked to say `ready` and does so when the file `go` is there.
pub(crate) fn waits_for_go(sandbox: &Sandbox) {
    let script = "const fs = require('fs'); \
                  console.log('waits'); \
                  const timer = setInterval(() => { \
                    if (!fs.existsSync('go')) return; \
                    clearInterval(timer); console.log('goes'); process.send('ready'); \
                    setInterval(() => {}, 1 << 30); \
                  }, 10);";
    sandbox.write("app.js", script);
}

#[test]
fn a_start_that_waits_returns_with_the_url_of_a_cluster() {
    let sandbox = sandbox();
    let port = sandbox.port();
    let app = sandbox.victim("web", Victim::Http);
    let start = sandbox.ostler(["start", "--wait"]).arg(app).args(["-i", "2"]);
    let said = start.env("PORT", port.to_string()).run().out;
    let end = format!("started web 2/2, ready in TIME, http://127.0.0.1:{port}\n");
    assert_eq!(untimed(&said), end, "it is one line");
    assert!(crate::start_e2e::get(port).starts_with("hello"));
}

/// The list was printed before that, without its ports.
#[test]
fn a_start_that_waits_prints_its_list_once_and_when_it_is_ready() {
    let sandbox = sandbox();
    let port = sandbox.port();
    let app = sandbox.victim("web", Victim::Http);
    let start =
        sandbox.ostler(["start", "--wait"]).arg(app).args(["-i", "2", "--json", "id,ports"]);
    let said = start.env("PORT", port.to_string()).run().out;
    let list: serde_json::Value = serde_json::from_str(&said).unwrap();
    let ports = serde_json::json!([format!("127.0.0.1:{port}")]);
    assert_eq!(list, serde_json::json!([{"id": 0, "ports": ports}, {"id": 1, "ports": ports}]));
}

#[test]
fn a_start_that_waits_returns_with_the_url_of_a_child_that_listens() {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox.write(
        "server.js",
        "require('http').createServer((_, res) => res.end('hello'))\
         .listen(Number(process.env.PORT), '127.0.0.1');",
    );
    // It would be stable long after the test: only the port tells that it is ready.
    let body = "node server.js & wait";
    let script = sandbox.write_executable("web.sh", format!("#!/bin/sh\n{body}\n"));
    let start = sandbox.ostler(["start", "--wait"]).arg(script).args(["--min-uptime", "1h"]);
    let url = format!(", http://127.0.0.1:{port}\n");
    start.env("PORT", port.to_string()).shows(url).run();
}

#[test]
fn a_start_that_waits_takes_who_listens_on_nothing_for_ready_after_min_uptime() {
    let sandbox = sandbox();
    let app = sandbox.victim("job", Victim::Sleeper);
    sandbox
        .ostler(["start", "--wait"])
        .arg(app)
        .args(["--min-uptime", "100"])
        .shows("started job 1/1, ready in ")
        .run();
    sandbox.ostler(["wait", "job"]).stdout("job is ready\n").run();
}

#[test]
fn a_start_that_waits_says_how_the_app_ended_and_what_it_wrote_last_and_leaves_it_as_it_is() {
    let sandbox = sandbox();
    sandbox.write("app.js", "console.error('old line'); setInterval(() => {}, 1000);");
    sandbox.ostler(["start", "app.js", "--no-autorestart"]).run();
    wait_log(&sandbox, "app-error.log", "old line");
    sandbox.write("app.js", "throw new TypeError('no db');");
    let error = sandbox.ostler(["restart", "app", "--wait"]).code(1).run().err;
    assert!(
        error.contains("app (id 0) ended with exit code 1 before it was ready\n")
            && error.contains("\n  its last lines on stderr:\n")
            && error.contains("\n    TypeError: no db\n")
            && error.contains("hint:")
            && !error.contains("old line"),
        "{error}"
    );
    assert_eq!(sandbox.statuses_of("app"), ["stopped"]);
}

/// It took 25 s, and said that process 0 was not up yet.
#[test]
fn a_start_that_waits_says_how_an_app_ended_that_says_itself_when_it_is_ready() {
    let text = "setTimeout(() => { console.error('boom'); process.exit(3); }, 1200);";
    for by in [&["--wait-ready"][..], &["--ready-port", "1"], &["--ready-log", "never"]] {
        let sandbox = sandbox();
        let script = sandbox.write("bad.js", text);
        // The next run would be waited for all day.
        let start = ["start", "--wait", "--listen-timeout", "86400000"];
        let said = sandbox.ostler(start).arg(script).args(by).code(1).run();
        assert!(said.err.contains("exit code 3") && said.err.contains("boom"), "{}", said.err);
    }
}

#[test]
fn a_start_that_waits_names_the_limit_that_was_in_force_and_the_app_goes_on() {
    let sandbox = sandbox();
    waits_for_go(&sandbox);
    let long = ["--wait-ready", "--listen-timeout", "60000", "--wait=300ms"];
    let error = sandbox.ostler(["start", "app.js"]).args(long).code(124).run().err;
    let why = "app (id 0) was not ready within 300ms: it has not said `ready` yet\n";
    assert!(error.contains(why), "{error}");
    wait_log(&sandbox, "app-out.log", "waits");
    let late = sandbox.ostler(["wait", "app", "--timeout", "100ms"]).code(124);
    late.shows("  its last lines on stdout:\n    waits\n").run();
    let waits = begin(&sandbox, &["wait", "app", "--for", "ready"]);
    sandbox.write("go", "");
    assert_eq!(end(waits), (0, "app is ready\n".to_owned(), String::new()));
    std::fs::remove_file(sandbox.work().join("go")).unwrap();
    let late = sandbox.ostler(["restart", "app", "--listen-timeout", "300", "--wait"]).code(1);
    let said =
        late.shows("app (id 0) did not say `ready` within 300 ms (`listen_timeout`)\n").run();
    assert_eq!(said.err.matches("did not say `ready`").count(), 1, "once: {}", said.err);
    assert_eq!(sandbox.statuses_of("app"), ["online"]);
}

/// `started dup 1/1` stood on standard output, and then why it was not ready; and a hundred apps
/// were a hundred lines after the end.
#[test]
fn a_start_that_waits_says_on_standard_output_only_what_is_ready() {
    let sandbox = sandbox();
    sandbox.write("ends.sh", "exit 3");
    let start = ["start", "ends.sh", "--no-autorestart", "--wait"];
    let said = sandbox.ostler(start).code(1).run();
    assert_eq!(said.out, "", "{}", said.err);
    let restart = sandbox.ostler(["restart", "ends", "--wait"]).code(1).run();
    assert_eq!(restart.out, "", "{}", restart.err);
    let json = ["restart", "ends", "--wait", "--progress", "json"];
    let said = sandbox.ostler(json).code(1).run().out;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(last["apps"][0]["done"], 0, "{last}");
    sandbox.write("runs.sh", "exec sleep 1000000");
    let app =
        |name: String| serde_json::json!({ "name": name, "script": "runs.sh", "min_uptime": 100 });
    let mut apps: Vec<_> = (0..6).map(|number| app(format!("n{number}"))).collect();
    apps.push(serde_json::json!({ "name": "later", "script": "runs.sh", "autostart": false }));
    sandbox.write("apps.json", serde_json::json!({ "apps": apps }).to_string());
    let said = sandbox.ostler(["start", "apps.json", "--wait"]).run().out;
    let all = "started 6 apps, 6/6 processes, added later (not started), ready in TIME\n";
    assert_eq!(untimed(&said), all);
    let added = ["start", "runs.sh", "--name", "alone", "--no-autostart", "--wait"];
    assert_eq!(untimed(&sandbox.ostler(added).run().out), "added alone (not started) in TIME\n");
    let words = ["n0", "n1", "n2", "n3", "n4", "n5"];
    let said = sandbox.ostler(["wait"]).args(words).run().out;
    assert_eq!(said, "6 apps are ready (6 processes)\n");
}

/// One that ended at once was told, and of one that ran well `0/1`.
#[test]
fn a_start_that_waits_tells_every_app_although_another_failed() {
    let sandbox = sandbox();
    sandbox.write("ends.sh", "exit 3");
    sandbox.write("runs.sh", "exec sleep 1000000");
    let apps = serde_json::json!({ "apps": [
        { "name": "ends", "script": "ends.sh", "autorestart": false },
        { "name": "runs", "script": "runs.sh", "min_uptime": 2000 },
    ] });
    sandbox.write("apps.json", apps.to_string());
    let said = sandbox.ostler(["start", "apps.json", "--wait"]).code(1).run();
    assert_eq!(untimed(&said.out), "started ends 0/1, runs 1/1 in TIME\n", "{}", said.err);
    assert!(said.err.contains("error: ends (id 0) ended with exit code 3"), "{}", said.err);
    let both = ["restart", "ends", "runs", "--wait", "--progress", "json"];
    let said = sandbox.ostler(both).code(1).run().out;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let done: Vec<_> = last["apps"].as_array().unwrap().iter().map(|of| &of["done"]).collect();
    assert_eq!(done, [0, 1], "{last}");
}

/// The stack that Node writes behind the reason has `Error` in it as well.
#[test]
fn a_start_that_waits_says_why_node_aborted_although_it_is_not_in_the_last_lines() {
    let sandbox = sandbox();
    let reason =
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
    let stack = " 1: 0xb78db3 node::OOMErrorHandler(char const*) [node]";
    let body = format!("echo '{reason}' >&2; echo '{stack}' >&2");
    sandbox.write("heap.sh", format!("{body}; exit 134"));
    let start = sandbox.ostler(["start", "heap.sh", "--no-autorestart", "--wait"]).code(1);
    let why = format!("ended with exit code 134 before it was ready: {reason}\n");
    start.shows(why).run();
}

/// `start --wait=1ms` started nothing, said nothing and ended with 0.
#[test]
fn a_limit_that_is_over_at_once_keeps_nothing_from_being_started() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    // Also where a daemon is started first.
    let first = sandbox.ostler(["start", "--wait=0s", "-n", "one"]).arg(&app).code(124);
    first.shows("one (id 0) was not ready within 0s").run();
    let other = sandbox.write_executable("other.sh", "#!/bin/sh\nexec sleep 1000000\n");
    let both = sandbox.ostler(["start", "--wait=1ms"]).args([&app, &other]).code(124);
    both.shows("was not ready within 1ms").run();
    let file = r#"{"apps":[{"name":"one","script":"app.sh"},{"name":"new","script":"other.sh"}]}"#;
    sandbox.write("apps.json", file);
    let start = ["start", "apps.json", "--wait=0s", "--progress", "json"];
    let said = sandbox.ostler(start).code(124).run();
    let last: serde_json::Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["ok"]), (&"finished".into(), &false.into()), "{last}");
    assert!(said.out.contains(r#""message":"one (id 0) was not ready within 0s"#), "{}", said.out);
    for name in ["one", "app", "other", "new"] {
        sandbox.ostler(["wait", name]).run();
    }
}

/// Of two apps that failed, only one was told.
#[test]
fn every_app_that_does_not_become_ready_is_told() {
    let sandbox = sandbox();
    for (name, code) in [("one", 3), ("two", 4), ("done", 0)] {
        start_sh(&sandbox, name, &format!("exit {code}"), &["--no-autorestart"]);
        sandbox.ostler(["wait", name, "--for", "exit"]).run();
    }
    let ended = |name: &str, id: u32, code: i32| {
        format!("error: {name} (id {id}) ended with exit code {code}, so it will not be ready\n")
    };
    let both = sandbox.ostler(["wait", "all"]).code(1);
    both.shows(ended("one", 0, 3)).shows(ended("two", 1, 4)).run();
    // To `start --wait` it is ready.
    sandbox.ostler(["wait", "done"]).stdout("done ended with exit code 0\n").run();
}

#[test]
fn a_plain_start_says_where_an_app_answers_where_somebody_reads() {
    let mut sandbox = sandbox();
    sandbox.set_env("TERM", "xterm");
    let app = sandbox.victim("web", Victim::Http);
    let url = |port: u16| format!(", http://127.0.0.1:{port}");
    let seen = wait_for("the address", SOON, || {
        let port = sandbox.port();
        let mut command = sandbox.command();
        command.args(["start", "--force"]).arg(&app).env("PORT", port.to_string());
        let seen = pty::in_window(command, 120);
        seen.out.contains(&url(port)).then_some(seen.out)
    });
    assert!(!seen.contains("warning:"), "{seen}");
}

#[test]
fn a_line_of_the_current_run_is_found_whenever_it_was_written_and_none_of_the_run_before() {
    let sandbox = sandbox();
    let count = "n=$(($(cat n 2>/dev/null || echo 0) + 1)); echo $n > n";
    let body = format!("{count}; echo boot $n; echo later; exec sleep 1000000");
    start_sh(&sandbox, "app", &body, &[]);
    sandbox.ostler(["wait", "app", "--for", "log=^boot [0-9]"]).stdout("boot 1\n").run();
    sandbox.ostler(["restart", "app"]).run();
    sandbox.ostler(["wait", "app", "--for", "log=^boot"]).stdout("boot 2\n").run();
    let fresh = ["wait", "app", "--for", "log=^boot", "--since", "now", "--timeout", "100ms"];
    sandbox.ostler(fresh).code(124).shows("no such line of app (id 0) within 100ms").run();
    let waits = begin(&sandbox, &["wait", "app", "--for", "log=^boot 3"]);
    wait_until_it_waits(&waits);
    sandbox.ostler(["restart", "app"]).run();
    assert_eq!(end(waits), (0, "boot 3\n".to_owned(), String::new()));
}

#[test]
fn a_line_is_not_waited_for_when_nothing_runs_that_could_write_it_and_the_last_one_counts() {
    let sandbox = sandbox();
    let body = "read go < fifo; echo done; exit 3";
    rustix::fs::mkfifoat(rustix::fs::CWD, sandbox.work().join("fifo"), 0o600.into()).unwrap();
    start_sh(&sandbox, "app", body, &["--no-autorestart"]);
    let waits = begin(&sandbox, &["wait", "app", "--for", "log=^done$"]);
    let in_vain = begin(&sandbox, &["wait", "app", "--for", "log=^never$"]);
    let exit = begin(&sandbox, &["wait", "app", "--for", "exit"]);
    for child in [&waits, &in_vain, &exit] {
        wait_until_it_waits(child);
    }
    std::fs::write(sandbox.work().join("fifo"), "go\n").unwrap();
    assert_eq!(end(waits), (0, "done\n".to_owned(), String::new()));
    let (code, out, error) = end(in_vain);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        error.contains("no such line of app (id 0), and none will come: it ended with exit code 3"),
        "{error}"
    );
    let ended = "app (id 0) ended with exit code 3\n".to_owned();
    assert_eq!(end(exit), (0, ended.clone(), String::new()));
    // One that has ended before is told at once.
    sandbox.ostler(["wait", "app", "--for", "exit"]).stdout(ended).run();
    sandbox
        .ostler(["wait", "app"])
        .code(1)
        .shows("app (id 0) ended with exit code 3, so it will not be ready")
        .run();
    sandbox.ostler(["stop", "app"]).run();
}

#[test]
fn who_waits_does_not_notice_that_the_daemon_is_killed_or_updated() {
    let sandbox = sandbox();
    waits_for_go(&sandbox);
    let start = begin(
        &sandbox,
        &["start", "app.js", "--wait-ready", "--listen-timeout", "60000", "--wait=1m"],
    );
    wait_log(&sandbox, "app-out.log", "waits");
    let waits = begin(&sandbox, &["wait", "app", "--for", "ready"]);
    let line = begin(&sandbox, &["wait", "app", "--for", "log=^goes$"]);
    let exit = begin(&sandbox, &["wait", "app", "--for", "exit"]);
    for child in [&waits, &line, &exit] {
        wait_until_it_waits(child);
    }
    let daemon = sandbox.daemon_pid().unwrap();
    assert!(procs::signal(daemon, Signal::KILL));
    wait_for("another daemon", SOON, || sandbox.daemon_pid().filter(|pid| *pid != daemon));
    sandbox.ostler(["update"]).run();
    sandbox.write("go", "");
    let (code, out, error) = end(start);
    assert!(code == 0 && out.starts_with("started app 1/1, ready in "), "{out}{error}");
    assert_eq!(end(waits), (0, "app is ready\n".to_owned(), String::new()));
    assert_eq!(end(line), (0, "goes\n".to_owned(), String::new()));
    sandbox.ostler(["stop", "app"]).run();
    let (code, out, _) = end(exit);
    assert_eq!((code, out.as_str()), (0, "app (id 0) was ended by SIGINT\n"));
}

#[test]
fn what_cannot_be_waited_for_is_refused_before_anything_is_begun() {
    let sandbox = sandbox();
    let app = sandbox.victim("app", Victim::Sleeper);
    let start = sandbox.ostler(["start", "--wait=30"]).arg(&app).code(2);
    start.shows("`--wait 30` is not a time\nhint: it has no unit; is it `--wait=30s` or").run();
    assert!(sandbox.jlist().is_empty());
    sandbox.ostler(["start"]).arg(app).run();
    let check = |args: &[&str], error: &str| {
        sandbox.ostler(["wait", "app"]).args(args).code(2).shows(error).run();
    };
    check(&["--for", "luck"], "--for ready`; it is `ready`, `exit` or `log=REGEXP`");
    check(&["--for", "log=("], "is not a regular expression");
    check(&["--for", "log="], "`--for log=` says no line, and every line has that");
    check(&["--timeout", "soon"], "write it as `--timeout=30s`, `500ms`, `2m` or `1h`");
    check(&["--since", "noon"], "`--since noon` is neither `run` nor `now`");
}

/// `started ends 0/1, web 1/1 in 0.6 s, http://…`: of three apps, of which one answered.
#[test]
fn an_address_has_its_app_before_it_also_where_no_other_is_ready() {
    let sandbox = sandbox();
    let web = sandbox.victim("web", Victim::Http);
    let ends = sandbox.write("ends.sh", "exit 3");
    let port = sandbox.port().to_string();
    let start = sandbox.ostler(["start", "--wait", "--no-autorestart"]).arg(web).arg(ends);
    let said = start.env("PORT", &port).code(1).run();
    assert!(said.out.ends_with(&format!(", web http://127.0.0.1:{port}\n")), "{}", said.out);
}
