//! Every runtime as a worker of the cluster: each kind of listener, through start, reload and stop.

use std::collections::BTreeSet;
use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler_testkit::{Kind, Runtime, Sandbox, runtimes, wait_for};

use crate::cluster::{WEB, ask, ask_port, file, local, node, pid_in, sandbox, start, wait_output};
use crate::reload_world::SOON;

/// Listens on everything that there is: two ports, port 0 twice, UDP, a path, an abstract name.
const KITCHEN: &str = r"const http = require('http'), dgram = require('dgram');
const answer = (request, response) => response.end('hello from ' + process.pid + '\n');
let left = process.env.UDP ? 7 : 6;
const up = () => { if (--left === 0) console.log('up ' + process.pid); };
const serve = (...to) => {
  const server = http.createServer(answer);
  server.on('error', (e) => { console.error(e); process.exit(9); });
  return server.listen(...to, up);
};
serve(+process.env.PORT, '127.0.0.1');
serve(+process.env.PORT2, '127.0.0.1');
const zero = [serve(0, '127.0.0.1'), serve(0, '127.0.0.1')];
for (const server of zero) {
  server.on('listening', () => console.log('zero ' + server.address().port));
}
serve(process.env.SOCKET);
serve('\0' + process.env.ABSTRACT);
if (process.env.UDP) {
  const udp = dgram.createSocket('udp4');
  const hello = 'hello from ' + process.pid + '\n';
  udp.on('message', (message, from) => udp.send(hello, from.port, from.address));
  udp.bind(+process.env.UDP, '127.0.0.1', up);
}
";

