//! Process files with the real binary: every form, what a second start does, and how a bad
//! one is refused.

use ostler_testkit::Sandbox;
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, untimed, wait_log, wait_one};

const APP: &str = "echo \"up $STAGE $EXTRA $1\"\nexec sleep 1000000";

#[test]
fn every_form_of_a_process_file_is_read() {
    let sandbox = sandbox();
    sandbox.write("app.sh", APP);
    let files = [
        (
            "ecosystem.config.js",
            "module.exports = { apps: [{ script: 'app.sh', name: 'NAME', env: { STAGE: 'dev' }, \
             env_production: { STAGE: 'prod' }, args: 'one' }] };",
        ),
        (
            "b.config.cjs",
            "module.exports = [{ script: 'app.sh', name: 'NAME', env: { STAGE: 'dev' }, \
             env_production: { STAGE: 'prod' }, args: ['one'] }];",
        ),
        (
            "c.config.mjs",
            "export default { apps: [{ script: 'app.sh', name: 'NAME', env: { STAGE: 'dev' }, \
             env_production: { STAGE: 'prod' }, args: 'one' }] };",
        ),
        (
            "d.json",
            "{ // comment\n \"apps\": { \"script\": \"app.sh\", \"name\": \"NAME\", \"env\": \
             {\"STAGE\": \"dev\"}, env_production: {'STAGE': 'prod'}, args: 'one', } }",
        ),
        (
            "e.yaml",
            "base: &base\n  script: app.sh\n  env: { STAGE: dev }\napps:\n  - <<: *base\n    name: \
             NAME\n    env_production: { STAGE: prod }\n    args: [one]\n",
        ),
        (
            "f.toml",
            "[[apps]]\nname = 'NAME'\nscript = 'app.sh'\nargs = 'one'\nenv = { STAGE = 'dev' }\n\
             env_production = { STAGE = 'prod' }\n",
        ),
        (
            "package.json",
            "{ \"name\": \"x\", \"ostler\": { \"apps\": [{ \"script\": \"app.sh\", \"name\": \
             \"NAME\", \"args\": \"one\", \"env\": { \"STAGE\": \"dev\" }, \"env_production\": \
             { \"STAGE\": \"prod\" } }] } }",
        ),
    ];
    for (number, (file, text)) in files.into_iter().enumerate() {
        let name = format!("app-{number}");
        sandbox.write(file, text.replace("NAME", &name));
        let out = sandbox.ostler(["start", file]).run().out;
        assert!(out.starts_with(&format!("started {name} 1/1 in ")), "{file}: {out}");
        assert_eq!(wait_log(&sandbox, &format!("{name}-out.log"), "\n"), "up dev  one\n", "{file}");
        // The second time its apps are known: they are restarted, here with another environment.
        sandbox.ostler(["start", file, "--env", "production"]).run();
        sandbox.wait_file(format!("logs/{name}-out.log"), SOON, |log| {
            log.ends_with("up prod  one\n").then_some(())
        });
        assert_eq!(one(&sandbox, &name)["pm2_env"]["restart_time"], 1);
    }
    // `start` alone means the first of them.
    let out = sandbox.ostler(["start"]).run().out;
    assert!(out.starts_with("restarted app-0 1/1 in "), "{out}");
}

#[test]
fn a_file_may_have_several_apps_of_which_some_are_chosen() {
    let sandbox = sandbox();
    sandbox.write("app.sh", APP);
    let apps: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|name| serde_json::json!({ "name": name, "script": "app.sh" }))
        .collect();
    sandbox.write("apps.json", serde_json::json!({ "apps": apps }).to_string());
    let names = || -> Vec<String> {
        let word = |process: &Value| {
            format!(
                "{} {}",
                process["name"].as_str().unwrap(),
                process["pm2_env"]["status"].as_str().unwrap()
            )
        };
        sandbox.jlist().iter().map(word).collect()
    };
    sandbox.ostler(["start", "apps.json", "--only", "a,c"]).run();
    assert_eq!(names(), ["a online", "c online"]);
    let out = sandbox.ostler(["start", "apps.json"]).run().out;
    assert_eq!(untimed(&out), "restarted a 1/1, c 1/1 in TIME\nstarted b 1/1 in TIME\n");
    assert_eq!(names(), ["a online", "c online", "b online"]);
    sandbox.ostler(["stop", "apps.json", "--only", "b"]).run();
    assert_eq!(names(), ["a online", "c online", "b stopped"]);
    sandbox.ostler(["restart", "apps.json"]).run();
    assert_eq!(names(), ["a online", "c online", "b online"]);
    sandbox.ostler(["delete", "apps.json"]).run();
    assert_eq!(names(), Vec::<String>::new());
    // The same on standard input.
    sandbox.ostler(["start", "-"]).stdin(serde_json::json!({ "apps": apps }).to_string()).run();
    assert_eq!(names().len(), 3);
}

