//! Stories of descriptors in messages: sent, received, lost and answered for.

use super::harness::{World, check, handle, serving};
use crate::{HandleId, Policy, Received, SendError, WorkerId};
use ostler_wire::node::HandleType;

#[test]
fn t2_only_sockets_go_to_an_app() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    for kind in [HandleType::NetNative, HandleType::DgramNative, HandleType::Unknown] {
        let sent =
            world.primary.send_handle(WorkerId(0), HandleId(1), kind, "1", None, &mut world.out);
        assert_eq!(sent, Err(SendError::NotForApps));
    }
    check(&world.take(), &[]);
}

#[test]
fn t3_nothing_with_a_descriptor_follows_a_large_one_before_its_acknowledgement() {
    let mut world = serving(Policy::RoundRobin, 4, 1);
    let big = format!("\"{}\"", "x".repeat(40_000));
    let send = |world: &mut World, id, json: &str| {
        world
            .primary
            .send_handle(
                WorkerId(0),
                HandleId(id),
                HandleType::NetSocket,
                json,
                None,
                &mut world.out,
            )
            .unwrap();
        world.take()
    };
    assert_eq!(send(&mut world, 1, "1").len(), 1);
    assert_eq!(send(&mut world, 2, &big)[1..], ["accept 7 false"]);
    check(&send(&mut world, 3, "3"), &[]);
    check(&world.accepted(9, 0), &[]);
    // The acknowledgement of the small one in front opens nothing.
    check(&world.says(0, r#"{"cmd":"NODE_HANDLE_ACK"}"#), &["close handle 1"]);
    let lines = world.says(0, r#"{"cmd":"NODE_HANDLE_ACK"}"#);
    assert_eq!(lines[0], "close handle 2");
    assert!(lines[1].starts_with("w0 <- handle 3 "), "{lines:?}");
    assert!(lines[2].starts_with("w0 <- conn 9 "), "{lines:?}");
    assert_eq!(lines[3], "accept 7 true");
}

#[test]
fn t4_every_descriptor_of_the_app_is_acknowledged() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    let message =
        |kind: &str| format!(r#"{{"cmd":"NODE_HANDLE","type":"{kind}","msg":{{"a":1}}}}"#);
    let yes = r#"w0 <- {"cmd":"NODE_HANDLE_ACK"}"#;
    let no = r#"w0 <- {"cmd":"NODE_HANDLE_NACK"}"#;
    check(
        &world.says_with(0, &message("net.Socket"), handle(1)),
        &[yes, r#"w0 gives 1 NetSocket {"a":1}"#],
    );
    check(&world.says_with(0, &message("net.Socket"), Received::Missing), &[no]);
    check(&world.says_with(0, &message("net.Native"), handle(2)), &[yes, "close handle 2"]);
    check(&world.says_with(0, &message("future.Thing"), handle(3)), &[yes, "close handle 3"]);
    let internal = concat!(
        r#"{"cmd":"NODE_HANDLE","type":"net.Socket","#,
        r#""msg":{"cmd":"NODE_CLUSTER","act":"close","key":"7"}}"#,
    );
    check(&world.says_with(0, internal, handle(4)), &[yes, "close handle 4"]);
    check(
        &world.says_with(0, "{broken", handle(5)),
        &["w0 noise Garbage(NotJson)", no, "close handle 5"],
    );
    check(&world.says_with(0, "{broken", Received::Missing), &["w0 noise Garbage(NotJson)", no]);
}

#[test]
fn a_socket_that_did_not_arrive_is_sent_again_three_times() {
    let mut world = serving(Policy::Shared, 1, 1);
    for _ in 0..3 {
        let lines = world.nack(0);
        assert!(
            lines[0].starts_with("w0 <- listener 7 ") && lines[0].contains(r#""ack":5"#),
            "{lines:?}"
        );
    }
    let lines = world.nack(0);
    assert!(lines[0].contains(r#""errno":-24"#), "{lines:?}");
    assert_eq!(world.primary.addresses(WorkerId(0)).count(), 0);
}

#[test]
fn the_chatter_about_sockets_is_answered() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    let ask = |world: &mut World, cmd: &str| {
        world.says(0, &format!(r#"{{"cmd":"{cmd}","key":"4:null:0"}}"#))
    };
    let count =
        |n: u32| format!(r#"w0 <- {{"cmd":"NODE_SOCKET_COUNT","key":"4:null:0","count":{n}}}"#);
    let all_closed = r#"w0 <- {"cmd":"NODE_SOCKET_ALL_CLOSED","key":"4:null:0"}"#;
    check(&ask(&mut world, "NODE_SOCKET_GET_COUNT"), &[&count(0)]);
    check(&ask(&mut world, "NODE_SOCKET_NOTIFY_CLOSE"), &[all_closed]);
    world.says_with(
        0,
        r#"{"cmd":"NODE_HANDLE","type":"net.Socket","msg":1,"key":"4:null:0"}"#,
        handle(1),
    );
    check(&ask(&mut world, "NODE_SOCKET_GET_COUNT"), &[&count(1)]);
    check(&ask(&mut world, "NODE_SOCKET_NOTIFY_CLOSE"), &[]);
    world.primary.handle_closed(HandleId(1), &mut world.out);
    check(&world.take(), &[all_closed]);
}

#[test]
fn a_worker_without_descriptors_passes_its_connection_on_and_rests() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    assert_eq!(World::handed(&world.accepted(1, 0)), [(0, 102)]);
    let lines = world.nack(0);
    assert_eq!(World::handed(&lines), [(1, 103)]);
    assert_eq!(World::handed(&world.accepted(2, 0))[0].0, 1);
    world.wait();
    assert_eq!(World::handed(&world.accepted(3, 0))[0].0, 0);
    assert_eq!(world.primary.listeners_of(WorkerId(0)).next().unwrap().counters.redistributed, 1);
}