/// Asks on a UDP socket until an answer comes (a datagram may be lost).
fn ask_udp(port: u16) -> u32 {
    let socket = UdpSocket::bind(local(0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    wait_for("an answer by UDP", SOON, || {
        socket.send_to(b"who", local(port)).ok()?;
        let mut bytes = [0; 64];
        let count = socket.recv(&mut bytes).ok()?;
        pid_in(&String::from_utf8_lossy(&bytes[..count]))
    })
}

/// Where a started app of [`KITCHEN`] answers.
struct Kitchen {
    sandbox: Sandbox,
    /// The two given ports, then the two that it chose itself.
    ports: Vec<u16>,
    udp: Option<u16>,
    path: PathBuf,
    label: String,
}

impl Kitchen {
    fn start(runtime: &Runtime) -> Self {
        let sandbox = sandbox(runtime);
        let (port, second, udp) = (sandbox.port(), sandbox.port(), sandbox.port());
        let udp = (runtime.kind == Kind::Node).then_some(udp);
        let path = sandbox.work().join("app.sock");
        let label = format!("ostler-test-{}", sandbox.root().display());
        sandbox.write("app.cjs", KITCHEN);
        let keys = match runtime.kind {
            Kind::Deno => "instances: 2, interpreter: 'deno', interpreter_args: ['run', '-A'],",
            Kind::Node | Kind::Bun => "instances: 2,",
        };
        let udp_env = udp.map_or_else(String::new, |udp| format!("UDP: {udp},"));
        let env = format!(
            "PORT: {port}, PORT2: {second}, {udp_env} SOCKET: '{}', ABSTRACT: '{label}'",
            path.display()
        );
        start(&sandbox, "app.cjs", keys, &env);
        let text = wait_output(&sandbox, "up ", 2);
        let chosen = text.lines().filter_map(|line| line.strip_prefix("zero ")?.parse().ok());
        let chosen: BTreeSet<u16> = chosen.collect();
        assert_eq!(chosen.len(), 2, "listen(0) twice, the same ports in both workers:\n{text}");
        let ports = [port, second].into_iter().chain(chosen).collect();
        Self { sandbox, ports, udp, path, label }
    }

    /// Asks twice at each place, and expects each of the workers once.
    fn check_everywhere(&self, workers: &[u32], context: &str) {
        let all: BTreeSet<u32> = workers.iter().copied().collect();
        let twice = |place: &str, ask: &dyn Fn() -> Option<u32>| {
            let pids = BTreeSet::from([ask().expect("an answer"), ask().expect("an answer")]);
            assert_eq!(pids, all, "{context}, {place}: each worker in turn");
        };
        for port in &self.ports {
            twice(&port.to_string(), &|| ask_port(*port));
        }
        twice("path", &|| ask(UnixStream::connect(&self.path).ok()?));
        let name = UnixAddr::from_abstract_name(&self.label).unwrap();
        twice("abstract", &|| ask(UnixStream::connect_addr(&name).ok()?));
        if let Some(udp) = self.udp {
            assert!(workers.contains(&ask_udp(udp)), "{context}");
        }
    }
}

/// How long a worker that took over has its first client for itself.
const WARM_UP: Duration = Duration::from_millis(20);

/// Asks workers that took over until that time is over for each of them.
fn warm_up(port: u16) {
    let mut since = Instant::now();
    for number in 0.. {
        assert!(ask_port(port).is_some());
        if number == 1 {
            since = Instant::now();
        }
        if 1 < number && WARM_UP < since.elapsed() {
            return;
        }
    }
}

/// Everything a runtime can do, through start, reload and stop.
fn check_runtime(name: &str) {
    let Some(runtime) = runtimes::runtime(name) else { return };
    let kitchen = Kitchen::start(&runtime);
    let Kitchen { sandbox, ports, path, .. } = &kitchen;
    let before = sandbox.pids_of("app");
    kitchen.check_everywhere(&before, name);
    sandbox.ostler(["reload", "app"]).run();
    let after = sandbox.pids_of("app");
    assert!(
        after.len() == 2 && after.iter().all(|pid| !before.contains(pid)),
        "{before:?} {after:?}"
    );
    warm_up(ports[0]);
    kitchen.check_everywhere(&after, &format!("{name}, reloaded"));
    let shown = sandbox.ostler(["describe", "0"]).shows("round-robin").run().out;
    let port = ports[0];
    assert!(shown.contains(&format!("127.0.0.1:{port}")) && shown.contains("app.sock"), "{shown}");
    sandbox.ostler(["stop", "app"]).run();
    assert!(
        TcpStream::connect(local(port)).is_err() && !path.exists(),
        "what nobody serves is closed"
    );
}

#[test]
fn everything_with_node_18() {
    check_runtime("node-18");
}

#[test]
fn everything_with_node_20() {
    check_runtime("node-20");
}

#[test]
fn everything_with_node_22() {
    check_runtime("node-22");
}

#[test]
fn everything_with_node_24() {
    check_runtime("node-24");
}

#[test]
fn everything_with_node_26() {
    check_runtime("node-26");
}

#[test]
fn everything_with_deno_but_udp() {
    check_runtime("deno");
}

#[test]
fn bun_binds_by_itself_and_is_reloaded_all_the_same() {
    let Some(runtime) = runtimes::runtime("bun") else { return };
    let sandbox = sandbox(&runtime);
    let port = sandbox.port();
    sandbox.write("app.js", WEB);
    start(
        &sandbox,
        "app.js",
        "instances: 2, interpreter: 'bun', drain_timeout: 500,",
        &format!("PORT: {port}"),
    );
    wait_output(&sandbox, "up ", 2);
    let before = sandbox.pids_of("app");
    assert!(before.contains(&ask_port(port).unwrap()));
    sandbox.ostler(["reload", "app"]).run();
    let after = sandbox.pids_of("app");
    assert!(
        after.len() == 2 && after.iter().all(|pid| !before.contains(pid)),
        "{before:?} {after:?}"
    );
    // Its workers do not go by themselves: the old ones are asked after the time for their
    // connections.
    for pid in before {
        assert!(ostler_testkit::wait_exit(pid, SOON));
    }
    assert!(after.contains(&ask_port(port).unwrap()));
    sandbox.ostler(["stop", "app"]).run();
    assert!(TcpStream::connect(local(port)).is_err());
}

#[test]
fn deno_is_not_given_a_shared_socket_and_the_user_is_told() {
    let Some(runtime) = runtimes::runtime("deno") else { return };
    let sandbox = sandbox(&runtime);
    let port = sandbox.port();
    sandbox.write("app.cjs", WEB);
    let keys =
        "instances: 2, interpreter: 'deno', interpreter_args: ['run', '-A'], balance: 'shared',";
    file(&sandbox, "app.cjs", keys, &format!("PORT: {port}"));
    sandbox.ostler(["start", "app.config.js"]).shows("deno cannot take a shared socket").run();
    wait_output(&sandbox, "up ", 2);
    let mut pids = [ask_port(port).unwrap(), ask_port(port).unwrap()];
    pids.sort_unstable();
    let mut all = sandbox.pids_of("app");
    all.sort_unstable();
    assert_eq!(pids.to_vec(), all, "round robin");
}

#[test]
fn an_es_module_is_a_worker() {
    let sandbox = node();
    let port = sandbox.port();
    sandbox.write(
        "app.mjs",
        WEB.replace("const http = require('http')", "import http from 'node:http'"),
    );
    start(&sandbox, "app.mjs", "instances: 2,", &format!("PORT: {port}"));
    wait_output(&sandbox, "up ", 2);
    let before = sandbox.pids_of("app");
    assert_ne!(ask_port(port), ask_port(port));
    sandbox.ostler(["reload", "app"]).run();
    assert!(!before.contains(&ask_port(port).unwrap()));
}

#[test]
fn typescript_is_a_worker_of_node_24() {
    let Some(runtime) = runtimes::runtime("node-24") else { return };
    let sandbox = sandbox(&runtime);
    let port = sandbox.port();
    sandbox.write(
        "app.ts",
        WEB.replace(
            "const http = require('http')",
            "import http from 'node:http'; const n: number = 1; void n",
        ),
    );
    sandbox.write("package.json", r#"{ "type": "module" }"#);
    file(&sandbox, "app.ts", "instances: 2, interpreter: 'node',", &format!("PORT: {port}"));
    sandbox.write(
        "app.config.cjs",
        std::fs::read_to_string(sandbox.work().join("app.config.js")).unwrap(),
    );
    sandbox.ostler(["start", "app.config.cjs"]).run();
    wait_output(&sandbox, "up ", 2);
    assert_ne!(ask_port(port), ask_port(port));
}
