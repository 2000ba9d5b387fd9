//! As the first process of a container: namespaces of its own, a root that cannot be written, a
//! user whom nobody knows, no capability.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// Makes the root read-only, and becomes somebody who may nothing.
const LOCKED: &str = "mount -o remount,bind,ro / && exec setpriv --reuid 23456 --regid 23456 \
    --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \"$@\"";

/// Orphans: two of them end at once, and their parents are gone.
const APP: &str = "trap 'echo bye; exit 0' INT\n\
    for i in 1 2; do sh -c '(exec true) & exec true' & done; wait\n\
    echo up $$; while :; do sleep 1000 & wait $!; done";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn contained(sandbox: &Sandbox) -> Command {
    let mut command = sandbox.command_of("unshare");
    command.args(["--pid", "--fork", "--mount", "--mount-proc", "--kill-child", "sh", "-c"]);
    command.args([LOCKED, "sh", env!("CARGO_BIN_EXE_ostler")]);
    command.env_remove("OSTLER_HOME").env("HOME", "/nonexistent");
    command
}

#[test]
fn the_first_process_of_a_locked_container_runs_reaps_answers_and_ends() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.write("app.sh", APP);
    let mut command = contained(&sandbox);
    let mut child = command.args(["run", "app.sh"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("up "), "{line}");
    let inside = || procs::with_descendants(&[child.id()].into());
    let first = procs::parents().into_iter().find(|(_, parent)| *parent == child.id()).unwrap().0;

    // A command in it, and its health check, find the manager that has a home of its own.
    let run_inside = |args: &[&str]| {
        let mut command = sandbox.command_of("nsenter");
        command.args(["--target", &first.to_string(), "--pid", "--mount", "--wd", "sh", "-c"]);
        command.args([LOCKED, "sh", env!("CARGO_BIN_EXE_ostler")]).args(args);
        command.env_remove("OSTLER_HOME").env("HOME", "/nonexistent");
        ostler_testkit::run::finish(command, &[], LIMIT)
    };
    let health = run_inside(&["health"]);
    assert_eq!((health.code, health.out.as_str()), (0, "1 process is well\n"), "{health:?}");
    run_inside(&["stop", "nobody"]);
    let state = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    wait_for("orphans to be collected", LIMIT, || {
        (!inside().iter().any(|pid| state(pid).contains(") Z "))).then_some(())
    });

    assert!(procs::signal(first, Signal::TERM));
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!((rest.as_str(), child.wait().unwrap().code()), ("bye\n", Some(0)));
}

#[test]
fn an_app_that_is_not_well_makes_the_container_unhealthy() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    let health = sandbox.run(&["health"]);
    assert_eq!(health.code, 1);
    assert!(health.err.contains("no daemon runs"), "{}", health.err);
    let good = sandbox.write("good.sh", "exec sleep 1000000");
    let bad = sandbox.write("bad.sh", "exit 4");
    sandbox.ostler(["start"]).args([good, bad]).args(["--max-restarts", "1"]).run();
    sandbox.wait_status("bad", "errored", 1, LIMIT);
    assert_eq!(sandbox.run(&["health", "good"]).code, 0);
    let health = sandbox.run(&["health"]);
    assert_eq!(health.code, 1);
    assert!(health.err.contains("(`bad`) is errored (last end: exit code 4)"), "{}", health.err);
}
