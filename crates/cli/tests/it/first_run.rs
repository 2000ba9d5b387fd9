//! What is said of an app that ends a moment after it was started, and of one that listens late.

use std::net::TcpListener;

use ostler_testkit::{Output, Sandbox};
use serde_json::json;

use crate::start_e2e::{sandbox, untimed};

/// A script that finds its port taken after a time.
fn finds_its_port_taken(sandbox: &Sandbox, after: &str) -> (TcpListener, String) {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    let body = format!(
        "#!/bin/sh\nsleep {after}\necho 'Error: listen EADDRINUSE: address already in use \
         {address}' >&2\nexit 1\n"
    );
    sandbox.write_executable("app.sh", body);
    (holder, address.to_string())
}

/// `restart` said `restarted app 1/1`, and `start` in a pipe `started app 1/1`.
#[test]
fn whatever_starts_an_app_says_that_it_ended_at_once_and_why() {
    let sandbox = sandbox();
    let (_holder, address) = finds_its_port_taken(&sandbox, "0");
    let check = |words: &[&str], says: &str| {
        // On a machine that is busy it may take longer than the moment in which it is looked.
        let run = || -> Output { sandbox.ostler(words).run() };
        let found = (0..20).map(|_| run()).find(|ran| ran.err.contains("is taken"));
        let ran = found.unwrap_or_else(|| panic!("{words:?}: no warning"));
        let warning = "warning: app (id 0) ended with exit code 1 before it was ready\n";
        assert!(ran.err.contains(warning), "{words:?}: {}", ran.err);
        assert!(ran.err.contains(&format!("  `{address}` is taken")), "{words:?}: {}", ran.err);
        assert_eq!(untimed(&ran.out), says, "{words:?}");
    };
    sandbox.ostler(["start", "app.sh", "--restart-delay", "3600000"]).run();
    check(&["restart", "app"], "restarted app 0/1 in TIME\n");
    check(&["reload", "app"], "restarted app 0/1 in TIME\n");
    let again = |_| {
        sandbox.ostler(["stop", "app"]).run();
        sandbox.ostler(["start", "app"]).run()
    };
    let found = (0..20).map(again).find(|ran| ran.err.contains("is taken"));
    let ran = found.expect("a warning");
    assert_eq!(untimed(&ran.out), "started app 0/1 in TIME\n", "{}", ran.err);
}

/// Whether a run lives longer than `min_uptime` says nothing of a server that loads for so long.
#[test]
fn a_server_that_finds_its_port_taken_after_a_second_is_not_ready() {
    let sandbox = sandbox();
    let (_holder, address) = finds_its_port_taken(&sandbox, "1.2");
    let start = sandbox.ostler(["start", "app.sh", "--wait"]).env("PORT", "1");
    let error = start.code(1).run().err;
    let said = "error: app (id 0) ended with exit code 1 before it was ready\n";
    assert!(error.contains(said), "{error}");
    assert!(error.contains(&format!("  `{address}` is taken")), "{error}");
    // It goes on so, and no run of it is a short one.
    let error = sandbox.ostler(["wait", "app", "--timeout", "3s"]).code(124).run().err;
    let said = "warning: app (id 0) ended and was started again: Error: listen EADDRINUSE: ";
    assert!(error.contains(said), "{error}");
    let before = "after one that found its port taken\n";
    assert!(error.contains(before), "{error}");
    let said = sandbox.ostler(["describe", "app"]).run().out;
    assert!(said.contains("exit code 1 (Error: listen EADDRINUSE: "), "{said}");
    let list = sandbox.ostler(["list"]).run().out;
    assert!(list.contains("port in use"), "{list}");
}

/// Its workers were told to have said no `ready`, which Python cannot.
#[test]
fn python_in_cluster_mode_is_started_in_fork_mode_and_the_user_is_told() {
    let sandbox = sandbox();
    let interpreter = sandbox.write_executable("python3", "#!/bin/sh\nexec sleep 1000\n");
    sandbox.write("p.py", "");
    let app = json!({"script": "p.py", "name": "b", "instances": 2, "exec_mode": "cluster",
        "interpreter": interpreter});
    sandbox.write("apps.json", json!([app]).to_string());
    let ran = sandbox.ostler(["start", "apps.json"]).run();
    assert!(ran.err.contains("warning[no-cluster]: cluster mode is for Node"), "{}", ran.err);
    assert!(ran.err.contains("hint: write `exec_mode: \"fork\"`"), "{}", ran.err);
    assert!(ran.out.starts_with("started b 2/2 in "), "{}", ran.out);
    let mode = |at: usize| sandbox.jlist()[at]["pm2_env"]["exec_mode"].clone();
    assert_eq!([mode(0), mode(1)], ["fork_mode", "fork_mode"]);
}

