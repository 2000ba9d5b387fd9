//! Workers that go, and listeners that stay or go.

use super::harness::{APP, World, check, serving};
use crate::{Key, Policy, WorkerId};

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;
const CLOSE: &str = r#"{"cmd":"NODE_CLUSTER","act":"close","key":"7","seq":9}"#;

#[test]
fn a_leaving_worker_is_off_its_listeners_before_it_hears_of_it() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    check(
        &world.leave(0),
        &["accept 7 false", r#"w0 <- {"cmd":"NODE_CLUSTER","act":"disconnect","seq":101}"#],
    );
    check(&world.query(0, r#""address":null,"port":81,"addressType":4"#), &[]);
    check(&world.says(0, CLOSE), &[]);
    check(&world.says(0, CLOSE), &[]);
    check(&world.eof(0), &[]);
}

#[test]
fn a_reload_keeps_the_listener_and_every_connection() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    let first = World::handed(&world.accepted(1, 0))[0];
    world.add(10, 0);
    world.query(10, TCP80);
    assert!(world.primary.covers(WorkerId(10), WorkerId(0)));
    world.leave(0);
    // The server was closed while the connection was on its way: no sign of overload.
    let lines = world.answers(0, first.1, false);
    assert_eq!(World::handed(&lines)[0].0, 10);
    check(&world.says(0, CLOSE), &[]);
    check(&world.eof(0), &[]);
    world.primary.close_unused(world.now, APP, &mut world.out);
    check(&world.take(), &[]);
}

#[test]
fn connections_of_a_dead_worker_wait_for_its_successor() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    world.accepted(1, 0);
    world.accepted(2, 0);
    check(&world.eof(0), &[]);
    assert_eq!(world.primary.waiting(), 2);
    world.add(10, 0);
    let lines = world.query(10, TCP80);
    assert!(lines[0].contains("sockname"), "{lines:?}");
    assert!(
        lines[1].starts_with("w10 <- conn 1 ") && lines[2].starts_with("w10 <- conn 2 "),
        "{lines:?}"
    );
}

#[test]
fn the_last_one_that_closes_by_its_will_closes_the_socket() {
    let mut world = serving(Policy::RoundRobin, 1, 2);
    check(&world.says(0, CLOSE), &[]);
    let conn = World::handed(&world.accepted(1, 0))[0];
    check(&world.says(1, CLOSE), &["close 7 None"]);
    check(&world.answers(1, conn.1, false), &["drop conn 1"]);
    assert!(world.query(0, TCP80)[0].starts_with("open 8 "));
}

#[test]
fn what_nobody_uses_is_closed_when_the_app_is_at_rest() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.query(0, r#""address":"/tmp/s","port":-1,"addressType":-1"#);
    world.primary.handle_opened(world.now, crate::ListenerId(8), Ok(None), &mut world.out);
    world.take();
    world.eof(0);
    world.primary.close_unused(world.now, APP, &mut world.out);
    check(&world.take(), &[r#"close 8 Some("/tmp/s")"#, "close 7 None"]);
}

#[test]
fn a_worker_may_close_and_listen_again() {
    let mut world = serving(Policy::RoundRobin, 1, 2);
    assert!(world.query_again(0, TCP80)[0].contains(r#""errno":-98"#));
    world.says(0, CLOSE);
    assert!(world.query(0, TCP80)[0].contains(r#""key":"7""#));
    assert_eq!(
        world.primary.addresses(WorkerId(0)).map(Key::to_string).collect::<Vec<_>>(),
        ["*:80"]
    );
}

#[test]
fn stopping_turns_away_who_waits() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.accepted(1, 0);
    world.accepted(2, 0);
    world.primary.close_all(world.now, APP, &mut world.out);
    check(&world.take(), &["drop conn 2", "close 7 None"]);
    check(&world.eof(0), &["drop conn 1"]);
}

#[test]
fn a_port_that_was_closed_is_opened_when_its_duplicates_are_gone() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    check(&world.says(0, CLOSE), &["close 7 None"]);
    assert!(world.query(0, TCP80)[0].starts_with("open 8 "));
    // The keeper has the old socket still: that is no answer.
    check(&world.open_failed(8, -98), &[]);
    assert!(world.primary.is_asking(WorkerId(0)));
    assert!(world.closed(7)[0].starts_with("open 8 "));
    // Now the address is in use by another program.
    assert!(world.open_failed(8, -98)[0].contains(r#""errno":-98"#));
}

#[test]
fn what_a_worker_still_has_itself_is_tried_again_for_a_while() {
    let udp = r#""address":null,"port":53,"addressType":"udp4""#;
    let mut world = serving(Policy::RoundRobin, 1, 2);
    world.query(0, udp);
    world.opened(8, 53);
    let close = CLOSE.replace('7', "8");
    check(&world.says(0, &close), &["close 8 None"]);
    world.closed(8);
    assert!(world.query(1, udp)[0].starts_with("open 9 "));
    let until = world.now + 2000;
    while world.now < until {
        check(&world.open_failed(9, -98), &[]);
        assert!(world.wait()[0].starts_with("open 9 "));
    }
    assert!(world.open_failed(9, -98)[0].contains(r#""errno":-98"#));
}

#[test]
fn a_worker_that_leaves_with_the_socket_itself_does_not_stand_in_the_way() {
    let mut world = serving(Policy::Shared, 1, 2);
    world.leave(0);
    // Worker 0 has the socket until it says that it closed it.
    check(&world.says(1, CLOSE), &[]);
    assert!(world.query_again(1, TCP80)[0].starts_with("w1 <- listener 7 "));
    check(&world.says(1, CLOSE), &[]);
    check(&world.says(0, CLOSE), &["close 7 None"]);
}

#[test]
fn who_leaves_does_not_keep_open_what_the_others_closed() {
    let mut world = serving(Policy::RoundRobin, 1, 2);
    world.leave(0);
    check(&world.says(1, CLOSE), &["close 7 None"]);
}
