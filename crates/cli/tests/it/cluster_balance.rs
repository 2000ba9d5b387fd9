//! How connections are spread over the workers of an app, and what becomes of them when
//! a worker goes.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use ostler_testkit::procs::{self, Signal};
use ostler_testkit::{Load, Sandbox};

use crate::cluster::{WEB, ask, ask_port, file, local, node, start, wait_output};
use crate::reload_world::SOON;

fn web(instances: u32, keys: &str) -> (Sandbox, u16) {
    let sandbox = node();
    let port = sandbox.port();
    sandbox.write("app.js", WEB);
    start(&sandbox, "app.js", &format!("instances: {instances}, {keys}"), &format!("PORT: {port}"));
    wait_output(&sandbox, "up ", usize::try_from(instances).unwrap());
    (sandbox, port)
}

#[test]
fn round_robin_is_exactly_even() {
    let (_sandbox, port) = web(3, "");
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for _ in 0..60 {
        *counts.entry(ask_port(port).unwrap()).or_default() += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [20, 20, 20]);
}

/// Asks from one of loopback's many addresses.
fn ask_from(source: u8, port: u16) -> u32 {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    )
    .unwrap();
    rustix::net::bind(&socket, &SocketAddr::from(([127, 0, 1, source], 0))).unwrap();
    rustix::net::connect(&socket, &local(port)).unwrap();
    ask(TcpStream::from(socket)).unwrap()
}

#[test]
fn a_sticky_client_keeps_its_worker_and_a_replacement_keeps_its_clients() {
    let (sandbox, port) = web(3, "balance: 'sticky',");
    let slots = |sandbox: &Sandbox| -> BTreeMap<u32, usize> {
        sandbox.pids_of("app").into_iter().enumerate().map(|(slot, pid)| (pid, slot)).collect()
    };
    let pids = slots(&sandbox);
    let home: Vec<usize> = (1..=24).map(|source| pids[&ask_from(source, port)]).collect();
    for source in 1..=24 {
        // As socket.io's polling does: many connections of one client.
        for _ in 0..3 {
            assert_eq!(pids[&ask_from(source, port)], home[usize::from(source) - 1]);
        }
    }
    let used: std::collections::BTreeSet<usize> = home.iter().copied().collect();
    assert_eq!(used.len(), 3, "clients are spread: {home:?}");
    sandbox.ostler(["reload", "app"]).run();
    let now = slots(&sandbox);
    assert!(now.keys().all(|pid| !pids.contains_key(pid)));
    for source in 1..=24 {
        assert_eq!(now[&ask_from(source, port)], home[usize::from(source) - 1], "client {source}");
    }
}

#[test]
fn a_change_of_the_balance_is_a_reload() {
    let (sandbox, port) = web(2, "");
    let env = format!("PORT: {port}");
    for (balance, shown) in [
        ("shared", "shared"),
        ("least", "round-robin"),
        ("sticky", "sticky"),
        ("round-robin", "round-robin"),
    ] {
        file(&sandbox, "app.js", &format!("instances: 2, balance: '{balance}',"), &env);
        let load = Load::to_port(port)
            .connection_per_request()
            .connections(4)
            .think(Duration::from_millis(5))
            .start();
        load.wait_answered(5, SOON);
        sandbox.ostler(["reload", "app.config.js"]).run();
        load.wait_answered(20, SOON);
        load.stop().assert_none_failed(25);
        sandbox.ostler(["describe", "0"]).shows(shown).run();
    }
}

#[test]
fn least_prefers_the_worker_that_answers() {
    let (sandbox, port) = web(2, "balance: 'least',");
    let pids = sandbox.pids_of("app");
    procs::kill_if(pids[0], Signal::STOP, || true);
    // The stopped one holds a few that it was given first; everything else is answered by the
    // other, each before the fourth after it is asked.
    let mut waiting: Vec<JoinHandle<Option<u32>>> = Vec::new();
    for _ in 0..40 {
        waiting.push(std::thread::spawn(move || ask_port(port)));
        sandbox.wait_for("all answers but four", SOON, || {
            let (answered, rest): (Vec<_>, _) =
                std::mem::take(&mut waiting).into_iter().partition(JoinHandle::is_finished);
            waiting = rest;
            for one in answered {
                assert_eq!(one.join().unwrap(), Some(pids[1]));
            }
            (waiting.len() <= 4).then_some(())
        });
    }
    procs::kill_if(pids[0], Signal::CONT, || true);
    assert!(waiting.into_iter().all(|one| one.join().unwrap().is_some()));
}

#[test]
fn a_hung_worker_does_not_take_connections_of_each_round() {
    let (sandbox, port) = web(4, "");
    let pids = sandbox.pids_of("app");
    procs::kill_if(pids[0], Signal::STOP, || true);
    let load = Load::to_port(port).connection_per_request().timeout(4 * SOON).start();
    // Of eight clients it gets two, and the others go on for ever.
    load.wait_answered(500, SOON);
    procs::kill_if(pids[0], Signal::CONT, || true);
    load.stop().assert_none_failed(502);
}

#[test]
fn what_a_killed_worker_had_not_taken_is_answered_by_another() {
    let (sandbox, port) = web(2, "");
    let pids = sandbox.pids_of("app");
    procs::kill_if(pids[0], Signal::STOP, || true);
    // At least one goes to the stopped one, which cannot acknowledge it, and at most half.
    let asking: Vec<_> = (0..8).map(|_| std::thread::spawn(move || ask_port(port))).collect();
    sandbox.wait_for("four answers", SOON, || {
        (4 <= asking.iter().filter(|one| one.is_finished()).count()).then_some(())
    });
    procs::kill_if(pids[0], Signal::KILL, || true);
    for one in asking {
        assert_ne!(one.join().unwrap().expect("an answer"), pids[0]);
    }
}

#[test]
fn scale_drains_the_newest_first() {
    let (sandbox, port) = web(4, "");
    let before = sandbox.pids_of("app");
    let load = Load::to_port(port).connections(8).think(Duration::from_millis(2)).start();
    load.wait_answered(50, SOON);
    sandbox.ostler(["scale", "app", "2"]).run();
    assert_eq!(sandbox.pids_of("app"), before[..2]);
    sandbox.ostler(["scale", "app", "+1"]).run();
    load.wait_answered(50, SOON);
    let report = load.stop();
    report.assert_none_failed(100);
    assert_eq!(report.figures().races, 0, "{report}");
}
