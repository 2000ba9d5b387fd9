//! `apply`: does what `plan` shows, and nothing to what is as the file says.

use ostler_testkit::{Load, Sandbox};

use crate::takeover::{SOON, sandbox};

const WEB: &str = "require('http').createServer((_, res) => res.end('VERSION'))\
                   .listen(process.env.PORT);";

/// A sandbox with a cluster of two, and two plain apps, as `eco.json` says.
fn applied() -> (Sandbox, u16) {
    let sandbox = sandbox();
    let port = sandbox.port();
    sandbox.write("idle.sh", "exec sleep 1000000");
    sandbox.write("one.js", WEB.replace("VERSION", "one"));
    sandbox.write("two.js", WEB.replace("VERSION", "two"));
    write(&sandbox, port, "one.js", "{ name: 'b', script: 'idle.sh' }");
    sandbox.ostler(["apply", "eco.json"]).run();
    (sandbox, port)
}

/// Writes the file: a cluster with this script, an app that is always the same, and others.
fn write(sandbox: &Sandbox, port: u16, script: &str, others: &str) {
    let text = format!(
        "[{{ name: 'web', script: '{script}', instances: 2, env: {{ PORT: {port} }} }},\n\
         {{ name: 'same', script: 'idle.sh' }}, {others}]"
    );
    sandbox.write("eco.json", text);
}

#[test]
fn a_second_apply_changes_nothing_and_says_so() {
    let (sandbox, _) = applied();
    let pids = || ["web", "same", "b"].map(|name| sandbox.pids_of(name));
    let before = pids();
    assert_eq!((before[0].len(), before[1].len(), before[2].len()), (2, 1, 1));
    // The shell is another one, which is no change of the file.
    let said = sandbox.ostler(["apply", "eco.json"]).env("OTHER", "x").run();
    assert!(said.out.starts_with("unchanged  web   nothing changed\n"), "{}", said.out);
    assert!(said.err.contains("nothing to do: everything is as eco.json says"), "{}", said.err);
    assert_eq!(pids(), before);
}

#[test]
fn apply_reloads_a_cluster_without_a_lost_request_and_touches_nothing_that_is_the_same() {
    let (sandbox, port) = applied();
    let (same, other) = (sandbox.pids_of("same"), sandbox.pids_of("b"));
    let load = Load::to_port(port).start();
    load.wait_answered(50, SOON);
    let changed = "{ name: 'b', script: 'idle.sh', args: ['x'], instances: 2, exec_mode: 'fork' }, \
                   { name: 'c', script: 'idle.sh' }";
    write(&sandbox, port, "two.js", changed);
    let plan = sandbox.ostler(["plan", "eco.json"]).run().out;
    let said = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(said.out.starts_with(&plan), "{plan}\n{}", said.out);
    // `restarted b …` and `scaled b …` were two lines.
    let ends: Vec<&str> = said.out.lines().filter(|line| line.contains(" b 1/1")).collect();
    let [end] = ends.as_slice() else { panic!("{}", said.out) };
    assert!(end.starts_with("restarted b 1/1, scaled b from 1 to 2 in "), "{end}");
    assert!(!said.out.contains("\nscaled b"), "{}", said.out);
    let words: Vec<&str> = plan.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(words, ["reload", "unchanged", "restart", "start"], "{plan}");
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(100);
    assert_eq!(sandbox.pids_of("same"), same);
    let now = sandbox.pids_of("b");
    assert!(now.len() == 2 && !now.contains(&other[0]), "{other:?} {now:?}");
    assert_eq!(sandbox.pids_of("c").len(), 1);
    let again = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(again.err.contains("nothing to do"), "{}\n{}", again.out, again.err);
}

#[test]
fn what_was_stopped_is_started_and_a_job_that_has_ended_is_not() {
    let (sandbox, port) = applied();
    sandbox.write("job.sh", "exit 0");
    let job = "{ name: 'b', script: 'idle.sh' }, \
               { name: 'job', script: 'job.sh', autorestart: false }";
    write(&sandbox, port, "one.js", job);
    sandbox.ostler(["apply", "eco.json"]).run();
    sandbox.wait_list("the end of the job", SOON, |list| {
        let is_over =
            |of: &serde_json::Value| of["name"] == "job" && of["pm2_env"]["status"] == "stopped";
        list.iter().any(is_over).then_some(())
    });
    sandbox.ostler(["stop", "b"]).run();
    let said = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(said.out.contains("start      b     does not run\n"), "{}", said.out);
    assert!(said.out.contains("unchanged  job   nothing changed\n"), "{}", said.out);
    assert_eq!(sandbox.pids_of("b").len(), 1);
}

