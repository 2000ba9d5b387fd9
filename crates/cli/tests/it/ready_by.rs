//! `ready`: an app counts as up when it does what its process file says, and not before.

use ostler_testkit::Sandbox;
use serde_json::{Value, json};

use crate::start_e2e::{SOON, one, sandbox};
use crate::takeover::kill_daemon;
use crate::waiting::{begin, end};

/// Serves on `PORT` and writes `serves now` when the file `go` is there; until then it is a server
/// elsewhere that answers 503.
const APP: &str = "const fs = require('fs'), http = require('http');
const [early, late] = process.argv.slice(2).map(Number);
let status = 503;
if (early) http.createServer((_, a) => { a.statusCode = status; a.end(); }).listen(early);
console.log('waits');
const timer = setInterval(() => {
  if (!fs.existsSync('go')) return;
  clearInterval(timer);
  status = 200;
  if (late) http.createServer((_, a) => a.end()).listen(late);
  console.log('it serves now, as asked');
  setInterval(() => {}, 1 << 30);
}, 10);
";

/// A sandbox with an app that is ready by this sign. `ports`: on what it listens from the begin,
/// and from `go` on.
fn with(ready: &Value, ports: [u16; 2], more: &Value) -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("app.js", APP);
    let mut app = json!({ "name": "app", "script": "app.js", "args": ports, "ready": ready,
                          "listen_timeout": 60_000, "exec_mode": "fork",
                          "out_file": sandbox.file("app.log"), "merge_logs": true });
    let more = more.as_object().unwrap().clone();
    app.as_object_mut().unwrap().extend(more);
    sandbox.write("eco.json", json!([app]).to_string());
    sandbox
}

/// The app is launching until `go`, and online then.
#[track_caller]
fn check(sandbox: &Sandbox) {
    let start = begin(sandbox, &["start", "eco.json"]);
    sandbox.wait_status("app", "launching", 1, SOON);
    wait_line(sandbox, "waits");
    assert_eq!(sandbox.statuses_of("app"), ["launching"]);
    sandbox.write("go", "");
    let (code, out, err) = end(start);
    assert_eq!((code, sandbox.statuses_of("app")), (0, vec!["online".to_owned()]), "{out}{err}");
}

fn wait_line(sandbox: &Sandbox, line: &str) {
    let file = sandbox.file("app.log");
    sandbox.wait_file(file, SOON, |text| text.lines().any(|of| of == line).then_some(()));
}

#[test]
fn an_app_is_up_when_it_listens_on_its_port_and_not_when_somebody_else_does() {
    let sandbox = sandbox();
    let (elsewhere, port) = (sandbox.port(), sandbox.port());
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let sandbox = with(&json!({ "port": port }), [elsewhere, port], &json!({}));
    check(&sandbox);
    // The port of somebody else is not its own.
    let taken = other.local_addr().unwrap().port().to_string();
    let restart = begin(&sandbox, &["restart", "app", "--ready-port", &taken]);
    sandbox.wait_status("app", "launching", 1, SOON);
    wait_line(&sandbox, "it serves now, as asked");
    assert_eq!(sandbox.statuses_of("app"), ["launching"]);
    sandbox.ostler(["delete", "app"]).run();
    end(restart);
}

#[test]
fn an_app_is_up_when_it_listens_on_any_port() {
    let port = sandbox().port();
    check(&with(&json!({ "port": "any" }), [0, port], &json!({})));
}

#[test]
fn an_app_is_up_when_its_url_answers_well() {
    let port = sandbox().port();
    let url = format!("http://127.0.0.1:{port}/health");
    check(&with(&json!({ "http": url }), [port, 0], &json!({})));
}

#[test]
fn an_app_is_up_when_it_writes_a_line_with_the_text() {
    check(&with(&json!({ "log": "serves now" }), [0, 0], &json!({})));
}

#[test]
fn an_app_is_up_when_its_command_ends_with_0() {
    check(&with(&json!({ "exec": "test -f go" }), [0, 0], &json!({})));
}

