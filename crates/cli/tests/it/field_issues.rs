//! What users of PM2 have asked for or complained of for years, by the number of the issue. What
//! such an issue is about has more tests elsewhere; here is what its first lines say.

use ostler_testkit::{Sandbox, procs, wait_for};
use serde_json::{Value, json};

use crate::start_e2e::{SOON, sandbox};

/// A sandbox with an idle script, and a process file that was started.
fn started(app: &Value) -> Sandbox {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    write(&sandbox, app);
    sandbox.ostler(["start", "eco.json"]).run();
    sandbox.wait_status("app", "online", 1, SOON);
    sandbox
}

fn write(sandbox: &Sandbox, app: &Value) {
    sandbox.write("eco.json", json!({ "apps": [app] }).to_string());
}

fn with(env: &Value) -> Value {
    json!({ "name": "app", "script": "idle.sh", "env": env })
}

/// What the process that runs has as a variable.
fn sees(sandbox: &Sandbox, name: &str) -> Option<String> {
    let pid = wait_for("its process", SOON, || sandbox.pids_of("app").first().copied());
    procs::env_of(pid, name)
}

#[test]
fn issue_3486_a_variable_that_was_removed_is_gone_after_a_restart() {
    let sandbox = started(&with(&json!({ "GONE": "1", "KEPT": "1" })));
    write(&sandbox, &with(&json!({ "KEPT": "1" })));
    sandbox.ostler(["restart", "eco.json", "--update-env"]).run();
    assert_eq!((sees(&sandbox, "GONE"), sees(&sandbox, "KEPT")), (None, Some("1".to_owned())));
}

#[test]
fn issue_3192_a_reload_brings_the_new_environment() {
    let sandbox = started(&with(&json!({ "A": "old" })));
    write(&sandbox, &with(&json!({ "A": "new" })));
    sandbox.ostler(["reload", "eco.json", "--update-env"]).run();
    assert_eq!(sees(&sandbox, "A").as_deref(), Some("new"));
}

#[test]
fn issue_5591_a_variable_that_was_added_is_there_without_delete_and_start() {
    let sandbox = started(&with(&json!({})));
    write(&sandbox, &with(&json!({ "ADDED": "1" })));
    sandbox.ostler(["reload", "eco.json"]).run();
    assert_eq!(sees(&sandbox, "ADDED").as_deref(), Some("1"));
}

#[test]
fn issue_5138_a_restart_may_update_the_environment() {
    let sandbox = started(&with(&json!({})));
    sandbox.ostler(["restart", "app", "--update-env"]).env("OF_SHELL", "1").run();
    assert_eq!(sees(&sandbox, "OF_SHELL").as_deref(), Some("1"));
}

#[test]
fn issue_3742_a_restart_of_a_file_applies_its_script_and_folder() {
    let sandbox = started(&with(&json!({})));
    sandbox.write("there/other.sh", "exec sleep 1000001");
    write(&sandbox, &json!({ "name": "app", "script": "other.sh", "cwd": "there" }));
    sandbox.ostler(["restart", "eco.json"]).run();
    let pid = wait_for("its process", SOON, || sandbox.pids_of("app").first().copied());
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd, sandbox.work().join("there").canonicalize().unwrap());
    let record = &sandbox.jlist()[0]["pm2_env"];
    assert!(record["pm_exec_path"].as_str().unwrap().ends_with("there/other.sh"), "{record}");
}

const MODULE: &str = "export default { apps: [{ name: 'app', script: './idle.sh' }] };";

#[test]
fn issue_4540_a_process_file_may_be_a_module() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("eco.config.mjs", MODULE);
    sandbox.ostler(["start", "eco.config.mjs"]).run();
    sandbox.wait_status("app", "online", 1, SOON);
}

#[test]
fn issue_5953_a_config_js_in_a_package_of_modules_is_one_as_well() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("package.json", r#"{ "type": "module" }"#);
    sandbox.write("eco.config.js", MODULE);
    sandbox.ostler(["start", "eco.config.js"]).run();
    sandbox.wait_status("app", "online", 1, SOON);
}

#[test]
fn issue_1440_a_file_that_cannot_be_read_says_in_which_line() {
    let sandbox = sandbox();
    sandbox.write("eco.json", "{\n  \"apps\": [\n    { \"name\" \"app\" }\n  ]\n}\n");
    let said = sandbox.ostler(["start", "eco.json"]).code(1).run().err;
    assert!(said.starts_with("error[syntax]: ") && said.contains("--> eco.json:3:"), "{said}");
}