#[test]
fn a_wrong_file_touches_nothing() {
    let (sandbox, port) = applied();
    let pids = || ["web", "same", "b"].map(|name| sandbox.pids_of(name));
    let before = pids();
    write(&sandbox, port, "two.js", "{ name: 'b', script: 'idle.sh', max_restarts: 'many' }");
    let said = sandbox.ostler(["apply", "eco.json", "--prune", "--yes"]).code(1).run();
    assert!(said.err.contains("max_restarts"), "{}", said.err);
    assert_eq!((pids(), said.out.as_str()), (before, ""));
}

#[test]
fn prune_removes_what_is_not_in_the_file_any_more_when_it_may() {
    let (sandbox, port) = applied();
    sandbox.ostler(["start", "idle.sh", "--name", "by-hand"]).run();
    write(&sandbox, port, "one.js", "");
    let kept = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(kept.out.contains("keep       b     not in the file any more"), "{}", kept.out);
    let said = sandbox.ostler(["apply", "eco.json", "--prune"]).code(1).run();
    assert!(said.out.contains("remove     b     not in the file any more\n"), "{}", said.out);
    assert!(said.err.contains("`--prune` would remove b"), "{}", said.err);
    assert_eq!(sandbox.pids_of("b").len(), 1);
    sandbox.ostler(["apply", "eco.json", "-y", "--prune"]).run();
    let names: Vec<_> = sandbox.jlist().iter().map(|of| of["name"].clone()).collect();
    assert_eq!(names, ["web", "web", "same", "by-hand"]);
}

#[test]
fn what_counts_only_for_a_new_app_replaces_it() {
    let (sandbox, port) = applied();
    let before = sandbox.pids_of("web");
    let text = format!(
        "[{{ name: 'web', script: 'one.js', exec_mode: 'fork', env: {{ PORT: {port} }} }},\n\
         {{ name: 'same', script: 'idle.sh' }}, {{ name: 'b', script: 'idle.sh' }}]"
    );
    sandbox.write("eco.json", text);
    let said = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(said.out.starts_with("replace    web   exec_mode "), "{}", said.out);
    let now = sandbox.pids_of("web");
    assert!(now.len() == 1 && !before.contains(&now[0]), "{before:?} {now:?}");
    let again = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(again.err.contains("nothing to do"), "{}\n{}", again.out, again.err);
}

#[test]
fn a_variable_that_is_taken_out_of_the_file_disappears_and_others_stay() {
    let sandbox = sandbox();
    sandbox.write("idle.sh", "exec sleep 1000000");
    let write = |env: &str| {
        sandbox.write("eco.json", format!("{{ name: 'a', script: 'idle.sh', env: {env} }}"));
    };
    let env = |name: &str| ostler_testkit::procs::env_of(sandbox.pids_of("a")[0], name);
    write("{ ONE: '1', TWO: '2', THREE: '3' }");
    sandbox.ostler(["apply", "eco.json"]).env("SHELL_VAR", "x").run();
    assert_eq!((env("ONE").as_deref(), env("TWO").as_deref()), (Some("1"), Some("2")));
    write("{ TWO: '2', THREE: '3' }");
    let said = sandbox.ostler(["apply", "eco.json"]).run();
    assert!(said.out.contains("env ONE is taken away"), "{}", said.out);
    assert_eq!((env("ONE"), env("TWO").as_deref()), (None, Some("2")));
    assert_eq!(env("SHELL_VAR").as_deref(), Some("x"));
    assert!(sandbox.ostler(["apply", "eco.json"]).run().err.contains("nothing to do"));
    write("{ THREE: '3' }");
    sandbox.ostler(["restart", "eco.json"]).run();
    assert_eq!((env("TWO"), env("THREE").as_deref()), (None, Some("3")));
    assert!(sandbox.ostler(["plan", "eco.json"]).run().out.contains("nothing changed"));
}
