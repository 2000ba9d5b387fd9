//! PM2's clients: those that call without end, that do not read, or that say nothing of sense.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use ostler_pm2::amp::{self, Argument};

use super::*;

struct Scene {
    rpc: Rpc,
    reports: Reports,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// So many clients, which are connected.
    fn new(count: usize) -> (Self, Vec<UnixStream>) {
        let folder = tempfile::tempdir().unwrap();
        let poll = Rc::new(Poll::new().unwrap());
        let mut rpc = Rpc::new(None, &poll);
        assert_eq!(rpc.door.mend(folder.path()), Ok(true));
        let path = folder.path().join(RPC);
        let streams = (0..count).map(|_| UnixStream::connect(&path).unwrap()).collect();
        rpc.accept();
        (Self { rpc, reports: Reports::new(), _folder: folder }, streams)
    }

    /// One turn: who is served in it. Each is answered by so many bytes.
    fn turn(&mut self, answer: usize) -> Vec<usize> {
        self.rpc.begin_turn();
        for number in 0..self.rpc.next {
            self.rpc.on_ready(number, true);
        }
        let mut served = Vec::new();
        while let Some((number, call)) = self.rpc.next_call() {
            served.push(number);
            let text = format!("\"{}\"", "x".repeat(answer));
            self.rpc.answer(number, &call.id, Answer::Value(text));
        }
        self.rpc.flush(&mut self.reports);
        served
    }
}

fn call(mut client: &UnixStream, times: usize) {
    let mut frame = Vec::new();
    let body = r#"{"type":"call","method":"ping","args":[{}]}"#;
    amp::encode(&[Argument::Json(body), Argument::Text("1:0")], &mut frame);
    client.write_all(&frame.repeat(times)).unwrap();
}

/// The texts of the first frame that the client gets.
fn answer(mut client: &UnixStream) -> Vec<String> {
    let mut input = Vec::new();
    loop {
        if let Some(frame) = amp::decode(&input).unwrap() {
            let text = |argument: &Argument<'_>| match argument {
                Argument::Text(text) | Argument::Json(text) => (*text).to_owned(),
                Argument::Bytes(bytes) => format!("{bytes:?}"),
            };
            return frame.arguments.iter().map(text).collect();
        }
        let mut chunk = [0; 1024];
        let count = client.read(&mut chunk).unwrap();
        assert_ne!(count, 0, "the connection ended");
        input.extend(&chunk[..count]);
    }
}

#[test]
fn one_that_calls_three_hundred_times_at_once_has_one_answer_in_each_turn() {
    let (mut scene, streams) = Scene::new(2);
    call(&streams[0], 300);
    call(&streams[1], 1);
    assert_eq!(scene.turn(10), [0, 1]);
    assert!(scene.rpc.want_turn(), "the first one has more to ask");
    assert_eq!((1..300).map(|_| scene.turn(10).len()).sum::<usize>(), 299);
    assert!(scene.turn(10).is_empty());
}

#[test]
fn one_that_does_not_read_has_a_few_answers_waiting_and_no_more() {
    let (mut scene, streams) = Scene::new(1);
    call(&streams[0], 300);
    let served: usize = (0..300).map(|_| scene.turn(1 << 20).len()).sum();
    assert!(served < 4, "{served} answers of a megabyte");
    assert!(!scene.rpc.want_turn(), "nothing to do before it reads");
    // When it reads, it gets the rest.
    streams[0].set_nonblocking(true).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut all = served;
    while all < 300 {
        while (&streams[0]).read(&mut buffer).is_ok() {}
        all += scene.turn(1 << 20).len();
    }
}

#[test]
fn bytes_that_are_no_frame_are_answered_and_the_connection_ends() {
    let (mut scene, streams) = Scene::new(1);
    (&streams[0]).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(scene.turn(10).is_empty());
    let [body, id] = answer(&streams[0]).try_into().unwrap();
    assert!(body.starts_with("{\"error\":\"a frame of version 4"), "{body}");
    assert_eq!(id, "");
    assert_eq!((&streams[0]).read(&mut [0; 16]).unwrap(), 0);
    assert!(scene.rpc.connected.is_empty());
}

#[test]
fn calls_of_one_that_left_are_waited_for_by_nobody() {
    let (mut scene, mut streams) = Scene::new(1);
    let ClientId(number) = scene.rpc.begin(0, "1:0".to_owned(), Then::list());
    drop(streams.pop());
    scene.turn(10);
    // What it waits for may still be asked for by one that only stopped sending.
    scene.rpc.close_call(1, |_| Some(Answer::Void));
    scene.rpc.flush(&mut scene.reports);
    assert!(scene.rpc.connected.is_empty());
    assert_eq!(ClientId(number).call(), Some(1));
}

#[test]
fn a_socket_of_somebody_elses_stays_and_a_dead_ones_is_replaced() {
    let home = tempfile::tempdir().unwrap();
    let poll = Rc::new(Poll::new().unwrap());
    let path = home.path().join(RPC);
    let theirs = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut rpc = Rpc::new(None, &poll);
    let why = rpc.door.mend(home.path()).unwrap_err();
    assert!(why.starts_with("a PM2 runs in this home"), "{why}");
    rpc.door.remove(home.path());
    assert!(path.exists(), "it is not ours");
    drop(theirs);
    assert_eq!(rpc.door.mend(home.path()), Ok(true));
    assert_eq!(rpc.door.mend(home.path()), Ok(false));
    let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rpc.door.mend(home.path()), Ok(true), "it is made again");
    rpc.door.remove(home.path());
    assert!(!path.exists());
}

/// PM2's client waits for ever for what an app answers before the daemon has.
#[test]
fn an_app_is_asked_when_its_client_has_read_the_answer() {
    let (mut scene, clients) = Scene::new(3);
    let runs = || vec![RunId(7)];
    clients.iter().for_each(|client| call(client, 1));
    assert_eq!(scene.turn(10), [0, 1, 2]);
    for client in 0..3 {
        scene.rpc.send_later(0, client, runs(), client.to_string().into_bytes());
    }
    let due = |scene: &mut Scene, now| -> Vec<String> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        scene.rpc.take_sends(now).into_iter().map(|(_, bytes)| text(bytes)).collect()
    };
    assert_eq!(due(&mut scene, 19), [""; 0]);
    let mut read = clients.into_iter();
    let first = read.next().unwrap();
    answer(&first);
    assert_eq!(due(&mut scene, 20), ["0"]);
    // The second goes without having read it, the third never reads.
    drop(read.next());
    scene.turn(10);
    assert_eq!((scene.rpc.sends_at(), due(&mut scene, 39)), (Some(40), Vec::new()));
    assert_eq!(due(&mut scene, 40), ["1"]);
    assert_eq!(due(&mut scene, 9999), [""; 0]);
    assert_eq!(due(&mut scene, READ_LIMIT + SEND_LATER), ["2"]);
    assert_eq!(scene.rpc.sends_at(), None);
}
