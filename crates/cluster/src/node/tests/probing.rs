//! A worker in quarantine: it listens, clients do not meet it, and a probe does.

use super::harness::{APP, World, check, serving};
use crate::{ConnId, ListenerId, Policy, WorkerId, WorkerOptions};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;

/// Worker 0 serves in slot 0; worker 9 is to replace it.
fn with_candidate() -> World {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    let options = WorkerOptions { quarantined: true, ..WorkerOptions::node(APP, 0) };
    world.primary.handle_worker_added(WorkerId(9), options);
    world.query(9, TCP80);
    world
}

fn probe(world: &mut World, conn: u64) -> Option<u64> {
    let (worker, listener) = (WorkerId(9), ListenerId(7));
    let sent = world.primary.send_probe_connection(worker, listener, ConnId(conn), &mut world.out);
    let handed = World::handed(&world.take());
    assert_eq!(sent, !handed.is_empty());
    handed.first().map(|(worker, seq)| {
        assert_eq!(*worker, 9);
        *seq
    })
}

#[test]
fn a_quarantined_worker_listens_and_gets_nothing_until_it_is_admitted() {
    let mut world = with_candidate();
    assert!(world.primary.covers(WorkerId(9), WorkerId(0)));
    assert_eq!(World::handed(&world.accepted(1, 5))[0].0, 0);
    assert_eq!(World::handed(&world.accepted(2, 5))[0].0, 0);
    check(&world.accepted(3, 5), &[]);
    world.primary.handle_admitted(WorkerId(9), &mut world.out);
    assert_eq!(World::handed(&world.take())[0].0, 9);
}

#[test]
fn a_probe_reaches_it_and_no_other() {
    let mut world = with_candidate();
    let seq = probe(&mut world, 1).unwrap();
    check(&world.answers(9, seq, true), &["taken conn 1"]);
    assert_eq!(world.primary.listeners_of(WorkerId(9)).next().unwrap().counters.handed, 0);
    let seq = probe(&mut world, 2).unwrap();
    check(&world.answers(9, seq, false), &["drop conn 2"]);
    probe(&mut world, 3).unwrap();
    check(&world.eof(9), &["drop conn 3"]);
    assert_eq!(probe(&mut world, 4), None, "its channel is closed");
}

#[test]
fn after_our_death_it_is_in_quarantine_still() {
    let old = with_candidate();
    let meta = old.primary.listener_meta(ListenerId(7)).unwrap();
    let options = WorkerOptions { quarantined: true, ..WorkerOptions::node(APP, 0) };
    let (mut world, config) = (with_candidate(), crate::Config::default());
    let workers = [(WorkerId(9), options)];
    world.primary = crate::Primary::restore(config, vec![], vec![meta], &workers, &mut world.out);
    check(&world.take(), &[]);
    world.primary.handle_admitted(WorkerId(9), &mut world.out);
    check(&world.take(), &["accept 7 true"]);
}
