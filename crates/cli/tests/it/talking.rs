//! What is said to apps while they run: signals, lines for their standard input, actions, the
//! inspector; and PM2's words about it.

use std::os::unix::fs::symlink;

use ostler_testkit::Sandbox;
use ostler_testkit::procs::{open_fds, signal};
use ostler_testkit::run::{Output, finish};
use ostler_testkit::wait::wait_for;
use rustix::process::Signal;
use serde_json::Value;

use crate::start_e2e::{SOON, one, sandbox, wait_log};

/// Writes what it reads, and the signals that it gets.
const ECHO: &str = "process.stdin.setEncoding('utf8');
    let rest = '';
    process.stdin.on('data', (text) => {
        const lines = (rest + text).split('\\n');
        rest = lines.pop();
        for (const line of lines) console.log('got ' + line);
    });
    process.on('SIGUSR2', () => console.log('signalled'));
    setInterval(() => {}, 1000);
    console.log('up');";

/// An app that offers actions.
const ACTIONS: &str = "const say = (type, data) => process.send({ type, data });
    for (const action_name of ['hello', 'echo', 'silence', 'die', 'nothing'])
        say('axm:action', { action_name, action_type: 'custom', arity: 0 });
    process.on('message', (message) => {
        const name = message.msg ?? message;
        if (name === 'die') process.exit(3);
        if (name === 'silence') return;
        const returned = { hello: { a: [1] }, echo: message.opts }[name];
        say('axm:reply', { at: 1, action_name: name, return: returned });
    });
    console.log('up');";

fn start(s: &Sandbox, name: &str, text: &str, args: &[&str]) {
    let script = s.write(format!("{name}.js"), text);
    s.ostler(["start"]).arg(script).args(args).run();
    let lists = |list: &[Value]| {
        let of_name = || list.iter().filter(|one| one["name"] == name);
        (0 < of_name().count() && of_name().all(|one| one["pm2_env"]["status"] == "online"))
            .then_some(())
    };
    s.wait_list(format!("{name} is online"), SOON, lists);
}

/// Runs the command under PM2's name.
fn pm2(s: &Sandbox, args: &[&str], input: &str) -> Output {
    let program = s.work().join("pm2");
    if !program.exists() {
        symlink(env!("CARGO_BIN_EXE_ostler"), &program).unwrap();
    }
    let mut command = s.command_of(program);
    command.args(args);
    finish(command, input.as_bytes(), SOON)
}

#[test]
fn a_line_reaches_standard_input_in_both_modes_also_after_daemon_and_keeper_died() {
    let s = sandbox();
    start(&s, "plain", ECHO, &[]);
    start(&s, "worker", ECHO, &["-i", "1"]);
    let send = |text: &str| {
        for name in ["plain", "worker"] {
            s.ostler(["send", name, text]).run();
        }
        for log in ["plain-out.log", "worker-out-1.log"] {
            wait_log(&s, log, &format!("got {text}\n"));
        }
    };
    send("the first line");
    let daemon = s.daemon_pid().unwrap();
    assert!(signal(daemon, Signal::KILL));
    s.wait_for("another daemon", SOON, || s.daemon_pid().filter(|pid| *pid != daemon));
    send("after the daemon's death");
    let keeper = s.keeper_pid().unwrap();
    assert!(signal(keeper, Signal::KILL));
    s.wait_for("another keeper", SOON, || s.keeper_pid().filter(|pid| *pid != keeper));
    send("after the keeper's death");
    s.ostler(["restart", "plain"]).run();
    send("in the next run");
}

#[test]
fn standard_input_costs_keeper_and_daemon_no_descriptor() {
    let s = sandbox();
    let script = s.write("read.sh", "read line; echo \"got $line\"; exec sleep 1000000");
    let start = |count: u32, name: &str| {
        for number in 0..count {
            let name = format!("{name}{number}");
            s.ostler(["start", "-x", "--name", &name]).arg(&script).run();
        }
    };
    let open = || open_fds(s.keeper_pid().unwrap());
    start(1, "first");
    let before = open();
    start(5, "more");
    // Its process, output, errors.
    assert_eq!(open() - before, 5 * 3);
    s.ostler(["send", "more4", "x"]).run();
    wait_log(&s, "more4-out.log", "got x");
    assert_eq!(open() - before, 5 * 3);
}

