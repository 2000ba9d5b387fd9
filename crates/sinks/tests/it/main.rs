//! Lines of real files to real receivers: sockets, a server of HTTP, a command, a file.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_core::spec::{LogSink, SinkTarget, SyslogAddress};
use ostler_logs::{Names, Plain};
use ostler_sinks::{Around, Form, Forwarder, Kept, Log, Passes, Runs, Sink, read_all};

/// Longer than anything here takes; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(120);

struct Rig {
    home: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.path("app.log")
    }

    fn say(&self, text: &str) {
        let mut file = File::options().append(true).create(true).open(self.log()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn start(&self, target: SinkTarget, level: Option<&str>) -> Forwarder {
        let cwd = self.home.path().to_owned();
        let env = std::iter::once(("PATH".to_owned(), "/usr/bin:/bin".to_owned())).collect();
        let sink = Sink {
            app: ("default".to_owned(), "api".to_owned()),
            of: Passes::Sink(LogSink { target, level: level.map(str::to_owned) }),
            form: Form::default(),
            around: Around {
                host: "here".to_owned(),
                opener: Arc::new(Plain),
                runs: Runs { cwd, env, uid: None, gid: None },
                companion: None,
            },
            kept: ostler_sinks::folder(self.home.path()).join("x.json"),
        };
        let forwarder = Forwarder::start(sink).unwrap();
        forwarder.follow(Log {
            path: self.log(),
            id: 3,
            err: false,
            names: vec![Names::default()],
            begin: None,
        });
        forwarder
    }

    /// Waits for what is kept to be so.
    #[track_caller]
    fn wait_kept(&self, is: impl Fn(&Kept) -> bool) -> Kept {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = read_all(self.home.path()).unwrap();
            if let Some(kept) = all.iter().find(|kept| is(kept)) {
                return kept.clone();
            }
            assert!(Instant::now() < deadline, "{all:?}");
            std::thread::yield_now();
        }
    }
}

fn syslog(address: SyslogAddress) -> SinkTarget {
    SinkTarget::Syslog { address, facility: 1 }
}

/// The text of a message, without the time in its head.
#[track_caller]
fn message(bytes: &[u8], severity: u32) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once(' ').unwrap();
    assert_eq!(head, format!("<{}>1", 8 + severity));
    let (time, rest) = rest.split_once(' ').unwrap();
    assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    rest.strip_prefix("here api 3 out - ").unwrap().to_owned()
}

#[test]
fn syslog_gets_each_line_as_a_datagram_over_rotation() {
    let rig = Rig::new();
    let socket = UnixDatagram::bind(rig.path("log.sock")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    rig.say("one\n");
    let forwarder = rig.start(syslog(SyslogAddress::Unix(rig.path("log.sock"))), None);
    let mut room = [0; 70_000];
    let mut next = |severity| {
        let length = socket.recv(&mut room).unwrap();
        message(&room[..length], severity)
    };
    assert_eq!(next(6), "one");
    rig.say("ERROR two\n  of it\npart");
    assert_eq!((next(3), next(3)), ("ERROR two".to_owned(), "  of it".to_owned()));
    rig.say(" of three\n");
    fs::rename(rig.log(), rig.path("app__2026-11-27_10-11-12.log")).unwrap();
    rig.say("four\n");
    assert_eq!((next(6), next(6)), ("part of three".to_owned(), "four".to_owned()));
    let kept = rig.wait_kept(|kept| kept.sent == 5);
    assert_eq!((kept.refused, kept.gaps, kept.trouble), (0, 0, None));
    drop(forwarder);
}

#[test]
fn syslog_over_udp_gets_grave_lines_only_where_no_others_are_wanted() {
    let rig = Rig::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let _forwarder = rig.start(syslog(SyslogAddress::Udp(address)), Some("warn"));
    rig.say("fine\nWARN two\nfine\nERROR three\n");
    let mut room = [0; 4096];
    let length = socket.recv(&mut room).unwrap();
    assert_eq!(message(&room[..length], 4), "WARN two");
    let length = socket.recv(&mut room).unwrap();
    assert_eq!(message(&room[..length], 3), "ERROR three");
}

#[test]
fn a_line_that_is_passed_on_late_has_the_time_at_which_its_file_was_written() {
    let rig = Rig::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    rig.say("one\n");
    let at = std::time::UNIX_EPOCH + Duration::from_millis(1_795_388_825_573);
    File::options().append(true).open(rig.log()).unwrap().set_modified(at).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let _forwarder = rig.start(syslog(SyslogAddress::Udp(address)), None);
    let mut room = [0; 4096];
    let length = socket.recv(&mut room).unwrap();
    assert!(room[..length].starts_with(b"<14>1 2026-11-22T23:07:05.573Z here "));
}

/// Reads messages with their lengths before them.
fn framed(stream: &mut BufReader<TcpStream>) -> String {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length).unwrap();
    let length: usize = std::str::from_utf8(&length).unwrap().trim().parse().unwrap();
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    message(&bytes, 6)
}

#[test]
fn syslog_over_tcp_goes_on_with_the_next_line_when_the_receiver_comes_back() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let _forwarder = rig.start(syslog(SyslogAddress::Tcp(address.to_string())), None);
    rig.say("one\n");
    let (stream, _) = listener.accept().unwrap();
    let mut stream = BufReader::new(stream);
    assert_eq!(framed(&mut stream), "one");
    rig.wait_kept(|kept| kept.sent == 1);
    drop((stream, listener));
    rig.say("two\n");
    let kept = rig.wait_kept(|kept| kept.since.is_some());
    assert!(kept.trouble.unwrap().contains("refused"), "{:?}", kept.since);
    let listener = TcpListener::bind(address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    assert_eq!(framed(&mut BufReader::new(stream)), "two");
    let kept = rig.wait_kept(|kept| kept.sent == 2);
    assert_eq!((kept.since, kept.trouble), (None, None));
}

