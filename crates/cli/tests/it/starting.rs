//! `start`, with scripts, files and what is there already.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;

use crate::fake::{Fake, process};
use crate::takeover::sandbox;

#[test]
fn a_script_is_started_once() {
    let mut running = process(3, "app");
    let fake = Fake::with(vec![]);
    let script = fake.file("app.js", "");
    let ran = fake.pm2("start app.js -- a b");
    assert_eq!(
        (ran.code, ran.words().as_str()),
        (0, "[PM2] Starting $H/app.js in fork_mode (1 instance)\n[PM2] Done.\n"),
        "{}",
        ran.err
    );
    assert!(ran.has_table());
    let record = &fake.asked()[0]["start"]["apps"][0];
    assert_eq!((&record["name"], &record["args"]), (&json!("app"), &json!(["a", "b"])));

    running["script"] = json!(script.to_str().unwrap());
    running["phase"] = json!("online");
    // The same name and script: a home of its own would have another script, so the list names this
    // one.
    let again = Fake::with(vec![running.clone()]);
    let mut command = again.command("pm2", ["start"]);
    command.arg(&script);
    let ran = again.end(command);
    let err = "[PM2][ERROR] Script already launched, add -f option to force re-execution\n\
               hint: `pm2 restart app` restarts it\n";
    assert_eq!((ran.code, ran.err.as_str(), ran.out.as_str()), (1, err, ""));
    let mut command = again.command("pm2", ["start", "-f"]);
    command.arg(&script);
    assert!(again.end(command).out.contains("[PM2] Done."));

    running["phase"] = json!("stopped");
    let stopped = Fake::with(vec![running]);
    let words = "[PM2] Applying action restartProcessId on app [app](ids: [ 3 ])\n\
                 [PM2] [app](3) ✓\n[PM2] Process successfully started\n";
    let mut command = stopped.command("pm2", ["start"]);
    command.arg(&script);
    assert_eq!(stopped.end(command).words(), words);
    // PM2 starts another one only beside one that runs.
    let mut command = stopped.command("pm2", ["start", "-f"]);
    command.arg(&script);
    assert_eq!(stopped.end(command).words(), words);
}

/// It was taken without a word, and to every command the two were one app.
#[test]
fn a_script_is_not_started_under_the_name_of_another_script_but_by_force() {
    let sandbox = sandbox();
    for name in ["a.sh", "b.sh", "more/a.sh"] {
        sandbox.write(name, "exec sleep 1000000\n");
    }
    sandbox.ostler(["start", "a.sh", "--name", "v"]).run();
    let said = sandbox.ostler(["start", "b.sh", "--name", "v"]).code(1).run();
    let expected = "error: `v` is the name of another app, which runs `[ROOT]/w/a.sh`\n\
                    hint: `ostler start b.sh --name b` gives this one a name of its own; \
                    `ostler delete v` removes the other\n";
    assert_eq!((said.err.as_str(), said.out.as_str()), (expected, ""));
    let said = sandbox.ostler(["start", "a.sh", "more/a.sh"]).code(1).run();
    assert!(said.err.contains("would both be called `a`"), "{}", said.err);
    sandbox.ostler(["start", "sleep 1000000", "--name", "line"]).run();
    sandbox.ostler(["stop", "line"]).run();
    let said = sandbox.ostler(["start", "sleep 2000000", "--name", "line"]).code(1).run();
    assert!(said.err.contains("which runs `sleep 1000000`"), "{}", said.err);
    let names = || sandbox.ostler(["list", "--format", "{name}"]).run().out;
    assert_eq!(names(), "line\nv\n");
    sandbox.ostler(["start", "b.sh", "--name", "v", "--force"]).run();
    let pm2 = sandbox.work().join("pm2");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ostler"), &pm2).unwrap();
    let mut command = sandbox.command_of(&pm2);
    let done = command.args(["start", "more/a.sh", "--name", "v"]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(names(), "line\nv\nv\nv\n");
    let said = sandbox.ostler(["describe", "v"]).run().out;
    assert!(said.contains("/b.sh (id 2), [ROOT]/w/more/a.sh (id 3)"), "{said}");
}

#[test]
fn a_number_that_is_no_process_and_no_file_is_an_id_that_pm2_does_not_know() {
    let fake = Fake::with(vec![process(0, "app")]);
    let ran = fake.pm2("start 99");
    let announced = "[PM2] Applying action restartProcessId on app [99](ids: [ '99' ])\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, announced));
    assert!(ran.err.starts_with("[PM2][ERROR] God db process id unknown\n"), "{}", ran.err);
}

#[test]
fn what_is_there_is_started_by_name_and_what_is_not_is_named() {
    let fake = Fake::with(vec![process(0, "app")]);
    let words = "[PM2] Applying action restartProcessId on app [app](ids: [ 0 ])\n\
                 [PM2] [app](0) ✓\n[PM2] Process successfully started\n";
    assert_eq!(fake.pm2("start app").words(), words);
    let ran = fake.pm2("start nope.js");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("[PM2][ERROR] Script not found: $H/nope.js\n"), "{}", ran.err);
    let ran = fake.pm2("start");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.starts_with("[PM2][ERROR] File ecosystem.config.js not found\n"),
        "{}",
        ran.err
    );
    let ran = fake.pm2("startOrReload app.js");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.starts_with("[PM2][ERROR] `app.js` is not a process file\nhint: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_process_file_restarts_what_it_knows_and_starts_the_rest() {
    let fake = Fake::with(vec![process(0, "one"), process(1, "one")]);
    fake.file("app.js", "");
    fake.file(
        "apps.json",
        r#"{"apps":[{"name":"one","script":"app.js"},
            {"name":"two","script":"app.js","instances":2}]}"#,
    );
    let ran = fake.pm2("start apps.json");
    let words = "[PM2] Applying action restartProcessId on app [one](ids: [ 0, 1 ])\n\
                 [PM2] [one](0) ✓\n[PM2] [one](1) ✓\n\
                 [PM2][WARN] Applications two not running, starting...\n\
                 [PM2] App [two] launched (2 instances)\n";
    assert_eq!((ran.code, ran.words().as_str()), (0, words), "{}", ran.err);
    let asked = fake.asked();
    assert_eq!(asked[0]["act"]["change"]["records"][0]["name"], "one");
    let start = asked.iter().find_map(|request| request["start"]["apps"].as_array());
    assert_eq!(start.map(Vec::len), Some(1), "{asked:?}");
    // `stop` and `delete` of a file only tick, and do not mind what is not there.
    let ran = fake.pm2("stop apps.json");
    assert_eq!((ran.code, ran.words().as_str()), (0, "[PM2] [one](0) ✓\n[PM2] [one](1) ✓\n"));
}

