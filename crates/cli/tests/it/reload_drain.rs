//! How an old worker leaves: what it was doing is finished, nobody's connection is closed
//! under a request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ostler_testkit::{Load, Sandbox, Victim, procs, runtimes, wait_connect, wait_exit};

use crate::cluster::output;
use crate::reload_world::SOON;

/// One worker of a server whose answers take `delay` ms, with these keys.
fn start(node: &str, keys: &str, delay: u32) -> Option<(Sandbox, u16, u32)> {
    let runtime = runtimes::runtime(node)?;
    let mut sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.use_runtime(&runtime);
    let port = sandbox.port();
    sandbox.victim("web", Victim::Http);
    let file = format!(
        "module.exports = {{ apps: [{{ name: 'web', script: 'web.js', instances: 1, \
         exec_mode: 'cluster', {keys} env: {{ PORT: {port}, DELAY: {delay} }} }}] }}"
    );
    sandbox.write("ecosystem.config.js", file);
    sandbox.ostler(["start", "ecosystem.config.js"]).run();
    wait_connect(SocketAddr::from(([127, 0, 0, 1], port)), SOON);
    let pid = sandbox.pids_of("web")[0];
    Some((sandbox, port, pid))
}

fn connect(port: u16) -> TcpStream {
    let stream = wait_connect(SocketAddr::from(([127, 0, 0, 1], port)), SOON);
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn send(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
}

/// One answer on a connection that may stay open.
fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = match stream.read(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other.unwrap(),
        };
        text.extend_from_slice(&bytes[..count]);
        let seen = String::from_utf8_lossy(&text);
        if count == 0 || seen.contains("\r\n\r\n") && seen.ends_with('\n') {
            return seen.into_owned();
        }
    }
}

fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Ok(0) | Err(_))
}

fn idle_connection_is_served_once_more(node: &str) {
    let Some((sandbox, port, old)) = start(node, "", 0) else { return };
    let mut stream = connect(port);
    send(&mut stream);
    assert!(answer(&mut stream).contains("keep-alive"));
    sandbox.ostler(["reload", "web"]).run();
    // The new worker serves, and the command has ended; the old one is there for its clients.
    assert!(procs::alive(old));
    send(&mut stream);
    let text = answer(&mut stream);
    assert!(
        text.contains("Connection: close") && text.contains(&format!("hello from {old}")),
        "{node}: {text}"
    );
    assert!(is_closed(&mut stream));
    assert!(wait_exit(old, SOON), "nothing keeps it any more");
}

#[test]
fn an_idle_connection_of_node_18_is_served_once_more_and_told_to_close() {
    idle_connection_is_served_once_more("node-18");
}

#[test]
fn an_idle_connection_of_node_24_is_served_once_more_and_told_to_close() {
    idle_connection_is_served_once_more("node-24");
}

#[test]
fn an_idle_connection_that_stays_idle_is_closed_before_the_deadline() {
    let Some((sandbox, port, old)) = start("node-22", "drain_timeout: 1200,", 0) else { return };
    let mut stream = connect(port);
    send(&mut stream);
    answer(&mut stream);
    sandbox.ostler(["reload", "web"]).run();
    assert!(is_closed(&mut stream));
    assert!(wait_exit(old, SOON));
}

#[test]
fn a_request_under_way_is_finished() {
    let Some((sandbox, port, old)) = start("node-22", "", 1000) else { return };
    let mut stream = connect(port);
    send(&mut stream);
    sandbox.ostler(["reload", "web"]).run();
    let text = answer(&mut stream);
    assert!(text.contains(&format!("hello from {old}")), "{text}");
    drop(stream);
    assert!(wait_exit(old, SOON));
}

#[test]
fn a_websocket_lives_until_the_deadline() {
    let Some((sandbox, port, _)) = start("node-22", "drain_timeout: 5000,", 0) else { return };
    let text = std::fs::read_to_string(sandbox.work().join("web.js")).unwrap();
    sandbox.write(
        "socket.js",
        text.replace(
            "server.listen(",
            "server.on('upgrade', (request, socket) => { \
             socket.write('HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n'); \
             socket.on('data', (data) => socket.write(data)); });\nserver.listen(",
        ),
    );
    let file = std::fs::read_to_string(sandbox.work().join("ecosystem.config.js")).unwrap();
    sandbox.write("ecosystem.config.js", file.replace("web.js", "socket.js"));
    sandbox.ostler(["delete", "web"]).run();
    sandbox.ostler(["start", "ecosystem.config.js"]).run();
    let mut stream = connect(port);
    let old = sandbox.pids_of("web")[0];
    stream
        .write_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .unwrap();
    let mut bytes = [0; 256];
    let count = stream.read(&mut bytes).unwrap();
    assert!(bytes[..count].starts_with(b"HTTP/1.1 101"));
    sandbox.ostler(["reload", "web"]).run();
    stream.write_all(b"still there?").unwrap();
    let count = stream.read(&mut bytes).unwrap();
    assert_eq!(&bytes[..count], b"still there?", "it is served on");
    assert!(is_closed(&mut stream), "until the time is over");
    assert!(wait_exit(old, SOON));
}