#[test]
fn issue_5701_what_a_program_throws_is_told_with_its_place() {
    let sandbox = sandbox();
    sandbox.write("eco.config.js", "module.exports = {\n  apps: nowhere.apps,\n};\n");
    let said = sandbox.ostler(["start", "eco.config.js"]).code(1).run().err;
    let expected = "error[threw]: ReferenceError: nowhere is not defined\n  --> eco.config.js:2:9";
    assert!(said.starts_with(expected), "{said}");
}

#[test]
fn issue_2516_an_app_that_was_renamed_does_not_stay() {
    let sandbox = started(&with(&json!({})));
    write(&sandbox, &json!({ "name": "renamed", "script": "idle.sh" }));
    sandbox.ostler(["apply", "eco.json", "--prune", "--yes"]).run();
    let list = sandbox.jlist();
    let names: Vec<&str> = list.iter().map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["renamed"]);
}

/// Each app writes its name when it begins.
fn begin_in_order(apps: &Value, order: &str) {
    let sandbox = sandbox();
    sandbox.write("begins.sh", "echo \"$name\" >> order\necho up\nexec sleep 1000000");
    sandbox.write("eco.json", json!({ "apps": apps }).to_string());
    sandbox.ostler(["start", "eco.json"]).run();
    let file = sandbox.work().join("order");
    sandbox.wait_file(file, SOON, |text| (text == order).then_some(()));
}

#[test]
fn issue_2831_dependencies_are_declared_in_the_file() {
    let apps = json!([
        { "name": "api", "script": "begins.sh", "depends_on": ["db"] },
        { "name": "db", "script": "begins.sh", "min_uptime": 100 },
    ]);
    begin_in_order(&apps, "db\napi\n");
}

#[test]
fn issue_3685_an_app_begins_when_another_is_ready() {
    let apps = json!([
        { "name": "late", "script": "begins.sh", "depends_on": ["first"] },
        { "name": "first", "script": "begins.sh", "ready": { "log": "up" } },
    ]);
    begin_in_order(&apps, "first\nlate\n");
}

#[test]
fn issue_2584_max_restarts_ends_the_restarts() {
    let sandbox = sandbox();
    sandbox.write("fails.sh", "exit 1");
    write(&sandbox, &json!({ "name": "app", "script": "fails.sh", "max_restarts": 3 }));
    sandbox.ostler(["start", "eco.json"]).run();
    sandbox.wait_status("app", "errored", 1, SOON);
    let restarts = sandbox.jlist()[0]["pm2_env"]["unstable_restarts"].as_u64();
    assert!(restarts.is_none_or(|count| count <= 3), "{restarts:?}");
}

#[test]
fn issue_5604_cron_is_there_again_after_a_resurrect() {
    let app = json!({ "name": "app", "script": "idle.sh", "cron_restart": "0 0 1 1 *" });
    let sandbox = started(&app);
    sandbox.ostler(["save"]).run();
    sandbox.ostler(["kill"]).run();
    sandbox.ostler(["resurrect"]).run();
    sandbox.wait_status("app", "online", 1, SOON);
    let said = sandbox.ostler(["describe", "app"]).run().out;
    assert!(said.contains("0 0 1 1 *") && said.contains("-01-01"), "{said}");
}

fn restarts(sandbox: &Sandbox) -> u64 {
    sandbox.jlist()[0]["pm2_env"]["restart_time"].as_u64().unwrap()
}

#[test]
fn issue_2629_a_changed_file_restarts_the_app() {
    let app = json!({ "name": "app", "script": "idle.sh", "watch": true, "watch_delay": 50 });
    let sandbox = started(&app);
    sandbox.write("lib/new.js", "1");
    wait_for("a restart", SOON, || (0 < restarts(&sandbox)).then_some(()));
}

#[test]
fn issue_5061_a_thousand_files_that_are_ignored_restart_nothing() {
    let app = json!({ "name": "app", "script": "idle.sh", "watch": true, "watch_delay": 50,
                      "ignore_watch": ["built"] });
    let sandbox = started(&app);
    for number in 0..1000 {
        sandbox.write(format!("built/{number}.js"), "1");
    }
    // What is seen after them is the first that counts.
    sandbox.write("seen.js", "1");
    wait_for("a restart", SOON, || (0 < restarts(&sandbox)).then_some(()));
    let log = std::fs::read_to_string(sandbox.home().join("pm2.log")).unwrap();
    assert!(!log.contains("/built/"), "{log}");
}
