//! PM2's own npm client and its command line against our daemon, and what is not its client.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::runtimes::pm2_packages;
use ostler_testkit::{Sandbox, wait_exit, wait_for};
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, wait_log};
use crate::takeover::{kill_daemon, lives};

/// An app that says of itself what PM2's agent says, and answers.
const APP: &str = "
    const say = (type, data) => process.send({ type, data });
    say('axm:action', { action_name: 'add', action_type: 'custom', arity: 2, opts: null });
    say('axm:monitor', { Requests: { value: 3, type: 'x', unit: '/s', historic: true } });
    say('axm:option:configuration', { unit: 'metres' });
    process.send({ hello: 'there' });
    say('process:exception', { message: 'caught', stack: '' });
    process.on('message', (message) => {
        if (message.msg === 'add') {
            const number = 1 + Number(message.opts);
            say('axm:reply', { at: 0, action_name: 'add', return: number });
        } else say('got', message);
    });
    process.on('SIGUSR2', () => say('signalled', { yes: true }));
    console.log('up with ' + process.argv.slice(2).join('|'));
    setInterval(() => {}, 1000);
";

/// PM2's client as it runs for a user who has the home in the environment.
#[track_caller]
fn node(s: &Sandbox, args: &[&Path]) -> Output {
    let mut command = s.command_of("node");
    command.args(args).env("PM2_HOME", s.home()).env("PM2_DISABLE_VERSION_CHECK", "1");
    command.output().unwrap()
}

fn pm2(s: &Sandbox, package: &Path, args: &[&str]) -> Output {
    let binary = package.join("bin/pm2");
    let args = args.iter().map(Path::new);
    node(s, &std::iter::once(binary.as_path()).chain(args).collect::<Vec<_>>())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn pm2s_npm_client_does_everything_with_our_daemon() {
    let expected = [
        "object one",
        "array three,two,two",
        "list one,three,two,two",
        "describe online 1 [\"a b\"] true",
        "restart one",
        "reload two,two",
        "another process true 1",
        "in-app add 3 metres",
        "send {\"n\":7}",
        "trigger 21 one",
        "signal {\"yes\":true} {\"pm_id\":0,\"name\":\"one\",\"namespace\":\"default\"}",
        "message {\"hello\":\"there\"}",
        "exception caught",
        "output \"up with a b\\n\"",
        "scale 3",
        "delete two,two,two",
        "stop one stopped",
        "unknown process or namespace not found",
        "start 5 true one",
        "online 8 false one",
        "exit 7 false one",
        "restart 1 true one",
        "reload 2 true two",
        "stop 1 true one",
        "delete 3 true two",
        "killed",
    ];
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pm2_client/api.cjs");
    for package in pm2_packages() {
        let s = sandbox();
        let app = s.write("app.js", APP);
        s.ostler(["ping"]).run();
        let ours = s.daemon_pid().unwrap();
        let keeper = s.keeper_pid().unwrap();
        let ran = node(&s, &[&client, &package, &app]);
        let said = text(&ran.stdout);
        let lines: Vec<&str> = said.lines().filter(|line| !line.contains("[PM2]")).collect();
        assert_eq!(lines, expected, "{}: {}", package.display(), text(&ran.stderr));
        assert!(wait_exit(ours, SOON) && wait_exit(keeper, SOON));
        let sockets = ["rpc.sock", "pub.sock"].map(|name| s.home().join(name).exists());
        assert_eq!(sockets, [false, false]);
        assert!(s.home().join("dump.pm2").exists());
    }
}

#[test]
fn pm2s_command_line_works_in_place_of_ours() {
    for package in pm2_packages().into_iter().take(1) {
        let s = sandbox();
        let app = s.write("app.js", APP);
        let app = app.to_str().unwrap();
        s.ostler(["ping"]).run();
        // It greets whoever it meets for the first time.
        pm2(&s, &package, &["ping"]);
        let run = |args: &[&str], code: i32, shows: &str| {
            let ran = pm2(&s, &package, args);
            let said = text(&ran.stdout) + &text(&ran.stderr);
            assert_eq!(ran.status.code(), Some(code), "{args:?}: {said}");
            assert!(said.contains(shows), "{args:?}: {said}");
        };
        run(&["start", app, "--name", "web", "-i", "2"], 0, "online");
        run(&["start", app, "--name", "job"], 0, "Done.");
        wait_log(&s, "job-out.log", "up");
        run(&["ls"], 0, "cluster");
        run(&["restart", "job"], 0, "[job](2) ✓");
        run(&["reload", "web"], 0, "[web](1) ✓");
        run(&["scale", "web", "+1"], 0, "Scaling up");
        run(&["scale", "web", "2"], 0, "[web](0) ✓");
        run(&["describe", "job"], 0, "Requests");
        run(&["trigger", "job", "add", "4"], 0, "=5");
        run(&["sendSignal", "SIGUSR2", "job"], 0, "successfully sent signal");
        run(&["reset", "job"], 0, "Resetting meta");
        run(&["reloadLogs"], 0, "All logs reloaded");
        run(&["logs", "job", "--nostream"], 0, "up with");
        run(&["stop", "99"], 1, "99");
        run(&["send", "2", "line"], 0, "online");
        run(&["send", "99", "line"], 1, "Process with ID <99> unknown.");
        let jlist = pm2(&s, &package, &["jlist"]);
        let all = text(&jlist.stdout);
        // Where versions differ, the client says so before the list.
        let list = all.get(all.find("[{").unwrap()..).unwrap();
        let list: Vec<Value> = serde_json::from_str(list).unwrap();
        assert_eq!(list.len(), 3, "{}", package.display());
        let job = &one(&s, "job")["pm2_env"];
        assert_eq!(job["axm_actions"][0]["action_name"], "add");
        // Its dump is ours, with the same files for logs and pids.
        run(&["save"], 0, "Successfully saved");
        let paths = |of: &Value| ["pm_out_log_path", "pm_pid_path"].map(|key| of[key].clone());
        let before = paths(job);
        run(&["delete", "all"], 0, "[job]");
        run(&["resurrect"], 0, "restored");
        let after = paths(&one(&s, "job")["pm2_env"]);
        let plain = |path: &Value| path.as_str().unwrap().replace("-2.pid", "-N.pid");
        let of_new = one(&s, "job")["pm_id"].as_u64().unwrap();
        let new =
            |path: &Value| path.as_str().unwrap().replace(&format!("-{of_new}.pid"), "-N.pid");
        assert_eq!(before.each_ref().map(plain), after.each_ref().map(new));
        let ended = [s.daemon_pid(), s.keeper_pid()];
        run(&["kill"], 0, "PM2 Daemon Stopped");
        assert!(ended.into_iter().flatten().all(|pid| wait_exit(pid, SOON)));
    }
}

#[test]
fn an_app_that_requires_pm2_reaches_the_daemon_that_runs_it() {
    let Some(package) = pm2_packages().into_iter().next() else { return };
    let s = sandbox();
    let script = format!(
        "const pm2 = require({:?});
         pm2.connect((error) => pm2.list((error, list) => {{
             console.log('sees ' + list.map((one) => one.name + one.pid).join());
             pm2.disconnect();
         }}));
         setInterval(() => {{}}, 1000);",
        package.display().to_string()
    );
    let script = s.write("inside.js", script);
    s.ostler(["start"]).arg(script).args(["--name", "inside"]).run();
    let pid = one(&s, "inside")["pid"].as_u64().unwrap();
    wait_log(&s, "inside-out.log", &format!("sees inside{pid}"));
    let daemons = |pid: &u32| procs::describe(*pid).contains("God Daemon");
    assert!(!s.pids().iter().any(daemons), "no PM2 was started beside us");
}

/// Asks for something at the socket of calls, and returns the answer's body.
fn ask(stream: &mut UnixStream, body: &str) -> String {
    let mut frame = vec![0x12];
    for argument in [format!("j:{body}"), "s:1:0".to_owned()] {
        frame.extend(u32::try_from(argument.len()).unwrap().to_be_bytes());
        frame.extend(argument.as_bytes());
    }
    stream.write_all(&frame).unwrap();
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let mut body = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut body).unwrap();
    let mut id = [0; 9];
    stream.read_exact(&mut id).unwrap();
    text(body.strip_prefix(b"j:").unwrap())
}

