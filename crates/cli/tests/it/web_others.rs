//! `web --hosts-file`: what runs on other machines, with a web API of their own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use ostler_testkit::{Sandbox, built_companion};
use serde_json::{Value, json};

use crate::start_e2e::{sandbox, start_sh};
use crate::web_api::ask;

const TOKEN: &str = "0123456789abcdef0123";

/// Writes a file that only its owner may read.
fn private(s: &Sandbox, name: &str, text: &str) -> PathBuf {
    let path = s.write(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// A machine with an app, whose web API wants a token. Returns its port.
fn machine(app: &str) -> (Sandbox, u16) {
    let s = sandbox();
    start_sh(&s, app, "sleep 1000", &[]);
    private(&s, "tokens", &format!("read {TOKEN}\n"));
    let port = s.port();
    s.ostler(["web", &port.to_string(), "--token-file", "tokens"]).cwd(s.work()).run();
    (s, port)
}

#[test]
fn other_machines_are_shown_with_what_runs_there_or_why_that_is_not_known() {
    built_companion();
    let (one, port) = machine("one");
    let (two, other) = machine("two");
    let s = sandbox();
    // One that nobody serves, and one that takes connections and says nothing.
    let gone = s.port();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let deaf = silent.local_addr().unwrap().port();
    let lines = format!(
        "web1 http://127.0.0.1:{port} {TOKEN}\nwrong http://127.0.0.1:{port} {TOKEN}x\n\
         web2 http://localhost:{other}/ {TOKEN}\ngone http://127.0.0.1:{gone} {TOKEN}\n\
         deaf http://127.0.0.1:{deaf} {TOKEN}\n"
    );
    private(&s, "hosts", &lines);
    let own = s.port();
    let number = own.to_string();
    s.ostler(["web", &number, "--hosts-file", "hosts"]).cwd(s.work()).run();
    let (status, text) = ask(own, "GET /api/v1/hosts", &[], "");
    assert_eq!(status, 200);
    assert!(!text.contains(TOKEN), "a token is told: {text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    let of = |at: usize| &told["hosts"][at];
    let names = |at: usize| -> Vec<&Value> {
        of(at)["processes"].as_array().unwrap().iter().map(|process| &process["name"]).collect()
    };
    assert_eq!((&of(0)["name"], &of(0)["error"]), (&json!("web1"), &Value::Null));
    assert_eq!(names(0), [&json!("one"), &json!("ostler-web")]);
    assert_eq!(names(2), [&json!("two"), &json!("ostler-web")]);
    for (at, why) in [
        (1, "it answered 401: no token was given, or one that is not known"),
        (3, "Connection refused"),
        (4, "no answer within 3 s"),
    ] {
        let error = of(at)["error"].as_str().unwrap();
        assert!(error.contains(why) && of(at)["processes"].is_null(), "{error}");
        assert!(!error.contains("os error"), "{error}");
    }
    drop((one, two));
}

#[test]
fn a_file_of_machines_that_others_may_read_or_that_is_none_is_told_before_anything_starts() {
    built_companion();
    let s = sandbox();
    let web = || s.ostler(["web", "--hosts-file", "hosts"]).cwd(s.work()).code(1);
    let path = private(&s, "hosts", "web1 http://127.0.0.1:1\n");
    web().shows("line 1: a line is a name, a URL and a token").run();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    web().shows("others can read the tokens in").run();
    fs::remove_file(&path).unwrap();
    web().shows("cannot read").run();
    assert!(s.jlist().is_empty());
}
