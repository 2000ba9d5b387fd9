//! `/api/v1` of the companion, asked by plain HTTP, by friends and others.

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use ostler_testkit::procs::{Signal, signal};
use ostler_testkit::{Sandbox, Victim, built_companion};
use serde_json::{Value, json};

use crate::start_e2e::{SOON, one, sandbox, start_sh, wait_one};

/// Starts the web API with these options, and returns its port.
pub(crate) fn web(s: &Sandbox, options: &[&str]) -> u16 {
    built_companion();
    let port = s.port();
    s.ostler(["web", &port.to_string()])
        .args(options)
        .shows("started ostler-web 1/1, ready in ")
        .run();
    port
}

/// Sends a request, with lines of its head, on a connection of its own.
fn send(port: u16, request: &str, head: &[&str], body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let names_one = head.iter().any(|line| line.starts_with("Host:"));
    let host = if names_one { "" } else { "Host: localhost\r\n" };
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let end = format!("Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let text = format!("{request} HTTP/1.1\r\n{host}{head}{end}");
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// The status and the body of an answer.
pub(crate) fn ask(port: u16, request: &str, head: &[&str], body: &str) -> (u16, String) {
    let mut answer = String::new();
    send(port, request, head, body).read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// The JSON of an answer that has this status.
#[track_caller]
pub(crate) fn json_of(port: u16, request: &str, head: &[&str], body: &str, status: u16) -> Value {
    let (found, text) = ask(port, request, head, body);
    assert_eq!(found, status, "{request}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{request}: {error}: {text}"))
}

/// What comes over a stream of events.
struct Events(BufReader<TcpStream>);

impl Events {
    /// Begins after the event with this number.
    fn follow(port: u16, path: &str, seen: Option<&str>) -> Self {
        let seen = seen.map(|seen| format!("Last-Event-ID: {seen}"));
        let head: Vec<&str> = seen.iter().map(String::as_str).collect();
        let mut events = Self(BufReader::new(send(port, &format!("GET {path}"), &head, "")));
        let head = std::iter::from_fn(|| Some(events.line()));
        let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
        assert!(head[0].contains(" 200 "), "{head:?}");
        events
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    /// The next event: its name, its data, its number.
    fn next(&mut self) -> (String, Value, Option<String>) {
        let (mut name, mut data, mut number) = (String::new(), Value::Null, None);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("event", text)) => name = text.to_owned(),
                Some(("data", text)) => data = serde_json::from_str(text).unwrap(),
                Some(("id", text)) => number = Some(text.to_owned()),
                _ if line.is_empty() && !name.is_empty() => return (name, data, number),
                // The length of a piece, or a sign of life.
                _ => {}
            }
        }
    }
}

#[test]
fn apps_are_shown_and_managed_over_the_api() {
    let mut s = sandbox();
    s.set_env("API_TOKEN", "do not show this");
    start_sh(&s, "api", "sleep 1000", &[]);
    let port = web(&s, &[]);
    let get = |path: &str| json_of(port, &format!("GET {path}"), &[], "", 200);
    let post = |what: &str, status| {
        json_of(port, &format!("POST /api/v1/processes/{what}"), &[], "", status)
    };
    let list = get("/api/v1/processes");
    assert_eq!(list["processes"][0]["status"], "online");
    assert_eq!(list["processes"][0]["pid"], one(&s, "api")["pid"]);
    let described = get("/api/v1/processes/default%2Fapi");
    assert_eq!(described["processes"][0]["env"]["API_TOKEN"], "***");
    assert_eq!(post("api/start", 409)["error"]["code"], "nothing_to_do");
    assert_eq!(post("api/stop", 200)["steps"][0]["name"], "api");
    assert_eq!(one(&s, "api")["pm2_env"]["status"], "stopped");
    let status = &get("/api/v1/processes")["processes"][0]["status"];
    assert_eq!(status, "stopped", "what was done here is seen at once");
    post("0/start", 200);
    wait_one(&s, "api", "online");
    let head = ["Content-Type: application/json"];
    let scale = "POST /api/v1/processes/api/scale";
    json_of(port, scale, &head, "{\"instances\":\"+1\"}", 200);
    assert_eq!(s.pids_of("api").len(), 2);
    for (wrong, why) in [
        ("", "the body does not say `instances`"),
        ("{\"instances\":\"x\"}", "`x` is no number of instances"),
        ("{\"instances\":4}", "`instances` must be a text, but is `4`"),
        ("{\"instance\":\"1\"}", "the body says `instance`, which means nothing here"),
        ("nope", "the body is no JSON: line 1, column 2"),
    ] {
        let error = &json_of(port, scale, &head, wrong, 400)["error"];
        assert_eq!((&error["code"], &error["message"]), (&json!("invalid"), &json!(why)));
    }
    let large = format!("{{\"instances\":\"{}\"}}", "1".repeat(70_000));
    let why = &json_of(port, scale, &head, &large, 413)["error"]["message"];
    assert_eq!(*why, "the body of the request is too large, or did not come whole");
    for (request, status, why) in [
        ("GET /api/v1/processes/%ff", 400, "the word in the path is not UTF-8"),
        ("GET /api/v1/logs?stream=x", 400, "`stream` is `x`, which is neither `out` nor `err`"),
        ("GET /api/v1/logs?wrod=api", 400, "the query says `wrod`, which means nothing here"),
        ("POST /api/v1/host", 405, "this path takes no `POST`"),
    ] {
        assert_eq!(json_of(port, request, &[], "", status)["error"]["message"], why, "{request}");
    }
    assert_eq!(post("none/stop", 404)["error"]["code"], "not_found");
    let metrics = ask(port, "GET /metrics", &[], "").1;
    assert!(metrics.contains("ostler_process_up{app=\"api\",namespace=\"default\""), "{metrics}");
    let history = get("/api/v1/processes/default%2Fapi/history?range=day");
    assert_eq!(
        (&history["step_seconds"], &history["processes"][0]["id"]),
        (&json!(120), &json!(0))
    );
    let wrong = "GET /api/v1/processes/api/history?range=year";
    assert_eq!(json_of(port, wrong, &[], "", 400)["error"]["code"], "invalid");
    assert!(get("/api/v1/host")["memory_total_bytes"].as_u64().unwrap() > 0);
    assert_eq!(get("/api/v1/openapi.json")["openapi"], "3.1.0");
    json_of(port, "DELETE /api/v1/processes/all", &[], "", 200);
    let left: Vec<Value> = s.jlist().iter().map(|process| process["name"].clone()).collect();
    assert_eq!(left, ["ostler-web"], "`all` is not about who is asked");
}