#[test]
fn pm2s_sockets_outlive_the_daemon_and_are_made_again_when_they_are_deleted() {
    let s = sandbox();
    let app = s.write("app.js", APP);
    s.ostler(["start"]).arg(app).args(["--name", "app"]).run();
    let path = s.home().join("rpc.sock");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(&path), mode(&s.home().join("pub.sock"))], [0o600; 2]);
    let declared = || one(&s, "app")["pm2_env"]["axm_actions"][0]["action_name"].clone();
    s.wait_file("ostler.state", SOON, |state| state.contains("action_name").then_some(()));
    let before = lives(&s);
    let ping = r#"{"type":"call","method":"ping","args":[{}]}"#;
    for _ in 0..2 {
        let mut early = UnixStream::connect(&path).unwrap();
        assert_eq!(ask(&mut early, ping), r#"{"args":[{"msg":"pong"}]}"#);
        kill_daemon(&s);
        let mut stream = UnixStream::connect(&path).unwrap();
        assert_eq!(ask(&mut stream, ping), r#"{"args":[{"msg":"pong"}]}"#);
    }
    assert_eq!(lives(&s), before);
    assert_eq!(declared(), "add", "an app says so once");
    std::fs::remove_file(&path).unwrap();
    let again = wait_for("another socket", SOON, || UnixStream::connect(&path).ok());
    drop(again);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn what_ends_pm2s_daemon_is_answered_by_ours() {
    let s = sandbox();
    s.ostler(["ping"]).run();
    let daemon = s.daemon_pid();
    let path = s.home().join("rpc.sock");
    let mut stream = UnixStream::connect(&path).unwrap();
    let answer = ask(&mut stream, r#"{"type":"call","method":"ping","args":[]}"#);
    assert_eq!(answer, r#"{"error":"`ping` takes 1 argument, but got 0"}"#);
    let deep = format!(r#"{{"method":"ping","args":[{}]}}"#, "[".repeat(500));
    assert!(ask(&mut stream, &deep).starts_with("{\"error\":\"the call must be JSON"));
    let methods: Value = serde_json::from_str(&ask(&mut stream, r#"{"type":"methods"}"#)).unwrap();
    assert_eq!(methods["methods"].as_object().unwrap().len(), 30);
    // One that says that it will send much, and one that says nothing.
    let mut greedy = UnixStream::connect(&path).unwrap();
    greedy.write_all(&[0x12, 0xff, 0xff, 0xff, 0xff]).unwrap();
    let mut said = String::new();
    greedy.read_to_string(&mut said).unwrap();
    assert!(said.contains("above the limit of"), "{said}");
    let _mute = UnixStream::connect(&path).unwrap();
    assert_eq!(s.daemon_pid(), daemon);
    assert!(procs::signal(daemon.unwrap(), Signal::TERM));
    assert!(wait_exit(daemon.unwrap(), SOON));
    assert!(!path.exists(), "no socket is left behind");
}
