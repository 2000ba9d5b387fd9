//! The load client against a server that does each bad thing on purpose.

use std::net::TcpListener;
use std::time::Duration;

use ostler_testkit::{Load, Outcome, Report};

use crate::server::{Do, Plan, Server};

/// For what is to time out.
const SHORT: Duration = Duration::from_millis(300);
/// For everything else, also on a busy machine.
const LONG: Duration = Duration::from_secs(120);

fn ask(plan: Plan, set: impl FnOnce(Load) -> Load, requests: u64) -> Report {
    let server = Server::start(plan);
    set(Load::to_port(server.port).connections(1).timeout(LONG)).requests(requests)
}

#[track_caller]
fn check_all(plan: Plan, outcome: Outcome) {
    let report = ask(plan, Load::connection_per_request, 3);
    assert_eq!(report.outcomes(), [(outcome, 3)].into(), "{report}");
}

#[test]
fn tens_of_thousands_of_kept_requests_are_answered_and_counted() {
    let report = ask(|_, _| Do::Answer, |l| l.connections(16), 30_000);
    report.assert_none_failed(30_000);
    assert_eq!(report.samples.len(), 30_000);
    assert_eq!((report.connects, report.idle_closes), (16, 0));
    assert_eq!(report.by_pid(), [(4711, 30_000)].into());
    assert!(Duration::ZERO < report.figures().p50 && report.figures().p50 <= report.figures().p99);
}

#[test]
fn thousands_of_connections_are_made_when_each_request_has_its_own() {
    let set = |l: Load| l.connection_per_request().connections(8);
    let report = ask(|_, _| Do::Answer, set, 10_000);
    report.assert_none_failed(10_000);
    assert_eq!(report.connects, 10_000);
    assert!(report.samples.iter().all(|s| !s.reused));
}

#[test]
fn chunked_answers_are_read_to_their_end() {
    let report = ask(|_, _| Do::Chunks, |l| l, 20);
    report.assert_none_failed(20);
    assert_eq!((report.connects, report.by_pid()), (1, [(4711, 20)].into()));
}

#[test]
fn each_failure_has_its_own_name() {
    check_all(|_, _| Do::Close, Outcome::Empty);
    check_all(|_, _| Do::Reset, Outcome::Reset);
    check_all(|_, _| Do::Cut, Outcome::Cut);
    check_all(|_, _| Do::Status(502), Outcome::Status(502));
    check_all(|_, _| Do::Garbage, Outcome::Malformed);
}

#[test]
fn no_answer_in_time_is_a_timeout() {
    let report = ask(|_, _| Do::Hang, |l| l.timeout(SHORT), 2);
    assert_eq!(report.outcomes(), [(Outcome::Timeout, 2)].into(), "{report}");
    assert!(report.samples.iter().all(|s| SHORT <= s.took && !s.reused));
}

#[test]
fn nobody_listening_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let report = Load::to(addr).connections(2).requests(4);
    assert_eq!(report.outcomes(), [(Outcome::Refused, 4)].into(), "{report}");
    assert_eq!(report.connects, 0);
}

#[test]
fn a_listener_that_never_accepts_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let report = Load::to(listener.local_addr().unwrap()).connections(2).timeout(SHORT).requests(2);
    assert_eq!(report.outcomes(), [(Outcome::Timeout, 2)].into(), "{report}");
}

#[test]
fn a_close_that_crosses_a_request_is_a_race_and_the_next_request_has_a_new_connection() {
    // The second request of each connection is read and then dropped, by close and by reset in
    // turn.
    let plan: Plan = |connection, request| match (request, connection % 2) {
        (0, _) => Do::Answer,
        (_, 0) => Do::Close,
        (_, _) => Do::Reset,
    };
    let report = ask(plan, |l| l, 8);
    assert_eq!(
        report.outcomes(),
        [(Outcome::Ok, 4), (Outcome::KeepAliveRace, 4)].into(),
        "{report}"
    );
    assert_eq!(report.connects, 4);
    assert!(report.samples.iter().all(|s| s.reused == (s.outcome == Outcome::KeepAliveRace)));
    report.assert_none_failed(4);
}

#[test]
fn an_answer_cut_on_a_kept_connection_is_no_race() {
    let plan: Plan = |_, request| if request == 0 { Do::Answer } else { Do::Cut };
    let report = ask(plan, |l| l, 4);
    assert_eq!(report.outcomes(), [(Outcome::Ok, 2), (Outcome::Cut, 2)].into(), "{report}");
}

#[test]
fn a_connection_closed_while_the_client_thinks_is_no_request() {
    let report = ask(|_, _| Do::AnswerAndClose, |l| l.think(Duration::from_millis(200)), 4);
    report.assert_none_failed(4);
    assert_eq!(report.connects, 4);
    assert!(3 <= report.idle_closes, "{report}");
}

#[test]
fn a_running_client_is_stopped_and_loses_no_request_under_way() {
    let server = Server::start(|_, _| Do::Answer);
    let running = Load::to_port(server.port).connections(4).start();
    running.wait_answered(500, LONG);
    let middle = running.now();
    running.wait_answered(500, LONG);
    let report = running.stop();
    report.assert_none_failed(1000);
    let (before, after) =
        (report.window(Duration::ZERO, middle), report.window(middle, Duration::MAX));
    assert!(400 < before.requests && 400 < after.requests, "{report}");
    assert_eq!(before.requests + after.requests, report.samples.len());
}