#[test]
fn a_reload_is_told_step_by_step() {
    let s = sandbox();
    let app = s.victim("web", Victim::Http);
    let listens = s.port();
    s.ostler(["start"]).arg(app).args(["-i", "2"]).env("PORT", listens.to_string()).run();
    let port = web(&s, &[]);
    let head = ["Accept: text/event-stream"];
    let stream = send(port, "POST /api/v1/processes/web/reload", &head, "");
    let mut events = Events(BufReader::new(stream));
    let mut steps = 0;
    let end = loop {
        match events.next() {
            (name, ..) if name == "step" => steps += 1,
            (name, data, _) => break (name, data),
        }
    };
    assert_eq!(end, ("done".to_owned(), json!({})));
    assert!(4 <= steps, "two workers, each begun and replaced: {steps}");
}

#[test]
fn a_stream_of_lines_is_resumed_and_says_what_it_may_have_missed() {
    let s = sandbox();
    start_sh(&s, "echo", "while read line; do echo \"$line\"; done; sleep 1000", &[]);
    start_sh(&s, "other", "while read line; do echo \"$line\"; done; sleep 1000", &[]);
    let port = web(&s, &[]);
    let path = "/api/v1/logs?word=echo&stream=out";
    let say = |app: &str, line: &str| _ = s.ostler(["send", app, line]).run();
    let mut first = Events::follow(port, path, None);
    say("other", "not for this one");
    say("echo", "one");
    let (name, data, number) = first.next();
    let told = (name.as_str(), data["text"].as_str().unwrap(), data["name"].as_str().unwrap());
    assert_eq!(told, ("log", "one", "echo"));
    drop(first);
    say("echo", "two");
    let mut again = Events::follow(port, path, number.as_deref());
    assert_eq!(again.next().1["text"], "two");
    let mut happens = Events::follow(port, "/api/v1/events", None);
    signal(s.daemon_pid().unwrap(), Signal::KILL);
    assert_eq!(again.next().0, "gap", "nobody told of what happened in that moment");
    assert_eq!(happens.next().0, "gap");
    // It is followed again when this reader has its head.
    drop(Events::follow(port, path, None));
    say("echo", "three");
    assert_eq!(again.next().1["text"], "three");
    s.ostler(["restart", "other"]).run();
    let (name, data, _) = happens.next();
    assert_eq!((name.as_str(), &data["name"]), ("process", &json!("other")));
}