/// It was told to have said no `ready`, for which nobody had asked.
#[test]
fn a_worker_that_does_not_begin_is_not_said_to_lack_a_ready() {
    let sandbox = sandbox();
    sandbox.write_executable("app.sh", "#!/bin/sh\nexec sleep 1000\n");
    let app = json!({"script": "./app.sh", "name": "b", "exec_mode": "cluster",
        "interpreter": "none", "listen_timeout": 300});
    sandbox.write("apps.json", json!([app]).to_string());
    let error = sandbox.ostler(["start", "apps.json"]).run().err;
    let said = "warning: `b` (id 0) did not begin as a worker of a cluster within 300 ms \
                (`listen_timeout`); it is taken as online all the same: cluster mode is for Node";
    assert!(error.contains(said), "{error}");
    let said = sandbox.ostler(["describe", "b"]).run().out;
    assert!(said.contains("; it did not begin as a worker of a cluster in time"), "{said}");
}

/// `start all` said `api 1/1, one 1/1, two 1/1` where the first app listened, and elsewhere that
/// one had ended.
#[test]
fn of_each_app_that_ended_at_once_it_is_told_also_where_the_first_one_listens() {
    let sandbox = sandbox();
    sandbox.write("serves.js", "require('http').createServer().listen(0, '127.0.0.1');\n");
    sandbox.write_executable("ends.sh", "#!/bin/sh\nexit 3\n");
    let ends = |name: &str| json!({"name": name, "script": "ends.sh", "restart_delay": 3_600_000});
    let api = json!({"name": "api", "script": "serves.js", "exec_mode": "cluster"});
    let apps = json!({"apps": [api, ends("one"), ends("two")]});
    sandbox.write("eco.json", apps.to_string());
    sandbox.ostler(["start", "eco.json"]).run();
    let again = || {
        sandbox.ostler(["stop", "all"]).run();
        sandbox.ostler(["start", "all"]).run()
    };
    let is_told = |ran: &Output| {
        ["one", "two"].iter().all(|name| ran.err.contains(&format!("warning: {name} (id ")))
    };
    // On a machine that is busy they may take longer than the moment in which it is looked.
    let ran = (0..20).map(|_| again()).find(is_told).unwrap_or_else(|| panic!("no warnings"));
    assert_eq!(untimed(&ran.out), "started api 1/1, one 0/1, two 0/1 in TIME\n", "{}", ran.err);
}

/// Of two apps that end as badly, one was told and the other was said to be started.
#[test]
fn apps_that_end_a_little_later_than_the_first_are_told_of_as_well() {
    let sandbox = sandbox();
    sandbox.write("now.sh", "exit 3");
    sandbox.write("soon.sh", "sleep 0.15; exit 3");
    let file = r#"{"apps": [
        {"name": "now", "script": "now.sh", "interpreter": "sh", "autorestart": false},
        {"name": "soon", "script": "soon.sh", "interpreter": "sh", "autorestart": false}]}"#;
    sandbox.write("eco.json", file);
    let said = sandbox.ostler(["start", "eco.json"]).run();
    assert!(said.out.starts_with("started now 0/1, soon 0/1 in "), "{said:?}");
    assert_eq!(said.err.matches("ended with exit code 3").count(), 2, "{said:?}");
}

/// It took 16 runs, 4.4 s, and no line that the app wrote was shown.
#[test]
fn an_app_that_ends_before_it_is_ready_is_told_with_its_first_run_and_its_last_lines() {
    for by in [&["--ready-port", "1"][..], &["--wait-ready"]] {
        let sandbox = sandbox();
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        let listens = format!("require('net').createServer().listen({port}, '127.0.0.1');");
        let script = sandbox.write("taken.js", listens);
        let said = sandbox.ostler(["start"]).arg(&script).args(by).run();
        assert!(untimed(&said.out).starts_with("started taken 0/1 in TIME\n"), "{said:?}");
        let ran = sandbox.ostler(["restart", "taken", "--wait"]).code(1).run().err;
        for err in [said.err, ran] {
            let taken = format!("`127.0.0.1:{port}` is taken: pid {}", std::process::id());
            assert!(err.contains("taken (id 0) ended with exit code 1 before"), "{by:?}: {err}");
            assert!(err.contains(&taken) && err.contains("EADDRINUSE"), "{by:?}: {err}");
        }
    }
}

/// `started bad 1/1` stood beside the error of the other, where `reload` said `0/1`.
#[test]
fn an_app_that_ended_at_once_is_told_also_beside_one_that_could_not_be_started() {
    let sandbox = sandbox();
    sandbox.write("bad.sh", "exit 3");
    sandbox.write_executable("none", "#!/nope/sh\n");
    let bad = json!({"name": "bad", "script": "bad.sh", "interpreter": "sh", "autorestart": false});
    let none = json!({"name": "none", "script": "./none", "autorestart": false});
    sandbox.write("eco.json", json!({"apps": [bad, none]}).to_string());
    let check = |verb: &str, end: &str| {
        let said = sandbox.ostler([verb, "eco.json"]).code(1).run();
        assert_eq!(untimed(&said.out), end, "{said:?}");
        assert!(said.err.contains("bad (id 0) ended with exit code 3"), "{said:?}");
    };
    check("start", "started bad 0/1, none 0/1 in TIME\n");
    check("restart", "restarted bad 0/1, none 0/1 in TIME\n");
}
