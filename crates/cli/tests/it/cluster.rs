//! Node's cluster through the daemon: what an app sees, how it binds, and who leaves it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use ostler_testkit::{Load, Runtime, Sandbox, runtimes, wait_connect, wait_for};

use crate::reload_world::SOON;

pub(crate) fn sandbox(runtime: &Runtime) -> Sandbox {
    let mut sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.use_runtime(runtime);
    sandbox
}

pub(crate) fn node() -> Sandbox {
    match runtimes::runtime("node-22") {
        Some(runtime) => sandbox(&runtime),
        None => Sandbox::new(env!("CARGO_BIN_EXE_ostler")),
    }
}

/// Writes a process file of one app in cluster mode and starts it.
pub(crate) fn start(sandbox: &Sandbox, script: &str, keys: &str, env: &str) {
    file(sandbox, script, keys, env);
    sandbox.ostler(["start", "app.config.js"]).run();
}

pub(crate) fn file(sandbox: &Sandbox, script: &str, keys: &str, env: &str) {
    let text = format!(
        "module.exports = {{ apps: [{{ name: 'app', script: '{script}', exec_mode: 'cluster', \
         {keys} env: {{ {env} }} }}] }}"
    );
    sandbox.write("app.config.js", text);
}

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub(crate) const ASK: &[u8] = b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n";

/// The pid in the answer, `None` when there was none.
pub(crate) fn ask(mut stream: impl Read + Write) -> Option<u32> {
    stream.write_all(ASK).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    pid_in(&text)
}

pub(crate) fn pid_in(text: &str) -> Option<u32> {
    text.split_once("hello from ")?.1.split_whitespace().next()?.parse().ok()
}

pub(crate) fn ask_port(port: u16) -> Option<u32> {
    ask(TcpStream::connect(local(port)).ok()?)
}

/// The app's standard output of all its processes.
pub(crate) fn output(sandbox: &Sandbox, name: &str) -> String {
    (0..8)
        .filter_map(|id| {
            std::fs::read_to_string(sandbox.file(format!("logs/{name}-out-{id}.log"))).ok()
        })
        .collect()
}

pub(crate) fn wait_output(sandbox: &Sandbox, what: &str, count: usize) -> String {
    wait_for(format_args!("{count} × `{what}`"), SOON, || {
        let text = output(sandbox, "app");
        (count <= text.matches(what).count()).then_some(text)
    })
}

pub(crate) const WEB: &str = r"const http = require('http');
http.createServer((request, response) => response.end('hello from ' + process.pid + '\n'))
  .listen(+process.env.PORT, '127.0.0.1', () => console.log('up ' + process.pid));
";

#[test]
fn an_app_sees_nothing_of_what_is_loaded_into_it() {
    let sandbox = node();
    sandbox.write(
        "app.js",
        "const ours = Object.keys(process.env).filter((key) => /OSTLER_NODE/.test(key));\
         const seen = [process.argv.slice(2), process.execArgv, require.main === module, \
         process.env.NODE_OPTIONS, ours, module.parent ?? null];\
         console.log('up ' + JSON.stringify(seen));\
         setInterval(() => {}, 1e9);",
    );
    let keys = "instances: 1, args: ['a'], node_args: ['--no-warnings'],";
    start(&sandbox, "app.js", keys, "NODE_OPTIONS: '--stack-trace-limit=7'");
    let text = wait_output(&sandbox, "up ", 1);
    assert_eq!(text, "up [[\"a\"],[\"--no-warnings\"],true,\"--stack-trace-limit=7\",[],null]\n");
    sandbox.ostler(["delete", "app"]).run();
    start(&sandbox, "app.js", "instances: 1, name: 'app',", "A: 1");
    wait_output(&sandbox, "up [[],[],true,null,[],null]", 1);
}

#[test]
fn exclusive_workers_bind_by_themselves() {
    let sandbox = node();
    let port = sandbox.port();
    let script = WEB.replace(
        "(+process.env.PORT, '127.0.0.1',",
        "({ port: +process.env.PORT, host: '127.0.0.1', [process.env.HOW]: true },",
    );
    sandbox.write("app.js", script);
    // One may have the port alone, and its successor cannot have it at the same time: said, and
    // nothing changes.
    start(
        &sandbox,
        "app.js",
        "instances: 1, listen_timeout: 20000,",
        &format!("PORT: {port}, HOW: 'exclusive'"),
    );
    wait_output(&sandbox, "up ", 1);
    let before = ask_port(port);
    let error = sandbox.ostler(["reload", "app"]).code(1).run().err;
    assert!(error.contains("EADDRINUSE"), "{error}");
    assert_eq!(ask_port(port), before);
    sandbox.ostler(["delete", "app"]).run();
    // With reusePort both have it, and being alive for the time is the proof.
    start(
        &sandbox,
        "app.js",
        "instances: 2, listen_timeout: 800,",
        &format!("PORT: {port}, HOW: 'reusePort'"),
    );
    wait_output(&sandbox, "up ", 3);
    let before = sandbox.pids_of("app");
    sandbox.ostler(["reload", "app"]).run();
    let after = sandbox.pids_of("app");
    assert!(after.len() == 2 && after.iter().all(|pid| !before.contains(pid)));
}