#[test]
fn what_does_not_fit_into_standard_input_is_refused_whole() {
    let s = sandbox();
    // It reads when it is told to.
    let script = "trap 'cat | while read line; do echo \"got ${#line}\"; done' USR2; echo up
        while :; do sleep 0.05; done";
    let script = s.write("later.sh", script);
    s.ostler(["start", "-x"]).arg(script).run();
    wait_log(&s, "later-out.log", "up");
    let line = "x".repeat(4000);
    let mut sent = 0;
    let refused = loop {
        let said = s.ostler(["send", "later", &line]).any_code().run();
        if said.code != 0 {
            break said;
        }
        sent += 1;
        assert!(sent < 100, "never full");
    };
    assert!(refused.err.contains("its standard input is full"), "{}", refused.err);
    let long = "y".repeat(70_000);
    let said = s.ostler(["send", "later", &long]).code(1).run();
    assert!(said.err.contains("65536 are allowed"), "{}", said.err);
    s.ostler(["sendSignal", "SIGUSR2", "later"]).run();
    s.ostler(["wait", "later", "--for", "log=got 4000"]).run();
    wait_for("every line that was taken", SOON, || {
        let log = std::fs::read_to_string(s.file("logs/later-out.log")).unwrap();
        (log.matches("got 4000").count() == sent).then_some(())
    });
    let log = std::fs::read_to_string(s.file("logs/later-out.log")).unwrap();
    assert_eq!(log.matches("got").count(), sent, "{log}");
}

#[test]
fn attach_shows_what_the_lines_that_are_typed_bring_about() {
    let s = sandbox();
    start(&s, "echo", ECHO, &[]);
    wait_log(&s, "echo-out.log", "up");
    let said = s.ostler(["attach", "echo"]).stdin("one\ntwo\n").run();
    assert_eq!(said.out, "got one\ngot two\n");
    let said = pm2(&s, &["attach", "0"], "three\n");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "got three\n", ""));
    let said = pm2(&s, &["attach", "0", ";\n"], "four\n");
    assert_eq!((said.code, said.out.as_str()), (0, "got four;\n"));
    let said = pm2(&s, &["attach", "echo"], "");
    let words = "pm_id must be a process number (not a process name)\n";
    assert_eq!((said.code, said.err.as_str()), (1, words));
    // More than a pipe holds, for an app that is slower than the command.
    let many: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    s.ostler(["attach", "echo"]).stdin(many).run();
    wait_log(&s, "echo-out.log", "got line 19999\n");
}

