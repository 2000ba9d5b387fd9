//! Lines of a log over TLS to a receiver of our own, by the companion as its own program.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's permission for tests ends at functions marked as tests"
)]

mod others;
mod receiver;

use std::fs::File;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ostler_core::spec::{LogSink, SinkTarget, SyslogAddress};
use ostler_logs::{Names, Plain};
use ostler_sinks::{Around, Form, Forwarder, Kept, Log, Passes, Runs, Sink, read_all};
use receiver::{Authority, PATIENCE, Receiver};
use rustls::version::{TLS12, TLS13};

struct Rig {
    home: tempfile::TempDir,
    ours: Authority,
}

impl Rig {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), ours: Authority::new() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn say(&self, text: &str) {
        let path = self.home.path().join("app.log");
        let mut file = File::options().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Passes lines on to this port, where one of these names is asked for.
    fn start(&self, host: &str, port: u16, identity: Option<(PathBuf, PathBuf)>) -> Forwarder {
        let ca = Some(self.write("ca.pem", &self.ours.certificate()));
        let address = SyslogAddress::Tls { address: format!("{host}:{port}"), ca, identity };
        let target = SinkTarget::Syslog { address, facility: 1 };
        let forwarder = Forwarder::start(Sink {
            app: ("default".to_owned(), "api".to_owned()),
            of: Passes::Sink(LogSink { target, level: None }),
            form: Form::default(),
            around: Around {
                host: "here".to_owned(),
                opener: Arc::new(Plain),
                runs: Runs::default(),
                companion: Some(env!("CARGO_BIN_EXE_ostler-companion").into()),
            },
            kept: ostler_sinks::folder(self.home.path()).join("x.json"),
        });
        let forwarder = forwarder.unwrap();
        forwarder.follow(Log {
            path: self.home.path().join("app.log"),
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

    #[track_caller]
    fn wait_trouble(&self, says: &str) {
        let kept = self.wait_kept(|kept| kept.trouble.as_ref().is_some_and(|of| of.contains(says)));
        assert_eq!(kept.sent, 0);
    }
}

#[test]
fn lines_go_over_tls_of_both_versions_and_on_with_the_next_one_when_the_receiver_comes_back() {
    for version in [&TLS12, &TLS13] {
        let rig = Rig::new();
        let receiver = Receiver::new(&rig.ours, version, None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _forwarder = rig.start("localhost", address.port(), None);
        // More than a message, a record of TLS and a pipe.
        let long = "\u{e4}".repeat(20_000);
        rig.say(&format!("one\n{long}\n"));
        let mut connection = receiver.accept(&listener);
        assert_eq!((connection.message(), connection.message()), ("one".to_owned(), long));
        rig.wait_kept(|kept| kept.sent == 2);
        drop((connection, listener));
        rig.say("three\n");
        let kept = rig.wait_kept(|kept| kept.since.is_some());
        assert_eq!(kept.sent, 2, "{kept:?}");
        let listener = TcpListener::bind(address).unwrap();
        let mut connection = receiver.accept(&listener);
        assert_eq!(connection.message(), "three");
        let many: String = (0..30_000).map(|number| format!("{number}\n")).collect();
        rig.say(&many);
        for number in 0..30_000 {
            assert_eq!(connection.message(), number.to_string());
        }
        let kept = rig.wait_kept(|kept| kept.sent == 30_003);
        assert_eq!((kept.since, kept.trouble, kept.refused), (None, None, 0));
    }
}

#[test]
fn a_receiver_that_is_not_who_it_should_be_gets_nothing() {
    for (host, who, says) in [
        ("127.0.0.1", Some(Authority::new()), "`ca` of the sink names who is"),
        ("127.0.0.2", None, "not valid for name"),
    ] {
        let rig = Rig::new();
        let receiver = Receiver::new(who.as_ref().unwrap_or(&rig.ours), &TLS13, None);
        let listener = TcpListener::bind((host, 0)).unwrap();
        let _forwarder = rig.start(host, listener.local_addr().unwrap().port(), None);
        rig.say("secret\n");
        assert_eq!(receiver.refusal(&listener), Vec::<u8>::new());
        rig.wait_trouble(says);
    }
}

#[test]
fn a_receiver_that_asks_who_we_are_is_told_and_one_that_does_not_know_us_loses_no_line() {
    let rig = Rig::new();
    let other = Authority::new();
    let receiver = Receiver::new(&rig.ours, &TLS12, Some(&rig.ours));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    rig.say("one\n");
    let identity = |who: &Authority| {
        let (certificate, key) = who.issued("client");
        (rig.write("cert.pem", &certificate), rig.write("key.pem", &key))
    };
    // Rsyslog does so with a certificate that is good, and of nobody who is permitted.
    let forwarder = rig.start("localhost", port, Some(identity(&rig.ours)));
    receiver.accept(&listener).hang_up();
    rig.wait_trouble("the receiver has closed the connection");
    drop(forwarder);
    for identity in [None, Some(identity(&other))] {
        let forwarder = rig.start("localhost", port, identity);
        receiver.refusal(&listener);
        rig.wait_trouble("fatal alert");
        drop(forwarder);
    }
    let _forwarder = rig.start("localhost", port, Some(identity(&rig.ours)));
    assert_eq!(receiver.accept_sooner_or_later(&listener).message(), "one");
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let rig = Rig::new();
    let (certificate, _) = rig.ours.issued("client");
    let cert = rig.write("cert.pem", &certificate);
    let _forwarder = rig.start("localhost", 1, Some((cert.clone(), "/nonexistent/key".into())));
    rig.say("one\n");
    rig.wait_trouble("cannot read `/nonexistent/key`: No such file");
    let rig = Rig::new();
    let _forwarder = rig.start("localhost", 1, Some((cert.clone(), cert)));
    rig.say("one\n");
    rig.wait_trouble("cannot be used: ");
}
