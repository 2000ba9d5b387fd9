//! `--json` of commands that show something: one value for a program, and nothing else.

use serde_json::{Value, json};

use crate::takeover::sandbox;

/// What a command prints, which must be JSON as a whole.
fn said(sandbox: &ostler_testkit::Sandbox, line: &str) -> Value {
    let out = sandbox.ostler(line.split(' ')).any_code().run().out;
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: {out}"))
}

#[test]
fn every_command_that_shows_something_shows_it_as_json() {
    let s = sandbox();
    s.write("idle.sh", "exec sleep 1000000");
    s.write("ends.sh", "exit 3");
    s.write("eco.json", "[{ name: 'api', script: 'idle.sh', instances: 2, exec_mode: 'fork' }]");
    let names = |value: &Value| -> Vec<Value> {
        value.as_array().unwrap().iter().map(|of| of["name"].clone()).collect()
    };
    assert_eq!(names(&said(&s, "apply eco.json --json")), ["api", "api"]);
    assert_eq!(said(&s, "apply eco.json --json name"), json!([]), "nothing was done");
    assert_eq!(said(&s, "id api --json"), json!([0, 1]));
    assert_eq!(said(&s, "pid api --json"), json!(s.pids_of("api")));
    assert_eq!(said(&s, "ping --json")["pid"], json!(s.daemon_pid().unwrap()));
    assert_eq!(said(&s, "env 0 --json")["HOME"], "[ROOT]/u");
    assert_eq!(said(&s, "health --json")["well"], json!(true));
    s.ostler(["start", "ends.sh", "--no-autorestart"]).any_code().run();
    s.wait_status("ends", "stopped", 1, crate::takeover::SOON);
    let health = said(&s, "health --json");
    assert_eq!((&health["well"], &health["processes"][2]["well"]), (&json!(false), &json!(false)));
    assert!(health["processes"][2]["why"].as_str().unwrap().contains("exit code 3"), "{health}");
    s.ostler(["health", "--json"]).code(1).run();
    s.ostler(["set", "api.LEVEL", "debug"]).run();
    assert_eq!(said(&s, "get api.LEVEL --json"), json!("debug"));
    assert_eq!(said(&s, "get api --json"), json!({ "LEVEL": "debug" }));
    assert_eq!(said(&s, "get --json"), json!({ "api": { "LEVEL": "debug" } }));
    assert_eq!(said(&s, "conf --json"), json!({ "api": { "LEVEL": "debug" } }));
    s.ostler(["conf", "api.LEVEL", "info", "--json"]).code(2).run();
    assert_eq!(said(&s, "explain empty --json")["code"], "empty");
    assert!(1 < said(&s, "explain --json").as_array().unwrap().len());
    assert_eq!(names(&said(&s, "update --json name")), ["api", "api", "ends"]);
    assert_eq!(said(&s, "export --json").as_array().unwrap().len(), 3);
    assert_eq!(said(&s, "export apps.json --json")["files"][0]["name"], "apps.json");
    let compose = said(&s, "export compose eco.json --json");
    let file = &compose["files"][0];
    assert!(file["text"].as_str().unwrap().contains("idle.sh"), "{compose}");
    assert!(!compose["notes"].as_array().unwrap().is_empty(), "{compose}");
    let written = said(&s, "export compose eco.json --into out --json");
    let name = file["name"].as_str().unwrap();
    assert_eq!(written["files"][0]["path"], format!("[ROOT]/w/out/{name}"));
    let text = std::fs::read_to_string(s.work().join("out").join(name)).unwrap();
    assert_eq!(text, file["text"].as_str().unwrap().replace("[ROOT]", s.root().to_str().unwrap()));
    s.ostler(["delete", "all"]).run();
    assert_eq!(names(&said(&s, "import apps.json --json name")), ["api", "api", "ends"]);
}