#[test]
fn standard_input_is_a_process_file() {
    let fake = Fake::with(vec![]);
    fake.file("app.js", "");
    let mut child = fake
        .command("pm2", ["start", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"name":"s","script":"app.js"}"#).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with(
            "[PM2][WARN] Applications s not running, starting...\n\
            [PM2] App [s] launched (1 instances)\n"
        ),
        "{text}"
    );
}

#[test]
fn a_bad_file_starts_nothing_and_a_missing_script_only_the_others() {
    let fake = Fake::with(vec![]);
    fake.file("app.js", "");
    fake.file("bad.json", r#"{"apps":[{"name":"a","script":"app.js","kill_timeout":true}]}"#);
    let ran = fake.pm2("start bad.json");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("kill_timeout") && ran.err.contains("--> bad.json:1:"), "{}", ran.err);
    assert!(fake.asked().is_empty());
    fake.file(
        "half.json",
        r#"{"apps":[{"name":"a","script":"app.js"},{"name":"b","script":"nope.js"}]}"#,
    );
    let ran = fake.pm2("start half.json");
    assert!(
        ran.err.starts_with("[PM2][ERROR] Error: Script not found: $H/nope.js\n"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("[PM2] App [a] launched (1 instances)\n"));
    assert_eq!((ran.code, ran.has_table()), (1, false));
}

#[test]
fn what_is_started_twice_is_answered_with_where_it_answers() {
    let sandbox = sandbox();
    sandbox.write("app.js", "require('http').createServer().listen(process.env.PORT, '127.0.0.1')");
    let port = sandbox.port();
    sandbox.ostler(["start", "app.js", "--wait"]).env("PORT", port.to_string()).run();
    let url = format!("http://127.0.0.1:{port}");
    let ran = sandbox.ostler(["start", "app.js", "--json", "id,name,ports"]).code(1).run();
    assert!(ran.err.starts_with(&format!("error: `app` runs already: {url}\n")), "{ran:?}");
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let ports = [format!("127.0.0.1:{port}")];
    assert_eq!(told, json!([{ "id": 0, "name": "app", "ports": ports }]));
    assert_eq!(sandbox.statuses_of("app"), ["online"]);
    sandbox.ostler(["kill"]).run();
}
