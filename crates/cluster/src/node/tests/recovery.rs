//! After our death.

use super::harness::{APP, World, check, serving};
use crate::{
    Config, ConnId, ListenerId, ListenerMeta, MetaError, Output, Policy, Primary, Recovered,
    WorkerId, WorkerOptions,
};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;

/// What comes back when `alive` of the workers do.
fn reborn(old: &World, alive: &[u64]) -> World {
    let meta = old.primary.listener_meta(ListenerId(7)).unwrap();
    let meta = ListenerMeta::from_bytes(&meta.to_bytes()).unwrap();
    let workers: Vec<_> = alive
        .iter()
        .map(|id| (WorkerId(*id), WorkerOptions::node(APP, u32::try_from(*id).unwrap())))
        .collect();
    let mut out = Output::new();
    let config = Config { first_seq: 1 << 32, window: 1, ..Config::default() };
    let primary = Primary::restore(config, vec![], vec![meta], &workers, &mut out);
    World { primary, now: 5000, out }
}

#[test]
fn a_successor_goes_on_where_the_dead_one_was() {
    let mut old = serving(Policy::RoundRobin, 2, 2);
    let lost = World::handed(&old.accepted(1, 0))[0];
    let mut world = reborn(&old, &[0, 1]);
    check(&world.take(), &["accept 7 true"]);
    // What the dead one handed out is answered late, and means nothing here.
    check(&world.answers(lost.0, lost.1, true), &[]);
    assert_eq!(World::handed(&world.accepted(1, 0)), [(0, 1 << 32)]);
    assert_eq!(World::handed(&world.accepted(2, 0)), [(1, (1 << 32) + 1)]);
    world.add(5, 0);
    assert!(world.query(5, TCP80)[0].contains(r#""key":"7""#));
    assert!(
        world.query(5, r#""address":null,"port":81,"addressType":4"#)[0].starts_with("open 8 ")
    );
}

#[test]
fn workers_that_did_not_survive_are_forgotten() {
    let old = serving(Policy::RoundRobin, 2, 2);
    let mut world = reborn(&old, &[1]);
    check(&world.take(), &["accept 7 true"]);
    assert_eq!(world.primary.addresses(WorkerId(0)).count(), 0);
    assert_eq!(world.primary.listener_meta(ListenerId(7)).unwrap().workers, [(WorkerId(1), false)]);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 1);
}

#[test]
fn t20_a_late_nack_takes_nothing_from_a_worker() {
    let mut old = serving(Policy::RoundRobin, 2, 1);
    old.accepted(1, 0);
    let mut world = reborn(&old, &[0]);
    world.take();
    let (_, seq) = World::handed(&world.accepted(2, 0))[0];
    check(&world.nack(0), &["accept 7 true"]);
    check(&world.says(0, r#"{"cmd":"NODE_HANDLE_ACK"}"#), &[]);
    let lines = world.says(0, &super::harness::ack(seq, true));
    assert!(lines.contains(&"taken conn 2".to_owned()), "{lines:?}");
}

#[test]
fn a_nack_of_ours_after_a_takeover_is_understood_with_the_next_answer() {
    let old = serving(Policy::RoundRobin, 2, 1);
    let mut world = reborn(&old, &[0]);
    world.take();
    assert_eq!(World::handed(&world.accepted(1, 0)).len(), 1);
    check(&world.nack(0), &["accept 7 true"]);
    let (_, seq) = World::handed(&world.accepted(2, 0))[0];
    let lines = world.answers(0, seq, true);
    assert!(lines.contains(&"taken conn 2".to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("w0 <- conn 1 ")), "{lines:?}");
}

/// The dead one had accepted it, and noted that it would go to that worker.
fn conn(id: u64, sent: Option<(u64, u64)>) -> Recovered {
    let sent = sent.map(|(worker, seq)| (WorkerId(worker), seq));
    Recovered { conn: ConnId(id), listener: ListenerId(7), peer: 0, sent }
}

impl World {
    fn recovered(&mut self, conns: &[Recovered]) -> Vec<String> {
        self.primary.handle_recovered(self.now, conns, &mut self.out);
        self.take()
    }
}

#[test]
fn a_connection_that_was_only_accepted_goes_to_a_worker() {
    let old = serving(Policy::RoundRobin, 2, 2);
    let mut world = reborn(&old, &[0, 1]);
    world.take();
    assert_eq!(
        World::handed(&world.recovered(&[conn(1, None), conn(2, None)])),
        [(0, 1 << 32), (1, (1 << 32) + 1)]
    );
}

#[test]
fn a_connection_of_a_dead_worker_or_a_lost_listener() {
    let old = serving(Policy::RoundRobin, 2, 2);
    let mut world = reborn(&old, &[1]);
    world.take();
    let lost = Recovered { listener: ListenerId(9), ..conn(2, None) };
    let lines = world.recovered(&[conn(1, Some((0, 100))), lost]);
    assert_eq!(World::handed(&lines), [(1, 1 << 32)]);
    assert!(lines.contains(&"drop conn 2".to_owned()), "{lines:?}");
}

#[test]
fn t20_a_connection_that_may_be_with_a_worker_waits_for_the_answer_to_a_mark() {
    let old = serving(Policy::RoundRobin, 4, 2);
    let mut world = reborn(&old, &[0, 1]);
    world.take();
    let lines = world.recovered(&[
        conn(1, Some((0, 101))),
        conn(2, Some((0, 102))),
        conn(3, Some((0, 103))),
    ]);
    let fence = format!(r#""key":"0","seq":{}}}}}"#, 1_u64 << 32);
    assert!(
        lines.len() == 1 && lines[0].starts_with("w0 <- fence ") && lines[0].ends_with(&fence),
        "{lines:?}"
    );
    // The first arrived, the second was refused, the third was never sent.
    check(&world.answers(0, 101, true), &["taken conn 1"]);
    assert_eq!(World::handed(&world.answers(0, 102, false)), [(1, (1 << 32) + 1)]);
    check(&world.answers(0, 1 << 32, false), &[]);
    assert_eq!(World::handed(&world.answers(1, (1 << 32) + 1, true)), [(1, (1 << 32) + 2)]);
}

#[test]
fn a_mark_that_did_not_arrive_is_sent_again() {
    let old = serving(Policy::RoundRobin, 2, 1);
    let mut world = reborn(&old, &[0]);
    world.take();
    world.recovered(&[conn(1, Some((0, 101)))]);
    world.nack(0);
    let lines = world.wait();
    assert!(lines.iter().any(|line| line.starts_with("w0 <- fence ")), "{lines:?}");
    let lines = world.answers(0, (1 << 32) + 1, false);
    assert_eq!(World::handed(&lines), [(0, (1 << 32) + 2)]);
}

#[test]
fn a_worker_that_dies_in_doubt_leaves_its_connections_to_others() {
    let old = serving(Policy::RoundRobin, 2, 2);
    let mut world = reborn(&old, &[0, 1]);
    world.take();
    world.recovered(&[conn(1, Some((0, 101)))]);
    assert_eq!(World::handed(&world.eof(0)), [(1, (1 << 32) + 1)]);
}

#[test]
fn a_query_that_comes_twice_is_answered_twice() {
    let old = serving(Policy::RoundRobin, 2, 1);
    let mut world = reborn(&old, &[0]);
    world.take();
    let lines = world.query(0, TCP80);
    assert!(lines[0].contains(r#""errno":null,"key":"7""#), "{lines:?}");
    assert!(world.query_again(0, TCP80)[0].contains(r#""errno":-98"#));
}

#[test]
fn stored_listeners_of_version_1_load_for_ever() {
    let bytes = concat!(
        r#"{"v":1,"id":7,"key":{"address":null,"port":0,"address_type":"4","fd":null,"index":1},"#,
        r#""kind":{"tcp":{"address":null,"port":0,"v6only":false,"backlog":511}},"#,
        r#""name":["::",4000],"data":"{\"t\":1}","workers":[[1,false],[2,true]]}"#,
    )
    .as_bytes();
    let meta = ListenerMeta::from_bytes(bytes).unwrap();
    assert_eq!(meta.to_bytes(), bytes);
    assert!(matches!(ListenerMeta::from_bytes(br#"{"v":2,"id":[]}"#), Err(MetaError::Version(2))));
    assert!(matches!(ListenerMeta::from_bytes(b""), Err(MetaError::Json(_))));
}

#[test]
fn a_close_that_is_read_again_does_not_undo_what_was_asked_for_after_it() {
    let close =
        |seq: u64| format!(r#"{{"cmd":"NODE_CLUSTER","act":"close","key":"7","seq":{seq}}}"#);
    let mut old = serving(Policy::RoundRobin, 1, 2);
    old.says(0, &close(5));
    assert!(old.query_again(0, TCP80)[0].contains(r#""key":"7""#));
    // It dies with both in the channel of worker 0; that of worker 1 is read first.
    let mut world = reborn(&old, &[0, 1]);
    world.take();
    check(&world.says(1, &close(9)), &[]);
    check(&world.says(0, &close(5)), &[]);
    assert!(world.query_again(0, TCP80)[0].contains(r#""key":"7""#));
}

#[test]
fn a_worker_that_begins_anew_at_an_address_does_not_have_it() {
    // That it closed the listener was lost with the daemon and the keeper.
    let mut world = reborn(&serving(Policy::RoundRobin, 1, 1), &[0]);
    world.take();
    let fields = r#""address":null,"port":80,"addressType":4"#;
    let line =
        format!(r#"{{"cmd":"NODE_CLUSTER","act":"queryServer","index":0,{fields},"seq":9}}"#);
    assert!(world.says(0, &line)[0].contains(r#""key":"7""#));
}
