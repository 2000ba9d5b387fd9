//! Connections under real Nodes: spread, refused, saved.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;

use ostler_cluster::{Config, WorkerId};
use rustix::process::Signal;

use crate::driver::{Cluster, nodes};
use crate::listeners::{get, pair};

const SERVE: &str =
    "http.createServer((q, r) => r.end('' + cluster.worker.id)).listen(0, '127.0.0.1');";

fn port(cluster: &mut Cluster, workers: &[u64]) -> u16 {
    workers
        .iter()
        .map(|id| cluster.until(&format!("{id} listening")).parse().unwrap())
        .last()
        .unwrap()
}

fn clients(count: usize, port: u16) -> Vec<JoinHandle<String>> {
    (0..count).map(|_| std::thread::spawn(move || get(port))).collect()
}

/// Serves until all clients have their answers.
fn answers(cluster: &mut Cluster, clients: Vec<JoinHandle<String>>) -> Vec<String> {
    cluster.until_that(|_| clients.iter().all(JoinHandle::is_finished).then_some(()));
    clients.into_iter().map(|client| client.join().unwrap()).collect()
}

#[test]
fn connections_are_spread_evenly() {
    for node in nodes() {
        let mut cluster = pair(&node, SERVE, Config::default());
        let port = port(&mut cluster, &[1, 2]);
        // One after the other: a rotation passes over a worker that is full at the moment.
        let client =
            std::thread::spawn(move || (0..40).map(|_| get(port)).collect::<Vec<_>>().join(" "));
        let got = answers(&mut cluster, vec![client]).concat();
        let got: Vec<_> = got.split(' ').collect();
        assert_eq!(got.iter().filter(|body| **body == "1").count(), 20, "{got:?}");
        assert_eq!(got.iter().filter(|body| **body == "2").count(), 20, "{got:?}");
        cluster.until_that(|cluster| cluster.conns.is_empty().then_some(()));
    }
}

#[test]
fn t20_what_a_dead_worker_had_not_taken_is_answered_by_the_other() {
    for node in nodes() {
        let mut cluster = pair(&node, SERVE, Config { window: 4, ..Config::default() });
        let port = port(&mut cluster, &[1, 2]);
        cluster.signal(1, Signal::STOP);
        let clients = clients(10, port);
        cluster.until_that(|cluster| (cluster.primary.in_flight(WorkerId(1)) == 4).then_some(()));
        cluster.until_that(|_| {
            (clients.iter().filter(|client| client.is_finished()).count() == 6).then_some(())
        });
        assert_eq!(cluster.primary.in_flight(WorkerId(1)), 4);
        cluster.signal(1, Signal::KILL);
        assert_eq!(answers(&mut cluster, clients), ["2"; 10]);
    }
}

#[test]
fn t11_connections_above_the_maximum_wait_for_a_place() {
    for node in nodes() {
        let script = "const s = http.createServer((q, r) => r.end('' + cluster.worker.id));
            s.maxConnections = 1; s.listen(0, '127.0.0.1'); s.on('connection', () => say('in'));";
        let mut cluster = pair(&node, script, Config::default());
        let port = port(&mut cluster, &[1, 2]);
        let held = [(); 2].map(|()| TcpStream::connect(("127.0.0.1", port)).unwrap());
        cluster.until("1 says");
        cluster.until("2 says");
        let clients = clients(3, port);
        cluster.until_that(|cluster| {
            let refused = |id| {
                cluster.primary.listeners_of(WorkerId(id)).any(|used| used.counters.refused >= 3)
            };
            (refused(1) && refused(2)).then_some(())
        });
        drop(held);
        assert_eq!(answers(&mut cluster, clients).len(), 3);
    }
}

