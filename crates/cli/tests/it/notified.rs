//! Apps that say how they are as to systemd: `READY=1`, `STATUS=`, `WATCHDOG=1`.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_exit, wait_for};
use serde_json::{Value, json};

use crate::keeper_death::kill_keeper;
use crate::start_e2e::{SOON, sandbox};
use crate::takeover::kill_daemon;
use crate::waiting::{begin, end};

/// Says what stands in the file `say` once, in `say-child` by a process that it starts, and that it
/// is alive while there is a file `alive`. Notes its variables in `env`.
const APP: &str = "
import os, socket, subprocess, sys, time

def say(text):
    name = os.environ['NOTIFY_SOCKET']
    to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    to.connect('\\0' + name[1:] if name[0] == '@' else name)
    to.sendall(text.encode())

def take(file):
    with open(file) as opened:
        text = opened.read()
    os.remove(file)
    return text

if len(sys.argv) > 1:
    say(sys.argv[1])
    # Whose it is can be seen only while it lives.
    time.sleep(1e6)
for name in ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']:
    print(name, os.environ.get(name))
print('pid', os.getpid(), flush=True)
while True:
    if os.path.exists('say'):
        say(take('say'))
    if os.path.exists('say-child'):
        subprocess.Popen([sys.executable, __file__, take('say-child')])
    if os.path.exists('alive'):
        say('WATCHDOG=1')
    time.sleep(0.01)
";

/// A sandbox with this app in a file.
fn with(more: &Value) -> Sandbox {
    prepared(sandbox(), more)
}

fn prepared(sandbox: Sandbox, more: &Value) -> Sandbox {
    sandbox.write("app.py", APP);
    let mut app = json!({ "name": "app", "script": "app.py", "listen_timeout": 60_000,
                          "kill_timeout": 100, "out_file": sandbox.file("app.log"),
                          "merge_logs": true });
    app.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sandbox.write("eco.json", json!([app]).to_string());
    sandbox
}

/// Has the app say something, whole.
fn say(sandbox: &Sandbox, file: &str, text: &str) {
    let made = sandbox.write(format!("{file}.new"), text);
    std::fs::rename(made, sandbox.work().join(file)).unwrap();
}

/// A variable that the app has seen in its first run.
fn seen(sandbox: &Sandbox, name: &str) -> String {
    sandbox.wait_file(sandbox.file("app.log"), SOON, |text| {
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().find(|line| line.starts_with("pid "))?;
        let line = lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(line.unwrap_or_default().to_owned())
    })
}

#[track_caller]
fn wait_described(sandbox: &Sandbox, text: &str) {
    sandbox.wait_for(text, SOON, || {
        let said = sandbox.ostler(["describe", "app"]).run().out;
        said.contains(text).then_some(())
    });
}

fn stranger_says(address: &str, text: &str) {
    let address = SocketAddr::from_abstract_name(address.strip_prefix('@').unwrap()).unwrap();
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect_addr(&address).unwrap();
    socket.send(text.as_bytes()).unwrap();
}

#[test]
fn an_app_is_up_when_a_process_of_it_sends_ready_and_a_stranger_is_not_heard() {
    for (groups, file) in [("on", "say"), ("on", "say-child"), ("off", "say-child")] {
        let mut sandbox = sandbox();
        sandbox.set_env("OSTLER_CGROUP", groups);
        let sandbox = prepared(sandbox, &json!({ "ready": { "notify": true } }));
        let start = begin(&sandbox, &["start", "eco.json"]);
        let address = seen(&sandbox, "NOTIFY_SOCKET");
        assert_eq!(seen(&sandbox, "WATCHDOG_USEC"), "None");
        stranger_says(&address, "READY=1");
        let log = sandbox.home().join("pm2.log");
        sandbox.wait_file(log, SOON, |log| log.contains("was not heard").then_some(()));
        assert_eq!(sandbox.statuses_of("app"), ["launching"], "{groups} {file}");
        say(&sandbox, file, "STATUS=begins\nREADY=1");
        let (code, out, err) = end(start);
        let statuses = sandbox.statuses_of("app");
        assert_eq!((code, statuses), (0, vec!["online".to_owned()]), "{out}{err}");
    }
}

#[test]
fn an_app_that_does_not_send_ready_in_time_is_taken_as_ready_and_that_is_said() {
    let sandbox = with(&json!({}));
    let start = ["start", "app.py", "--ready-notify", "--listen-timeout", "300"];
    let said = sandbox.ostler(start).run().err;
    assert!(said.contains("did not send `READY=1` within 300 ms (`listen_timeout`)"), "{said}");
}

