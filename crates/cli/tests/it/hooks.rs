//! Commands before and after starts, stops and reloads, as real programs.

use ostler_testkit::procs;
use ostler_testkit::{Sandbox, Victim, wait_exit, wait_for};

use crate::takeover::{SOON, kill_daemon, sandbox};

/// The lines of a file of the app.
fn lines(sandbox: &Sandbox, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.work().join(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn wait_lines(sandbox: &Sandbox, file: &str, count: usize) -> Vec<String> {
    wait_for(format!("{count} lines of {file}"), SOON, || {
        Some(lines(sandbox, file)).filter(|all| count <= all.len())
    })
}

/// What stands in the log of an app.
fn log(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.home().join(format!("logs/{name}"));
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn each_command_runs_at_its_moment_as_the_app_does_and_writes_into_its_log() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let all = ["pre_start", "post_start", "pre_stop", "post_stop"];
    let hook = |name: &&str| format!("    {name}: \"echo {name} $A $name >> order; echo heard\"\n");
    let hooks: String = all.iter().map(hook).collect();
    let file = format!("- script: app.sh\n  env: {{ A: b }}\n  hooks:\n{hooks}");
    sandbox.write("eco.yaml", file);
    sandbox.ostler(["start", "eco.yaml"]).run();
    let begun = ["pre_start b app", "post_start b app"];
    assert_eq!(wait_lines(&sandbox, "order", 2), begun);
    sandbox.ostler(["stop", "app"]).run();
    let all = wait_lines(&sandbox, "order", 4);
    assert_eq!(all[2..], ["pre_stop b app", "post_stop b app"]);
    let log = wait_for("what they print", SOON, || {
        Some(log(&sandbox, "app-out.log")).filter(|log| log.contains("[post_stop] heard"))
    });
    for name in ["pre_start", "post_start", "pre_stop"] {
        assert!(log.contains(&format!("[{name}] runs: echo {name}")), "{log}");
        assert!(log.contains(&format!("[{name}] heard\n")), "{log}");
    }
}

#[test]
fn a_pre_start_that_fails_is_a_failed_start_that_says_why() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let hooks = "{ pre_start: 'echo broken >&2; exit 3' }";
    sandbox.write("eco.yaml", format!("- {{ script: app.sh, max_restarts: 1, hooks: {hooks} }}"));
    let said = sandbox.ostler(["start", "eco.yaml"]).code(1).run();
    let why = "could not be started: `pre_start` ended with exit code 3";
    assert!(said.err.contains(&format!("error: app `app` {why}")), "said once: {}", said.err);
    sandbox.wait_status("app", "errored", 1, SOON);
    let described = sandbox.ostler(["describe", "app"]).run().out;
    let why = "given up after one try to start it; it failed ";
    assert!(described.contains(why), "{described}");
    assert!(described.contains(" ago its start failed: `pre_start` ended with exit code 3"));
    assert!(!described.contains("with could not"), "{described}");
    let log = log(&sandbox, "app-out.log");
    assert!(log.contains("[pre_start] broken\n[pre_start] failed: `pre_start` ended"), "{log}");
}

#[test]
fn one_that_takes_too_long_is_ended_with_what_it_started() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let hooks = "{ pre_start: 'sleep 1000 & echo $! > pid; wait', timeout: 300 }";
    sandbox.write("eco.yaml", format!("- {{ script: app.sh, max_restarts: 1, hooks: {hooks} }}"));
    let said = sandbox.ostler(["start", "eco.yaml"]).code(1).run();
    assert!(said.err.contains("`pre_start` took more than 300 ms"), "{}", said.err);
    let pid: u32 = lines(&sandbox, "pid")[0].parse().unwrap();
    assert!(wait_exit(pid, SOON), "{}", procs::describe(pid));
}

#[test]
fn a_pre_start_that_the_death_of_the_daemon_cuts_off_is_begun_anew() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let hooks = "{ pre_start: 'echo x >> begun; while ! test -e go; do sleep 0.05; done' }";
    sandbox.write("eco.yaml", format!("- {{ script: app.sh, hooks: {hooks} }}"));
    let mut start = sandbox.command();
    std::thread::scope(|scope| {
        let start = scope.spawn(move || start.args(["start", "eco.yaml"]).output().unwrap());
        wait_lines(&sandbox, "begun", 1);
        assert!(sandbox.statuses_of("app").iter().all(|status| status == "launching"));
        kill_daemon(&sandbox);
        wait_lines(&sandbox, "begun", 2);
        sandbox.write("go", "");
        let said = start.join().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    });
    sandbox.wait_status("app", "online", 1, SOON);
    assert_eq!(lines(&sandbox, "begun").len(), 2);
    assert_eq!(sandbox.pids_of("app").len(), 1);
}

#[test]
fn a_stop_does_not_wait_for_a_pre_start() {
    let sandbox = sandbox();
    sandbox.victim("app", Victim::Sleeper);
    let hooks = "{ pre_start: 'echo $$ > pid; sleep 1000' }";
    sandbox.write("eco.yaml", format!("- {{ script: app.sh, hooks: {hooks} }}"));
    let mut start = sandbox.command();
    std::thread::scope(|scope| {
        let start = scope.spawn(move || start.args(["start", "eco.yaml"]).output().unwrap());
        let pid = wait_lines(&sandbox, "pid", 1)[0].parse().unwrap();
        sandbox.ostler(["stop", "app"]).run();
        assert!(wait_exit(pid, SOON), "{}", procs::describe(pid));
        start.join().unwrap();
    });
    sandbox.wait_status("app", "stopped", 1, SOON);
}

#[test]
fn a_reload_of_a_cluster_runs_its_two_commands_once() {
    let sandbox = sandbox();
    sandbox.victim("api", Victim::Http);
    let hooks = "{ pre_reload: 'echo before >> order', post_reload: 'echo after >> order' }";
    let file = format!(
        "[{{ script: 'api.js', instances: 2, env: {{ PORT: {} }}, hooks: {hooks} }}]",
        sandbox.port()
    );
    sandbox.write("eco.json", file);
    sandbox.ostler(["start", "eco.json"]).run();
    sandbox.wait_status("api", "online", 2, SOON);
    sandbox.ostler(["reload", "api"]).run();
    assert_eq!(wait_lines(&sandbox, "order", 2), ["before", "after"]);
}
