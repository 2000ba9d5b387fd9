//! Several parts of the manager die in the same instant.
//!
//! When keeper and daemon die together, nobody holds the apps: they are ended and started anew by
//! whichever command comes next. What must not happen: two runs of one app, one that nobody knows,
//! and one that is not there.

use std::collections::BTreeSet;

use ostler_testkit::{Sandbox, Victim, procs, try_wait};

use super::scene::HIDES;
use super::strikes::{combinations, together};
use super::variation::{ALL, Variation};
use crate::takeover::SOON;

/// Asks the manager again and again, and so may be the one that starts it: by the program of the
/// sandbox, by which its keeper is known.
fn caller(sandbox: &Sandbox) -> String {
    let program = sandbox.command().get_program().display().to_string();
    format!("#!/bin/sh\nwhile :; do sleep 0.2; {program} list >/dev/null 2>&1; done\n")
}

/// What a process of an app has among its arguments, unless it overwrites them.
const SCRIPTS: [&str; 4] = ["tree.js", "caller.sh", "idle.sh", "api.js"];

fn check(sandbox: &Sandbox, apps: usize, what: &str) {
    sandbox.wait_list(format_args!("every app after {what}"), SOON, |list| {
        let online = list.iter().filter(|of| of["pm2_env"]["status"] == "online").count();
        (online == apps).then_some(())
    });
    let gone = try_wait(SOON, || strangers(sandbox).is_empty().then_some(()));
    let rest: Vec<String> = strangers(sandbox).into_iter().map(procs::describe).collect();
    assert!(gone.is_some(), "after {what}: {rest:?}\n{:?}", sandbox.jlist());
}

/// First processes of apps that are not in the list.
fn strangers(sandbox: &Sandbox) -> Vec<u32> {
    let list = sandbox.jlist();
    let listed: BTreeSet<u64> = list.iter().filter_map(|of| of["pid"].as_u64()).collect();
    let is_app = |pid: &u32| {
        let args = procs::args(*pid);
        let script = SCRIPTS.iter().any(|name| args.iter().any(|arg| arg.ends_with(name)));
        script || args.first().is_some_and(|title| title.starts_with("xxxx"))
    };
    let leads = |pid: &u32| procs::stat(*pid).is_some_and(|of| of.session == *pid);
    let apps = sandbox.pids().into_iter().filter(|pid| is_app(pid) && leads(pid));
    apps.filter(|pid| !listed.contains(&u64::from(*pid))).collect()
}

fn play(variation: Variation, rounds: u32) {
    let sandbox = variation.sandbox();
    let idle = sandbox.write_executable("idle.sh", "#!/bin/sh\nwhile :; do sleep 1; done\n");
    let hides = sandbox.write_executable("hides.sh", HIDES);
    let calls = sandbox.write_executable("caller.sh", caller(&sandbox));
    let api = sandbox.victim("api", Victim::Http);
    for script in [idle, hides, calls] {
        sandbox.ostler(["start"]).arg(script).run();
    }
    let port = sandbox.port().to_string();
    sandbox.ostler(["start"]).arg(api).args(["-i", "2", "--wait-ready"]).env("PORT", port).run();
    for _ in 0..rounds {
        for parts in combinations() {
            together(&sandbox, &parts);
            check(&sandbox, 5, &format!("the death of {parts:?} ({variation:?})"));
        }
    }
    sandbox.ostler(["kill"]).run();
    let left: Vec<String> = sandbox.pids().into_iter().map(procs::describe).collect();
    assert!(left.is_empty(), "{variation:?}: {left:?}");
}

#[test]
fn nothing_is_doubled_or_left_when_several_parts_are_killed_at_once() {
    let rounds = if std::env::var("OSTLER_TORTURE_SECONDS").is_ok() { 10 } else { 1 };
    for variation in ALL {
        play(variation, rounds);
    }
}
