//! Several apps on one port, as under one Node primary.

use super::harness::{APP, World, check, serving};
use crate::{GroupId, ListenerId, ListenerMeta, Policy, WorkerId, WorkerOptions};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;
const CLOSE: &str = r#"{"cmd":"NODE_CLUSTER","act":"close","key":"7","seq":9}"#;
const UDP53: &str = r#""address":null,"port":53,"addressType":"udp4""#;
const OTHER: GroupId = GroupId(1);

impl World {
    /// A worker of the other app, in slot 0.
    fn add_other(&mut self, worker: u64) {
        self.primary.handle_worker_added(WorkerId(worker), WorkerOptions::node(OTHER, 0));
    }

    fn stop(&mut self, app: GroupId) -> Vec<String> {
        self.primary.close_all(self.now, app, &mut self.out);
        self.take()
    }
}

/// Worker 0 of one app and worker 9 of another listen on port 80.
fn shared(policy: Policy) -> World {
    let mut world = serving(policy, 4, 1);
    world.primary.set_policy(OTHER, policy, &mut world.out);
    world.add_other(9);
    assert!(world.query(9, TCP80)[0].contains(r#""key":"7""#));
    world
}

#[test]
fn connections_go_to_the_workers_of_both_apps() {
    let mut world = shared(Policy::RoundRobin);
    let got: Vec<u64> = (1..5).map(|conn| World::handed(&world.accepted(conn, 0))[0].0).collect();
    assert_eq!(got, [0, 9, 0, 9]);
}

#[test]
fn stop_of_one_app_leaves_the_other_serving() {
    let mut world = shared(Policy::RoundRobin);
    world.eof(0);
    check(&world.stop(APP), &[]);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 9);
    world.eof(9);
    check(&world.stop(OTHER), &["drop conn 1", "close 7 None"]);
}

#[test]
fn a_port_is_open_until_the_last_app_closes_it() {
    let mut world = shared(Policy::RoundRobin);
    check(&world.says(0, CLOSE), &[]);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 9);
    check(&world.says(9, CLOSE), &["close 7 None"]);
}

#[test]
fn an_app_whose_balance_disagrees_is_told_that_the_port_is_in_use() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    world.primary.set_policy(OTHER, Policy::Sticky, &mut world.out);
    world.add_other(9);
    let lines = world.query(9, TCP80);
    assert_eq!(lines[0], "w9 disagrees with app 0 (RoundRobin) about *:80");
    assert!(lines[1].starts_with("w9 <- ") && lines[1].contains(r#""errno":-98"#), "{lines:?}");
    // Nor can one that has it be changed.
    let mut world = shared(Policy::RoundRobin);
    world.primary.set_policy(OTHER, Policy::Sticky, &mut world.out);
    check(&world.take(), &[]);
    world.add_other(10);
    assert!(world.query(10, TCP80)[1].contains(r#""errno":-98"#));
}

#[test]
fn a_sticky_client_stays_with_its_worker_when_another_app_comes() {
    let mut world = serving(Policy::Sticky, 16, 3);
    let home = |world: &mut World, conn: u64, peer: u64| {
        let lines = world.accepted(conn, peer);
        let (worker, seq) = World::handed(&lines)[0];
        world.answers(worker, seq, true);
        worker
    };
    let peers: Vec<u64> = (0..40).map(|peer| peer * 7919).collect();
    let before: Vec<u64> = peers.iter().map(|peer| home(&mut world, *peer + 1, *peer)).collect();
    world.primary.set_policy(OTHER, Policy::Sticky, &mut world.out);
    world.add_other(9);
    world.query(9, TCP80);
    let after: Vec<u64> = peers.iter().map(|peer| home(&mut world, *peer + 2, *peer)).collect();
    let stays = |(before, after): (&u64, &u64)| before == after || *after == 9;
    assert!(before.iter().zip(&after).all(stays), "{before:?} {after:?}");
    assert!(after.contains(&9));
}

#[test]
fn which_apps_want_a_listener_survives_us() {
    let mut world = shared(Policy::RoundRobin);
    let meta = |world: &World| {
        let meta = world.primary.listener_meta(ListenerId(7)).unwrap();
        ListenerMeta::from_bytes(&meta.to_bytes()).unwrap()
    };
    assert_eq!(meta(&world).groups, [APP, OTHER]);
    world.eof(0);
    world.stop(APP);
    assert_eq!(meta(&world).groups, [OTHER]);
}

#[test]
fn a_number_of_the_configuration_means_a_socket_of_its_app() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.primary.set_fds(OTHER, vec![3]);
    world.add_other(9);
    let fields = r#""address":null,"port":null,"addressType":4,"fd":3"#;
    assert!(world.query(0, fields)[0].starts_with("open 8 "));
    let second = (1_u64 << 32) + 7;
    assert!(world.query(9, fields)[0].starts_with(&format!("open {second} ")));
}

#[test]
fn apps_of_different_users_share_nothing() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.primary.set_user(OTHER, Some(1000));
    world.add_other(9);
    let second = (1_u64 << 32) + 7;
    assert!(world.query(9, TCP80)[0].starts_with(&format!("open {second} ")));
    // The kernel has the last word about it.
    assert!(world.open_failed(second, -98)[0].contains(r#""errno":-98"#));
}

/// Worker 0 leaves and has the socket of port 53, which no app wants.
fn kept_by_leaving() -> World {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.query(0, UDP53);
    world.opened(8, 53);
    world.leave(0);
    world.primary.close_unused(world.now, APP, &mut world.out);
    check(&world.take(), &["close 7 None"]);
    world.closed(7);
    world.add_other(9);
    world
}

#[test]
fn a_port_that_only_a_leaving_worker_of_another_app_has_is_shared() {
    let mut world = kept_by_leaving();
    assert!(world.query(9, UDP53)[0].starts_with("w9 <- listener 8 "));
    check(&world.eof(0), &[]);
    check(&world.stop(OTHER), &["close 8 None"]);
}

#[test]
fn a_port_that_a_leaving_worker_of_another_user_has_is_waited_for() {
    let mut world = kept_by_leaving();
    world.primary.set_user(OTHER, Some(1000));
    let id = ListenerId::of(OTHER, 7).0;
    assert!(world.query(9, UDP53)[0].starts_with(&format!("open {id} ")));
    check(&world.open_failed(id, -98), &[]);
    assert!(world.primary.is_asking(WorkerId(9)));
    check(&world.eof(0), &["close 8 None"]);
    assert!(world.closed(8)[0].starts_with(&format!("open {id} ")));
    assert!(world.opened(id, 53)[0].starts_with("w9 <- listener"));
}

#[test]
fn a_port_that_only_leaving_workers_have_is_spread_as_its_next_app_says() {
    let mut world = serving(Policy::Shared, 4, 1);
    world.leave(0);
    world.primary.close_unused(world.now, APP, &mut world.out);
    world.primary.set_policy(APP, Policy::RoundRobin, &mut world.out);
    world.add(1, 0);
    assert!(world.query(1, TCP80)[0].contains(r#""sockname""#));
}