#[test]
fn tls_sessions_are_resumed_by_other_workers() {
    let sandbox = node();
    let port = sandbox.port();
    let made = sandbox
        .command_of("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    sandbox.write(
        "app.js",
        "const fs = require('fs');\
         const tls = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') };\
         require('https').createServer(tls, (request, response) => \
         response.end('hello from ' + process.pid + ' ' + request.socket.isSessionReused()))\
         .listen(+process.env.PORT, '127.0.0.1', () => console.log('up ' + process.pid));",
    );
    sandbox.write(
        "client.js",
        r"const https = require('https');
let session;
const seen = [];
const ask = (left) => {
  const agent = new https.Agent({ maxCachedSessions: 0 });
  const to = { port: +process.argv[2], host: '127.0.0.1', rejectUnauthorized: false };
  const request = https.get({ ...to, agent, session, maxVersion: 'TLSv1.2' }, (response) => {
    let text = '';
    response.on('data', (part) => text += part);
    response.on('end', () => {
      seen.push(text);
      session = session || request.socket.getSession();
      agent.destroy();
      if (left) ask(left - 1); else console.log(seen.join('\n'));
    });
  });
};
ask(3);
",
    );
    start(&sandbox, "app.js", "instances: 2,", &format!("PORT: {port}"));
    wait_output(&sandbox, "up ", 2);
    let client = |sandbox: &Sandbox| {
        let output =
            sandbox.command_of("node").args(["client.js", &port.to_string()]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    };
    let text = client(&sandbox);
    let reused: Vec<bool> = text.lines().map(|line| line.ends_with(" true")).collect();
    assert_eq!(reused, [false, true, true, true], "{text}");
    let pids: std::collections::BTreeSet<Option<u32>> = text.lines().map(pid_in).collect();
    assert_eq!(pids.len(), 2, "{text}");
    // A reload keeps the keys too.
    sandbox.ostler(["reload", "app"]).run();
    assert_eq!(client(&sandbox).lines().filter(|line| line.ends_with(" true")).count(), 3);
}

#[test]
fn connections_above_the_maximum_are_refused_and_counted() {
    let sandbox = node();
    let port = sandbox.port();
    sandbox.write(
        "app.js",
        WEB.replace("http.createServer", "const server = http.createServer")
            + "server.maxConnections = 1;",
    );
    start(&sandbox, "app.js", "instances: 2,", &format!("PORT: {port}"));
    wait_output(&sandbox, "up ", 2);
    // Each is told to one worker, and holds its only place.
    let mut held: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = wait_connect(local(port), SOON);
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            stream
        })
        .collect();
    let waiting = std::thread::spawn(move || ask_port(port));
    sandbox.wait_for("a refusal in `describe`", SOON, || {
        let refused = |id: &str| {
            let text = sandbox.run(&["describe", id]).out;
            text.split_once(" handed, ").is_some_and(|(_, rest)| !rest.starts_with("0 refused"))
        };
        (refused("0") || refused("1")).then_some(())
    });
    assert!(!waiting.is_finished());
    held.pop();
    assert!(waiting.join().unwrap().is_some(), "the one that waited gets the free place");
}

#[test]
fn a_worker_that_leaves_by_its_own_will_is_replaced() {
    for how in ["disconnect", "kill"] {
        let sandbox = node();
        let port = sandbox.port();
        sandbox.write(
            "app.js",
            WEB.replace(
                "(request, response) =>",
                "(request, response) => { if (request.url === '/leave') \
                 require('cluster').worker[process.env.HOW]();",
            )
            .replace("'\\n'))", "'\\n'); })"),
        );
        start(&sandbox, "app.js", "instances: 2,", &format!("PORT: {port}, HOW: '{how}'"));
        wait_output(&sandbox, "up ", 2);
        let before = sandbox.pids_of("app");
        let report =
            Load::to_port(port).connection_per_request().path("/leave").connections(1).requests(1);
        report.assert_none_failed(1);
        let left = *report.by_pid().keys().next().unwrap();
        wait_output(&sandbox, "up ", 3);
        let after = sandbox.pids_of("app");
        assert!(
            after.len() == 2
                && !after.contains(&left)
                && after.iter().any(|pid| before.contains(pid)),
            "{how}"
        );
        Load::to_port(port).connection_per_request().requests(20).assert_none_failed(20);
    }
}
