//! A reload is a transaction: the new version passes its checks, or the old one goes on as if
//! nothing had been tried.

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_for};

use crate::reload_world::{APP, SOON, World};

/// A release that fails so leaves the old one serving, fails no request and says why.
fn check_bad_release(mode: &str, keys: &str, said: &[&str]) {
    check_bad_file(&World::start(2, keys), mode, keys, keys, said);
}

/// As above, with keys that only the bad release has.
fn check_bad_file(world: &World, mode: &str, good: &str, bad: &str, said: &[&str]) {
    let before = world.pids();
    let load = world.load();
    world.mode(mode);
    world.file(2, bad, "");
    let output = world.reload(&["ecosystem.config.js"], 1);
    for part in said.iter().chain(&["the old version goes on serving"]) {
        assert!(output.err.contains(part), "no `{part}` in\n{}\n{}", output.out, output.err);
    }
    assert_eq!(world.pids(), before);
    load.wait_answered(100, SOON);
    let report = load.stop();
    report.assert_none_failed(100);
    assert_eq!(report.figures().races, 0, "{report}");
    assert!(
        report.by_pid().keys().all(|pid| before.contains(pid)),
        "{report}: answered by others than {before:?}"
    );
    // The next good release goes through: nothing of the failure is left.
    world.mode("good");
    world.file(2, good, "");
    world.reload(&["ecosystem.config.js"], 0);
    assert!(world.pids().iter().all(|pid| !before.contains(pid)));
}

#[test]
fn a_release_that_exits_at_once_changes_nothing() {
    check_bad_release("exits", "", &["ended with", "code 3", "bad release: no database"]);
}

#[test]
fn a_release_that_throws_later_changes_nothing_with_stable_for() {
    check_bad_release("throws", "stable_for: 1500,", &["ended with", "Error: boom after a while"]);
}

#[test]
fn a_release_that_never_listens_changes_nothing() {
    let world = World::start(2, "");
    let limit = world.enough();
    check_bad_file(
        &world,
        "deaf",
        "",
        &format!("listen_timeout: {limit},"),
        &[&format!("did not listen within {limit} ms"), "waiting for nobody"],
    );
}

#[test]
fn a_release_that_never_says_ready_changes_nothing() {
    let good = "wait_ready: true, listen_timeout: 60000,";
    let world = World::start(2, good);
    let limit = world.enough();
    check_bad_file(
        &world,
        "mute",
        good,
        &format!("wait_ready: true, listen_timeout: {limit},"),
        &[&format!("did not say `ready` within {limit} ms")],
    );
}

#[test]
fn a_release_that_is_sick_changes_nothing_and_meets_no_client() {
    let world = World::start(2, "");
    // The port is known only now.
    let keys = format!(
        "health: {{ http: 'http://127.0.0.1:{}/', interval: 50, retries: 1 }},",
        world.port
    );
    world.file(2, &keys, "");
    world.sandbox.ostler(["reload", "ecosystem.config.js"]).run();
    let before = world.pids();
    let load = world.load();
    world.mode("sick");
    let output = world.reload(&["web"], 1);
    assert!(output.err.contains("answered 500"), "{}", output.err);
    assert_eq!(world.pids(), before);
    load.wait_answered(100, SOON);
    load.stop().assert_none_failed(100);
}

#[test]
fn without_rollback_the_bad_release_takes_over_as_with_pm2() {
    let world = World::start(2, "");
    let before = world.pids();
    world.mode("deaf");
    world.file(2, "listen_timeout: 500,", "");
    world.reload(&["ecosystem.config.js", "--no-rollback"], 1);
    let after = world.pids();
    assert!(
        after.len() == 2 && after.iter().all(|pid| !before.contains(pid)),
        "{before:?} {after:?}"
    );
}

#[test]
fn a_failed_change_of_the_file_leaves_the_old_config_in_force() {
    let world = World::start(2, "");
    world.file(2, "", "VERSION: 'two'");
    world.sandbox.ostler(["reload", "ecosystem.config.js"]).run();
    assert!(world.ask().ends_with(" two"));
    world.file(2, "balance: 'least', kill_timeout: 4321,", "VERSION: 'three', MODE: 'exits'");
    let output = world.sandbox.ostler(["reload", "ecosystem.config.js"]).code(1).run();
    assert!(output.err.contains("bad release"), "{}", output.err);
    assert!(world.ask().ends_with(" two"));
    // Also for runs that begin later: after a restart and a scale it is still version two.
    world.sandbox.ostler(["restart", "web"]).run();
    assert!(world.ask().ends_with(" two"));
    world.sandbox.ostler(["scale", "web", "3"]).run();
    for process in world.sandbox.jlist() {
        assert_eq!(process["pm2_env"]["VERSION"], "two");
        assert_ne!(process["pm2_env"]["kill_timeout"], 4321);
    }
    world.sandbox.ostler(["describe", "0"]).shows("round-robin").run();
}

