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

/// Two processes of one app, of which the second is stopped.
fn half() -> ostler_testkit::Sandbox {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let app = "[{ name: 'web', script: 'idle.sh', instances: 2, exec_mode: 'fork', \
               env: { GREETING: 'good day' } }]";
    sandbox.write("eco.json", app);
    sandbox.ostler(["start", "eco.json"]).run();
    sandbox.ostler(["stop", "1"]).run();
    sandbox
}

#[test]
fn what_shows_processes_fills_in_the_line_that_a_program_wants() {
    let s = half();
    let line = |args: &[&str], code: i32| s.ostler(args).code(code).run().out;
    let pid = s.pids_of("web")[0];
    assert_eq!(line(&["pid", "--format", "{name} {pid}"], 0), format!("web {pid}\n"));
    assert_eq!(line(&["id", "web", "--format", "{id}:{status}"], 0), "0:online\n1:stopped\n");
    assert_eq!(line(&["env", "web", "--format", "{GREETING}!"], 0), "good day!\n");
    assert_eq!(line(&["health", "0", "--format", "{name} {well}"], 0), "web true\n");
    let sick = "0 true \n1 false process 1 (`web`) is stopped\n";
    assert_eq!(line(&["health", "--format", "{id} {well} {why}"], 1), sick);
}

#[test]
fn what_is_no_variable_and_no_field_is_told_with_what_was_meant() {
    let s = half();
    let check = |args: &[&str], code: i32, error: &str, hint: &str| {
        let ran = s.ostler(args).code(code).run();
        assert_eq!(ran.out, "", "{args:?}");
        assert!(ran.err.contains(error) && ran.err.contains(hint), "{args:?}: {}", ran.err);
    };
    let meant = "did you mean `ostler env 0 --format '{GREETING}'`?";
    check(&["env", "0", "--format", "{GREETIN}"], 1, "has no variable `GREETIN`", meant);
    check(&["env", "0", "--format", ""], 2, "`--format` is empty", "--format '{PATH}'");
    let fields = "the fields are id, name, namespace, status, well, why";
    check(&["health", "--format", "{pid}"], 2, "there is no field `pid`", fields);
    check(&["pid", "--format", "{colour}"], 2, "there is no field `colour`", "the fields are");
    let both = "`--json` and `--format` exclude each other";
    for command in ["pid", "health"] {
        check(&[command, "--json", "--format", "{name}"], 2, both, "` does without the second");
    }
    let list = "`ostler list --json name,pid` shows these of each process";
    let whole = "`jlist` prints all that PM2 prints: it does not take `--json`";
    check(&["jlist", "--json"], 2, whole, list);
    let none = "`report` prints no objects: it does not take `--json`";
    check(&["report", "--json", "id"], 2, none, "`ostler list --json id`");
    check(&["jlist", "--format", "{id}"], 2, "does not take", "`ostler list --format '{id}'`");
    let named = "`--json` names the field `name` twice";
    let once = "did you mean `ostler list --json name`?";
    check(&["list", "--json", "name,name"], 2, named, once);
    let empty = "the list of fields of `--json` is empty";
    let every = "`ostler list --json` gives every field";
    check(&["list", "--json", ""], 2, empty, every);
    check(&["list", "--json=,"], 2, "the list of fields of `--json` has an empty name", every);
    check(&["export", "--json", "name,pid"], 2, "there is no field `pid`", "name, text, path");
    check(&["get", "--json", "web,x"], 1, "there is no setting `web`", "`ostler get` shows");
    let first = "`ostler env web` shows the first of them";
    s.write("other.sh", "exec sleep 1000000");
    s.ostler(["start", "other.sh"]).run();
    check(&["env", "all"], 1, "`all` means 2 apps, and `env` shows one", first);
}

/// Fields were taken by commands that act, and `--format` by few of the others.
#[test]
fn fields_and_templates_are_of_every_command_that_shows_something() {
    let s = half();
    s.write("bad.json", "[{ name: 'web', script: 'idle.sh', instancs: 2 }]");
    s.ostler(["set", "web.LEVEL", "debug"]).run();
    s.ostler(["stop", "1"]).run();
    let pid = s.pids_of("web")[0];
    let both = json!([{ "id": 0, "name": "web" }, { "id": 1, "name": "web" }]);
    assert_eq!(said(&s, "id web --json id,name"), both);
    assert_eq!(said(&s, "pid web --json pid"), json!([{ "pid": pid }]));
    assert_eq!(said(&s, "env web --json GREETING"), json!({ "GREETING": "good day" }));
    let health = said(&s, "health --json id,well");
    let well = json!([{ "id": 0, "well": true }, { "id": 1, "well": false }]);
    assert_eq!(health, json!({ "well": false, "processes": well }));
    let daemon = s.daemon_pid().unwrap();
    assert_eq!(said(&s, "ping --json pid"), json!({ "pid": daemon }));
    let figure = s.ostler(["slist", "--json", "CPU Usage"]).run().out;
    assert!(figure.starts_with("{\"CPU Usage\":{\"value\":"), "{figure}");
    let plan = said(&s, "plan eco.json --json action,app");
    assert_eq!(plan, json!([{ "action": "start", "app": "web" }]));
    let found = said(&s, "validate bad.json --json line,code");
    let code = json!([{ "line": 1, "code": found["diagnostics"][0]["code"] }]);
    assert_eq!((&found["diagnostics"], &found["file"]), (&code, &json!("bad.json")));
    assert_eq!(said(&s, "explain empty --json code"), json!({ "code": "empty" }));
    assert_eq!(said(&s, "get web --json LEVEL"), json!({ "LEVEL": "debug" }));
    let files = said(&s, "export compose eco.json --json name");
    assert_eq!(files["files"][0], json!({ "name": "compose.yaml" }));
    let line = |args: &[&str]| s.ostler(args).any_code().run().out;
    assert_eq!(line(&["ping", "--format", "{pid}"]), format!("{daemon}\n"));
    let usage = line(&["slist", "--format", "{CPU Usage}"]);
    assert!(usage.trim_end().parse::<f64>().is_ok(), "{usage}");
    assert_eq!(line(&["plan", "eco.json", "--format", "{action} {app}"]), "start web\n");
    let complaints = line(&["validate", "bad.json", "--format", "{file}:{line}: {severity}"]);
    assert!(complaints.starts_with("bad.json:1: "), "{complaints}");
    assert_eq!(line(&["get", "web", "--format", "{LEVEL}!"]), "debug!\n");
    assert_eq!(line(&["explain", "empty", "--format", "{code}"]), "empty\n");
    assert_eq!(line(&["export", "compose", "eco.json", "--format", "{name}"]), "compose.yaml\n");
}

