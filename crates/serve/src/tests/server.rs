use std::io::{PipeWriter, Read as _, Write as _, pipe};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use super::*;
use crate::log::Log;
use crate::server::Server;

/// A server that runs in a thread of its own until it is told to end.
struct Running {
    address: SocketAddr,
    signals: PipeWriter,
    thread: JoinHandle<()>,
}

impl Running {
    fn new(place: &Place, most: usize) -> Self {
        let (read, signals) = pipe().unwrap();
        let mut server = Server::listen(place.settings(), read.into()).unwrap();
        server.limit(most);
        let address = server.address();
        let thread = std::thread::spawn(move || server.run(&mut Log::default()).unwrap());
        Self { address, signals, thread }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    fn end(mut self) {
        self.signals.write_all(b"x").unwrap();
        self.thread.join().unwrap();
    }
}

fn get(stream: &mut TcpStream) -> String {
    ask(stream);
    answer(stream)
}

fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
}

/// Reads the answer with the home page.
fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut chunk = [0; 1024];
    while !text.ends_with(b"home") {
        let read = stream.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn the_end_waits_for_the_answers_that_are_under_way() {
    let place = Place::new(&[("index.html", "home"), ("big", &"x".repeat(64 << 20))]);
    let mut running = Running::new(&place, 64);
    let (mut slow, mut idle) = (running.connect(), running.connect());
    get(&mut idle);
    slow.write_all(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let mut text = vec![0; 1000];
    slow.read_exact(&mut text).unwrap();
    running.signals.write_all(b"x").unwrap();
    assert_eq!(idle.read(&mut [0]).unwrap(), 0, "nobody would miss it");
    let mut content = 0;
    let mut chunk = vec![0; 1 << 20];
    let head = text.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    content += text.len() - head;
    while content < 64 << 20 {
        let read = slow.read(&mut chunk).unwrap();
        assert_ne!(read, 0, "after {content} bytes");
        content += read;
    }
    assert_eq!(content, 64 << 20);
    drop(slow);
    running.thread.join().unwrap();
}

#[test]
fn when_there_is_no_room_idle_connections_make_it() {
    let place = Place::new(&[("index.html", "home")]);
    let running = Running::new(&place, 8);
    let mut all: Vec<TcpStream> = (0..50).map(|_| running.connect()).collect();
    for stream in all.iter_mut().rev() {
        // Those that were answered go first; each is answered once.
        ask(stream);
    }
    for stream in &mut all {
        answer(stream);
    }
    running.end();
}

#[test]
fn what_is_no_request_is_answered_and_the_answer_arrives() {
    let place = Place::new(&[("index.html", "home")]);
    let running = Running::new(&place, 64);
    let body = "x".repeat(100_000);
    let post = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n{body}");
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(40_000));
    for (sent, status) in [
        (post.as_str(), "405 "),
        (long.as_str(), "431 "),
        ("\x16\x03\x01\x02\0\x01\0", "400 "),
        ("GET / HTTP/1.1\r\n\r\n", "400 "),
    ] {
        let mut stream = running.connect();
        stream.write_all(sent.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{text}");
        assert!(text.contains("Connection: close"), "{text}");
    }
    running.end();
}