#[test]
fn every_process_that_has_an_action_answers_and_one_that_ends_first_fails_the_command() {
    let s = sandbox();
    start(&s, "act", ACTIONS, &["-i", "2"]);
    start(&s, "echo", ECHO, &[]);
    let declared = |list: &[Value]| {
        let of = |one: &&Value| {
            let all = one["pm2_env"]["axm_actions"].as_array();
            // The last one that it declares.
            all.is_some_and(|all| all.iter().any(|of| of["action_name"] == "nothing"))
        };
        (list.iter().filter(of).count() == 2).then_some(())
    };
    s.wait_list("actions", SOON, declared);
    let sorted = |out: &str| {
        let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let said = s.ostler(["trigger", "all", "hello"]).run();
    assert_eq!(sorted(&said.out), ["act (id 0): {\"a\":[1]}", "act (id 1): {\"a\":[1]}"]);
    let said = s.ostler(["trigger", "0", "echo", "a b", "--json"]).run();
    let object = "{\"id\":0,\"app\":\"act\",\"namespace\":\"default\",\"answer\":\"a b\"}\n";
    assert_eq!(said.out, object);
    let said = s.ostler(["trigger", "0", "nothing"]).run();
    assert_eq!(said.out, "act (id 0): no value\n");
    let said = s.ostler(["trigger", "act", "silence", "--timeout", "300ms"]).code(124).run();
    assert!(said.err.contains("no answer to `silence` within 300ms"), "{}", said.err);
    let said = s.ostler(["trigger", "echo", "hello"]).code(1).run();
    assert!(said.err.contains("declared the action `hello`"), "{}", said.err);
    let said = s.ostler(["trigger", "0", "die"]).code(1).run();
    assert_eq!(said.err, "error: act (id 0): it ended before it answered\n");
}

#[test]
fn an_inspector_is_opened_in_node_and_nothing_else_is_hurt() {
    let s = sandbox();
    let script = s.write("shell.sh", "echo up; while :; do sleep 0.1; done");
    s.ostler(["start"]).arg(script).run();
    let before = one(&s, "shell")["pid"].clone();
    let said = s.ostler(["inspect", "shell"]).code(1).run();
    assert!(said.err.contains("which is not Node"), "{}", said.err);
    let said = pm2(&s, &["inspect", "shell"], "");
    let words = "Unable to activate inspect mode on shell !!!\n";
    assert_eq!((said.code, said.out.as_str()), (0, words));
    assert_eq!(one(&s, "shell")["pid"], before);
}

#[test]
fn every_worker_of_a_cluster_opens_an_inspector_of_its_own() {
    let s = sandbox();
    let app = s.victim("web", ostler_testkit::Victim::Http);
    s.ostler(["start", "--wait", "-i", "2"]).arg(app).env("PORT", s.port().to_string()).run();
    let said = s.ostler(["inspect", "web"]).run();
    let ports: Vec<&str> = said.out.split("127.0.0.1:92").skip(1).map(|rest| &rest[..2]).collect();
    assert!(ports.len() == 2 && ports[0] != ports[1], "{said:?}");
}

#[test]
fn under_the_name_pm2_signals_lines_and_actions_are_told_in_its_words() {
    let s = sandbox();
    start(&s, "e", ECHO, &[]);
    start(&s, "act", ACTIONS, &[]);
    wait_log(&s, "e-out.log", "up");
    s.wait_list("actions", SOON, |list| {
        let all = list.iter().filter_map(|one| one["pm2_env"]["axm_actions"].as_array());
        all.map(Vec::len).any(|count| count == 5).then_some(())
    });
    // Recorded from PM2 7.0.4; `#`: a table follows.
    for (line, code, out, err) in [
        (
            "sendSignal SIGUSR2 e",
            0,
            "[PM2] Sending signal to process name e\n\
             successfully sent signal SIGUSR2 to process name e\n#",
            "",
        ),
        (
            "sendSignal SIGUSR2 0",
            0,
            "[PM2] Sending signal to process id 0\n\
             successfully sent signal SIGUSR2 to process id 0\n#",
            "",
        ),
        (
            "sendSignal NOPE e",
            1,
            "[PM2] Sending signal to process name e\n",
            "Unknown signal: NOPE\n",
        ),
        (
            "sendSignal SIGUSR2 nobody",
            1,
            "[PM2] Sending signal to process name nobody\n",
            "Unknown process name\n",
        ),
        ("sendSignal SIGUSR2 99", 1, "[PM2] Sending signal to process id 99\n", "99 id unknown\n"),
        ("send 0 hello", 0, "#", ""),
        ("send 99 hi", 1, "", "[PM2][ERROR] Error: Process with ID <99> unknown.\n"),
        ("send e hi", 1, "", "[PM2][ERROR] Error: Process with ID <e> unknown.\n"),
        (
            "trigger act hello",
            0,
            "1 processes have received command hello\n[act:1:default]={\"a\":[1]}\n",
            "",
        ),
        (
            "trigger act nope",
            1,
            "",
            "Not any process has received a command (offline or unexistent)\n",
        ),
        (
            "trigger nobody hello",
            1,
            "",
            "Not any process has received a command (offline or unexistent)\n",
        ),
        ("trigger 99 hello", 1, "", "99 id unknown\n"),
        ("monitor e", 0, "#", ""),
        ("monitor nobody", 0, "#", ""),
        ("unmonitor 0", 0, "#", ""),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let said = pm2(&s, &args, "");
        let table = said.out.find('┌').unwrap_or(said.out.len());
        let mut words = said.out[..table].to_owned();
        words.push_str(if table < said.out.len() { "#" } else { "" });
        assert_eq!((said.code, words.as_str(), said.err.as_str()), (code, out, err), "{line}");
        if line == "sendSignal SIGUSR2 e" {
            // Two that are pending at once are one.
            wait_log(&s, "e-out.log", "signalled\n");
        }
    }
    wait_log(&s, "e-out.log", "signalled\nsignalled\ngot hello\n");
}
