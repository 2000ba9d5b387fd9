//! Clients that ask without end, and those beside them.

use std::io::{Read as _, Write as _};

use ostler_wire::control::{FrameKind, encode_json};

use super::*;

struct Scene {
    clients: Clients,
    reports: Reports,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// So many clients, which are connected.
    fn new(count: usize) -> (Self, Vec<UnixStream>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let poll = Rc::new(Poll::new().unwrap());
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = poll.watch(listener, Polled::Control, Interest::READ).unwrap();
        let clients = Clients::new(listener, Reserve::default(), poll);
        let mut scene = Self { clients, reports: Reports::new(), _folder: folder };
        let streams = (0..count).map(|_| UnixStream::connect(&path).unwrap()).collect();
        scene.clients.accept(&mut scene.reports);
        (scene, streams)
    }

    /// One turn: who is served in it. Each gets so many bytes.
    fn turn(&mut self, answer: usize) -> Vec<usize> {
        self.clients.begin_turn();
        for number in 0..self.clients.next {
            self.clients.on_ready(number, true);
        }
        let mut served = Vec::new();
        while let Some((number, _)) = self.clients.next_request(&mut self.reports) {
            served.push(number);
            self.clients.reply_raw(number, "x".repeat(answer));
        }
        self.clients.flush(&mut self.reports);
        served
    }
}

fn ask(mut client: &UnixStream, times: usize) {
    let mut request = Vec::new();
    encode_json(FrameKind::Request, &Request::Jlist, &mut request).unwrap();
    client.write_all(&request.repeat(times)).unwrap();
}

#[test]
fn one_that_asks_three_hundred_times_at_once_has_one_answer_in_each_turn() {
    let (mut scene, streams) = Scene::new(2);
    ask(&streams[0], 300);
    assert_eq!(scene.turn(10), [0]);
    ask(&streams[1], 1);
    assert_eq!(scene.turn(10), [0, 1]);
    assert!(scene.clients.want_turn(), "the first one has more to ask");
    let more = (0..300).map(|_| scene.turn(10).len()).sum::<usize>();
    assert_eq!(more, 298);
    assert!(!scene.clients.want_turn());
}

#[test]
fn one_that_does_not_read_gets_no_more_answers_until_it_does() {
    const ANSWER: usize = 3 << 20;
    let (mut scene, streams) = Scene::new(2);
    ask(&streams[0], 50);
    assert_eq!(scene.turn(ANSWER), [0]);
    for _ in 0..5 {
        assert!(scene.turn(ANSWER).is_empty());
        assert!(!scene.clients.want_turn(), "it would turn round and round");
    }
    let queued = scene.clients.connected[&0].queued();
    assert!(queued <= ANSWER + 16, "{queued} bytes");
    // The other one is served all the same.
    ask(&streams[1], 1);
    assert_eq!(scene.turn(10), [1]);
    let reader = std::thread::spawn({
        let mut stream = streams[0].try_clone().unwrap();
        move || stream.read_exact(&mut vec![0; ANSWER]).unwrap()
    });
    while !reader.is_finished() {
        scene.clients.flush(&mut scene.reports);
    }
    scene.clients.flush(&mut scene.reports);
    assert_eq!(scene.turn(10), [0]);
}

#[test]
fn what_is_asked_ahead_waits_in_the_socket() {
    let (mut scene, streams) = Scene::new(1);
    ask(&streams[0], 2000);
    scene.turn(10);
    let length = scene.clients.connected[&0].input_length();
    assert!(length <= 32 << 10, "{length} bytes");
}

#[test]
fn those_who_do_not_read_are_cut_off_when_too_much_waits_for_all() {
    let (mut scene, streams) = Scene::new(5);
    for stream in &streams {
        ask(stream, 1);
    }
    scene.turn(40 << 20);
    let queued: usize = scene.clients.connected.values().map(Conn::queued).sum();
    assert!(queued <= ALL_QUEUED, "{queued} bytes");
    assert_eq!(scene.clients.connected.len(), 3);
}