#[test]
fn workers_of_a_cluster_are_up_each_by_its_own_sign() {
    let port = sandbox().port();
    let cluster = json!({ "exec_mode": "cluster", "instances": 1 });
    let url = format!("http://127.0.0.1:{port}/");
    for ready in [json!({ "port": port }), json!({ "http": url }), json!({ "log": "serves now" })] {
        check(&with(&ready, [0, port], &cluster));
    }
}

#[test]
fn what_is_not_ready_in_time_is_taken_as_ready_and_that_is_said() {
    for (ready, did_not) in [
        (json!({ "port": 1 }), "listen on port 1"),
        (json!({ "http": "http://127.0.0.1:1/" }), "answer `GET http://127.0.0.1:1/`"),
        (json!({ "log": "never" }), "write a line with `never`"),
        (json!({ "exec": "false" }), "pass `false`"),
    ] {
        let sandbox = with(&ready, [0, 0], &json!({ "listen_timeout": 300 }));
        let said = sandbox.ostler(["start", "eco.json"]).run().err;
        let expected = format!("did not {did_not} within 300 ms (`listen_timeout`)");
        assert!(said.contains(&expected), "{said}");
        let said = sandbox.ostler(["describe", "app"]).run().out;
        assert!(said.contains(&format!("it did not {did_not} in time")), "{said}");
        let said = sandbox.ostler(["restart", "app", "--wait"]).code(1).run().err;
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn it_is_looked_on_for_what_makes_an_app_ready_when_the_daemon_dies() {
    let port = sandbox().port();
    for ready in [json!({ "port": port }), json!({ "log": "serves now" })] {
        let sandbox = with(&ready, [0, port], &json!({}));
        let mut start = begin(&sandbox, &["start", "eco.json"]);
        sandbox.wait_status("app", "launching", 1, SOON);
        wait_line(&sandbox, "waits");
        let pids = sandbox.pids_of("app");
        kill_daemon(&sandbox);
        assert_eq!(sandbox.statuses_of("app"), ["launching"]);
        sandbox.write("go", "");
        sandbox.wait_status("app", "online", 1, SOON);
        assert_eq!(sandbox.pids_of("app"), pids);
        start.wait().unwrap();
    }
}

#[test]
fn who_depends_on_an_app_waits_for_its_sign() {
    let sandbox = with(&json!({ "log": "serves now" }), [0, 0], &json!({}));
    sandbox.write("next.js", "setInterval(() => {}, 1 << 30)");
    let text = std::fs::read_to_string(sandbox.work().join("eco.json")).unwrap();
    let mut apps: Vec<Value> = serde_json::from_str(&text).unwrap();
    apps.push(json!({ "name": "next", "script": "next.js", "depends_on": ["app"] }));
    sandbox.write("eco.json", json!(apps).to_string());
    let start = begin(&sandbox, &["start", "eco.json"]);
    wait_line(&sandbox, "waits");
    sandbox.wait_status("app", "launching", 1, SOON);
    assert_ne!(sandbox.statuses_of("next"), ["online"]);
    sandbox.write("go", "");
    end(start);
    sandbox.wait_status("next", "online", 1, SOON);
}

/// It was taken without a word, and did nothing.
#[test]
fn a_sign_that_is_given_later_takes_the_place_of_the_one_before() {
    let sandbox = sandbox();
    sandbox
        .write("both.js", "console.log('up'); process.send('ready'); setInterval(() => {}, 1000);");
    let signs = || {
        let env = one(&sandbox, "both")["pm2_env"].clone();
        (env["wait_ready"] == true, env["ready"]["log"].as_str().map(str::to_owned))
    };
    sandbox.ostler(["start", "both.js", "--ready-log", "up"]).run();
    assert_eq!(signs(), (false, Some("up".to_owned())));
    sandbox.ostler(["restart", "both", "--wait-ready"]).run();
    assert_eq!(signs(), (true, None));
    sandbox.ostler(["reload", "both", "--ready-log", "up"]).run();
    assert_eq!(signs(), (false, Some("up".to_owned())));
}
