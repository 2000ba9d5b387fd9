//! Lines of apps that are objects of JSON, in files of `log_type: "json"`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, sandbox};

/// What the app prints: a number that no reader may change, a name that is the manager's, text.
const LINES: [&str; 3] = [
    r#"{"level":50,"msg":"no disk","n":12345678901234567890123}"#,
    r#"{"level":"info","timestamp":"soon","message":"fine"}"#,
    "listening",
];

/// The objects without what each line has of its own: its time, its place, the end of a text.
fn plain(all: &[Value]) -> Vec<Value> {
    let plain = |of: &Value| {
        let mut of = of.clone();
        let fields = of.as_object_mut().unwrap();
        fields.remove("timestamp");
        fields.remove("cursor");
        of["message"] = of["message"].as_str().unwrap().trim_end().into();
        of
    };
    all.iter().map(plain).collect()
}

/// Follows the lines, of which these are the past, and has the app write as many.
fn follow(s: &Sandbox, past: &[Value]) -> Vec<Value> {
    let mut command = s.command();
    command.args(["logs", "a", "--json", "--since", "1h"]);
    let mut follower = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let shown = BufReader::new(follower.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut shown = shown.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    assert_eq!(plain(&shown.by_ref().take(3).collect::<Vec<_>>()), plain(past));
    s.ostler(["send", "a", "go"]).run();
    let live: Vec<Value> = shown.by_ref().filter(|of| of["type"] == "out").take(3).collect();
    follower.kill().unwrap();
    follower.wait().unwrap();
    live
}

#[test]
fn fields_of_the_app_stand_in_its_file_and_are_found_followed_and_passed_on() {
    let s = sandbox();
    let (log, copy) = (s.file("a.log"), s.file("copy.log"));
    let say = LINES.map(|line| format!("echo '{line}'\n")).concat();
    let app = s.write("app.sh", format!("{say}read x; {say}exec sleep 1000000"));
    s.ostler(["start"])
        .arg(&app)
        .args(["--interpreter", "sh", "--name", "a", "--log-type", "json", "-o"])
        .arg(&log)
        .arg("--log-copy")
        .arg(&copy)
        .run();
    let lines = |count: usize| {
        s.wait_for("its lines", SOON, || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            (text.lines().count() == count).then_some(text)
        })
    };
    let file = lines(3);
    let first = file.lines().next().unwrap();
    let whole = r#""app_name":"a","level":50,"msg":"no disk","n":12345678901234567890123}"#;
    assert!(first.starts_with(r#"{"message":"no disk","timestamp":"2"#), "{first}");
    assert!(first.ends_with(whole), "{first}");
    let objects = |args: &[&str]| -> Vec<Value> {
        let ran = s.ostler(["logs", "a", "--nostream", "--json"]).args(args).run();
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = objects(&[]);
    let messages: Vec<&str> = all.iter().filter_map(|of| of["message"].as_str()).collect();
    assert_eq!(messages, ["no disk", "fine", "listening\n"]);
    assert_eq!(all[1]["app"]["timestamp"], "soon");
    assert_eq!(plain(&objects(&["--level", "error"])), plain(&all[..1]));
    let grep = ["logs", "a", "--nostream", "--json", "--grep", r#""n":1234567890123456789"#];
    let found = s.ostler(grep).run().out;
    assert!(found.starts_with(first.trim_end_matches('}')), "{found}");
    let errors = s.ostler(["logs", "a", "--errors"]).run().out;
    assert!(errors.starts_with("1 × a, 2") && errors.ends_with("  no disk\n\n"), "{errors:?}");
    // A receiver gets what the app wrote.
    let winston = r#"{"message":"fine","level":"info","timestamp":"soon"}"#;
    let passed = format!("{}\n{winston}\n{}\n", LINES[0], LINES[2]);
    s.wait_for("the copy", SOON, || (fs::read_to_string(&copy).ok()? == passed).then_some(()));
    let live = follow(&s, &all);
    assert_eq!(plain(&live), plain(&all));
    lines(6);
}
