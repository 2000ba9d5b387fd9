//! Reloads under load: no request fails, whatever the app does about signals and however
//! the client connects.
//!
//! The same story in its long form is `cargo xtask soak-reload`, which sets `OSTLER_SOAK_RELOADS`,
//! prints figures and takes every Node.

use std::net::SocketAddr;
use std::time::Duration;

use ostler_testkit::{Load, Report, Sandbox, Victim, runtimes, wait_connect};

const SOON: Duration = Duration::from_secs(120);
/// Answers between two reloads.
const BETWEEN: u64 = 300;

/// What is reloaded, and who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub node: &'static str,
    /// The app ends what is open when it gets SIGINT.
    pub handler: bool,
    pub keep_alive: bool,
    /// The worker has the file that lets it leave politely.
    pub hook: bool,
}

/// Reloads an app of two workers so many times while 16 clients ask.
pub(crate) fn reload_under_load(case: Case, reloads: u32) -> Option<Report> {
    let runtime = runtimes::runtime(case.node)?;
    let mut sandbox = Sandbox::new(env!("CARGO_BIN_EXE_ostler"));
    sandbox.use_runtime(&runtime);
    let port = sandbox.port();
    sandbox.victim("web", Victim::Http);
    let graceful = if case.handler { "1" } else { "0" };
    let file = format!(
        "module.exports = {{ apps: [{{ name: 'web', script: 'web.js', instances: 2, \
         exec_mode: 'cluster', drain_hook: {}, \
         env: {{ PORT: {port}, GRACEFUL: '{graceful}' }} }}] }}",
        case.hook
    );
    sandbox.write("ecosystem.config.js", file);
    sandbox.ostler(["start", "ecosystem.config.js"]).run();
    wait_connect(SocketAddr::from(([127, 0, 0, 1], port)), SOON);
    let load = Load::to_port(port).connections(16).think(Duration::from_millis(2));
    let load = if case.keep_alive { load } else { load.connection_per_request() };
    let load = load.start();
    load.wait_answered(BETWEEN, SOON);
    let mut pids = sandbox.pids_of("web");
    let between =
        std::env::var("OSTLER_SOAK_BETWEEN").ok().and_then(|n| n.parse().ok()).unwrap_or(BETWEEN);
    for _ in 0..reloads {
        sandbox.ostler(["reload", "web"]).run();
        let now = sandbox.pids_of("web");
        assert!(
            now.len() == 2 && now.iter().all(|pid| !pids.contains(pid)),
            "{pids:?} were not replaced, but {now:?}"
        );
        pids = now;
        load.wait_answered(between, SOON);
    }
    Some(load.stop())
}

fn check(node: &'static str, handler: bool, keep_alive: bool) {
    let Some(report) = reload_under_load(Case { node, handler, keep_alive, hook: true }, 4) else {
        return;
    };
    report.assert_none_failed(500);
    // A client may ask again when its request crossed the closing of an idle connection; here it
    // never has to.
    assert_eq!(report.figures().races, 0, "{report}");
}

#[test]
fn no_request_fails_node_18_with_a_handler_keep_alive() {
    check("node-18", true, true);
}

#[test]
fn no_request_fails_node_18_without_a_handler_keep_alive() {
    check("node-18", false, true);
}

#[test]
fn no_request_fails_node_20_without_a_handler_keep_alive() {
    check("node-20", false, true);
}

#[test]
fn no_request_fails_node_22_without_a_handler_keep_alive() {
    check("node-22", false, true);
}

#[test]
fn no_request_fails_node_22_without_a_handler_connection_per_request() {
    check("node-22", false, false);
}

#[test]
fn no_request_fails_node_24_with_a_handler_keep_alive() {
    check("node-24", true, true);
}

#[test]
fn no_request_fails_node_24_with_a_handler_connection_per_request() {
    check("node-24", true, false);
}

#[test]
fn no_request_fails_node_24_without_a_handler_keep_alive() {
    check("node-24", false, true);
}

#[test]
fn no_request_fails_node_26_without_a_handler_keep_alive() {
    check("node-26", false, true);
}

/// `cargo xtask soak-reload`: a table of every Node, with and without a handler, both
/// ways to connect.
#[test]
fn soak() {
    let Some(reloads) = std::env::var("OSTLER_SOAK_RELOADS").ok().and_then(|n| n.parse().ok())
    else {
        return;
    };
    let nodes = std::env::var("OSTLER_SOAK_NODES")
        .unwrap_or_else(|_| "node-18,node-20,node-22,node-24".to_owned());
    let hooks: &[bool] =
        if std::env::var_os("OSTLER_SOAK_PLAIN").is_some() { &[true, false] } else { &[true] };
    let only = std::env::var("OSTLER_SOAK_ONLY").unwrap_or_default();
    println!(
        "| node | handler | client | drain hook | reloads | requests | failed | keep-alive races | \
         closed idle | p50 | p99 | max |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut bad = Vec::new();
    for node in nodes.split(',') {
        let node = runtimes::PACKAGES
            .iter()
            .find(|package| package.name == node)
            .expect("a runtime of the list")
            .name;
        for handler in [true, false] {
            for keep_alive in [true, false] {
                for hook in hooks.iter().copied() {
                    let client = if keep_alive { "keep-alive" } else { "close" };
                    if !only.is_empty() && only != client {
                        continue;
                    }
                    let Some(report) =
                        reload_under_load(Case { node, handler, keep_alive, hook }, reloads)
                    else {
                        continue;
                    };
                    let n = report.figures();
                    println!(
                        "| {node} | {handler} | {client} | {hook} | {reloads} | {} | {} | {} | {} \
                            | {:?} | {:?} | {:?} |",
                        n.requests, n.failed, n.races, report.idle_closes, n.p50, n.p99, n.max
                    );
                    if hook && 0 < n.failed + n.races {
                        bad.push(format!("{node} handler={handler} {client}:\n{report}"));
                    }
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
