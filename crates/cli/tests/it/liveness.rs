//! Processes that are restarted when their health check fails again and again.

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Victim, runtimes, wait_for};

use crate::takeover::{SOON, kill_daemon, sandbox};

/// Serves, and says so: it is asked from then on.
const SERVER: &str = "
require('http').createServer((_, answer) => answer.end('well'))
  .listen(process.env.PORT, '127.0.0.1', () => process.send('ready'));
";

#[test]
fn a_process_that_hangs_is_restarted_and_describe_says_why() {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox.write("api.js", SERVER);
    let health = format!(
        "{{ http: 'http://127.0.0.1:{port}/', interval: 50, timeout: 200, restart_after: 2, \
         grace: 1 }}"
    );
    let file = format!(
        "[{{ script: 'api.js', kill_timeout: 100, wait_ready: true, listen_timeout: 60000, \
         env: {{ PORT: {port} }}, health: {health} }}]"
    );
    sandbox.write("eco.json", file);
    sandbox.ostler(["start", "eco.json"]).run();
    sandbox.wait_status("api", "online", 1, SOON);
    // The next daemon goes on asking.
    kill_daemon(&sandbox);
    let first = sandbox.pids_of("api")[0];
    assert!(procs::signal(first, Signal::STOP));
    let second = sandbox.wait_for("another run", SOON, || {
        sandbox.pids_of("api").into_iter().find(|pid| *pid != first)
    });
    let said = wait_for("the reason", SOON, || {
        let said = sandbox.ostler(["describe", "api"]).run().out;
        said.contains("since it was restarted: its health check failed").then_some(said)
    });
    assert!(said.contains("did not answer within 200 ms"), "{said}");
    let list = sandbox.ostler(["list", "--json", "name,end"]).run().out;
    assert!(list.contains("unhealthy"), "{list}");
    assert!(procs::alive(second));
}

#[test]
fn a_check_by_a_command_restarts_a_process_as_a_crash_would() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    sandbox.write("well", "");
    let health = "{ exec: 'test -e well', interval: 50, restart_after: 1, grace: 1 }";
    let file = format!("[{{ script: 'app.sh', restart_delay: 60000, health: {health} }}]");
    sandbox.write("eco.json", file);
    sandbox.ostler(["start", "eco.json"]).run();
    let pid = sandbox.pids_of("app")[0];
    std::fs::remove_file(sandbox.work().join("well")).unwrap();
    // The pause of a crash.
    sandbox.wait_status("app", "waiting restart", 1, SOON);
    assert!(!procs::alive(pid));
    let said = sandbox.ostler(["describe", "app"]).run().out;
    let why = "since its health check failed once: `test -e well` ended with exit code 1";
    assert!(said.replace('\n', " ").contains("its last run was ended"), "{said}");
    assert!(said.contains(why), "{said}");
}

/// A gRPC server that serves until it gets SIGUSR2. As workers of a cluster, each has its own.
const GRPC: &str = "
const grpc = require('@grpc/grpc-js');
const { HealthImplementation } = require('grpc-health-check');
const health = new HealthImplementation({ '': 'SERVING', 'shop.v1.Orders': 'SERVING' });
const server = new grpc.Server();
health.addToServer(server);
process.on('SIGUSR2', () => {
  health.setStatus('', 'NOT_SERVING');
  health.setStatus('shop.v1.Orders', 'NOT_SERVING');
});
server.bindAsync(
  `127.0.0.1:${process.env.PORT}`,
  grpc.ServerCredentials.createInsecure(),
  () => process.send('ready'),
);
";

/// Starts the gRPC server with this service, and is asked often.
fn start_grpc(
    sandbox: &ostler_testkit::Sandbox,
    service: &str,
    more: &str,
) -> ostler_testkit::Output {
    let modules = runtimes::cache_dir().join("grpc/node_modules");
    let is_there = modules.join("@grpc/grpc-js").is_dir();
    assert!(is_there, "gRPC is not installed\nhint: run `cargo xtask setup`");
    std::os::unix::fs::symlink(modules, sandbox.work().join("node_modules")).unwrap();
    sandbox.write("api.js", GRPC);
    let port = sandbox.port();
    let file = format!(
        "[{{ script: 'api.js', kill_timeout: 100, wait_ready: true, listen_timeout: 60000, \
         env: {{ PORT: {port} }}, {more} health: {{ grpc: {port}, service: '{service}', \
         interval: 50, timeout: 30000, restart_after: 2, grace: 1 }} }}]"
    );
    sandbox.write("eco.json", file);
    sandbox.ostler(["start", "eco.json"]).run()
}

#[test]
fn a_grpc_server_that_does_not_serve_any_more_is_restarted_and_describe_says_why() {
    let sandbox = sandbox();
    start_grpc(&sandbox, "shop.v1.Orders", "");
    sandbox.wait_status("api", "online", 1, SOON);
    let first = sandbox.pids_of("api")[0];
    assert!(procs::signal(first, Signal::USR2));
    sandbox.wait_for("another run", SOON, || {
        sandbox.pids_of("api").into_iter().find(|pid| *pid != first)
    });
    let said = wait_for("the reason", SOON, || {
        let said = sandbox.ostler(["describe", "api"]).run().out.replace('\n', " ");
        said.contains("its health check failed 2 times in a row").then_some(said)
    });
    assert!(said.contains("`shop.v1.Orders` is NOT_SERVING"), "{said}");
}

#[test]
fn a_new_worker_that_does_not_know_the_grpc_service_does_not_replace_the_old_one() {
    let sandbox = sandbox();
    start_grpc(&sandbox, "", "instances: 1, exec_mode: 'cluster',");
    sandbox.wait_status("api", "online", 1, SOON);
    let first = sandbox.pids_of("api")[0];
    let file = std::fs::read_to_string(sandbox.work().join("eco.json")).unwrap();
    sandbox.ostler(["reload", "eco.json"]).run();
    let second = sandbox.pids_of("api")[0];
    assert_ne!(first, second);
    let file = file.replace("service: ''", "service: 'shop.v1.Odrers'");
    sandbox.write("eco.json", file.replace("interval: 50", "interval: 50, retries: 1"));
    let said = sandbox.ostler(["reload", "eco.json"]).code(1).run();
    assert!(said.err.contains("it knows no service `shop.v1.Odrers`"), "{}", said.err);
    assert_eq!(sandbox.pids_of("api"), [second]);
}

#[test]
fn without_the_companion_a_grpc_check_is_refused_with_what_to_install() {
    let sandbox = sandbox();
    let alone = sandbox.work().join("bin/ostler");
    std::fs::create_dir(sandbox.work().join("bin")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_ostler"), &alone).unwrap();
    sandbox.victim("app", Victim::Sleeper);
    sandbox.write("eco.json", "{ script: 'app.sh', health: { grpc: 50051 } }");
    let said = sandbox.command_of(&alone).args(["start", "eco.json"]).output().unwrap();
    let said = String::from_utf8(said.stderr).unwrap();
    let begin = "error: what asks gRPC servers is a program of its own, which is not there: `";
    assert!(said.starts_with(begin) && said.contains("\nhint: "), "{said}");
    assert_eq!(sandbox.daemon_pid(), None);
}