#[test]
fn a_failure_in_the_middle_takes_back_what_was_replaced() {
    let world = World::start(3, "");
    let load = world.load();
    // The second worker of the new version fails, once the first one serves.
    world.sandbox.write(
        "web.js",
        APP.replace(
            "let mode = '';",
            "let mode = process.env.NODE_APP_INSTANCE === '1' ? 'exits' : '';",
        )
        .replace("VERSION || ''", "VERSION2 || 'new'"),
    );
    let output = world.reload(&["web"], 1);
    // Each step says of which version its worker is: in a reload that goes back, "the old one" may
    // be either.
    let steps: Vec<&str> =
        output.err.lines().filter_map(|line| line.strip_prefix("web: ")).collect();
    let at = |start: &str, end: &str| {
        let found = steps.iter().position(|step| step.starts_with(start) && step.ends_with(end));
        found.unwrap_or_else(|| panic!("no step `{start}…{end}`: {steps:#?}"))
    };
    let failed = at("new worker 1 failed: ", "ended with exit code 3");
    let back = at("rolling back to the old version: 0", "");
    let started = at("starting a worker of the old version for 0", "");
    let proven = at(
        "worker of the old version for 0 (pid ",
        "; the one of the new version finishes its connections",
    );
    assert!(failed < back && back < started && started < proven, "{steps:#?}");
    assert!(failed < at("worker 1 of the new version (pid ", ") has left"), "{steps:#?}");
    // The script on disk is still the new one, which is all that a rollback of the same file can
    // start; what counts is that there are three workers and no request failed.
    assert_eq!(world.pids().len(), 3);
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(100);
}

#[test]
fn parallel_and_surge_bound_how_many_there_are() {
    let world = World::start(4, "");
    let mut peaks = Vec::new();
    for args in [
        &["web", "--parallel", "1"][..],
        &["web", "--parallel", "4"],
        &["web", "--parallel", "4", "--surge", "2"],
    ] {
        let before = world.pids();
        let output = world.reload(args, 0);
        let after = world.pids();
        assert!(after.len() == 4 && after.iter().all(|pid| !before.contains(pid)));
        let (mut now, mut peak) = (0_i32, 0);
        for line in output.err.lines() {
            if line.contains("starting a new worker") {
                now += 1;
            } else if line.contains("passed its checks") {
                now -= 1;
            }
            peak = peak.max(now);
        }
        peaks.push(peak);
    }
    assert_eq!(peaks[0], 1);
    assert_eq!(peaks[1], 4);
    assert!(peaks[2] <= 2, "{peaks:?}");
}