#[test]
fn what_a_hostile_page_has_a_browser_ask_is_refused() {
    let s = sandbox();
    start_sh(&s, "api", "sleep 1000", &[]);
    let pid = one(&s, "api")["pid"].clone();
    let port = web(&s, &[]);
    let stop = "POST /api/v1/processes/api/stop";
    let own = format!("Origin: http://localhost:{port}");
    for (request, head, status) in [
        ("GET /", "Host: evil.example", 403),
        ("GET /api/v1/processes", "Host: evil.example:9615", 403),
        ("GET /api/v1/openapi.json", "Host: evil.example", 403),
        ("GET /dashboard", "Host: evil.example", 403),
        ("GET /api/v1/logs", "Origin: https://evil.example", 403),
        (stop, "Origin: https://evil.example", 403),
        (stop, "Origin: null", 403),
        (stop, own.as_str(), 403),
        (stop, "Sec-Fetch-Site: cross-site", 403),
        (stop, "Content-Type: text/plain", 415),
        ("DELETE /api/v1/processes/api", "Origin: http://127.0.0.1:1", 403),
    ] {
        assert_eq!(ask(port, request, &[head], "").0, status, "{request} {head}");
    }
    let mut head = String::new();
    send(port, "OPTIONS /api/v1/processes", &["Origin: https://evil.example"], "")
        .read_to_string(&mut head)
        .unwrap();
    assert!(!head.to_lowercase().contains("access-control"), "{head}");
    assert_eq!(one(&s, "api")["pid"], pid, "nothing was done");
    let host = format!("Host: localhost:{port}");
    assert_eq!(ask(port, stop, &[host.as_str(), own.as_str()], "").0, 200, "its own page may");
}

#[test]
fn tokens_permit_what_they_say_and_without_one_nothing_is_told() {
    let mut s = sandbox();
    s.set_env("API_TOKEN", "do not show this");
    start_sh(&s, "api", "sleep 1000", &[]);
    let roles = ["read", "operate", "admin"];
    let lines: String =
        roles.iter().map(|role| format!("{role} {role}-0123456789abcdef\n")).collect();
    let file = s.write("tokens", lines);
    let options = ["--token-file", "tokens", "--host", "0.0.0.0"];
    s.ostler(["web"]).args(options).code(1).shows("others can read the tokens").run();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let port = web(&s, &options);
    let stop = "POST /api/v1/processes/api/stop";
    let describe = "GET /api/v1/processes/api";
    for (request, role, status) in [
        ("GET /", "", 401),
        ("GET /metrics", "", 401),
        ("GET /dashboard", "", 200),
        (describe, "Bearer read", 401),
        ("GET /", "Bearer read-0123456789abcdef", 200),
        (stop, "Bearer read-0123456789abcdef", 403),
        (describe, "Bearer operate-0123456789abcdef", 200),
        (describe, "Bearer admin-0123456789abcdef", 200),
    ] {
        let head = format!("Authorization: {role}");
        let (found, text) = ask(port, request, &[&head], "");
        assert_eq!(found, status, "{request} {role}");
        assert_eq!(text.contains("do not show this"), role.contains("admin"), "{request} {role}");
    }
    assert_eq!(one(&s, "api")["pm2_env"]["status"], "online");
    let head = ["Authorization: Bearer operate-0123456789abcdef"];
    assert_eq!(ask(port, stop, &head, "").0, 200);
}

#[test]
fn another_user_of_the_machine_is_not_served() {
    if !rustix::process::geteuid().is_root() {
        return println!("only root can be somebody else");
    }
    let s = sandbox();
    let port = web(&s, &[]);
    let ask = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\
         Connection: close\\r\\n\\r\\n' >&3; cat <&3"
    );
    let asked = |user: u32| {
        let mut command = s.command_of("bash");
        command.args(["-c", &ask]).current_dir("/").uid(user);
        ostler_testkit::run::finish(command, &[], SOON).success().out
    };
    assert!(asked(0).starts_with("HTTP/1.1 200"));
    let answer = asked(65534);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("another user"), "{answer}");
}

#[test]
fn a_canary_is_begun_promoted_and_taken_back() {
    let s = sandbox();
    let port = web(&s, &[]);
    let listens = "require('http').createServer((_, answer) => answer.end()).listen(0);";
    let app = s.write("api.js", listens);
    s.ostler(["start", "-i", "2", "--name", "api"]).arg(app).run();
    let own = s.pids_of("api");
    let post = |what: &str, body: &str, status: u16| {
        let head = ["Content-Type: application/json"];
        json_of(port, &format!("POST /api/v1/processes/api/{what}"), &head, body, status)
    };
    assert_eq!(post("promote", "", 404)["error"]["message"], "app `api` has no canary");
    let replaced = || {
        let now = s.pids_of("api");
        own.iter().filter(|pid| !now.contains(pid)).count()
    };
    post("reload", "{\"canary\":true}", 200);
    assert_eq!(replaced(), 1);
    let list = json_of(port, "GET /api/v1/processes", &[], "", 200);
    let canaries =
        list["processes"].as_array().unwrap().iter().filter(|of| of["rollout"] == "canary");
    assert_eq!(canaries.count(), 1);
    let steps = post("promote", "", 200)["steps"].to_string();
    assert!(steps.contains("starting a new worker"), "{steps}");
    assert_eq!(replaced(), 2);
    post("reload", "{\"canary\":true}", 200);
    post("rollback", "", 200);
    assert_eq!(post("rollback", "", 404)["error"]["code"], "not_found");
}
