//! `npm start` as a script, with the real npm beside it.

use ostler_testkit::run::finish;
use ostler_testkit::{Sandbox, procs};
use serde_json::{Map, Value};

use crate::start_e2e::{SOON, answers, one, sandbox, wait_log};

/// Says what it was started with, then answers with its number; without `PORT` it ends.
const SERVER: &str = "
    console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env }));
    const answer = (_, response) => response.end(String(process.pid));
    if (process.env.PORT) require('http').createServer(answer).listen(process.env.PORT);
";

fn package(scripts: &str) -> Sandbox {
    let sandbox = sandbox();
    let head = r#""name":"shop","version":"1.2.3","config":{"a-b":{"c":8}},"bin":{"s":"s.js"}"#;
    sandbox.write("package.json", format!("{{{head},\"scripts\":{scripts}}}"));
    sandbox.write("server.js", SERVER);
    sandbox
}

fn env(said: &str) -> Map<String, Value> {
    let line = said.lines().find(|line| line.starts_with('{')).unwrap();
    let said: Value = serde_json::from_str(line).unwrap();
    assert_eq!(said["args"].to_string(), r#"["--x","last"]"#);
    said["env"].as_object().unwrap().clone()
}

#[test]
fn workers_behind_npm_share_a_port_and_have_the_variables_that_npm_gives() {
    let s = package(r#"{"start":"NODE_ENV=production node server.js --x"}"#);
    let port = s.port();
    let started = s
        .ostler(["start", "npm", "--name", "web", "-i", "2", "--", "start", "--", "last"])
        .env("PORT", port.to_string())
        .run();
    assert!(started.err.contains("is run as `node server.js --x last`"), "{}", started.err);
    s.wait_for("an answer of each worker", SOON, || (answers(port, 20).len() == 2).then_some(()));
    let pids = s.pids_of("web");
    assert!(pids.iter().all(|pid| procs::describe(*pid).contains("server.js")), "{pids:?}");

    let mut npm = s.command_of("npm");
    npm.args(["start", "--silent", "--", "last"]).current_dir(s.work());
    let theirs = env(&finish(npm, b"", SOON).out);
    let ours = env(&wait_log(&s, "web-out-0.log", "}\n"));
    // Settings of npm's files are npm's own affair.
    let is_same = |name: &str| {
        let fixed = ["npm_config_local_prefix", "npm_config_user_agent", "npm_config_npm_version"];
        let of_script = name.starts_with("npm_") && !name.starts_with("npm_config_");
        of_script
            || fixed.contains(&name)
            || ["INIT_CWD", "NODE", "NODE_ENV", "PWD"].contains(&name)
    };
    let names: Vec<&String> = theirs.keys().filter(|name| is_same(name)).collect();
    assert!(13 < names.len(), "{names:?}");
    for name in names {
        assert_eq!(ours.get(name), theirs.get(name), "{name}");
    }
    let bin = s.work().join("node_modules/.bin");
    assert!(ours["PATH"].as_str().unwrap().starts_with(bin.to_str().unwrap()));
}

#[test]
fn a_script_that_needs_a_shell_is_no_cluster_and_runs_by_npm_in_fork_mode() {
    let s = package(r#"{"both":"node -e 1 && node server.js --x last"}"#);
    let start = |more: &[&str]| {
        s.ostler(["start", "npm", "--name", "web"])
            .args(more)
            .args(["--", "run", "both"])
            .any_code()
    };
    let refused = start(&["-i", "2"]).run();
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("more than one program (`&`)"), "{}", refused.err);
    assert!(s.jlist().is_empty());
    start(&["--no-autorestart"]).run();
    assert_eq!(env(&wait_log(&s, "web-out.log", "}\n"))["npm_lifecycle_event"], "both");
    assert_eq!(one(&s, "web")["pm2_env"]["exec_mode"], "fork_mode");
}