#[test]
fn what_an_app_says_of_itself_is_described_also_by_the_next_daemon() {
    let sandbox = with(&json!({ "watchdog": "1h" }));
    sandbox.ostler(["start", "eco.json"]).run();
    say(&sandbox, "say", "STATUS=Serves \x1b[31m7 clients");
    wait_described(&sandbox, "says of itself: Serves");
    let said = sandbox.ostler(["describe", "app"]).run().out;
    assert!(said.contains("7 clients") && !said.contains('\x1b'), "{said}");
    say(&sandbox, "say", "RELOADING=1");
    wait_described(&sandbox, "says of itself: reloading: Serves");
    kill_daemon(&sandbox);
    wait_described(&sandbox, "says of itself: reloading: Serves");
    say(&sandbox, "say", "READY=1\nSTATUS=");
    sandbox.wait_for("it says nothing", SOON, || {
        let said = sandbox.ostler(["describe", "app"]).run().out;
        (!said.contains("says of itself")).then_some(())
    });
    say(&sandbox, "say", "STOPPING=1");
    wait_described(&sandbox, "says of itself: stopping\n");
}

#[test]
fn a_message_that_is_sent_while_there_is_no_daemon_is_heard_by_the_next() {
    let sandbox = with(&json!({ "ready": { "notify": true } }));
    let mut start = begin(&sandbox, &["start", "eco.json"]);
    seen(&sandbox, "NOTIFY_SOCKET");
    let keeper = sandbox.keeper_pid().unwrap();
    let daemon = wait_for("a daemon", SOON, || sandbox.daemon_pid());
    assert!(procs::signal(keeper, Signal::STOP));
    assert!(procs::signal(daemon, Signal::KILL));
    say(&sandbox, "say", "READY=1");
    sandbox.wait_for("it was said", SOON, || (!sandbox.work().join("say").exists()).then_some(()));
    assert!(procs::signal(keeper, Signal::CONT));
    assert!(wait_exit(daemon, SOON));
    sandbox.wait_status("app", "online", 1, SOON);
    start.wait().unwrap();
    // Another keeper holds the socket as well.
    kill_keeper(&sandbox);
    sandbox.ostler(["list"]).run();
    kill_daemon(&sandbox);
    say(&sandbox, "say", "STATUS=is well");
    wait_described(&sandbox, "says of itself: is well");
}

#[test]
fn an_app_that_does_not_say_that_it_is_alive_is_restarted_and_list_and_describe_say_why() {
    let sandbox = with(&json!({ "watchdog": "4s", "ready": { "notify": true } }));
    sandbox.write("alive", "");
    let start = begin(&sandbox, &["start", "eco.json"]);
    assert_eq!(seen(&sandbox, "WATCHDOG_USEC"), "4000000");
    assert_eq!(seen(&sandbox, "WATCHDOG_PID"), seen(&sandbox, "pid"));
    say(&sandbox, "say", "READY=1");
    end(start);
    // A new daemon gives it its time anew, and goes on.
    let pids = sandbox.pids_of("app");
    kill_daemon(&sandbox);
    sandbox.wait_status("app", "online", 1, SOON);
    assert_eq!(sandbox.pids_of("app"), pids);
    std::fs::remove_file(sandbox.work().join("alive")).unwrap();
    sandbox.wait_list("another run", SOON, |_| {
        sandbox.pids_of("app").first().filter(|pid| **pid != pids[0]).map(|_| ())
    });
    let why = "it was restarted: it sent no `WATCHDOG=1` for 4 s";
    sandbox.write("alive", "");
    say(&sandbox, "say", "READY=1");
    wait_described(&sandbox, why);
    let list = sandbox.ostler(["list", "--json", "name,end"]).run().out;
    assert!(list.contains("watchdog"), "{list}");
}

#[test]
fn an_app_that_wants_to_be_restarted_is() {
    let sandbox = with(&json!({ "watchdog": "1h" }));
    sandbox.ostler(["start", "eco.json"]).run();
    let pids = sandbox.pids_of("app");
    say(&sandbox, "say", "WATCHDOG=trigger");
    sandbox.wait_for("another run", SOON, || {
        sandbox.pids_of("app").first().filter(|pid| **pid != pids[0]).map(|_| ())
    });
    wait_described(&sandbox, "it was restarted: it sent `WATCHDOG=trigger`");
}
