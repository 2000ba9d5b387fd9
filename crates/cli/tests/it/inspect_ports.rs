//! Each Node process has a port of its own for its inspector.

use std::collections::BTreeSet;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Sandbox, wait_for};

use crate::cluster::{node, start};
use crate::reload_world::SOON;
use crate::takeover::kill_daemon;

const APP: &str = "require('http').createServer((q, r) => r.end()).listen(+process.env.PORT,
  '127.0.0.1', () => console.log('up ' + process.pid + ' ' + require('inspector').url()));
";

/// The first of so many ports in a row.
fn ports_in_a_row(sandbox: &Sandbox, count: u16) -> u16 {
    let mut first = sandbox.port();
    let mut last = first;
    while last + 1 - first < count {
        let next = sandbox.port();
        if next != last + 1 {
            first = next;
        }
        last = next;
    }
    first
}

/// The ports of the inspectors of the processes that `list` shows, once all have said them.
fn inspectors(sandbox: &Sandbox, first: u16) -> BTreeSet<u16> {
    let pids = sandbox.pids_of("app");
    let said = || -> String {
        let folder = std::fs::read_dir(sandbox.file("logs")).unwrap();
        let paths = folder.map(|entry| entry.unwrap().path());
        let out = paths.filter(|path| path.to_string_lossy().contains("app-out"));
        out.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    };
    let port_of = |text: &str, pid: u32| -> Option<u16> {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("up {pid} ")))?;
        let (_, rest) = line.split_once("127.0.0.1:").expect("an inspector");
        Some(rest.split('/').next()?.parse::<u16>().unwrap() - first)
    };
    wait_for("the inspectors' addresses", SOON, || {
        let text = said();
        pids.iter().map(|pid| port_of(&text, *pid)).collect()
    })
}

fn check(keys: &str, env: &str) {
    let sandbox = node();
    let (port, first) = (sandbox.port(), ports_in_a_row(&sandbox, 8));
    sandbox.write("app.js", APP);
    let with = |text: &str| text.replace("FIRST", &first.to_string());
    let env = format!("PORT: {port}, {}", with(env));
    start(&sandbox, "app.js", &format!("instances: 3, {}", with(keys)), &env);
    let all = |ports: &[u16]| ports.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(inspectors(&sandbox, first), all(&[0, 1, 2]), "counting up from what was given");
    // One that crashes is started with a port of its own again, however often.
    for _ in 0..3 {
        let old = sandbox.pids_of("app")[2];
        procs::kill_if(old, Signal::KILL, || true);
        sandbox.wait_for("another worker", SOON, || {
            let new = sandbox.pids_of("app").get(2).copied();
            new.is_some_and(|new| new != 0 && new != old).then_some(())
        });
        assert_eq!(inspectors(&sandbox, first), all(&[0, 1, 2]));
    }
    sandbox.ostler(["reload", "app"]).run();
    assert_eq!(inspectors(&sandbox, first).len(), 3, "each has its own after a reload");
    // The next daemon knows which are taken.
    kill_daemon(&sandbox);
    sandbox.ostler(["scale", "app", "5"]).run();
    assert_eq!(inspectors(&sandbox, first).len(), 5);
    sandbox.ostler(["restart", "app"]).run();
    assert_eq!(inspectors(&sandbox, first).len(), 5);
    sandbox.ostler(["stop", "app"]).run();
    sandbox.ostler(["start", "app"]).run();
    assert_eq!(inspectors(&sandbox, first), all(&[0, 1, 2, 3, 4]), "what is free is used again");
}

#[test]
fn each_worker_has_an_inspector_port_from_node_args() {
    check("node_args: ['--inspect=127.0.0.1:FIRST'],", "");
}

#[test]
fn each_worker_has_an_inspector_port_from_node_options() {
    check("", "NODE_OPTIONS: '--inspect=FIRST'");
}
