//! Rules that act on the lines of apps.

use std::fs;

use serde_json::json;

use crate::alerts::{Http, OK};
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;

#[test]
fn each_line_that_a_rule_finds_is_counted_once_although_daemons_are_killed() {
    const LINES: usize = 3000;
    let s = sandbox();
    let text = format!(
        "i=0; while [ $i -lt {LINES} ]; do echo \"mark $i\"; i=$((i+1)); \
         [ $((i % 10)) = 0 ] && sleep 0.01; done; exec sleep 1000000"
    );
    let app = s.write("ticker.sh", text);
    let rules = json!([{ "name": "marks", "match": "^mark [0-9]+$" }, { "match": "^never$" }]);
    let file = s.write(
        "apps.json",
        json!({ "apps": [{
            "name": "ticker", "script": app, "interpreter": "sh", "log_max_size": "4K",
            "log_keep": 1000, "log_compress": false, "log_rules": rules,
        }] })
        .to_string(),
    );
    s.ostler(["start"]).arg(&file).run();
    let count = || -> usize {
        let out = s.ostler(["describe", "ticker"]).run().out;
        let line = out.lines().find_map(|line| line.split_once("marks: "));
        line.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok()).unwrap_or(0)
    };
    for part in 1..=4 {
        s.wait_for("lines", SOON, || (LINES * part / 6 <= count()).then_some(()));
        kill_daemon(&s);
        s.ostler(["ping"]).run();
    }
    s.wait_for("all lines", SOON, || (LINES <= count()).then_some(()));
    assert_eq!(count(), LINES);
    let out = s.ostler(["describe", "ticker"]).run().out;
    assert!(out.contains("^never$: 0 lines"), "{out}");
}

#[test]
fn a_line_restarts_its_process_and_is_told_and_lines_of_before_the_rule_are_not() {
    let s = sandbox();
    let app = s.write("app.sh", "echo broken before; exec sleep 1000000");
    s.ostler(["start"]).arg(&app).args(["--interpreter", "sh", "--name", "app"]).run();
    let log = s.file("logs/app-out.log");
    s.wait_file(&log, SOON, |text| text.contains("broken").then_some(()));
    s.ostler(["stop", "app"]).run();
    let http = Http::new();
    let text = "echo one; [ -e again ] || { : > again; echo 'it is broken now'; }; \
                exec sleep 1000000";
    let app = s.write("app.sh", text);
    let file = s.write(
        "apps.json",
        json!({ "apps": [{
            "name": "app", "script": app, "interpreter": "sh",
            "alerts": { "webhook": http.url("/hook") },
            "log_rules": [{ "name": "bad", "match": "broken", "then": ["alert", "restart"] }],
        }] })
        .to_string(),
    );
    s.ostler(["start"]).arg(&file).run();
    let (_, body) = http.take(OK);
    assert!(body.starts_with(r#"{"kind":"rule","app":"app","namespace":"default""#), "{body}");
    assert!(body.contains("the rule `bad` has found a line: it is broken now"), "{body}");
    s.wait_for("the restart", SOON, || {
        let ones = fs::read_to_string(&log).unwrap_or_default().matches("one\n").count();
        (ones == 2).then_some(())
    });
    let daemon = fs::read_to_string(s.file("pm2.log")).unwrap();
    let said = daemon.matches("App [app:0] is restarted by its log rule `bad`").count();
    assert_eq!(said, 1, "{daemon}");
    let out = s.ostler(["describe", "app"]).run().out;
    assert!(out.contains("bad: 1 line\n"), "{out}");
}
