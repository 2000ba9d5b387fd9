//! Other machines over TLS, asked by the web API.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustls::version::TLS13;

use crate::receiver::{Authority, PATIENCE, Receiver};

/// The web API, which ends with the test.
struct Web(Child);

impl Drop for Web {
    fn drop(&mut self) {
        // It has ended, or ends now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the web API over this file of machines. Returns its port when it listens.
fn web(home: &Path, hosts: &Path) -> (Web, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostler-companion"));
    command.arg("web").env("OSTLER_HOME", home).env("PM2_API_PORT", port.to_string());
    command.env(ostler_env::OSTLER_WEB_OTHERS, hosts).stdin(Stdio::null()).stdout(Stdio::null());
    let web = Web(command.stderr(Stdio::null()).spawn().unwrap());
    let deadline = std::time::Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < deadline, "it does not listen");
        std::thread::yield_now();
    }
    (web, port)
}

/// Asks for what runs on the other machines.
fn asked(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream);
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    rest.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_machine_is_asked_over_tls_and_one_that_is_not_who_it_should_be_is_told_no_token() {
    let home = tempfile::tempdir().unwrap();
    let (ours, others) = (Authority::new(), Authority::new());
    let ca = home.path().join("ca.pem");
    std::fs::write(&ca, ours.certificate()).unwrap();
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.each_ref().map(|of| of.local_addr().unwrap().port());
    let hosts = home.path().join("hosts");
    let line = |name: &str, port: u16| {
        format!("{name} https://127.0.0.1:{port} the-token {}\n", ca.display())
    };
    std::fs::write(&hosts, line("true", ports[0]) + &line("false", ports[1])).unwrap();
    std::fs::set_permissions(&hosts, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (_web, port) = web(home.path(), &hosts);
    let [one, two] = listeners;
    let good = Receiver::new(&ours, &TLS13, None);
    let bad = Receiver::new(&others, &TLS13, None);
    let told = std::thread::spawn(move || asked(port));
    let refused = std::thread::spawn(move || bad.refusal(&two));
    let head = good.accept(&one).answer(r#"{"processes":[{"name":"afar"}]}"#);
    assert!(head.contains("authorization: Bearer the-token"), "{head}");
    assert_eq!(refused.join().unwrap(), Vec::<u8>::new(), "it was told something");
    let told = told.join().unwrap();
    assert!(told.contains(r#""processes":[{"name":"afar"}]"#), "{told}");
    let why = "its certificate is from nobody who is trusted here; a file of certificates behind \
               the token names who is";
    assert!(told.contains(why), "{told}");
}