/// Starts an app of a file, changes the file, restarts it, and waits for what the app then says.
fn changed_file(sandbox: &Sandbox, run: impl Fn(&[&str]), says: &str) {
    sandbox.write("app.sh", APP);
    sandbox.write("app2.sh", "echo \"second $STAGE $EXTRA\"\nexec sleep 1000000");
    sandbox.write("x.json", r#"{"apps":[{"name":"x","script":"app.sh","env":{"STAGE":"1"}}]}"#);
    run(&["start", "x.json"]);
    wait_log(sandbox, "x-out.log", "up 1");
    sandbox.write(
        "x.json",
        r#"{"apps":[{"name":"x","script":"app2.sh","env":{"EXTRA":"2"},"kill_timeout":4321}]}"#,
    );
    run(&["restart", "x.json"]);
    wait_log(sandbox, "x-out.log", says);
    assert_eq!(wait_one(sandbox, "x", "online")["pm2_env"]["kill_timeout"], 4321);
}

#[test]
fn a_changed_file_changes_the_app_and_what_is_taken_out_of_it_is_taken_from_the_app() {
    let sandbox = sandbox();
    let run = |args: &[&str]| _ = sandbox.run(args).success();
    changed_file(&sandbox, run, "second  2");
}

#[test]
fn under_the_name_pm2_a_changed_file_forgets_no_variable() {
    let sandbox = sandbox();
    let run = |args: &[&str]| _ = crate::helping::pm2(&sandbox, args).success();
    changed_file(&sandbox, run, "second 1 2");
}

#[test]
fn a_malformed_file_is_refused_with_the_place_the_line_and_what_was_expected() {
    let sandbox = sandbox();
    sandbox.write("app.sh", APP);
    let check = |file: &str, text: &str, parts: &[&str]| {
        sandbox.write(file, text);
        let said = sandbox.ostler(["start", file]).code(1).run();
        for part in parts {
            assert!(said.err.contains(part), "{file}: `{part}` is not in\n{}", said.err);
        }
    };
    check(
        "a.json",
        "{\n  \"apps\": [{ \"script\" \"app.sh\" }]\n}\n",
        &[
            "error[syntax]: expected `:`",
            "a.json:2:23",
            "\"apps\": [{ \"script\" \"app.sh\" }]",
            "expected",
        ],
    );
    check(
        "b.config.js",
        "module.exports = {\n  apps: [{ script: 'app.sh', }}]\n};\n",
        &["b.config.js", ":2", "apps: [{ script: 'app.sh', }}]"],
    );
    check(
        "c.json",
        "{\n  \"apps\": [\n    { \"script\": \"app.sh\", \"kill_timeout\": \"soon\",\n      \
         \"autorestart\": 1 }\n  ]\n}\n",
        &["c.json:3:", "kill_timeout", "c.json:4:", "autorestart"],
    );
    check("d.config.js", "throw new Error('my own words');\n", &["d.config.js", "my own words"]);
    check("e.json", "{\"apps\": [{\"name\": \"x\"}]}", &["this app has no `script`", "(apps[0])"]);
    check(
        "f.json",
        "{\"apps\": [{\"script\": \"nope.sh\"}]}",
        &["there is no script", "f.json:1:22 (apps[0].script)"],
    );
    assert_eq!(sandbox.jlist(), Vec::<Value>::new(), "something of a bad file was started");
    // A name that was probably meant.
    sandbox.write("g.json", "{\"apps\": [{\"script\": \"app.sh\", \"max_restart\": 3}]}");
    let said = sandbox.ostler(["start", "g.json"]).run();
    let text = format!("{}{}", said.out, said.err);
    assert!(text.contains("max_restart") && text.contains("max_restarts"), "{text}");
}
