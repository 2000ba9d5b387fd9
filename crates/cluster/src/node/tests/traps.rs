//! One story per trap of the protocol that is this crate's business. (Framing, text and number
//! traps are in the codec; those of starting a process are the keeper's.)

use super::harness::{APP, World, check, serving, world};
use crate::{Command, HandleId, Key, Policy, SendError, WorkerId, WorkerOptions};
use ostler_wire::node::HandleType;

const TCP80: &str = r#""address":null,"port":80,"addressType":4"#;

#[test]
fn t5_nothing_but_json_is_sent() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    assert_eq!(world.primary.send_user(WorkerId(0), "", &mut world.out), Err(SendError::NotJson));
    assert_eq!(world.primary.send_user(WorkerId(0), "\n", &mut world.out), Err(SendError::NotJson));
    check(&world.take(), &[]);
    world.primary.send_user(WorkerId(0), "{\"a\":\n1}", &mut world.out).unwrap();
    check(&world.take(), &[r#"w0 <- {"a": 1}"#]);
}

#[test]
fn t6_descriptors_come_from_the_table_only() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    let fd = |n: i32| format!(r#""address":null,"port":null,"addressType":null,"fd":{n}"#);
    check(
        &world.query(0, &fd(4)),
        &[r#"w0 <- {"cmd":"NODE_CLUSTER","errno":-22,"key":"","data":null,"ack":5,"seq":100}"#],
    );
    check(&world.query(0, &fd(3)), &["open 7 Fd { number: 3, udp: false }"]);
}

#[test]
fn t8_ready_may_come_before_anything_else() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    check(&world.says(0, r#"{"cmd":"NODE_CLUSTER","act":"online","seq":0}"#), &["w0 online"]);
    check(&world.says(0, r#""ready""#), &[r#"w0 says "ready""#]);
    world.query(0, TCP80);
    world.opened(7, 80);
    let listening = format!(r#"{{"cmd":"NODE_CLUSTER","act":"listening",{TCP80},"seq":2}}"#);
    check(&world.says(0, &listening), &["w0 listening None 80"]);
}

#[test]
fn t9_an_end_without_a_word_is_not_voluntary() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    check(&world.eof(0), &["accept 7 false"]);
    let mut world = serving(Policy::RoundRobin, 1, 1);
    check(
        &world.says(0, r#"{"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":0}"#),
        &["accept 7 false", "w0 voluntary", r#"w0 <- {"cmd":"NODE_CLUSTER","ack":0,"seq":101}"#],
    );
}

#[test]
fn t10_nothing_is_accepted_that_no_worker_can_take() {
    let mut world = serving(Policy::RoundRobin, 2, 1);
    assert_eq!(world.accepted(1, 0).len(), 1);
    assert_eq!(world.accepted(2, 0)[1], "accept 7 false");
    check(&world.says(0, &super::harness::ack(101, true)), &["taken conn 1", "accept 7 true"]);
}

#[test]
fn t11_when_all_refuse_it_waits_longer_and_longer() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    let mut handed = World::handed(&world.accepted(1, 0));
    let start = world.now;
    let mut offers = 0;
    while world.now < start + 10_000 {
        for (worker, seq) in std::mem::take(&mut handed) {
            offers += 1;
            handed.extend(World::handed(&world.answers(worker, seq, false)));
        }
        if handed.is_empty() {
            handed = World::handed(&world.wait());
        }
    }
    assert!((100..200).contains(&offers), "{offers}");
    // One takes it in the end, and everything flows again.
    while handed.is_empty() {
        handed = World::handed(&world.wait());
    }
    let (worker, seq) = handed[0];
    check(&world.answers(worker, seq, true), &["taken conn 1"]);
    assert_eq!(World::handed(&world.accepted(2, 0)).len(), 1);
}

#[test]
fn t11_the_first_pause_is_five_milliseconds() {
    let mut world = serving(Policy::RoundRobin, 1, 1);
    world.accepted(1, 0);
    check(&world.answers(0, 101, false), &[]);
    assert_eq!(world.primary.deadline(), Some(world.now + 5));
    assert_eq!(World::handed(&world.wait()), [(0, 102)]);
}

#[test]
fn t12_data_of_the_first_goes_to_all() {
    let mut world = world(Policy::RoundRobin, 1);
    for worker in 0..3 {
        world.add(worker, 0);
    }
    world.query(0, TCP80);
    world.query(1, &format!(r#"{TCP80},"data":{{"t":1}}"#));
    let lines = world.opened(7, 80);
    assert!(
        lines[0].contains(r#""data":{"t":1}"#) && lines[1].contains(r#""data":{"t":1}"#),
        "{lines:?}"
    );
    let lines = world.query(2, &format!(r#"{TCP80},"data":{{"t":2}}"#));
    assert!(lines[0].contains(r#""data":{"t":1}"#), "{lines:?}");
    // In errors too.
    world.query(0, r#""address":null,"port":81,"addressType":4,"data":{"t":3}"#);
    let lines = world.open_failed(8, -13);
    assert!(lines[0].contains(r#""errno":-13,"key":"8","data":{"t":3}"#), "{lines:?}");
    let lines = world.query_again(0, &format!(r#"{TCP80},"data":{{"t":4}}"#));
    assert!(
        lines[0].contains(r#""errno":-98"#) && lines[0].contains(r#""data":{"t":1}"#),
        "{lines:?}"
    );
}

#[test]
fn t13_the_port_in_the_answer_is_the_one_that_was_asked_for() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    world.query(0, TCP80);
    assert!(world.opened(7, 8080)[0].contains(r#""port":80}"#));
    world.query(0, r#""address":null,"port":0,"addressType":4"#);
    assert!(world.opened(8, 45678)[0].contains(r#""port":45678}"#));
    world.query(0, r#""address":"/tmp/s","port":-1,"addressType":-1"#);
    world.primary.handle_opened(world.now, crate::ListenerId(9), Ok(None), &mut world.out);
    assert!(!world.take()[0].contains("sockname"));
}

#[test]
fn t15_a_query_with_number_zero_is_answered() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    world.says(0, &format!(r#"{{"cmd":"NODE_CLUSTER","act":"queryServer",{TCP80},"seq":0}}"#));
    assert!(world.opened(7, 80)[0].contains(r#""ack":0,"#));
}

#[test]
fn t17_a_shared_listener_is_handed_over_and_not_accepted_here() {
    let mut world = serving(Policy::Shared, 1, 2);
    check(&world.take(), &[]);
    world.add(2, 2);
    check(
        &world.query(2, TCP80),
        &[concat!(
            r#"w2 <- listener 7 {"cmd":"NODE_HANDLE","type":"net.Native","msg":"#,
            r#"{"cmd":"NODE_CLUSTER","errno":0,"key":"7","data":null,"ack":5,"seq":102}}"#,
        )],
    );
    // A runtime that hangs on a shared socket gets its connections one by one beside the others.
    world.primary.handle_worker_added(
        WorkerId(3),
        WorkerOptions { shared_ok: false, ..WorkerOptions::node(APP, 3) },
    );
    assert_eq!(world.query(3, TCP80)[1], "accept 7 true");
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 3);
}

#[test]
fn udp_is_always_shared() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    check(
        &world
            .query(0, r#""address":"127.0.0.1","port":53,"addressType":"udp4","fd":-1,"flags":4"#),
        &[concat!(
            r#"open 7 Udp { address: Some("127.0.0.1"), port: 53, "#,
            "v6: false, v6only: false, reuse: true }",
        )],
    );
    let lines = world.opened(7, 53);
    assert!(
        lines[0].starts_with("w0 <- listener 7 ") && lines[0].contains("dgram.Native"),
        "{lines:?}"
    );
    assert_eq!(
        world.primary.addresses(WorkerId(0)).map(Key::to_string).collect::<Vec<_>>(),
        ["udp:127.0.0.1:53"]
    );
}

#[test]
fn t19_a_query_without_sense_is_einval_and_servers_go_only_where_they_work() {
    let mut world = world(Policy::RoundRobin, 1);
    world.primary.handle_worker_added(
        WorkerId(0),
        WorkerOptions { servers_ok: false, ..WorkerOptions::node(APP, 0) },
    );
    for nonsense in [
        r#""address":null,"port":-1,"addressType":-1"#,
        r#""address":"","port":-1,"addressType":-1"#,
        r#""address":null,"port":null,"addressType":null"#,
        r#""address":null,"port":70000,"addressType":4"#,
        r#""address":null,"port":80,"addressType":9"#,
    ] {
        let lines = world.query(0, nonsense);
        assert!(lines.len() == 1 && lines[0].contains(r#""errno":-22"#), "{lines:?}");
    }
    let sent = world.primary.send_handle(
        WorkerId(0),
        HandleId(1),
        HandleType::NetServer,
        "1",
        None,
        &mut world.out,
    );
    assert_eq!(sent, Err(SendError::NoServers));
}

#[test]
fn t20_a_silent_worker_keeps_its_connection_until_its_channel_ends() {
    let mut world = serving(Policy::RoundRobin, 1, 2);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 0);
    assert_eq!(World::handed(&world.accepted(2, 0))[0].0, 1);
    world.answers(1, 103, true);
    assert_eq!(world.primary.deadline(), None);
    world.now += 1_000_000;
    world.primary.handle_deadline(world.now, &mut world.out);
    check(&world.take(), &[]);
    // Nor when it is told to leave.
    let lines = world.leave(0);
    assert!(World::handed(&lines).is_empty(), "{lines:?}");
    let lines = world.eof(0);
    assert_eq!(World::handed(&lines).first().map(|(worker, _)| *worker), Some(1), "{lines:?}");
}

#[test]
fn t21_a_worker_whose_channel_is_full_gets_nothing_more() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    world.primary.handle_backpressure(WorkerId(0), true, &mut world.out);
    check(&world.take(), &[]);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 1);
    world.primary.handle_backpressure(WorkerId(1), true, &mut world.out);
    check(&world.take(), &["accept 7 false"]);
    world.primary.handle_backpressure(WorkerId(0), false, &mut world.out);
    check(&world.take(), &["accept 7 true"]);
}

#[test]
fn a_worker_that_is_paused_gets_nothing_and_who_comes_waits_in_the_kernel() {
    let mut world = serving(Policy::RoundRobin, 4, 2);
    world.primary.handle_paused(WorkerId(0), true, &mut world.out);
    check(&world.take(), &[]);
    assert_eq!(World::handed(&world.accepted(1, 0))[0].0, 1);
    world.primary.handle_paused(WorkerId(1), true, &mut world.out);
    check(&world.take(), &["accept 7 false"]);
    // Room in its channel alone changes nothing.
    world.primary.handle_backpressure(WorkerId(1), true, &mut world.out);
    world.primary.handle_backpressure(WorkerId(1), false, &mut world.out);
    check(&world.take(), &[]);
    world.primary.handle_paused(WorkerId(1), false, &mut world.out);
    check(&world.take(), &["accept 7 true"]);
}

#[test]
fn port_zero_is_shared_by_index() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    world.add(1, 1);
    let query = |index: u32| {
        let fields = r#""address":null,"port":0,"addressType":4,"seq":1"#;
        format!(r#"{{"cmd":"NODE_CLUSTER","act":"queryServer","index":{index},{fields}}}"#)
    };
    assert!(world.says(0, &query(0))[0].starts_with("open 7 "));
    world.opened(7, 4000);
    assert!(world.says(1, &query(0))[0].contains(r#""port":4000}"#));
    assert!(world.says(0, &query(1))[0].starts_with("open 8 "));
    // With a port the index means nothing (old Nodes count it up when a server is opened again).
    world.query(0, TCP80);
    world.opened(9, 80);
    let query = r#""cmd":"NODE_CLUSTER","act":"queryServer","index":1"#;
    let again = format!(r#"{{{query},{TCP80},"seq":1}}"#);
    assert!(world.says(1, &again)[0].contains(r#""key":"9""#));
}

#[test]
fn an_error_is_not_remembered() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    world.add(1, 1);
    world.query(0, TCP80);
    check(&world.query(1, TCP80), &[]);
    assert_eq!(world.open_failed(7, -98).len(), 2);
    assert!(world.query(0, TCP80)[0].starts_with("open 8 "));
}

#[test]
fn an_abstract_name_that_was_made_a_path_is_found_again() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    check(
        &world.query(0, r#""address":"/home/app/\u0000name","port":-1,"addressType":-1"#),
        &[r#"open 7 Abstract { name: "name", backlog: 511 }"#],
    );
}

#[test]
fn bun_gets_its_mark() {
    let mut world = world(Policy::RoundRobin, 1);
    world.add(0, 0);
    world.primary.set_mark(WorkerId(0), ostler_wire::node::Mark::Bun);
    world.primary.handle_leaving(WorkerId(0), &mut world.out);
    let Some(Command::Send { bytes, .. }) = world.out.pop() else { panic!() };
    assert_eq!(world.out.bytes(bytes).first(), Some(&2));
}