/// An object of a line had all that there is.
#[test]
fn logs_give_the_fields_of_lines_that_are_asked_for() {
    let s = sandbox();
    s.write("says.sh", "echo one; echo two; exec sleep 1000000");
    s.ostler(["start", "says.sh"]).run();
    s.ostler(["wait", "says", "--for", "log=two"]).run();
    let line = "logs says --nostream --json message,app_name";
    let lines = s.ostler(line.split(' ')).run().out;
    let said: Vec<Value> = lines.lines().map(|of| serde_json::from_str(of).unwrap()).collect();
    let of = |text: &str| json!({ "message": text, "app_name": "says" });
    assert_eq!(said, [of("one"), of("two")]);
    s.ostler(["logs", "--json", "says", "--nostream"]).run();
}

#[test]
fn flush_gives_the_processes_whose_logs_it_emptied() {
    let s = half();
    s.write("other.sh", "exec sleep 1000000");
    s.ostler(["start", "other.sh"]).run();
    assert_eq!(said(&s, "flush web --json id"), json!([{ "id": 0 }, { "id": 1 }]));
    let all = s.ostler(["flush", "--format", "{name}"]).run();
    assert_eq!(all.out, "other\nweb\nweb\n");
    assert!(all.err.contains("emptied"), "{}", all.err);
    s.ostler(["flush", "nope", "--json"]).code(1).run();
}

#[test]
fn stop_delete_and_kill_give_the_processes_that_they_ended_alike() {
    let s = half();
    s.write("other.sh", "exec sleep 1000000");
    s.ostler(["start", "other.sh"]).run();
    let ended = |line: &str| said(&s, &format!("{line} --json status,pid,ports,memory"));
    let alike = json!([{ "status": "stopped", "pid": null, "ports": [], "memory": 0 }]);
    assert_eq!(ended("stop other"), alike);
    s.ostler(["start", "other"]).run();
    assert_eq!(ended("delete other"), alike);
    assert_eq!(ended("kill"), alike);
    assert_eq!(said(&s, "kill --json"), json!([]), "no daemon runs");
}

/// They told of an app when it was up, and of nothing on the way.
#[test]
fn what_is_brought_back_is_told_of_process_by_process() {
    let s = half();
    s.ostler(["save"]).run();
    s.ostler(["export", "apps.json"]).run();
    for line in ["resurrect --progress json", "import apps.json --progress json"] {
        s.ostler(["delete", "all"]).run();
        let out = s.ostler(line.split(' ')).run().out;
        let objects = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let events: Vec<Value> = objects.map(|of| of["event"].clone()).collect();
        for event in ["starting", "doing", "up"] {
            let count = events.iter().filter(|of| *of == event).count();
            assert_eq!(count, 1, "{line}: {event}: {out}");
        }
        assert_eq!(events.iter().filter(|of| **of == json!("restored")).count(), 2, "{out}");
        let end: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
        assert_eq!(end["apps"], json!([{ "app": "web", "done": 2, "total": 2 }]), "{line}");
    }
}

/// `every app of … was in the list`, where there was none.
#[test]
fn a_list_without_an_app_is_said_to_have_none() {
    let s = sandbox();
    s.ostler(["save", "--force"]).run();
    let out = s.ostler(["resurrect"]).run().out;
    assert!(out.starts_with("[ROOT]/h/dump.pm2 has no app: nothing started in "), "{out}");
}

/// `scale web 1 --json id` was `[]`, though one process was there.
#[test]
fn scale_gives_the_processes_that_are_there_in_both_directions() {
    let s = half();
    s.ostler(["start", "1"]).run();
    assert_eq!(said(&s, "scale web 1 --json id"), json!([{ "id": 0 }]));
    assert_eq!(said(&s, "scale web 1 --json id"), json!([{ "id": 0 }]), "nothing to do");
    assert_eq!(said(&s, "scale web 2 --json id"), json!([{ "id": 0 }, { "id": 2 }]));
    assert_eq!(s.ostler(["scale", "web", "-1", "--format", "{id}"]).run().out, "0\n");
}