#[test]
fn a_second_reload_is_refused_or_queued() {
    let world = World::start(2, "wait_ready: true, listen_timeout: 60000,");
    world.mode("mute");
    let before = world.pids();
    let mut first = world.sandbox.command();
    first
        .args(["reload", "web"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut first = first.spawn().unwrap();
    world.sandbox.wait_list("the first reload", SOON, |list| {
        list.iter().any(|process| process["pm2_env"]["rollout"] == "reloading").then_some(())
    });
    let error = world.reload(&["web"], 1).err;
    assert!(
        error.contains("a reload of app `web` is under way") && error.contains("--wait"),
        "{error}"
    );
    // It reads its mode when it starts, and must have.
    world.wait_mute();
    world.mode("good");
    let mut second = world.sandbox.command();
    second.args(["reload", "web", "--wait"]).stdout(std::process::Stdio::null());
    let mut second = second.spawn().unwrap();
    // The mute candidate is what the first waits for; without it the first fails and the second
    // begins.
    let candidate = world.sandbox.wait_for("the candidate", SOON, || {
        let known = before.clone();
        world.sandbox.pids().into_iter().find(|pid| {
            let script = procs::args(*pid).iter().any(|arg| arg.ends_with("web.js"));
            script && !known.contains(pid)
        })
    });
    procs::kill_if(candidate, Signal::KILL, || true);
    assert_eq!(first.wait().unwrap().code(), Some(1));
    assert_eq!(second.wait().unwrap().code(), Some(0));
    assert!(world.pids().iter().all(|pid| !before.contains(pid)));
    // The priority that was lowered while it was being verified is the usual one again.
    for pid in world.pids() {
        let share = std::fs::read_to_string(format!("/proc/{pid}/autogroup")).unwrap_or_default();
        assert!(!share.trim_end().ends_with("10"), "{share}");
    }
}

#[test]
fn a_reload_that_another_command_cuts_short_says_so() {
    for command in ["restart", "stop", "delete"] {
        let world = World::start(1, "wait_ready: true, listen_timeout: 60000,");
        world.mode("mute");
        let mut reload = world.sandbox.command();
        reload
            .args(["reload", "web"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped());
        let reload = reload.spawn().unwrap();
        world.sandbox.wait_list("the reload", SOON, |list| {
            list.iter().any(|process| process["pm2_env"]["rollout"] == "reloading").then_some(())
        });
        world.wait_mute();
        world.mode("good");
        world.sandbox.ostler([command, "web"]).run();
        let reload = reload.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&reload.stderr);
        assert_eq!(reload.status.code(), Some(1), "{command}: {error}");
        assert!(error.contains("cut short") && error.contains(command), "{error}");
    }
}

#[test]
fn a_killed_daemon_finishes_the_reload() {
    let world = World::start(3, "stable_for: 400,");
    let before = world.pids();
    let load = world.load();
    let mut client = world.sandbox.command();
    client
        .args(["reload", "web"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut client = client.spawn().unwrap();
    world.sandbox.wait_list("the first worker to be replaced", SOON, |list| {
        let pid = list.first()?["pid"].as_u64()?;
        before.iter().all(|old| u64::from(*old) != pid).then_some(())
    });
    let daemon = world.sandbox.daemon_pid().unwrap();
    procs::kill_if(daemon, Signal::KILL, || true);
    client.wait().unwrap();
    wait_for("all workers to be new", SOON, || {
        let pids = world.pids();
        (pids.len() == 3 && pids.iter().all(|pid| !before.contains(pid))).then_some(())
    });
    world.sandbox.wait_list("the reload to be over", SOON, |list| {
        list.iter().all(|process| process["pm2_env"]["rollout"].is_null()).then_some(())
    });
    load.wait_answered(100, SOON);
    load.stop().assert_none_failed(100);
}

#[test]
fn a_killed_daemon_rolls_back_what_fails_later() {
    let world = World::start(2, "stable_for: 1500,");
    let before = world.pids();
    let load = world.load();
    world.mode("throws");
    let mut client = world.sandbox.command();
    client
        .args(["reload", "web"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut client = client.spawn().unwrap();
    world.sandbox.wait_list("the reload", SOON, |list| {
        list.iter().any(|process| process["pm2_env"]["rollout"] == "reloading").then_some(())
    });
    let daemon = world.sandbox.daemon_pid().unwrap();
    procs::kill_if(daemon, Signal::KILL, || true);
    client.wait().unwrap();
    world.sandbox.wait_list("the reload to be over", SOON, |list| {
        list.iter().all(|process| process["pm2_env"]["rollout"].is_null()).then_some(())
    });
    assert_eq!(world.pids(), before);
    load.wait_answered(50, SOON);
    load.stop().assert_none_failed(100);
}

#[test]
fn a_namespace_a_file_and_all_are_reloaded_whole() {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.write("web.js", APP);
    let (a, b) = (sandbox.port(), sandbox.port());
    let app = |name: &str, port: u16, space: &str| {
        format!(
            "{{ name: '{name}', script: 'web.js', instances: 2, exec_mode: 'cluster', \
             namespace: '{space}', env: {{ PORT: {port} }} }}"
        )
    };
    sandbox.write(
        "all.config.js",
        format!("module.exports = {{ apps: [{}, {}] }}", app("a", a, "front"), app("b", b, "back")),
    );
    // Nothing runs yet: it is started.
    sandbox.ostler(["startOrReload", "all.config.js"]).run();
    let pids = || (sandbox.pids_of("a"), sandbox.pids_of("b"));
    let mut last = pids();
    assert_eq!((last.0.len(), last.1.len()), (2, 2));
    let differ =
        |old: &[u32], new: &[u32]| new.len() == 2 && new.iter().all(|pid| !old.contains(pid));
    for args in [&["reload", "front"][..], &["gracefulReload", "a"]] {
        sandbox.ostler(args).run();
        let now = pids();
        assert!(differ(&last.0, &now.0) && last.1 == now.1, "{args:?}: {last:?} {now:?}");
        last = now;
    }
    for args in [
        &["reload", "all"][..],
        &["reload", "all.config.js"],
        &["startOrReload", "all.config.js"],
        &["startOrGracefulReload", "all.config.js"],
    ] {
        sandbox.ostler(args).run();
        let now = pids();
        assert!(differ(&last.0, &now.0) && differ(&last.1, &now.1), "{args:?}: {last:?} {now:?}");
        last = now;
    }
}

/// `reload --wait=2s` of a version that does not listen took the 30 s of a reload.
#[test]
fn a_limit_of_a_reload_is_for_all_of_it_and_the_reload_goes_on() {
    let world = World::start(1, "");
    let before = world.pids();
    world.mode("deaf");
    // By itself it would be given up tomorrow.
    world.file(1, "listen_timeout: 86400000,", "");
    let said = world.reload(&["ecosystem.config.js", "--wait=500ms"], 124);
    let error = "error: the reload of web was not done within 500ms, and goes on\n\
                 hint: `ostler list` shows how far";
    assert!(said.err.contains(error), "{}", said.err);
    assert!(!said.out.contains("ready"), "{}", said.out);
    world.sandbox.wait_list("the reload that goes on", SOON, |list| {
        list.iter().any(|process| process["pm2_env"]["rollout"] == "reloading").then_some(())
    });
    assert_eq!(world.pids(), before);
}