#[test]
fn a_worker_that_leaves_finishes_its_requests() {
    for node in nodes() {
        let script = "let go; process.on('message', () => go());
            const serve = (q, r) => { say('in'); go = () => r.end('late') };
            http.createServer(serve).listen(0, '127.0.0.1');";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        let port = port(&mut cluster, &[1]);
        let clients = clients(1, port);
        cluster.until("1 says");
        cluster.leave(1);
        cluster.send(1, "1");
        assert_eq!(answers(&mut cluster, clients), ["late"]);
        assert_eq!(cluster.exit_code(1), Some(0));
    }
}

#[test]
fn a_reload_under_load_loses_nothing() {
    for node in nodes() {
        let mut cluster = Cluster::new(&node, SERVE, Config::default());
        cluster.start(1);
        let port = port(&mut cluster, &[1]);
        let load: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(move || (0..50).map(|_| get(port)).collect::<Vec<_>>().concat())
            })
            .collect();
        cluster.start(2);
        cluster.until("2 listening");
        assert!(cluster.primary.covers(WorkerId(2), WorkerId(1)));
        cluster.leave(1);
        assert_eq!(answers(&mut cluster, load).concat().len(), 200);
        assert_eq!(cluster.exit_code(1), Some(0));
    }
}

#[test]
fn t10_after_a_takeover_everything_goes_on() {
    for node in nodes() {
        let mut cluster = pair(&node, SERVE, Config::default());
        let port = port(&mut cluster, &[1, 2]);
        answers(&mut cluster, clients(4, port));
        let waiting = clients(10, port);
        cluster.take_over(Config { first_seq: 1 << 32, ..Config::default() });
        let got = answers(&mut cluster, waiting);
        assert!(got.contains(&"1".to_owned()) && got.contains(&"2".to_owned()), "{got:?}");
        cluster.start(3);
        cluster.until("3 listening");
    }
}

#[test]
fn what_a_dead_primary_had_accepted_is_answered() {
    for node in nodes() {
        let mut cluster = pair(&node, SERVE, Config { window: 4, ..Config::default() });
        let port = port(&mut cluster, &[1, 2]);
        // Four are on their way to a worker that does not read, and four were noted and never sent.
        cluster.signal(1, Signal::STOP);
        cluster.signal(2, Signal::STOP);
        let mut asked = clients(8, port);
        for worker in [WorkerId(1), WorkerId(2)] {
            cluster.until_that(|cluster| (cluster.primary.in_flight(worker) == 4).then_some(()));
        }
        cluster.signal(2, Signal::CONT);
        cluster.until_that(|_| {
            (asked.iter().filter(|client| client.is_finished()).count() == 4).then_some(())
        });
        cluster.dying = true;
        asked.extend(clients(4, port));
        cluster.until_that(|cluster| (cluster.primary.in_flight(WorkerId(2)) == 4).then_some(()));
        cluster.take_over(Config { first_seq: 1 << 32, window: 4, ..Config::default() });
        cluster.signal(1, Signal::CONT);
        assert_eq!(answers(&mut cluster, asked).len(), 12);
        assert!(cluster.find("1 fence").is_some() && cluster.find("2 fence").is_some());
        // The workers are none the worse for it.
        let more = clients(4, port);
        assert_eq!(answers(&mut cluster, more).len(), 4);
        cluster.until_that(|cluster| cluster.conns.is_empty().then_some(()));
    }
}

#[test]
fn t1_a_slow_reader_does_not_freeze_the_worker() {
    for node in nodes() {
        let script = "const body = q => q.url === '/big' ? Buffer.alloc(64 << 20) : 'quick';
            http.createServer((q, r) => r.end(body(q))).listen(0, '127.0.0.1');";
        let mut cluster = Cluster::new(&node, script, Config::default());
        cluster.start(1);
        let port = port(&mut cluster, &[1]);
        let mut slow = TcpStream::connect(("127.0.0.1", port)).unwrap();
        slow.write_all(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        cluster.until("conn");
        let mut first = [0; 1];
        slow.read_exact(&mut first).unwrap();
        let quick = clients(1, port);
        assert_eq!(answers(&mut cluster, quick), ["quick"]);
    }
}