#[test]
fn the_journal_gets_fields() {
    let rig = Rig::new();
    let socket = UnixDatagram::bind(rig.path("journal")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let _forwarder = rig.start(SinkTarget::Journald { socket: rig.path("journal") }, None);
    rig.say("WARN one\n");
    let mut room = [0; 4096];
    let length = socket.recv(&mut room).unwrap();
    let text = std::str::from_utf8(&room[..length]).unwrap();
    let fields = "MESSAGE=WARN one\nPRIORITY=4\nSYSLOG_IDENTIFIER=api\nAPP_NAME=api\n\
                  APP_ID=3\nAPP_STREAM=out\nAPP_TIME=";
    assert!(text.starts_with(fields), "{text}");
}

#[test]
fn a_command_gets_lines_and_is_started_again_when_it_ends() {
    let rig = Rig::new();
    let command = "read line; echo \"got $line\" >>got".to_owned();
    let _forwarder = rig.start(SinkTarget::Command { command }, None);
    let wait = |text: &str| {
        let deadline = Instant::now() + PATIENCE;
        while fs::read_to_string(rig.path("got")).unwrap_or_default() != text {
            assert!(Instant::now() < deadline, "{:?}", fs::read_to_string(rig.path("got")));
            std::thread::yield_now();
        }
    };
    rig.say("one\n");
    wait("got one\n");
    // It has ended, or is about to: what it took with it nobody can know.
    let mut number = 0;
    let deadline = Instant::now() + PATIENCE;
    while !fs::read_to_string(rig.path("got")).unwrap().contains("got more") {
        number += 1;
        rig.say(&format!("more {number}\n"));
        rig.wait_kept(|kept| kept.sent == number + 1 || kept.since.is_some());
        assert!(Instant::now() < deadline);
    }
}

#[test]
fn a_file_elsewhere_gets_each_line_once_though_its_thread_dies_and_somebody_moves_it() {
    let rig = Rig::new();
    let target = || SinkTarget::File { path: rig.path("copies/all.log") };
    let copy = |name: &str| fs::read_to_string(rig.path(name)).unwrap_or_default();
    rig.say("one\n");
    let first = rig.start(target(), None);
    rig.wait_kept(|kept| kept.sent == 1);
    drop(first);
    rig.say("two\n");
    fs::rename(rig.path("copies/all.log"), rig.path("moved.log")).unwrap();
    let second = rig.start(target(), None);
    rig.say("three\n");
    rig.wait_kept(|kept| kept.sent == 3);
    assert_eq!(
        (copy("moved.log").as_str(), copy("copies/all.log").as_str()),
        ("one\n", "two\nthree\n")
    );
    rig.say("last\n");
    second.finish();
    let deadline = Instant::now() + PATIENCE;
    while !second.is_over() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert!(copy("copies/all.log").ends_with("three\nlast\n"));
    assert_eq!(read_all(rig.home.path()).unwrap(), [], "an app that is gone leaves nothing");
}

/// Takes one request and answers it. Returns its body.
fn serve(listener: &TcpListener, answer: &str) -> String {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    String::from_utf8(body).unwrap()
}

fn records(body: &str) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let resource = &body["resourceLogs"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "api");
    let records = resource["scopeLogs"][0]["logRecords"].as_array().unwrap();
    records.iter().map(|of| of["body"]["stringValue"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_receiver_of_otlp_that_is_busy_is_asked_again_and_what_it_refuses_is_counted() {
    let rig = Rig::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/logs", listener.local_addr().unwrap());
    rig.say("one\ntwo\n");
    let _forwarder = rig.start(SinkTarget::Otlp { url, headers: Vec::new() }, None);
    let busy = serve(&listener, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
    let taken = serve(&listener, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(
        (records(&busy), records(&taken)),
        (records(&taken), vec!["one".into(), "two".into()])
    );
    rig.wait_kept(|kept| kept.sent == 2 && kept.refused == 0);
    rig.say("three\n");
    serve(&listener, "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n");
    let kept = rig.wait_kept(|kept| kept.refused == 1);
    assert_eq!((kept.sent, kept.trouble.as_deref()), (2, Some("it answered 400")));
    rig.say("four\n");
    let body = serve(&listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(records(&body), ["four"]);
}

#[test]
fn what_is_gone_before_a_receiver_comes_is_counted_and_the_rest_follows() {
    let rig = Rig::new();
    let receiver = UnixDatagram::bind(rig.path("log.sock")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    rig.say("one\n");
    let forwarder = rig.start(syslog(SyslogAddress::Unix(rig.path("log.sock"))), None);
    rig.wait_kept(|kept| kept.sent == 1);
    drop((forwarder, receiver));
    fs::remove_file(rig.path("log.sock")).unwrap();
    let _forwarder = rig.start(syslog(SyslogAddress::Unix(rig.path("log.sock"))), None);
    rig.say("two\n");
    rig.wait_kept(|kept| kept.since.is_some());
    fs::remove_file(rig.log()).unwrap();
    rig.say("three\n");
    let receiver = UnixDatagram::bind(rig.path("log.sock")).unwrap();
    receiver.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut room = [0; 4096];
    let length = receiver.recv(&mut room).unwrap();
    assert_eq!(message(&room[..length], 6), "three");
    let kept = rig.wait_kept(|kept| kept.sent == 2);
    assert_eq!((kept.gaps, kept.trouble), (1, None));
}