#[test]
fn an_app_that_is_asked_by_message_closes_nobody_either() {
    let Some((sandbox, port, _)) = start("node-22", "shutdown_with_message: true,", 0) else {
        return;
    };
    let file = std::fs::read_to_string(sandbox.work().join("ecosystem.config.js")).unwrap();
    sandbox.write("ecosystem.config.js", file.replace("DELAY: 0", "GRACEFUL: '1'"));
    sandbox.ostler(["reload", "ecosystem.config.js"]).run();
    let load = Load::to_port(port).connections(8).think(Duration::from_millis(2)).start();
    load.wait_answered(100, SOON);
    for _ in 0..3 {
        sandbox.ostler(["reload", "web"]).run();
        load.wait_answered(200, SOON);
    }
    let report = load.stop();
    report.assert_none_failed(500);
    assert_eq!(report.figures().races, 0, "{report}");
}

/// Closes its server before it hears of the cluster's disconnect, so that its channel is closed
/// while a request is under way.
const CLOSES_AT_ONCE: &str = "const server = require('http').createServer((request, response) => {
  console.log('asked');
  require('fs').watch(process.env.WORD_DIR, () => response.end('whole\\n'));
}).listen(process.env.PORT, '127.0.0.1');
process.on('message', (word) => {
  if (word !== 'shutdown') return;
  process.once('disconnect', () => console.log('closed'));
  server.close(() => process.exit(0));
});
";

fn wait_said(sandbox: &Sandbox, what: &str) {
    sandbox.wait_for(what, SOON, || output(sandbox, "web").contains(what).then_some(()));
}

#[test]
fn an_app_that_is_asked_by_message_finishes_when_its_channel_is_closed() {
    let keys = "shutdown_with_message: true, drain_hook: false,";
    let Some((sandbox, port, old)) = start("node-22", keys, 0) else { return };
    let words = sandbox.work().join("words");
    std::fs::create_dir(&words).unwrap();
    sandbox.write("web.js", CLOSES_AT_ONCE);
    let file = std::fs::read_to_string(sandbox.work().join("ecosystem.config.js")).unwrap();
    let dir = format!("WORD_DIR: '{}'", words.display());
    sandbox.write("ecosystem.config.js", file.replace("DELAY: 0", &dir));
    sandbox.ostler(["reload", "ecosystem.config.js"]).run();
    assert!(wait_exit(old, SOON));
    let old = sandbox.pids_of("web")[0];
    let mut stream = connect(port);
    send(&mut stream);
    wait_said(&sandbox, "asked");
    sandbox.ostler(["reload", "web"]).run();
    wait_said(&sandbox, "closed");
    // Whatever signal the daemon sends by the end of the channel, it has sent it when a later one
    // has done its work.
    sandbox.write("other.js", "setInterval(() => {}, 1000)");
    sandbox.ostler(["start", "other.js"]).run();
    sandbox.ostler(["stop", "other"]).run();
    std::fs::write(words.join("go"), "").unwrap();
    let answer = answer(&mut stream);
    assert!(answer.ends_with("whole\n"), "{answer:?}");
    drop(stream);
    assert!(wait_exit(old, SOON));
}

/// The last word of a channel and its end come in one event.
#[test]
fn a_worker_that_has_nothing_to_finish_is_asked_to_end_at_once() {
    let keys = "drain_timeout: 600000, drain_hook: false,";
    let Some((sandbox, _, old)) = start("node-22", keys, 0) else { return };
    let script = std::fs::read_to_string(sandbox.work().join("web.js")).unwrap();
    sandbox.write("web.js", format!("{script}\nsetInterval(() => {{}}, 1000);\n"));
    sandbox.ostler(["reload", "web"]).run();
    assert!(wait_exit(old, SOON));
    for _ in 0..3 {
        let old = sandbox.pids_of("web")[0];
        sandbox.ostler(["reload", "web"]).run();
        assert!(wait_exit(old, SOON), "it waits for the deadline");
    }
}

#[test]
fn without_the_hook_node_closes_idle_connections_at_once() {
    let Some((sandbox, port, old)) = start("node-22", "drain_hook: false,", 0) else { return };
    let mut stream = connect(port);
    send(&mut stream);
    answer(&mut stream);
    sandbox.ostler(["reload", "web"]).run();
    assert!(is_closed(&mut stream));
    assert!(wait_exit(old, SOON));
}

#[test]
fn a_program_of_another_user_has_the_hook_too() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let Some((sandbox, port, _)) = start("node-22", "", 0) else { return };
    let open = |path: &std::path::Path| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
    };
    open(sandbox.root()).unwrap();
    let file = std::fs::read_to_string(sandbox.work().join("ecosystem.config.js")).unwrap();
    sandbox
        .write("ecosystem.config.js", file.replace("instances: 1,", "instances: 1, uid: 65534,"));
    sandbox.ostler(["delete", "web"]).run();
    sandbox.ostler(["start", "ecosystem.config.js"]).run();
    let mut stream = connect(port);
    send(&mut stream);
    answer(&mut stream);
    sandbox.ostler(["reload", "web"]).run();
    send(&mut stream);
    assert!(answer(&mut stream).contains("Connection: close"));
}

#[test]
fn a_restricted_program_is_left_alone() {
    let Some((sandbox, port, _)) =
        start("node-24", "node_args: ['--permission', '--allow-fs-read=*'],", 0)
    else {
        return;
    };
    let report = Load::to_port(port).connection_per_request().requests(3);
    report.assert_none_failed(3);
    sandbox.ostler(["reload", "web"]).run();
    Load::to_port(port).connection_per_request().requests(3).assert_none_failed(3);
}
