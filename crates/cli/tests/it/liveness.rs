//! Processes that are restarted when their health check fails again and again.

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Victim, wait_for};

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
    let why = "since its health check failed once: `test -e well` ended with exit status: 1";
    assert!(said.replace('\n', " ").contains("its last run was ended"), "{said}");
    assert!(said.contains(why), "{said}");
}
