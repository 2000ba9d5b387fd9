use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use ostler_poll::{Events, Interest, Poll};

use super::*;
use crate::connection::{Connection, Turn};
use crate::log::Log;
use crate::site::Site;

/// A connection and its client, in a time of their own.
struct Pair {
    poll: Poll<u64>,
    client: TcpStream,
    connection: Connection,
    site: Site,
    log: Log,
    _place: Place,
}

impl Pair {
    fn new(place: Place) -> Self {
        let poll = Poll::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = listener.accept().unwrap().0;
        socket.set_nonblocking(true).unwrap();
        let socket = poll.watch(socket, 1, Interest::READ).unwrap();
        let connection = Connection::new(socket, 0);
        let site = Site::new(place.settings());
        Self { poll, client, connection, site, log: Log::default(), _place: place }
    }

    /// Waits until something can be done, and does it at this moment.
    fn drive(&mut self, now: u64) -> bool {
        let mut events = Events::with_capacity(1);
        while events.iter().next().is_none() {
            self.poll.wait(&mut events, None).unwrap();
        }
        let Self { site, log, .. } = self;
        self.connection.drive(&mut Turn { site, log, now, ends: false })
    }

    fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).unwrap();
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[test]
fn a_client_that_sends_a_byte_now_and_then_gets_no_more_time() {
    let mut pair = Pair::new(Place::new(&[("index.html", "home")]));
    pair.send("G");
    assert!(pair.drive(1_000));
    let given = pair.connection.deadline;
    pair.send("ET /");
    assert!(pair.drive(9_000));
    assert_eq!(pair.connection.deadline, given, "the head was begun at 1,000");
    pair.send(" HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(pair.drive(9_500));
    assert!(pair.connection.is_done() && 60_000 < pair.connection.deadline);
}

#[test]
fn a_client_that_takes_its_answer_slowly_has_time_as_long_as_it_takes_any() {
    let place = Place::new(&[("index.html", &"x".repeat(64 << 20))]);
    let mut pair = Pair::new(place);
    pair.send(GET);
    // Until nothing fits into the socket any more.
    let mut moved = u64::MAX;
    let mut now = 0;
    while moved != pair.connection.moved {
        moved = pair.connection.moved;
        now += 1;
        let Pair { site, log, connection, .. } = &mut pair;
        assert!(connection.drive(&mut Turn { site, log, now, ends: false }));
    }
    let given = pair.connection.deadline;
    let mut chunk = vec![0; 1 << 20];
    while given == pair.connection.deadline {
        assert_ne!(pair.client.read(&mut chunk).unwrap(), 0);
        let Pair { site, log, connection, .. } = &mut pair;
        assert!(connection.drive(&mut Turn { site, log, now: 20_000, ends: false }));
    }
    assert!(given < pair.connection.deadline);
}

#[test]
fn requests_that_come_together_are_answered_in_order_by_one_connection() {
    let place = Place::new(&[("index.html", "home"), ("a", "A"), ("b", "B")]);
    let mut pair = Pair::new(place);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    pair.send(&format!("{}{}{}HEAD /a HTTP/1.1\r\n", get("/a"), get("/b"), get("/none")));
    assert!(pair.drive(1));
    pair.send("Host: h\r\nConnection: close\r\n\r\n");
    while pair.drive(2) {
        pair.client.shutdown(std::net::Shutdown::Write).unwrap();
    }
    drop(pair.connection);
    let mut text = String::new();
    pair.client.read_to_string(&mut text).unwrap();
    let bodies: Vec<&str> =
        text.split("HTTP/1.1 ").skip(1).map(|one| one.split("\r\n\r\n").nth(1).unwrap()).collect();
    assert_eq!(bodies, ["A", "B", "404 Not Found\n", ""]);
    let last = text.rsplit("HTTP/1.1 ").next().unwrap();
    assert!(last.starts_with("200 OK") && last.contains("Content-Length: 1\r\n"), "{last}");
}

#[test]
fn a_file_that_becomes_shorter_ends_the_connection_and_not_the_answer() {
    let place = Place::new(&[("index.html", &"x".repeat(64 << 20))]);
    let path = place.path().join("index.html");
    let mut pair = Pair::new(place);
    pair.send(GET);
    assert!(pair.drive(1));
    fs::write(path, "short").unwrap();
    let mut text = Vec::new();
    let mut chunk = vec![0; 4 << 20];
    while pair.drive(2) {
        let read = pair.client.read(&mut chunk).unwrap();
        text.extend_from_slice(&chunk[..read]);
    }
    drop(pair.connection);
    assert!(text.len() < 64 << 20, "it cannot be taken for whole");
}
